# The clock chips' drivers against models of the chips, and what usual drivers do there.

import asyncio
import time

import bus
from harness import Rng, raises, seed
from machine import I2C, RTC
from naive_small import NaiveDS3231, NaivePCF8563

from app.kernel import clock
from drivers.rtc import DIGITS, RANGE, STOPPED, UNSET, bcd, ds3231, pcf8563
from drivers.rtc.keeper import Keeper
from models import clock_chips

NOON = (2026, 11, 24, 1, 12, 30, 15, 0)  # a Tuesday


class Desk:
    """A fresh board with a clock chip, a keeper and its task."""

    def __init__(self, chip="ds3231", naive=False, **options):
        bus.use(bus.LocalBus())
        dead_processor()
        self.naive = naive
        self.is_ds = chip == "ds3231"
        self.model = (clock_chips.DS3231 if self.is_ds else clock_chips.PCF8563)(**options)
        bus.current.rack.attach_i2c(0, 0x68 if self.is_ds else 0x51, self.model)
        self.start()

    def start(self):
        """The processor starts: new objects, the chip is what it was."""
        i2c = I2C(0, freq=400_000, timeout=2000)
        rtc = RTC()
        if self.naive:
            self.keeper = (NaiveDS3231 if self.is_ds else NaivePCF8563)(i2c, rtc)
        else:
            self.keeper = Keeper((ds3231.DS3231 if self.is_ds else pcf8563.PCF8563)(i2c), rtc)

    def now(self):
        bus.current._advance()
        return bus.current.rack.now_us

    def chip_now(self):
        """(year of the century, month, day, hour, minute, second) that the chip has."""
        self.model.advance(self.now())
        return self.model.now()

    def power_cut(self, seconds):
        time.sleep(seconds)
        dead_processor()
        self.start()
        return self.keeper.load()


def dead_processor():
    """Without power the processor's own calendar is lost."""
    RTC().datetime((2000, 1, 1, 5, 0, 0, 0, 0))


def fails(check, *args, **options):
    try:
        check(*args, **options)
    except (AssertionError, OSError, ValueError):
        return True
    return False


CHIPS = ("ds3231", "pcf8563")


def test_r1_a_clock_whose_battery_was_empty_is_not_trusted():
    """The back-up battery died over the holidays: the chip runs, but its time is wrong, and says
    so in one bit that most drivers do not read."""

    def check(chip, naive=False):
        desk = Desk(chip, naive)
        desk.keeper.datetime(NOON)
        assert desk.power_cut(60)
        assert RTC().datetime()[:7] == (2026, 11, 24, 1, 12, 31, 15)
        desk.model.battery_dies()
        assert not desk.power_cut(3600)
        assert not clock.is_set()
        assert (desk.keeper.status, desk.keeper.reason) == ("fault", STOPPED)
        desk.keeper.datetime(NOON)
        assert desk.power_cut(1)

    for chip in CHIPS:
        check(chip)
        assert fails(check, chip, True), chip


def test_r2_what_is_no_date_is_not_taken():
    """Bits of the registers flip: no digits, day 32, month 13, hour 24 are refused with a reason;
    whatever the bits are, no exception and no impossible date."""

    def check(chip, naive=False):
        wrong = {
            "ds3231": ((0, 0x5A, DIGITS), (1, 0x60, RANGE), (2, 0x24, RANGE), (4, 0x32, RANGE),
                       (4, 0x00, RANGE), (5, 0x13, RANGE), (5, 0x00, RANGE), (6, 0xF0, DIGITS),
                       (5, 0x91, RANGE)),
            "pcf8563": ((2, 0x5A, DIGITS), (3, 0x60, RANGE), (4, 0x24, RANGE), (5, 0x32, RANGE),
                        (5, 0x00, RANGE), (7, 0x13, RANGE), (7, 0x00, RANGE), (8, 0xF0, DIGITS),
                        (7, 0x91, RANGE)),
        }[chip]  # fmt: skip
        for at, value, reason in wrong:
            desk = Desk(chip, naive)
            desk.keeper.datetime(NOON)
            desk.model.regs[at] = value
            dead_processor()
            assert not desk.keeper.load(), (chip, at)
            assert desk.keeper.reason == reason, (chip, at, desk.keeper.reason)
            assert not clock.is_set()

    for chip in CHIPS:
        check(chip)
        assert fails(check, chip, True), chip
    rng = Rng(seed(9))
    for _ in range(1500):
        for module, n in ((ds3231, 16), (pcf8563, 9)):
            for decode in (module.decode, module.decode_time):
                reason, t = decode(rng.bytes(n))
                assert (t is None) == bool(reason)
                if t:
                    assert bcd.check(t) == "" and t[3] == bcd.weekday(*t[:3])


