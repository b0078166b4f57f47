# Approval without the host: every rule of the acquirer, before anything is promised.

import time

import machine
import shop as _shop
from harness import Rng, seed
from shop import Shop, device

from app.host import cup
from app.kernel import clock
from app.pay import limits, txn, types
from app.pay.card import Card
from app.store.flashlog import FlashError

CARD = b"6225000000000014=30121010000000000"
RULES = {"offline_count_max": 3, "offline_txn_max": 20_000, "offline_total_max": 50_000,
         "offline_age_max_h": 24, "offline_cards": ""}  # fmt: skip


def away(**rules):
    """A shop whose host cannot be reached, with the acquirer's rules."""
    _shop.SETTINGS.update(RULES)
    _shop.SETTINGS.update(rules)
    s = Shop(device()[1]).boot()
    s.host.faults = ["refuse"] * 99
    return s


def card(service=b"101", pan=b"6225000000000014", expiry=b"3012"):
    return Card(bytearray(pan + b"=" + expiry + service + b"0000000000"))


def why(amount=100, service=b"101", expiry=b"3012", count=0, total=0, oldest=0, **rules):
    settings = dict(RULES)
    settings.update(rules)
    return limits.refusal(settings, amount, card(service, expiry=expiry), count, total, oldest)


def test_each_limit_at_its_edge():
    """[I7] Per transaction, total, count and age: the last value that is allowed, and the first
    that is not."""
    assert why() is None
    assert why(20_000) is None and why(20_001) == types.OFFLINE_AMOUNT
    assert why(100, total=49_900) is None
    assert why(101, total=49_900) == types.OFFLINE_TOTAL
    assert why(count=2) is None and why(count=3) == types.OFFLINE_COUNT
    assert why(count=1, oldest=24 * 3600) is None
    assert why(count=1, oldest=24 * 3600 + 1) == types.OFFLINE_AGE
    assert why(count=0, oldest=1 << 30) is None  # nothing is outstanding: nothing is old


def test_off_by_default():
    """[I7] Without a count there is no approval: the terminal says that it has no connection."""
    from app.store.settings import SCHEMA

    assert SCHEMA["offline_count_max"][1] == 0
    assert why(offline_count_max=0) == types.NO_HOST


def test_an_expired_card_must_ask_its_issuer():
    """[I7] To the last day of its month; a month that is none; a calendar that is not set."""
    clock.use_rtc(machine.RTC())
    for now, expiry, good in (
        ((2026, 11, 30, 23, 59, 59), b"2611", True),
        ((2026, 12, 1, 0, 0, 0), b"2611", False),
        ((2026, 12, 31, 23, 59, 59), b"2612", True),
        ((2027, 1, 1, 0, 0, 0), b"2612", False),
        ((2027, 1, 1, 0, 0, 0), b"2701", True),
        ((2026, 11, 30, 0, 0, 0), b"3000", False),
        ((2026, 11, 30, 0, 0, 0), b"3013", False),
        ((2000, 1, 1, 0, 0, 0), b"0001", True),
    ):
        machine.RTC().datetime(now[:3] + (0,) + now[3:] + (0,))
        assert why(expiry=expiry) == (None if good else types.OFFLINE_CARD), (now, expiry)


def test_cards_that_must_ask_their_issuer_are_refused():
    """[I7] ISO/IEC 7813: chip cards, cards whose issuer authorises, cards that need a PIN."""
    for service, allowed in ((b"101", True), (b"102", True), (b"106", True), (b"501", True),
                             (b"201", False), (b"601", False), (b"121", False), (b"141", False),
                             (b"100", False), (b"103", False), (b"105", False)):  # fmt: skip
        assert (why(service=service) is None) == allowed, service
    for kinds, allowed in (
        ("", True),
        ("6225", True),
        ("4,62", True),
        ("62250000000000141", False),
        ("4,5", False),
        (",", False),
        ("622500000000001", True),
    ):
        got = why(offline_cards=kinds)
        assert (got is None) == allowed, kinds
        assert allowed or got == types.OFFLINE_CARD


