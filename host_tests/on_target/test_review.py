# Faults that a hostile reading of the code found: each with the story that showed it.

import asyncio
import gc

from fakehost import SETTINGS, FakeHost
from harness import araises, flash, raises, until
from shop import Shop, new_shop

from app.crypto.keys import KeyFault
from app.host import cup
from app.host.iso8583 import FormatError
from app.host.keyring import KeyRing
from app.kernel import clock
from app.pay import txn, types
from app.pay.card import Card
from app.pay.types import Refused
from app.store.flashlog import FlashError, FlashLog, LogFull
from app.store.journal import Journal
from app.store.records import NOTHING_LEFT, Txn


async def test_a_batch_number_that_the_host_hands_out_again_is_not_closed_by_an_old_settlement():
    shop = new_shop()
    await shop.sale(100)
    shop.settlement.slip_printed(await shop.settle())
    shop.host.batch = 1
    shop.host.booked = {}
    shop.host.closed_batches = {}
    assert (await shop.sale(5000)).approved
    shop.host.faults = ["cut after"]
    await shop.sale(9000)
    again = shop.reboot()
    assert again.journal.batch == 1
    assert again.states()[0] == "APPROVED" and again.states()[-1] == "UNKNOWN"
    assert again.reversals.pending() == (1, 9000)
    assert (await again.sale(77)).approved and again.books_agree()


async def test_a_close_that_the_flash_refuses_is_made_good_before_the_next_sale():
    shop = new_shop()
    await shop.sale(100)
    close = shop.journal.close_batch

    def fails():
        raise FlashError("program", 0)

    shop.journal.close_batch = fails
    await araises(FlashError, shop.settle())
    assert shop.settlement.unfinished()
    assert (await shop.sale(100)).why == types.SETTLE_FIRST
    shop.journal.close_batch = close
    n = len(shop.host.seen)
    s = await shop.settle()
    assert s.balanced and shop.journal.batch == 2 and not shop.settlement.unfinished()
    assert len(shop.host.seen) == n  # the host was not asked again
    assert (await shop.sale(100)).approved


def test_totals_that_do_not_fit_into_the_message_are_refused_before_it_is_written():
    assert len(cup.totals(1, cup.COUNT_MAX, 1, cup.COUNT_MAX)) == 62
    raises(FormatError, cup.totals, 1, cup.COUNT_MAX + 1, 0, 0)
    raises(FormatError, cup.totals, 0, 0, 1, cup.COUNT_MAX + 1)


async def test_the_sale_that_could_not_be_settled_any_more_is_refused():
    shop = new_shop()
    limit, cup.COUNT_MAX = cup.COUNT_MAX, 3
    try:
        for _ in range(3):
            assert (await shop.sale(100)).approved
        assert (await shop.sale(100)).why == types.FULL
        assert (await shop.void(shop.journal.trace(0))).approved
        assert (await shop.settle()).balanced
    finally:
        cup.COUNT_MAX = limit


async def test_sales_with_and_without_the_host_share_the_count_of_the_totals():
    """F48 counts both as debits: 999 of them together, those that are still owed too."""
    shop = new_shop()
    limit, cup.COUNT_MAX = cup.COUNT_MAX, 3
    SETTINGS["offline_count_max"] = 10
    try:
        assert (await shop.sale(100)).approved
        for _ in range(2):
            shop.host.faults = ["refuse"]
            assert (await shop.sale(100)).txn.kind == cup.OFFLINE
        shop.host.faults = ["refuse"]
        assert (await shop.sale(100)).why == types.FULL
        assert shop.states() == ["APPROVED", "STORED", "STORED"]
        assert (await shop.sale(100)).why == types.FULL
        assert (await shop.void(shop.journal.trace(0))).approved  # a credit
        assert (await shop.settle()).balanced
    finally:
        SETTINGS["offline_count_max"] = 0
        cup.COUNT_MAX = limit