def test_r3_midnight_between_two_registers_makes_no_wrong_day():
    """The clock is read at 23:59:59.999: all of the old day or all of the new one, never the hour
    of one and the date of the other."""

    def check(naive=False):
        for us in range(997_000, 1_001_000, 250):
            desk = Desk("ds3231", naive)
            desk.keeper.datetime((2026, 12, 31, 3, 23, 59, 59, 0))
            start = desk.model._second_us
            bus.current.spend(start + us - bus.current.now_us())
            assert desk.keeper.load()
            t = RTC().datetime()
            assert t[:7] in ((2026, 12, 31, 3, 23, 59, 59), (2027, 1, 1, 4, 0, 0, 0)), t

    check()
    assert fails(check, True)


def test_r4_a_time_that_was_written_by_halves_is_not_trusted():
    """The bus breaks off in the middle of setting the clock, then power goes: the chip holds new
    minutes and an old date, and must not be believed."""

    def check(chip, naive=False):
        for s in range(12):
            desk = Desk(chip, naive, seed=s)
            desk.keeper.datetime((2025, 1, 31, 4, 8, 0, 0, 0))
            t = desk.now()
            desk.model.fault("cut", t, t + 10_000_000)
            try:
                desk.keeper.datetime(NOON)
            except OSError:
                pass
            desk.model.faults.clear()
            trusted = desk.power_cut(20)
            got = RTC().datetime()
            if trusted:
                ok = got[:3] == (2026, 11, 24) and got[4:6] == (12, 30)
                assert ok or got[:3] == (2025, 1, 31) and got[4] == 8, (chip, s, got)

    for chip in CHIPS:
        check(chip)
    assert fails(check, "pcf8563", True)

    def single(naive=False):
        # The naive DS3231 driver writes register by register: cut between two of them.
        for at_us in range(0, 2000, 100):
            desk = Desk("ds3231", naive)
            desk.keeper.datetime((2025, 1, 31, 4, 8, 0, 0, 0))
            t = desk.now()
            desk.model.fault("nack", t + at_us, t + 10_000_000)
            try:
                desk.keeper.datetime(NOON)
            except OSError:
                pass
            desk.model.faults.clear()
            if desk.power_cut(20):
                got = RTC().datetime()
                assert got[:3] in ((2026, 11, 24), (2025, 1, 31)), got
                assert got[4:6] == ((12, 30) if got[0] == 2026 else (8, 0)), got

    single()
    assert fails(single, True)


def test_r5_twelve_hours_are_understood():
    """Other software left the chip counting in twelve hours: noon and midnight are told apart, and
    setting goes back to 24."""

    def check(naive=False):
        for hour in range(24):
            desk = Desk("ds3231", naive)
            desk.keeper.datetime((2026, 2, 3, 1, hour, 5, 6, 0))
            desk.model.twelve_hours()
            assert desk.power_cut(1)
            assert RTC().datetime()[4] == hour, hour
            desk.keeper.datetime((2026, 2, 3, 1, hour, 5, 6, 0))
            assert not desk.model.regs[2] & 0x40

    check()
    assert fails(check, True)
    for b, want in ((0x52, 0), (0x72, 12), (0x41, 1), (0x71, 23), (0x53, -2), (0x40, -2),
                    (0x4A, -1), (0x23, 23), (0x24, -2)):  # fmt: skip
        assert bcd.hour_of(b) == want, b


def test_r6_leap_years_weekdays_and_the_end_of_the_century():
    """29 February, the weekday computed instead of believed, and the year 2100, which is no leap
    year but is one for the chips: refused, not guessed."""

    def check(chip, naive=False):
        for before, after in (
            ((2028, 2, 28, 0, 23, 59, 58, 0), (2028, 2, 29, 1)),
            ((2027, 2, 28, 6, 23, 59, 58, 0), (2027, 3, 1, 0)),
            ((2028, 2, 29, 1, 23, 59, 58, 0), (2028, 3, 1, 2)),
            ((2026, 12, 31, 3, 23, 59, 58, 0), (2027, 1, 1, 4)),
        ):
            desk = Desk(chip, naive)
            desk.keeper.datetime(before)
            desk.model.regs[3 if desk.is_ds else 6] = 5  # a weekday that somebody else counts
            assert desk.power_cut(3)
            assert RTC().datetime()[:4] == after, (chip, RTC().datetime())
        desk = Desk(chip, naive)
        desk.keeper.datetime((2099, 12, 31, 3, 23, 59, 58, 0))
        assert not desk.power_cut(3)
        assert desk.keeper.reason == RANGE
        raises(ValueError, desk.keeper.datetime, (2100, 1, 1, 4, 0, 0, 0, 0))
        raises(ValueError, desk.keeper.datetime, (2026, 2, 29, 4, 0, 0, 0, 0))

    for chip in CHIPS:
        check(chip)
        assert fails(check, chip, True), chip
    assert [bcd.weekday(2000, 1, d) for d in (1, 2, 3)] == [5, 6, 0]