async def test_a_sale_without_network_is_stored_or_refused_with_the_reason():
    """[I7 F7] Limit, and limit + 1; the amounts outstanding are those of the journal."""
    s = away()
    for amount in (100, 200, 300):
        r = await s.sale(amount)
        assert r.approved and r.txn.kind == cup.OFFLINE and r.txn.state == txn.STORED
    assert s.saf.outstanding() == (3, 600)
    assert (await s.sale(400)).why == types.OFFLINE_COUNT
    again = s.reboot()
    assert again.saf.outstanding() == (3, 600) and (await again.sale(1)).why == types.OFFLINE_COUNT
    assert not s.host.seen and s.states() == ["STORED"] * 3
    s = away(offline_total_max=250)
    assert (await s.sale(200)).approved
    assert (await s.sale(51)).why == types.OFFLINE_TOTAL
    assert (await s.sale(50)).approved
    s = away(offline_txn_max=99)
    assert (await s.sale(100)).why == types.OFFLINE_AMOUNT and not s.states()
    s = away(offline_count_max=0)
    assert (await s.sale(100)).why == types.NO_HOST and not s.states()


async def test_age_is_operating_time_and_survives_reboots():
    """[I7 I9 F6] The oldest sale ages while the terminal works, whatever the calendar says."""
    s = away(offline_age_max_h=1, offline_count_max=9)
    assert (await s.sale(100)).approved
    for when in ((2030, 12, 31, 0, 12, 0, 0, 0), (2000, 1, 1, 0, 0, 0, 0, 0)):
        machine.RTC().datetime(when)
        assert (await s.sale(100)).approved, when
    for _ in range(70):
        time.sleep_ms(60_000)
        clock.uptime_s()
    assert (await s.sale(100)).why == types.OFFLINE_AGE
    s.saf._note_age()
    again = s.reboot()
    assert (await again.sale(100)).why == types.OFFLINE_AGE


async def test_a_flash_that_takes_no_more_refuses_offline_sales_and_keeps_uploading():
    """[I11 F8] Read-only flash: nothing new is promised, what is there goes to the host."""
    s = away()
    for amount in (100, 200):
        assert (await s.sale(amount)).approved
    s.host.faults = []
    await s.engine.sign_in("01", s.stage)

    def broken(kind, payload, spare=False):
        raise FlashError("program", 0)

    append, s.journal._log.append = s.journal._log.append, broken
    s.host.faults = ["refuse"]
    assert (await s.sale(300)).why == types.FLASH
    s.host.faults = []
    await s.saf.round()
    assert [e[:3] for e in s.host.booked.values()] == [["offline", 100, "approved"],
                                                       ["offline", 200, "approved"]]  # fmt: skip
    assert s.states() == ["UPLOADED"] * 2
    # After a power cut they are sent again, and the host knows them.
    s.journal._log.append = append
    again = s.reboot()
    assert again.states() == ["STORED"] * 2
    while again.saf.owes():
        await again.saf.round()
    assert again.states() == ["UPLOADED"] * 2 and len(s.host.booked) == 2


async def test_a_full_journal_refuses_and_a_nearly_full_one_warns():
    """[I7 F7] Free space is a limit like the others."""
    s = away(offline_count_max=1000, offline_total_max=999_999)
    warned = None
    for n in range(30):
        if warned is None and s.journal.nearly_full():
            warned = n
        assert (await s.sale(100)).approved, n
    assert warned == 27
    assert (await s.sale(100)).why == types.FULL
    assert s.saf.outstanding() == (30, 3000)


def test_random_outstandings_never_pass_a_limit():
    """[I7] Whatever is asked in whatever order: what was approved stays within the rules."""
    rng = Rng(seed(70))
    for _ in range(50):
        count = total = 0
        for _ in range(20):
            amount = 1 + rng.below(25_000)
            if why(amount, count=count, total=total) is None:
                count += 1
                total += amount
                assert amount <= 20_000
        assert count <= 3 and total <= 50_000
