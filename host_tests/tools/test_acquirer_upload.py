"""Batch upload: details, notices, the end; what is remembered of it and what closes the batch."""

import random
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer import uploads as uploads_module
from acquirer.cards import BY_NAME
from acquirer.control import Control
from acquirer.ledger import LedgerError

# host-protocol.md 2.1, 0330.
UPLOAD_FIELDS = {11, 12, 13, 32, 37, 39, 41, 42, 60}
PAN = BY_NAME["normal"].pan
OTHER_PAN = BY_NAME["credit"].pan


@pytest.fixture
def pos():
    return kit.signed_in_pos()


def batch(pos):
    return pos.host.ledger.terminal(pos.tid).batch


def codes(answer):
    return answer[48][30] + answer[48][61]


def verdicts(pos, number=None):
    return {u["stan"]: u["verdict"] for u in pos.host.books.uploads(pos.tid, number)}


def reasons(pos):
    return [(c["batch"], c["reason"]) for c in pos.host.books.closings(pos.tid)]


def entry(answer, pan=PAN):
    """Entry of F48 for a sale or void by its answer."""
    return answer[11], pan, int(answer[4])


def trade(pos):
    """(entries, advices): two sales, one voided, its void; a declined and a reversed sale; an
    offline sale. The host's totals: debit 60.00 of 3, credit 10.00 of 1."""
    first, second = pos.sale(1000), pos.sale(2000)
    void = pos.void(first)
    pos.sale(900051)
    pos.sale(7000)
    assert pos.reverse(pos.last[1])[39] == "00"
    advice = pos.offline_fields(3000)
    assert pos.advise(advice)[39] == "00"
    return [entry(first), entry(second), entry(void)], [advice]


def test_a_whole_upload(pos):
    entries, (advice,) = trade(pos)
    assert codes(pos.settle((1, 1))) == "21" and batch(pos) == 1
    answer = pos.upload(*entries)
    assert answer.mti == "0330" and set(answer) == UPLOAD_FIELDS and answer[39] == "00"
    assert answer[60] == "00000001201" and answer[11] == pos.last[1][11]
    answer = pos.notice(advice)
    assert answer.mti == "0330" and set(answer) == UPLOAD_FIELDS and answer[39] == "00"
    assert (answer[11], answer[60]) == (advice[11], advice[60])
    answer = pos.end_upload(4)
    assert answer.mti == "0330" and set(answer) == UPLOAD_FIELDS and answer[39] == "00"
    assert answer[60] == "00000001202"
    assert batch(pos) == 2 and reasons(pos) == [(1, "upload")]
    assert set(verdicts(pos).values()) == {"match"} and len(verdicts(pos)) == 4
    first = pos.host.books.uploads(pos.tid)[0]
    assert first == {
        "batch": 1,
        "stan": entries[0][0],
        "kind": "upload_details",
        "amount_fen": 1000,
        "verdict": "match",
    }
    assert pos.host.books.uploads(pos.tid)[-1]["kind"] == "upload_notice"
    assert pos.sale()[39] == "77"
    pos.batch = 2
    assert pos.sale()[39] == "00"


def test_upload_changes_no_money(pos):
    entries, (advice,) = trade(pos)
    before = pos.host.books.transactions(pos.tid)
    pos.upload(*entries)
    pos.upload(("000777", PAN, 5000))
    pos.notice(advice)
    pos.notice(pos.offline_fields(100))
    pos.end_upload(6)
    assert pos.host.books.transactions(pos.tid) == before


# Details


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_one_to_eight_entries(pos, count):
    entries = [entry(pos.sale(100 + n)) for n in range(count)]
    assert pos.upload(*entries)[39] == "00"
    assert len(verdicts(pos)) == count and set(verdicts(pos).values()) == {"match"}


