"""The ledger on disk: restart, atomicity, secrecy, files that are none."""

import sqlite3
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer import money
from acquirer.cards import CARDS
from acquirer.ledger import LedgerError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "acquirer.db"


def reopen(pos, path, clock):
    """The same terminal after the host was ended and started again on its ledger."""
    pos.host.close()
    pos.host = kit.make_host(path, now=clock)
    return pos


def test_everything_survives_a_restart(path):
    clock = kit.Clock()
    pos = kit.signed_in_pos(kit.make_host(path, now=clock))
    sale = pos.sale(1000)
    sold = pos.last[1]
    early = pos.sale_fields(7000)
    assert pos.reverse(early)[39] == "25"
    assert pos.sale(pin="999999")[39] == "55"
    books = pos.host.books.transactions(pos.tid)

    reopen(pos, path, clock)
    assert pos.host.books.transactions(pos.tid) == books
    assert pos.send("0200", sold)[39] == "94"  # the keys are still good, the trace is used
    assert pos.send("0200", early)[39] == "94"  # the tombstone still stands
    assert [pos.sale(pin="999999")[39] for _ in range(2)] == ["55", "38"]
    assert pos.void(sale)[39] == "00"
    void_request = pos.last[1]

    reopen(pos, path, clock)
    assert pos.void(sale)[39] == "25"
    assert pos.reverse(void_request)[39] == "00"

    reopen(pos, path, clock)
    assert pos.reverse(void_request)[39] == "00"
    assert pos.host.books.totals(pos.tid)["reversal"]["count"] == 1
    first = pos.settle((1000, 1))
    assert first[48][30] == "1"

    reopen(pos, path, clock)
    assert pos.settle((1000, 1))[48] == first[48]
    assert pos.settle((1001, 1))[48][30] == "2"
    assert pos.host.ledger.terminal(pos.tid).batch == 2


def test_numbers_and_keys_go_on_after_a_restart_with_the_same_seed(path):
    seen = set()
    for _ in range(5):
        pos = kit.signed_in_pos(kit.make_host(path, now=kit.Clock()))
        pos.stan = len(seen) * 10
        answer = pos.sale(100)
        assert answer[39] == "00"
        seen.add((answer[37], answer[38], pos.pik, pos.mak))
        pos.host.close()
    for column in zip(*seen, strict=True):
        assert len(set(column)) == 5


def test_card_hash_differs_from_ledger_to_ledger():
    one, two = (kit.make_host(seed=None) for _ in range(2))
    pan = CARDS[0].pan
    assert one.ledger.pan_hash(pan) == one.ledger.pan_hash(pan) != two.ledger.pan_hash(pan)


def test_a_message_that_fails_inside_books_nothing_at_all(monkeypatch, path):
    pos = kit.signed_in_pos(kit.make_host(path))
    log = len(pos.host.books.messages(1000))
    real = money.book

    def book_then_break(x, state):
        real(x, state)
        raise RuntimeError("power cut in the middle of a message")

    monkeypatch.setattr(money, "book", book_then_break)
    fields = pos.sale_fields(1000)
    with pytest.raises(RuntimeError):
        pos.send("0200", fields)
    monkeypatch.undo()
    assert pos.host.books.transactions(pos.tid) == []
    assert len(pos.host.books.messages(1000)) == log
    assert pos.send("0200", fields)[39] == "00"


def test_a_reader_in_another_thread(path):
    """A bench may read the books while its server thread books."""
    pos = kit.signed_in_pos(kit.make_host(path))
    wrong, done = [], threading.Event()

    def read():
        while not done.is_set():
            totals = pos.host.books.totals(pos.tid)
            if totals["sale"]["count"] * 100 != totals["sale"]["amount_fen"]:
                wrong.append(totals)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        assert pos.sale(100)[39] == "00"
    done.set()
    reader.join()
    assert wrong == [] and pos.host.books.totals(pos.tid)["sale"]["count"] == 30


def traffic(pos):
    """Every kind of message, good and bad, with every card."""
    for card in CARDS:
        for mode in ("swipe", "manual", "chip", "tap"):
            answer = pos.sale(5000, card, mode=mode)
            request = pos.last[1]
            if answer[39] == "00":
                pos.void(answer, card, mode=mode)
                pos.reverse(pos.last[1])
            pos.reverse(request)
            pos.sale(5000, card, mode=mode, send={"bad_mac": True})
            pos.sale(5000, card, mode=mode, change={52: "0123456789ABCDEF", 26: "12"})
            pos.sale(5000, card, mode=mode, clear=True)
            body = pos.pack("0200", pos.sale_fields(5000, card, mode=mode))
            for end in range(30, len(body), 7):
                pos.host.handle(body[:end])
            for at in range(13, 21):
                pos.host.handle(body[:at] + bytes([body[at] ^ 0x08]) + body[at + 1 :])
    for name in ("garbage", "wrong_mac", "no_answer", "refuse"):
        pos.host.faults.arm(name, kind="sale")
        pos.sale()
    pos.settle((1, 1))