async def test_i8_what_goes_through_ends_the_growing_pauses():
    """On a line that loses every other answer no round goes well; each brings something, though:
    the pauses must not grow to five minutes."""
    shop = new_shop()
    SETTINGS["offline_count_max"] = 10
    try:
        for _ in range(10):
            shop.host.faults = ["refuse"]
            assert (await shop.sale(100)).txn.kind == cup.OFFLINE
        shop.host.faults = ["", "no answer"] * 10
        start = clock.ticks()
        task = asyncio.create_task(shop.saf.run())
        await until(lambda: not shop.saf.owes(), 900_000, "the end of the queue")
        task.cancel()
        took_s = clock.diff(clock.ticks(), start) // 1000
        assert took_s < 10 * (SETTINGS["response_timeout_s"] + 8), took_s
        assert shop.books_agree() and not shop.host.violations
    finally:
        SETTINGS["offline_count_max"] = 0


class Refuser(FakeHost):
    """Answers settlements with a response code, as long as there are some in `refusals`."""

    def __init__(self, *refusals):
        FakeHost.__init__(self)
        self.refusals = list(refusals)

    def _settle(self, fields, fault):
        if not self.refusals:
            FakeHost._settle(self, fields, fault)
            return
        answer = {n: fields[n] for n in (11, 41, 42, 49, 60)}
        answer.update({12: "200000", 13: "1123", 39: self.refusals.pop(0)})
        self._answer("0500", answer, False)


def shop_with(host):
    _, dev = flash(512, 24)
    return Shop(dev, host).boot()


async def test_a_settlement_that_the_host_refuses_leaves_the_terminal_free():
    """[F3] 96 instead of totals."""
    shop = shop_with(Refuser("96"))
    await shop.sale(100)
    e = await araises(Refused, shop.settle())
    assert (e.args[0].why, e.args[0].code) == (types.SETTLE_REFUSED, "96")
    assert not shop.settlement.unfinished()
    assert (await shop.sale(200)).approved
    assert (await shop.reboot().settle()).balanced


async def test_a_refusal_after_totals_that_were_never_answered_frees_nothing():
    # The host had closed the batch: a sale booked after the refusal stood in no batch of its own.
    shop = shop_with(Refuser())
    await shop.sale(100)
    shop.host.faults = ["cut after"]
    assert (await araises(Refused, shop.settle())).args[0].why == types.SETTLE_UNKNOWN
    assert list(shop.host.closed_batches) == [1]
    shop.host.refusals = ["96"]
    assert (await araises(Refused, shop.settle())).args[0].why == types.SETTLE_REFUSED
    shop = shop.reboot()
    assert (await shop.sale(200)).why == types.SETTLE_FIRST
    assert (await shop.settle()).balanced and not shop.host.violations
    assert (await shop.sale(200)).approved


async def test_a_batch_that_only_had_a_declined_sale_does_not_lock_the_terminal():
    # The sign-in before the totals brought the next batch, they went out with nothing in them, the
    # power went: "settle first", and "nothing to settle", for ever.
    shop = shop_with(Refuser())
    shop.host.codes[100] = "05"
    await shop.sale(100)
    shop.host.faults = ["cut after"]
    await araises(Refused, shop.settle())
    shop.session.sign_off()
    assert (await araises(Refused, shop.settle())).args[0].why == types.EMPTY
    assert shop.journal.batch == 2 and not shop.settlement.unfinished()
    assert (await shop.sale(200)).approved
    # Also a note that was written by firmware which did send such totals.
    assert (await shop.settle()).balanced
    s = await shop.settlement._begin("01")
    s.step = 1
    shop.settlement._save(s)
    assert (await shop.sale(200)).why == types.SETTLE_FIRST
    assert (await shop.settle()).balanced
    assert (await shop.sale(200)).approved


