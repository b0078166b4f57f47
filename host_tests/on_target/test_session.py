# Session, keys and link: answers that are no good, messages that cannot be made, bearers that
# fail.

import asyncio
import time

from fakehost import SETTINGS, FakeHost, f62
from harness import araises, raises
from shop import MemoryVault, Shop, device, new_shop

from app.crypto.keys import KeyFault
from app.host.iso8583 import FormatError
from app.host.keyring import KeyRing
from app.host.link import Link, LinkError
from app.kernel import clock
from app.pay import types
from app.pay.card import Card
from app.pay.types import Refused
from app.store.flashlog import FlashError
from app.store.journal import JournalFull
from app.store.vault import VaultError


class Host(FakeHost):
    """Keeps what it was asked, answers echo tests, and `change`s the fields of its answers."""

    def __init__(self):
        FakeHost.__init__(self)
        self.asked = []
        self.change = None

    def _receive(self, mti, fields):
        self.asked.append((mti, dict(fields)))
        if mti == "0820":
            self._answer(mti, {39: "00", 41: fields[41], 42: fields[42], 60: fields[60]}, False)
        else:
            FakeHost._receive(self, mti, fields)

    def _answer(self, mti, fields, with_mac, delay=None):
        if self.change is not None:
            self.change(mti, fields)
        FakeHost._answer(self, mti, fields, with_mac, delay)


def shop_with_host():
    _, dev = device()
    return Shop(dev, Host()).boot()


# ---- sign-in ------------------------------------------------------------------------------------


async def test_a_sign_in_whose_keys_are_no_good_changes_no_key():
    shop = shop_with_host()
    assert (await shop.engine.sign_in("01", shop.stage)).approved
    kept = {n: bytes(d) for n, d in shop.vault.slots.items()}
    for bad in (f62()[:-1], f62()[:40], bytes(60), f62()[:16] + bytes(4) + f62()[20:], None):

        def change(mti, fields, bad=bad):
            fields.pop(62)
            if bad is not None:
                fields[62] = bad

        shop.host.change = change
        result = await shop.engine.sign_in("01", shop.stage)
        assert (result.why, result.detail) == (types.SIGN_IN_FAILED, "keys"), bad
        assert not shop.journal.signed_on
        assert {n: bytes(d) for n, d in shop.vault.slots.items()} == kept, bad
    shop.host.change = None
    assert (await shop.engine.sign_in("01", shop.stage)).approved


async def test_keys_that_cannot_be_stored_are_no_sign_in():
    shop = shop_with_host()

    def full(**slots):
        raise VaultError("vault cannot be written: 28")

    shop.vault.put = full
    result = await shop.engine.sign_in("01", shop.stage)
    assert (result.why, result.detail) == (types.SIGN_IN_FAILED, "vault")
    assert not shop.journal.signed_on


async def test_a_host_whose_date_is_none_leaves_the_calendar_alone():
    shop = shop_with_host()
    for date in ("1399", "0230", None):

        def change(mti, fields, date=date):
            fields.pop(13)
            if date:
                fields[13] = date

        shop.host.change = change
        before = clock.now()[:3]
        assert (await shop.engine.sign_in("01", shop.stage)).approved, date
        assert clock.now()[:3] == before, date


def test_the_technician_sees_check_values_and_never_a_key():
    vault = MemoryVault(TMK=bytearray(16), PIK=bytearray(b"\x11\x22" * 8))
    values = KeyRing(vault).check_values()
    assert values["TMK"] == "8CA64D"  # DES of zeros under the zero key, FIPS 81 tables
    assert sorted(values) == ["PIK", "TMK"] and len(values["PIK"]) == 6
    e = raises(KeyFault, KeyRing(vault).mac, bytearray(8), 0, 8)
    assert e.args == ("MAK", "missing")


# ---- echo ---------------------------------------------------------------------------------------


async def test_an_echo_test_needs_no_sign_in_and_books_nothing():
    shop = shop_with_host()
    result = await shop.engine.echo(shop.stage)
    assert result.approved and shop.stages == [types.CONNECTING]
    assert [m for m, _ in shop.host.asked] == ["0820"]
    assert len(shop.journal) == 0 and not shop.journal.signed_on and not shop.host.connected
    shop.host.faults = ["refuse"]
    result = await shop.engine.echo(shop.stage)
    assert not result.approved and result.why == types.NO_HOST
    assert not shop.engine.busy


# ---- answers and requests -----------------------------------------------------------------------


async def test_an_answer_that_does_not_say_whose_it_is_is_none():
    """[F3] Without F11, F39, F41 or F42 it is no answer."""
    for number in (11, 39, 41, 42):
        shop = shop_with_host()
        await shop.engine.sign_in("01", shop.stage)
        shop.host.change = lambda mti, fields, n=number: fields.pop(n)
        result = await shop.sale()
        assert result.why == types.UNKNOWN_RESULT and shop.states() == ["UNKNOWN"], number
        shop.host.change = None
        assert (await shop.sale(700)).approved
        assert shop.states() == ["REVERSED", "APPROVED"] and shop.books_agree()