def test_log_events_and_file_hold_no_card_data(path):
    lines, events = [], []
    host = kit.make_host(path, log=lines.append)
    host.on_event(events.append)
    pos = kit.signed_in_pos(host)
    traffic(pos)
    blocks = {pos.card_fields(card, pin=card.pin).get(52) for card in CARDS if card.pin}
    pik = pos.pik
    host.close()
    text = "\n".join(lines) + repr(events)
    raw = path.read_bytes()
    assert len(lines) > 500 and b"622500******0014" in raw
    for card in CARDS:
        secrets = [card.pan, card.track2, card.track2.replace("=", "D"), card.discretionary[:12]]
        if card.track3:
            secrets.append(card.track3[2:24])
        for secret in secrets:
            assert secret not in text and secret.encode() not in raw, card.name
            if secret.isdigit() and len(secret) % 2 == 0:
                assert bytes.fromhex(secret) not in raw, card.name
    for block in blocks:
        assert block not in text and block.encode() not in raw
        assert bytes.fromhex(block) not in raw
    assert pik.hex() not in text.lower()
    for card in CARDS:
        if card.pin:
            assert f"'{card.pin}'" not in text and f"={card.pin}" not in text
    assert_no_pin_column(path)


def assert_no_pin_column(path):
    """No value of any table is a PIN. Six digits can stand in the middle of a hash or a number."""
    pins = {card.pin for card in CARDS if card.pin}
    db = sqlite3.connect(path)
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert "transactions" in tables and "message_log" in tables
    values = 0
    for table in tables:
        for row in db.execute(f"SELECT * FROM {table}"):
            for value in row:
                values += 1
                assert str(value) not in pins, (table, row)
    db.close()
    assert values > 1000


def test_the_secrecy_test_sees_a_leak(path):
    """Negative control: a PAN in a note would be found."""
    lines = []
    host = kit.make_host(path, log=lines.append)
    host._publish(
        dict.fromkeys(("mti", "kind", "tid", "batch", "stan", "amount", "rc", "totals", "fault"))
        | {"at": kit.START, "kind": "sale", "booked": False, "note": CARDS[0].pan}
    )
    with host.ledger.atomic():
        host.ledger.note_message(at="", direction="in", kind=CARDS[0].pan)
    host.close()
    assert CARDS[0].pan in lines[0] and CARDS[0].pan.encode() in path.read_bytes()


def test_message_log_has_both_directions(path):
    pos = kit.signed_in_pos(kit.make_host(path))
    pos.host.faults.arm("lost_request", kind="sale")
    pos.sale()
    pos.sale()
    last = [(m["direction"], m["mti"], m["kind"]) for m in pos.host.books.messages(3)]
    assert last == [("in", "0200", "sale"), ("in", "0200", "sale"), ("out", "0210", "sale")]
    fault, _, out = pos.host.books.messages(3)
    assert fault["fault"] == "lost_request" and fault["response_code"] is None
    assert out["response_code"] == "00" and out["stan"] == f"{pos.stan:06d}"


# Files


def test_not_a_database(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(LedgerError, match=r"letter\.txt"):
        kit.Host(path)
    assert path.read_text().startswith("Dear")


def test_a_database_of_another_program(tmp_path):
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE addresses (name TEXT)")
    db.commit()
    db.close()
    with pytest.raises(LedgerError, match="another program"):
        kit.Host(path)


def test_a_ledger_of_a_later_version(path):
    kit.make_host(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LedgerError, match="version 99"):
        kit.Host(path)


@pytest.mark.parametrize("where", [".", "no/such/folder/a.db"])
def test_a_path_that_cannot_be_written(tmp_path, where):
    with pytest.raises(LedgerError, match="cannot use ledger"):
        kit.Host(tmp_path / where)


def test_schema_begins_whole_or_not_at_all(path):
    """A host that was killed while it made its ledger leaves an empty file, which the next one
    takes."""
    path.write_bytes(b"")
    kit.make_host(path).close()
    kit.make_host(path).close()