async def test_notices_of_an_upload_that_begins_anew_are_marked_as_repeats():
    _, dev = flash(512, 24)
    shop = Shop(dev, settings=dict(SETTINGS, offline_count_max=5)).boot()
    shop.host.faults = ["refuse"]
    assert (await shop.sale(100, None)).txn.kind == cup.OFFLINE
    assert (await shop.sale(200)).approved
    assert (await shop.saf.upload_now("01", shop.stage)).approved
    shop.host.booked[1, 900] = ["sale", 5, "approved", None]
    n = len(shop.host.seen)
    shop.host.faults = ["", "", "", "code 79"]
    e = await araises(Refused, shop.settle())
    assert (e.args[0].why, e.args[0].code) == (types.SETTLE_REFUSED, "79")
    shop = shop.reboot()
    assert not (await shop.settle()).balanced and not shop.host.violations
    sent = [mti for mti, _ in shop.host.seen[n:]]
    assert sent == ["0500", "0320", "0320", "0320", "0320", "0321", "0320"], sent


async def test_a_settlement_that_is_told_to_sign_in_does_so_and_goes_on():
    shop = shop_with(Refuser("77"))
    await shop.sale(100)
    n = shop.host.sign_ins
    assert (await shop.settle()).balanced
    assert shop.host.sign_ins == n + 1


async def test_code_95_is_unbalanced_and_not_a_lock():
    shop = shop_with(Refuser("95"))
    await shop.sale(100)
    s = await shop.settle()
    assert not s.balanced and shop.journal.batch == 2
    assert list(shop.host.uploads.values()) == ["match"]
    assert (await shop.sale(100)).approved


async def test_a_declined_sale_does_not_keep_the_host_from_naming_the_batch():
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    shop.host.batch = 7
    result = await shop.sale(100)
    assert result.approved and shop.journal.batch == 7
    assert shop.states() == ["APPROVED"]
    assert shop.reboot().states() == ["APPROVED"]


def test_states_in_which_nothing_is_left_are_those_of_pay():
    final = [s for s in range(len(txn.NAMES)) if s in NOTHING_LEFT]
    assert [txn.NAMES[s] for s in final] == [
        "DECLINED", "REVERSED", "REJECTED", "CANCELLED", "EXPIRED"
    ]  # fmt: skip
    owed = (txn.SENDING, txn.UNKNOWN) + txn.OWED_UPLOAD + txn.COUNTED
    assert not [txn.NAMES[s] for s in final if s in owed]


async def test_another_batch_at_the_host_stops_sales_and_not_the_settlement():
    shop = new_shop()
    await shop.sale(100)
    shop.host.batch = 7
    assert (await shop.sale(100)).why == types.BATCH_DIFFERS
    n = len(shop.journal)
    for _ in range(3):
        assert (await shop.sale(100)).why == types.BATCH_DIFFERS
    assert len(shop.journal) == n  # no trail of declined sales
    again = shop.reboot()
    assert again.states()[0] == "APPROVED"
    s = await again.settle()  # the way out: what the host says of our batch
    assert s.own[1] == 1


async def test_after_the_settlement_another_batch_at_the_host_is_simply_taken():
    shop = new_shop()
    await shop.sale(100)
    shop.host.batch = 7
    assert (await shop.sale(100)).why == types.BATCH_DIFFERS
    assert (await shop.settle()).balanced
    assert (await shop.sale(200)).approved
    assert shop.journal.batch == 7 and shop.states() == ["APPROVED"]


def test_an_answer_with_fewer_keys_than_asked_for_is_refused():
    from fakehost import TMK, f62
    from shop import MemoryVault

    ring = KeyRing(MemoryVault(TMK=bytearray(TMK)))
    ring.load_working_keys(f62(), "004")
    assert raises(KeyFault, ring.load_working_keys, f62()[:40], "004").args == ("F62", "length")
    raises(KeyFault, ring.load_working_keys, f62(), "003")
    ring.load_working_keys(f62()[:40], "003")
    raises(KeyFault, ring.encrypt_track, bytearray(b"6225000000000014D3012"))