async def test_r7_a_bus_that_fails_does_not_stop_a_sale():
    """The chip does not answer while the host's time is taken over: no exception reaches the
    exchange, and the chip gets the right time as soon as it answers again."""

    async def check(chip, naive=False):
        for kind in ("nack", "stuck", "cut"):
            desk = Desk(chip, naive)
            clock.use_rtc(desk.keeper)
            task = asyncio.create_task(desk.keeper.run())
            t = desk.now()
            desk.model.fault(kind, t, t + 7_500_000)
            dead_processor()
            desk.keeper.load()
            bus.current.longest_us = 0
            await asyncio.sleep_ms(10)
            clock.adopt("1124", "123015")
            await asyncio.sleep_ms(500)
            assert clock.now()[1:5] == (11, 24, 12, 30)
            assert desk.keeper.pending and desk.keeper.status == "fault"
            await asyncio.sleep_ms(12_000)
            assert not desk.keeper.pending and desk.keeper.status == "ok"
            assert desk.chip_now()[1:5] == (11, 24, 12, 30)
            assert abs(desk.chip_now()[5] - clock.now()[5]) <= 1
            assert bus.current.longest_us <= 5000, bus.current.longest_us
            task.cancel()

    for chip in CHIPS:
        await check(chip)
    failed = 0
    for chip in CHIPS:
        try:
            await check(chip, True)
        except (AssertionError, OSError):
            failed += 1
    assert failed == 2
    clock.use_rtc(None)


async def test_r8_random_bus_faults_never_leave_a_wrong_time():
    """Faults at random while the time is set again and again and power is cut: what is trusted
    afterwards is right."""
    trusted = 0
    for s in range(seed(20), seed(20) + 6):
        for chip in CHIPS:
            desk = Desk(chip, seed=s)
            rng = Rng(s)
            desk.model.storm(40, 0, 120_000_000, 2_000_000)
            sets = set()
            for _ in range(12):
                day, hour = 1 + rng.below(28), rng.below(24)
                desk.keeper.datetime((2026, 5, day, 0, hour, day, 0, 0))
                sets.add((day, hour, day))
                if rng.below(2) and desk.power_cut(4):
                    trusted += 1
                    t = RTC().datetime()
                    # All of one write, never a mixture; the minute is the day once more.
                    assert t[:2] == (2026, 5) and (t[2], t[4], t[5]) in sets, (chip, s, t)
    assert trusted > 10, trusted


async def test_r9_the_processor_follows_the_chip():
    """The processor's clock has drifted by minutes over days without a host: the chip's time is
    taken within the hour; a time that is still to be written is not overwritten."""
    desk = Desk("ds3231")
    task = asyncio.create_task(desk.keeper.run())
    desk.keeper.datetime(NOON)
    await asyncio.sleep_ms(1000)
    RTC().datetime((2026, 11, 24, 1, 12, 41, 0, 0))
    await asyncio.sleep_ms(3_700_000)
    t = RTC().datetime()
    assert (t[4] * 60 + t[5]) in (13 * 60 + 31, 13 * 60 + 32), t
    now = desk.now()
    desk.model.fault("nack", now, now + 20_000_000)
    desk.keeper.datetime((2026, 11, 25, 2, 9, 0, 0, 0))
    await asyncio.sleep_ms(30_000)
    assert desk.chip_now()[:3] == (26, 11, 25)
    task.cancel()


async def test_r10_cancelled_anywhere_it_can_start_again():
    """The task is ended at any await and started again: the chip gets what is pending."""
    for ms in (0, 1, 4999, 5000, 5001, 7000):
        desk = Desk("pcf8563")
        now = desk.now()
        desk.model.fault("nack", now, now + 6_000_000)
        task = asyncio.create_task(desk.keeper.run())
        desk.keeper.datetime(NOON)
        await asyncio.sleep_ms(ms)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        task = asyncio.create_task(desk.keeper.run())
        await asyncio.sleep_ms(12_000)
        assert desk.chip_now()[:3] == (26, 11, 24) and not desk.keeper.pending, ms
        task.cancel()


def test_a_chip_that_was_never_set_is_unset():
    """First power: stopped; the flag cleared by other software: unset all the same."""
    for chip in CHIPS:
        desk = Desk(chip)
        assert not desk.keeper.load() and desk.keeper.reason == STOPPED
    desk = Desk("ds3231")
    desk.model.regs[0x0F] = 0
    assert not desk.keeper.load() and desk.keeper.reason == UNSET


def test_reading_allocates_next_to_nothing():
    """Decoding needs memory for the time alone: none while nothing is trusted."""
    import micropython

    bad = bytearray(16)
    bad[15] = 0x80
    good = bytearray(b"\x15\x30\x12\x02\x24\x11\x26") + bytearray(9)
    ds3231.decode(bad)
    micropython.heap_lock()
    try:
        hour = bcd.hour_of(0x72)
        for i in range(7):
            bcd.to_bcd(bcd.from_bcd(good[i]))
    finally:
        micropython.heap_unlock()
    assert hour == 12
    assert ds3231.decode(good) == ("", NOON)