async def test_a_request_that_cannot_be_made_is_not_sent_and_owes_nothing():
    for pin, changes, why in (
        (b"12", {}, types.KEYS),
        (b"1234x6", {}, types.KEYS),
        (b"123456", {"mid": "7"}, types.NO_HOST),
    ):
        shop = shop_with_host()
        await shop.engine.sign_in("01", shop.stage)
        wrong = dict(SETTINGS)
        wrong.update(changes)
        shop.engine._settings = wrong
        n = len(shop.host.asked)
        result = await shop.sale(pin=pin)
        assert not result.approved and result.why == why, (pin, result.why)
        assert len(shop.host.asked) == n and shop.host.booked == {}
        assert shop.reversals.pending() is None
        # new keys are fetched only when keys were the trouble
        assert shop.journal.signed_on == (why != types.KEYS)
        shop.engine._settings = SETTINGS
        assert (await shop.sale()).approved and shop.books_agree()


async def test_a_track_goes_out_in_clear_only_where_there_is_no_track_key():
    track = b"6225000000000014D30121010000000000"
    for mode, size in (("003", 40), ("004", 60)):
        SETTINGS["key_mode"] = mode
        try:
            shop = shop_with_host()
            shop.host.change = lambda mti, fields, n=size: (
                fields.update({62: f62()[:n]}) if mti == "0800" else None
            )
            assert (await shop.sale()).approved, mode
            sent = shop.host.asked[-1][1]
            assert (bytes(sent[35]) == track) == (mode == "003"), mode
            assert sent[53][2] == ("0" if mode == "003" else "1")
        finally:
            SETTINGS["key_mode"] = "004"


async def test_a_third_track_goes_along_and_a_short_one_is_filled_up():
    for size in (10, 17, 40):
        shop = shop_with_host()
        track3 = bytearray(b"0123456789" * 4)[:size]
        c = Card(bytearray(b"6225000000000014=30121010000000000"), track3)
        result = await shop.engine.sale(100, c, None, "01", shop.stage)
        assert result.approved, size
        sent = shop.host.asked[-1][1]
        assert len(sent[36]) == max(size, 17) and bytes(sent[36]) != bytes(track3), size
        assert bytes(c.track3) == (b"0123456789" * 4)[:size]  # the card's own stays the caller's


async def test_a_decline_that_cannot_be_written_is_reversed_after_a_power_cut():
    """[F1 F8] For nothing, which does no harm."""
    shop = shop_with_host()
    await shop.engine.sign_in("01", shop.stage)
    shop.host.codes[900] = "51"

    def fails(t):
        raise FlashError("program", 0)

    shop.journal.finish = fails
    result = await shop.sale(900)
    assert (result.approved, result.code) == (False, "51")
    again = shop.reboot()
    assert again.reversals.pending() == (1, 900)
    assert (await again.sale(100)).approved and again.books_agree()


async def test_a_full_journal_is_said_before_anything_is_sent():
    """[F7] Settle first."""
    shop = shop_with_host()
    await shop.engine.sign_in("01", shop.stage)
    n = len(shop.host.asked)

    def full(t, seal=None):
        raise JournalFull("flash")

    shop.journal.begin = full
    assert (await shop.sale()).why == types.FULL
    assert len(shop.host.asked) == n and not shop.host.connected


async def test_with_open_transactions_a_host_in_another_batch_gets_no_sale():
    shop = new_shop()
    assert (await shop.sale()).approved
    shop.session.sign_off()
    shop.host.batch = 7
    assert (await shop.sale()).why == types.BATCH_DIFFERS
    assert shop.journal.batch == 1 and shop.states() == ["APPROVED"]


# ---- settlement ---------------------------------------------------------------------------------


async def test_a_settlement_answer_that_is_no_good_keeps_the_batch_to_be_settled_again():
    """[F3] Cut off, refused, not connected."""
    shop = shop_with_host()
    assert (await shop.sale()).approved
    for changes, why in (
        ({48: "0" * 61}, types.SETTLE_UNKNOWN),
        ({39: "96"}, types.SETTLE_REFUSED),
    ):
        shop.host.change = lambda mti, fields, c=changes: fields.update(c)
        e = await araises(Refused, shop.settle())
        assert e.args[0].why == why and shop.journal.batch == 1, changes
    shop.host.change = None
    shop.host.faults = ["refuse"]
    e = await araises(Refused, shop.settle())
    assert e.args[0].why == types.NO_HOST
    # The host closed the batch with its first answer: it says the same again.
    assert (await shop.settle()).balanced and shop.journal.batch == 2