def test_what_the_books_say_to_a_record(pos):
    sale, voided, back = pos.sale(1000), pos.sale(1001), pos.sale(1002)
    assert pos.reverse(pos.last[1])[39] == "00"
    void = pos.void(voided)
    declined, advised = pos.sale(900051), pos.offline(1003)
    others = [pos.sale(2000 + n) for n in range(2)]
    entries = [entry(answer) for answer in (sale, voided, void, back, declined, advised)]
    assert pos.upload(*entries, ("000777", PAN, 1000))[39] == "00"
    assert pos.upload((others[0][11], PAN, 2001), entry(others[1], OTHER_PAN))[39] == "00"
    assert list(verdicts(pos).values()) == ["match"] * 3 + ["missing"] * 4 + ["differs"] * 2


def test_cards_of_any_length(pos):
    """19 digits leave one zero in front, 13 leave seven."""
    pans = ("6" + "2" * 12, "62" * 9 + "2")
    assert pos.upload(*[(f"{n:06d}", pan, 100) for n, pan in enumerate(pans, 1)])[39] == "00"
    assert list(verdicts(pos).values()) == ["missing"] * 2


def text(*entries):
    return f"{len(entries):02d}" + "".join(entries)


GOOD = "00" + "000002" + "0000" + PAN + "000000001000"
DETAILS_30 = {
    "no entry": "00",
    "one digit": "0",
    "nine": text(*[GOOD] * 9)[:322],
    "count too high": "02" + GOOD,
    "count too low": "01" + GOOD + GOOD.replace("000002", "000003"),
    "cut": ("01" + GOOD)[:-1],
    "too long": "01" + GOOD + "0",
    "foreign card": text("01" + GOOD[2:]),
    "trace zero": text(GOOD.replace("000002", "000000")),
    "amount zero": text(GOOD[:28] + "0" * 12),
    "no card": text(GOOD[:8] + "0" * 20 + GOOD[28:]),
    "card of 12 digits": text(GOOD[:8] + "0" * 8 + PAN[:12] + GOOD[28:]),
    "card of 20 digits": text(GOOD[:8] + PAN + "0014" + GOOD[28:]),
    "card on the left": text(GOOD[:8] + PAN + "0000" + GOOD[28:]),
    "the same trace twice": text(GOOD, GOOD),
}


@pytest.mark.parametrize("name", DETAILS_30)
def test_details_of_wrong_form_30(pos, name):
    pos.sale(1000)
    assert pos.upload(change={48: text(GOOD)})[39] == "00"
    before = verdicts(pos)
    second = text(GOOD.replace("000002", "000003"))
    assert pos.upload(change={48: DETAILS_30[name]})[39] == "30"
    assert verdicts(pos) == before == {"000002": "match"}
    assert pos.upload(change={48: second})[39] == "00"


MESSAGE_30 = {
    "no F48": {48: None},
    "no trace": {11: None},
    "trace zero": {11: "000000"},
    "operator": {63: "01 "},
    "currency": {49: "156"},
    "amount": {4: "000000001000"},
    "F60 with more": {60: "00000001201500"},
}


@pytest.mark.parametrize("name", MESSAGE_30)
def test_upload_messages_of_wrong_form_30(pos, name):
    change = MESSAGE_30[name]
    assert pos.upload(entry(pos.sale(1000)), change=change)[39] == "30"
    if 60 not in change:
        assert pos.end_upload(0, change=change)[39] == "30"
    assert verdicts(pos) == {} and batch(pos) == 1


def test_upload_messages_carry_no_mac(pos):
    fields = {11: pos.next_stan(), 41: pos.tid, 42: pos.mid, 48: text(GOOD), 60: "00000001201"}
    answer = pos.send("0320", fields)  # with one
    assert answer[39] == "30" and 64 not in answer
    assert pos.notice({**pos.offline_fields(), 64: "0" * 8})[39] == "30"
    assert verdicts(pos) == {}