async def test_a_log_that_is_full_before_the_intent_is_said_and_not_raised():
    """[F8] The cashier is told, nothing was sent."""
    shop = new_shop()

    def full(kind, payload, spare=False):
        raise LogFull("no erased block")

    shop.journal._log.append = full
    assert (await shop.sale(100)).why == types.FLASH
    assert (await shop.engine.sign_in("01", shop.stage)).why == types.FLASH
    assert not shop.engine.busy


async def test_an_owed_transaction_whose_record_is_gone_is_reversed_all_the_same():
    """[I11 I5] By what the index knows of it."""
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    shop.host.faults = ["cut after"]
    await shop.sale(5678)

    def gone(i):
        raise FlashError("record", 0)

    shop.journal.load = gone
    assert (await shop.sale(100)).approved
    assert shop.states() == ["REVERSED", "APPROVED"] and shop.books_agree()


class ClosesAlways(FakeHost):
    """A host that closes after each answer."""

    def _answer(self, mti, fields, with_mac, delay=None):
        FakeHost._answer(self, mti, fields, with_mac, delay)
        self.connected = False


async def test_a_host_that_closes_after_each_answer_can_still_ask_for_a_sign_in():
    shop = shop_with(ClosesAlways())
    await shop.engine.sign_in("01", shop.stage)
    shop.host.faults = ["sign in"]
    assert (await shop.sale(100)).approved


def test_uptime_goes_on_where_differences_of_ticks_turn_round():
    import time

    start = clock.uptime_s()
    for _ in range(14):
        time.sleep_ms(86_400_000)
        clock.uptime_s()
    assert clock.uptime_s() - start == 14 * 86_400


def test_a_track_3_that_is_none_is_wiped_and_not_forgotten():
    track3 = bytearray(b"996225000000000014=156:0000")
    card = Card(bytearray(b"6225000000000014=30121010000000000"), track3)
    assert card.track3 is None
    assert bytes(track3) == bytes(len(track3))


def test_the_order_of_creation_survives_copies_and_reboots():
    """[I5 I9] Oldest first, wherever the copies lie."""
    nor, dev = flash(512, 24)
    journal = Journal(FlashLog(dev, ready=3), 12)
    journal.recover()
    for n in range(12):
        t = Txn(cup.SALE, 100 + n)
        journal.begin(t)
        t.state = txn.APPROVED
        journal.finish(t)
        if n == 3:
            journal.put_note(1, b"x")
        while journal.needs_housekeeping() and journal.housekeep():
            pass
    for n in range(60):  # the ring turns, and the old ones are copied forward
        journal.put_note(1, bytes([n]))
        while journal.needs_housekeeping() and journal.housekeep():
            pass
    again = Journal(FlashLog(dev, ready=3), 12)
    again.recover()
    assert [again.amount(i) for i in range(len(again))] == list(range(100, 112))
    assert [again.load(i).amount for i in range(12)] == list(range(100, 112))


def test_a_boot_feeds_the_watchdog_and_passes_over_what_is_settled():
    nor, dev = flash(512, 32)
    journal = Journal(FlashLog(dev, ready=3), 12)
    journal.recover()
    for n in range(20):
        t = Txn(cup.SALE, 100)
        journal.begin(t)
        t.state = txn.APPROVED
        journal.finish(t)
        if n % 5 == 4:
            journal.close_batch()
        while journal.needs_housekeeping() and journal.housekeep():
            pass
        gc.collect()
    again = Journal(FlashLog(dev, ready=3), 12)
    decoded = []
    base = again._replay_base
    again._replay_base = lambda t, loc: (decoded.append(t.batch), base(t, loc))
    pulses = []
    again.recover(lambda: pulses.append(1))
    assert again.batch == 5 and len(again) == 0
    assert decoded == []
    assert len(pulses) >= 32