async def test_a_host_that_says_unbalanced_is_believed_whatever_its_totals_say():
    shop = shop_with_host()
    assert (await shop.sale()).approved
    shop.host.change = lambda mti, fields: mti == "0500" and fields.update({39: "95"})
    s = await shop.settle()
    assert not s.balanced and s.own == s.host and shop.journal.batch == 2
    assert list(shop.host.uploads.values()) == ["match"]


# ---- link ---------------------------------------------------------------------------------------


class Bearer:
    """Does what its script says: an exception is raised, bytes are received."""

    signal = None
    reason = None
    connected = False

    def __init__(self, name, ready=True):
        self.name = name
        self.ready = ready
        self.fails = {}  # what: exception
        self.incoming = []
        self.connects = 0
        self.closes = 0

    def _do(self, what):
        e = self.fails.get(what)
        if e is not None:
            raise e

    async def connect(self, host, port, timeout_ms):
        self.connects += 1
        self._do("connect")
        self.connected = True

    async def send(self, data, timeout_ms):
        self._do("send")

    async def recv_into(self, buf, timeout_ms):
        self._do("recv")
        if not self.incoming:
            return 0
        data = self.incoming.pop(0)
        n = min(len(data), len(buf))
        buf[:n] = data[:n]
        return n

    async def close(self):
        self.closes += 1
        self.connected = False
        self._do("close")


def deadline(ms=1000):
    return clock.add(clock.ticks(), ms)


async def test_the_second_bearer_is_taken_when_the_first_fails():
    for e, why in ((asyncio.TimeoutError(), "timeout"), (OSError(111), "error 111")):
        first, second = Bearer("first"), Bearer("second")
        first.fails["connect"] = e
        link = Link([first, second], SETTINGS)
        await link.open()
        assert (first.connects, second.connects) == (1, 1) and second.connected
        second.fails["connect"] = e
        await link.close()
        e = await araises(LinkError, link.open())
        assert e.args == (why,)


async def test_a_connection_that_the_host_has_closed_is_made_anew():
    b = Bearer("b")
    link = Link([b], SETTINGS)
    await link.open()
    await link.open()
    assert b.connects == 1
    b.connected = False
    await link.open()
    assert (b.connects, b.closes) == (2, 1)


async def test_every_failure_of_a_bearer_is_a_link_error():
    for what, e, why in (
        ("send", asyncio.TimeoutError(), "timeout"),
        ("send", OSError(104), "cut"),
        ("recv", asyncio.TimeoutError(), "timeout"),
        ("recv", OSError(104), "cut"),
        ("nothing", OSError(0), "cut"),  # recv_into gives 0: the other side has closed
    ):
        b = Bearer("b")
        link = Link([b], SETTINGS)
        await link.open()
        b.fails[what] = e
        work = link.send(b"x") if what == "send" else link.receive(deadline())
        assert (await araises(LinkError, work)).args == (why,), (what, why)
        b.fails["close"] = OSError(5)
        await link.close()  # what cannot even be closed is given up
        b.fails = {}
        await link.open()
        assert b.connects == 2


def frame(fill, n=40):
    return bytes((0, n)) + fill * n


async def test_two_frames_in_one_piece_and_one_frame_in_many():
    b = Bearer("b")
    link = Link([b], SETTINGS)
    await link.open()
    both = frame(b"a") + frame(b"b", 50)
    rest = frame(b"c")
    b.incoming = [both, rest[:1], rest[1:2], rest[2:30], rest[30:]]
    for want in (frame(b"a"), frame(b"b", 50), rest):
        assert bytes(await link.receive(deadline())) == want
    assert not any(link._buf)  # nothing of a message stays behind


async def test_a_length_that_no_frame_has_ends_the_wait_at_once():
    b = Bearer("b")
    link = Link([b], SETTINGS)
    await link.open()
    b.incoming = [b"\xff\xff"] + [bytes(100)] * 40
    start = time.ticks_ms()
    await araises(FormatError, link.receive(deadline(60_000)))
    assert time.ticks_diff(time.ticks_ms(), start) < 1000 and len(b.incoming) == 40


async def test_a_deadline_that_has_passed_is_not_waited_for():
    link = Link([Bearer("b")], SETTINGS)
    await link.open()
    assert (await araises(LinkError, link.receive(deadline(-1)))).args == ("timeout",)


def test_the_link_is_as_ready_as_its_bearers():
    no, yes = Bearer("no", False), Bearer("yes")
    no.reason = "no_sim"
    yes.signal = 3
    assert not Link([no], SETTINGS).ready() and Link([no, yes], SETTINGS).ready()
    assert Link([no, yes], SETTINGS).signal() == 3 and Link([no], SETTINGS).signal() is None
    assert Link([no], SETTINGS).reason() == "no_sim"
    assert Link([no, yes], SETTINGS).reason() is None
    no.signal = 1
    assert Link([no, yes], SETTINGS).signal() == 3 and Link([no], SETTINGS).signal() == 1
    assert Link([], SETTINGS).reason() == "none" and Link([yes], SETTINGS).reason() is None