def test_other_uploads_are_not_known_12(pos):
    for code in ("203", "204", "205", "206"):
        answer = pos.management("0320", code, {11: pos.next_stan(), 48: "0000"})
        assert (answer.mti, answer[39]) == ("0330", "12")
    for code in ("22", "23", "25", "36"):
        answer = pos.notice(pos.offline_fields(), change={60: f"{code}000001000500"})
        assert (answer.mti, answer[39]) == ("0330", "12")


def test_who_may_upload(pos):
    one = entry(pos.sale(1000))
    advice = pos.offline_fields()
    for change, code in (
        ({41: "99999999"}, "97"),
        ({42: "302440380621101"}, "03"),
    ):
        assert pos.upload(one, change=change)[39] == code
        assert pos.notice(advice, change=change)[39] == code
        assert pos.end_upload(0, change=change)[39] == code
    pos.sign_off()
    assert pos.upload(one)[39] == pos.notice(advice)[39] == pos.end_upload(0)[39] == "77"
    assert verdicts(pos) == {} and batch(pos) == 1
    pos.sign_in()
    assert pos.upload(one)[39] == "00"


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_batch_that_never_was_77(pos, number):
    advice = pos.offline_fields()
    one = entry(pos.sale(1000))
    pos.batch = number
    assert pos.upload(one)[39] == "77"
    assert pos.notice(advice, change={60: f"30{number:06d}000500"})[39] == "77"
    for code in ("202", "207"):
        assert pos.end_upload(0, code)[39] == "77"
    assert verdicts(pos) == {} and batch(pos) == 1


# Notices


def test_what_the_books_say_to_a_notice(pos):
    advices = [pos.offline_fields(1000 + n) for n in range(4)]
    for advice in advices:
        pos.advise(advice)
    never, refused = pos.offline_fields(500), pos.offline_fields(900051)
    pos.advise(refused)
    sale = pos.sale(1000)
    as_sale = {**pos.offline_fields(1000), 11: sale[11], 38: sale[38]}
    assert pos.notice(advices[0])[39] == "00"
    assert pos.notice(advices[1], change={4: "000000001002"})[39] == "00"
    assert pos.notice(advices[2], change={2: OTHER_PAN})[39] == "00"
    assert pos.notice(advices[3], change={38: "OF9999"})[39] == "00"
    for advice in (never, refused, as_sale):
        assert pos.notice(advice)[39] == "00"
    assert list(verdicts(pos).values()) == ["match"] + ["differs"] * 3 + ["missing"] * 3


def test_notice_of_a_voided_offline_sale_matches(pos):
    advice = pos.offline_fields(1000)
    pos.void(pos.advise(advice))
    assert pos.notice(advice)[39] == "00" and verdicts(pos) == {advice[11]: "match"}


NOTICE_30 = {
    "no amount": {4: None},
    "amount zero": {4: "0" * 12},
    "no expiry": {14: None},
    "no PAN": {2: None},
    "no auth code": {38: None},
    "F61": {61: "000001000002"},
    "F63": {63: "CUP"},
    "track": {35: "6225000000000014D30121010000012345000"},
    "F3": {3: "200000"},
    "F25": {25: "06"},
    "F48": {48: "0000"},
    "F60 as a detail has it": {60: "30000001201"},
}


@pytest.mark.parametrize("name", NOTICE_30)
def test_notice_of_wrong_form_30(pos, name):
    advice = pos.offline_fields()
    pos.advise(advice)
    assert pos.notice(advice, change=NOTICE_30[name])[39] == "30"
    assert verdicts(pos) == {}
    assert pos.notice(advice)[39] == "00"


def test_notice_of_another_currency_a1(pos):
    assert pos.notice(pos.offline_fields(), change={49: "840"})[39] == "A1"


# The same again


def test_records_are_remembered_once(pos):
    entries, (advice,) = trade(pos)
    for mti in ("0320", "0321", "0320"):
        assert pos.upload(*entries, mti=mti)[39] == "00"
    assert pos.upload(entries[1])[39] == "00"  # in another message
    for again in (False, True, True):
        assert pos.notice(advice, again)[39] == "00"
    assert len(verdicts(pos)) == 4
    assert pos.end_upload(4)[39] == "00"


def test_a_marked_message_that_never_came_before_is_taken(pos):
    entries, (advice,) = trade(pos)
    fields = {11: pos.next_stan(), 48: "0004"}
    assert pos.upload(*entries, mti="0321")[39] == "00"
    assert pos.notice(advice, again=True)[39] == "00"
    assert pos.management("0321", "202", fields)[39] == "00"
    assert batch(pos) == 2


CONTRADICTIONS = {
    "amount": lambda stan: (stan, PAN, 1001),
    "card": lambda stan: (stan, OTHER_PAN, 1000),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_record_with_other_contents_94_and_the_message_has_no_effect(pos, name):
    sale, other = pos.sale(1000), pos.sale(2000)
    assert pos.upload(entry(sale))[39] == "00"
    assert pos.upload(entry(other), CONTRADICTIONS[name](sale[11]), mti="0321")[39] == "94"
    assert verdicts(pos) == {sale[11]: "match"}
    assert pos.upload(entry(other), entry(sale))[39] == "00"
    assert verdicts(pos) == {sale[11]: "match", other[11]: "match"}


def test_a_notice_with_other_contents_or_told_as_a_detail_94(pos):
    advice = pos.offline_fields(1000)
    pos.advise(advice)
    assert pos.notice(advice)[39] == "00"
    assert pos.notice(advice, True, {4: "000000001001"})[39] == "94"
    assert pos.notice(advice, True, {2: OTHER_PAN})[39] == "94"
    assert pos.upload((advice[11], PAN, 1000))[39] == "94"
    assert verdicts(pos) == {advice[11]: "match"}


def test_batches_and_terminals_do_not_mix(pos):
    assert pos.upload(("000100", PAN, 1))[39] == "00"
    assert pos.end_upload(1)[39] == "00"
    pos.batch = 2
    assert pos.upload(("000100", PAN, 2))[39] == "00"
    pos.host.add_terminal("58402002", kit.MID, kit.TMK)
    other = kit.Pos(pos.host, tid="58402002")
    other.sign_in()
    assert other.upload(("000100", PAN, 3))[39] == "00"
    assert len(pos.host.books.uploads(pos.tid)) == 2
    assert len(pos.host.books.uploads(pos.tid, 2)) == len(pos.host.books.uploads(other.tid)) == 1
    assert other.end_upload(2)[39] == "79" and other.end_upload(1)[39] == "00"
    assert (batch(pos), batch(other)) == (2, 2)


# The end


@pytest.mark.parametrize("told", [0, 3, 5, 9999])
def test_202_with_another_number_79_and_nothing_closes(pos, told):
    entries, (advice,) = trade(pos)
    pos.upload(*entries)
    pos.notice(advice)
    assert pos.end_upload(told)[39] == "79"
    assert batch(pos) == 1 and reasons(pos) == []
    assert pos.end_upload(4)[39] == "00" and batch(pos) == 2


def test_202_after_nothing(pos):
    pos.sale(1000)
    assert pos.end_upload(1)[39] == "79"
    assert pos.end_upload(0)[39] == "00" and batch(pos) == 2


@pytest.mark.parametrize("value", ["001", "00001", "00000004"])
def test_end_of_wrong_form_30(pos, value):
    for code in ("202", "207"):
        assert pos.end_upload(0, code, change={48: value})[39] == "30"
    assert batch(pos) == 1


@pytest.mark.parametrize("fault", ["no_answer", "cut_before_reply", "cut_in_reply", "garbage"])
def test_202_whose_answer_is_lost_has_closed_the_batch(pos, fault):
    entries, _ = trade(pos)
    pos.upload(*entries)
    pos.host.faults.arm(fault, kind="upload_end")
    fields = {11: pos.next_stan(), 48: "0003"}
    pos.management("0320", "202", fields)
    assert batch(pos) == 2
    for _ in range(2):
        answer = pos.management("0321", "202", fields)
        assert answer[39] == "00" and answer[60] == "00000001202"
    assert batch(pos) == 2 and reasons(pos) == [(1, "upload")]
    assert pos.management("0321", "202", {**fields, 48: "0004"})[39] == "79"
    assert pos.host.books.unmarked_repeats(pos.tid) == []


def test_late_records_of_a_closed_batch(pos):
    """A network that delivers twice brings what was uploaded before: 00, and nothing new."""
    entries, (advice,) = trade(pos)
    pos.upload(*entries)
    pos.notice(advice)
    assert pos.end_upload(4)[39] == "00"
    assert pos.upload(*entries, mti="0321")[39] == pos.notice(advice, True)[39] == "00"
    assert len(verdicts(pos)) == 4 and pos.end_upload(4)[39] == "00"
    assert batch(pos) == 2


def test_0500_for_a_batch_that_202_closed(pos):
    entries, (advice,) = trade(pos)
    pos.upload(*entries)
    pos.notice(advice)
    pos.end_upload(4)
    answer = pos.settle((1, 1))
    assert answer[48][:31] == "000000006000003000000001000001" + "2" and batch(pos) == 2
    assert codes(pos.settle((6000, 3), (1000, 1))) == "11" and batch(pos) == 2
    assert reasons(pos) == [(1, "upload")]
    assert [s["closed"] for s in pos.host.books.settlements(pos.tid)] == [False, False]


def test_reversal_for_a_batch_that_202_closed(pos):
    pos.sale(1000)
    sold = pos.last[1]
    pos.end_upload(0)
    assert pos.reverse(sold)[39] == "22"
    assert pos.reverse({**sold, 11: "000777"})[39] == "25"


def test_batch_number_wraps_to_one_after_202():
    pos = kit.signed_in_pos(kit.make_host(batch=999999))
    assert pos.end_upload(0)[39] == "00" and batch(pos) == 1


def test_207_after_a_balanced_settlement(pos):
    pos.sale(1000)
    assert pos.end_upload(0, "207")[39] == "79"  # nothing has closed the batch
    assert codes(pos.settle((1000, 1))) == "11"
    answer = pos.end_upload(0, "207")
    assert answer[39] == "00" and set(answer) == UPLOAD_FIELDS and answer[60] == "00000001207"
    assert pos.end_upload(0, "207", {11: pos.last[1][11]})[39] == "00"
    assert pos.end_upload(1, "207")[39] == "79"
    assert batch(pos) == 2 and reasons(pos) == [(1, "settlement")]


def test_207_for_an_open_batch(pos):
    assert pos.end_upload(0, "207")[39] == "00" and batch(pos) == 1  # nothing is in it
    pos.sale(900051)
    assert pos.end_upload(0, "207")[39] == "00"  # nor is money now
    pos.offline(100)
    assert pos.end_upload(0, "207")[39] == "79" and batch(pos) == 1


def test_207_for_a_batch_that_202_closed_79(pos):
    pos.end_upload(0)
    assert pos.end_upload(0, "207")[39] == "79"


def test_202_for_a_batch_that_a_settlement_closed_closes_nothing(pos):
    """The terminal settled again with other totals, and uploads: 2.6 knows no other way on."""
    sale = pos.sale(1000)
    assert codes(pos.settle((1000, 1))) == "11"
    assert codes(pos.settle((1001, 1))) == "21"
    assert pos.upload((sale[11], PAN, 1001))[39] == "00" and verdicts(pos, 1) == {
        sale[11]: "differs"
    }
    assert pos.end_upload(0)[39] == "79" and pos.end_upload(1)[39] == "00"
    assert batch(pos) == 2 and reasons(pos) == [(1, "settlement")]


# Faults, restart, power cut


@pytest.mark.parametrize("kind", ["upload_details", "upload_notice", "upload_end"])
def test_a_declined_upload_has_no_effect(pos, kind):
    one = entry(pos.sale(1000))
    advice = pos.offline_fields()
    pos.advise(advice)
    send = {
        "upload_details": lambda mti: pos.upload(one, mti=mti),
        "upload_notice": lambda mti: pos.notice(advice, mti == "0321"),
        "upload_end": lambda mti: pos.management(mti, "202", {11: "000900", 48: "0000"}),
    }[kind]
    pos.host.faults.arm("response_code", kind=kind, code="96")
    assert send("0320")[39] == "96"
    assert verdicts(pos) == {} and batch(pos) == 1
    assert send("0321")[39] == "00"
    assert len(verdicts(pos)) + batch(pos) == 2


def test_a_fault_for_0320_fits_0321(pos):
    one = entry(pos.sale(1000))
    pos.host.faults.arm("response_code", count=2, mti="0320", code="96")
    assert [pos.upload(one, mti=mti)[39] for mti in ("0320", "0321", "0321")] == ["96", "96", "00"]


def test_events_tell_what_closed_the_batch(pos):
    events = []
    pos.host.on_event(events.append)
    pos.upload(("000100", PAN, 1))
    pos.end_upload(1)
    pos.end_upload(1)
    assert [(e["kind"], e["booked"], e["rc"]) for e in events] == [
        ("upload_details", False, "00"),
        ("upload_end", True, "00"),
        ("upload_end", False, "00"),
    ]


def test_uploads_survive_a_restart_between_any_two_messages(tmp_path):
    path, clock = tmp_path / "acquirer.db", kit.Clock()
    pos = kit.signed_in_pos(kit.make_host(path, now=clock))
    entries, (advice,) = trade(pos)
    for step in (
        lambda: pos.upload(*entries[:2])[39],
        lambda: pos.upload(*entries[1:])[39],
        lambda: pos.notice(advice)[39],
        lambda: pos.notice(advice, True)[39],
        lambda: pos.end_upload(4)[39],
        lambda: pos.end_upload(4)[39],
    ):
        pos.host.close()
        pos.host = kit.make_host(path, now=clock)
        assert step() == "00"
    assert batch(pos) == 2 and reasons(pos) == [(1, "upload")] and len(verdicts(pos)) == 4


def test_a_cut_inside_the_message_leaves_nothing_of_it(monkeypatch, pos):
    entries, _ = trade(pos)
    real, asked = uploads_module._verdict, []

    def cut(x, record):
        asked.append(record)
        if len(asked) == 2:
            raise RuntimeError("power cut in the middle of a message")
        return real(x, record)

    monkeypatch.setattr(uploads_module, "_verdict", cut)
    with pytest.raises(RuntimeError):
        pos.upload(*entries)
    assert verdicts(pos) == {}
    monkeypatch.undo()
    assert pos.upload(*entries)[39] == "00" and len(verdicts(pos)) == 3
    assert PAN not in repr(asked)


def test_unmarked_repeats_of_an_upload(pos):
    entries, (advice,) = trade(pos)
    details = {11: pos.next_stan()}
    for mti in ("0320", "0321", "0320"):
        pos.upload(*entries, change=details, mti=mti)
    pos.notice(advice)
    end = {11: details[11], 48: "0004"}  # the same trace with another code is another message
    pos.management("0320", "202", end)
    pos.management("0320", "202", end)
    expected = [("0320", 1, details[11])] * 2
    assert pos.host.books.unmarked_repeats(pos.tid) == expected


def test_a_ledger_of_the_version_before_is_refused(tmp_path):
    path = tmp_path / "acquirer.db"
    kit.make_host(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 1")
    db.close()
    with pytest.raises(LedgerError, match="version 1"):
        kit.Host(path)


def test_no_card_in_file_log_or_events(tmp_path):
    path, lines, events = tmp_path / "acquirer.db", [], []
    host = kit.make_host(path, log=lines.append)
    host.on_event(events.append)
    pos = kit.signed_in_pos(host)
    entries, (advice,) = trade(pos)
    pos.upload(*entries)
    pos.upload(("000777", OTHER_PAN, 1))
    pos.upload((entries[0][0], OTHER_PAN, 1))
    pos.upload(change={48: DETAILS_30["foreign card"]})
    pos.notice(advice)
    pos.notice(advice, True, {2: OTHER_PAN})
    pos.advise(advice, True, {2: OTHER_PAN})
    pos.end_upload(1)
    host.close()
    told, raw = "\n".join(lines) + repr(events), path.read_bytes()
    assert len(lines) > 15
    for pan in (PAN, OTHER_PAN):
        assert pan not in told and pan.encode() not in raw and bytes.fromhex(pan) not in raw


# The control line


def test_control_line_shows_offline_sales_and_uploads(pos):
    line = Control(pos.host, pos.tid).line
    assert line("uploads") == "no uploads"
    entries, (advice,) = trade(pos)
    pos.upload(*entries)
    pos.upload(("000777", PAN, 5000))
    pos.notice(advice)
    rows = [row.split() for row in line("uploads").splitlines()]
    assert rows[0] == ["000001", entries[0][0], "upload_details", "10.00", "match"]
    assert rows[3] == ["000001", "000777", "upload_details", "50.00", "missing"]
    assert rows[4] == ["000001", advice[11], "upload_notice", "30.00", "match"]
    assert line("uploads 58402001 1") == line("uploads") and line("uploads 2") == "no uploads"
    assert "not registered" in line("uploads 99999999")
    assert [w.split() for w in line("totals").splitlines()][1] == ["offline", "1", "30.00"]
    assert "offline" in line("ledger") and advice[38] in line("ledger")


# Everything together


@pytest.mark.parametrize("seed", range(15))
def test_an_upload_ends_whatever_gets_lost(seed):
    """A terminal that sends until it is answered: afterwards every record is here once, the batch
    is closed once, and every repeat was marked."""
    rng = random.Random(seed)
    print("seed", seed)
    pos = kit.signed_in_pos(kit.make_host(seed=seed))
    entries = [entry(pos.sale(rng.randrange(1, 900000))) for _ in range(rng.randrange(0, 20))]
    advices = [pos.offline_fields(rng.randrange(1, 900000)) for _ in range(rng.randrange(0, 6))]
    for advice in advices:
        assert pos.advise(advice)[39] == "00"
    for name in ("no_answer", "lost_request", "refuse", "cut_in_reply", "response_code"):
        pos.host.faults.arm(name, count=1000, mti="0320", chance=0.2)

    def deliver(fields):
        mti = "0320"
        while True:
            reply = pos.host.handle(pos.pack(mti, fields, mac=False))
            sent = [a.data for a in reply.actions if hasattr(a, "data")]
            mti = "0321"
            if sent and len(sent[0]) == 2 + len(reply.body):
                code = kit.Answer(reply.body)[39]
                if code != "96":
                    return code

    base = {41: pos.tid, 42: pos.mid}
    for at in range(0, len(entries), 8):
        group = entries[at : at + 8]
        told = f"{len(group):02d}" + "".join(
            f"00{stan}{pan.rjust(20, '0')}{fen:012d}" for stan, pan, fen in group
        )
        fields = {**base, 11: pos.next_stan(), 48: told, 60: "00000001201"}
        assert deliver(fields) == "00"
    for advice in advices:
        assert deliver(advice) == "00"
    count = len(entries) + len(advices)
    assert len(verdicts(pos)) == count and set(verdicts(pos).values()) <= {"match"}
    end = {**base, 11: pos.next_stan(), 48: f"{count:04d}", 60: "00000001202"}
    assert deliver(end) == "00"
    assert batch(pos) == 2 and reasons(pos) == [(1, "upload")]
    assert pos.host.books.unmarked_repeats(pos.tid) == []
