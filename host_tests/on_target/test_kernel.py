# Kernel: queue, supervisor, watchdog, clock, log.

import asyncio
import time

import bus
import machine
from harness import raises

from app.kernel import clock, log
from app.kernel.mailbox import Queue
from app.kernel.supervisor import FATAL, ONESHOT, RESTART, Supervisor
from app.kernel.watchdog import Watchdog

# ---- queue --------------------------------------------------------------------------------------


async def test_queue_keeps_order_and_says_when_it_is_full():
    q = Queue(3)
    for i in range(3):
        assert q.put(i)
    assert not q.put(99)
    assert q.lost == 1 and len(q) == 3
    for i in range(3):
        assert await q.get() == i
    assert q.get_nowait() is None


async def test_queue_wakes_its_reader_and_gives_up_in_time():
    q = Queue(2)
    start = time.ticks_ms()
    assert await q.get_within(250) is None
    assert 250 <= time.ticks_diff(time.ticks_ms(), start) < 260

    async def later():
        await asyncio.sleep_ms(40)
        q.put("x")

    asyncio.create_task(later())
    assert await q.get_within(1000) == "x"
    assert q._items == [None, None]  # nothing stays behind


# ---- supervisor ---------------------------------------------------------------------------------


async def test_a_failing_task_is_started_again_after_ever_longer_pauses():
    starts = []

    async def fails():
        starts.append(time.ticks_ms())
        raise ValueError("broken")

    s = Supervisor(None)
    s.spawn("fails", fails, RESTART)
    await asyncio.sleep_ms(16_000)
    gaps = [time.ticks_diff(b, a) // 1000 for a, b in zip(starts, starts[1:])]  # noqa: B905
    assert gaps == [1, 2, 4, 8], gaps
    entry = s.tasks["fails"]
    assert entry.restarts == 4 and entry.last_error == "ValueError"
    s.cancel("fails")
    await asyncio.sleep_ms(10)
    assert not entry.running()


async def test_a_fatal_task_flushes_and_resets():
    calls = []
    s = Supervisor(lambda why: calls.append(("reset", why)), lambda: calls.append(("flush",)))

    async def ends():
        await asyncio.sleep_ms(5)

    s.spawn("vital", ends, FATAL)
    await asyncio.sleep_ms(50)
    assert calls == [("flush",), ("reset", "task vital")]


async def test_a_oneshot_may_end_and_a_name_runs_once():
    s = Supervisor(None)

    async def sleeps():
        await asyncio.sleep_ms(50)

    s.spawn("once", sleeps, ONESHOT)
    raises(ValueError, s.spawn, "once", sleeps, ONESHOT)
    await asyncio.sleep_ms(60)
    s.spawn("once", sleeps, ONESHOT)


async def test_an_error_is_logged_without_its_text():
    log.clear()

    async def fails():
        raise ValueError("6225000000000014 and more")

    Supervisor(None).spawn("t", fails, ONESHOT)
    await asyncio.sleep_ms(10)
    lines = log.lines()
    assert len(lines) == 1 and "ValueError" in lines[0] and "6225" not in lines[0]


# ---- watchdog -----------------------------------------------------------------------------------


class FakeWdt:
    def __init__(self):
        self.fed = 0

    def feed(self):
        self.fed += 1


async def test_the_watchdog_is_fed_only_while_every_heart_beats():
    wdt = FakeWdt()
    w = Watchdog(wdt)
    heart = w.heartbeat("ui", 2000)
    task = asyncio.create_task(w.run())
    for _ in range(5):
        await asyncio.sleep_ms(500)
        heart.beat()
    assert wdt.fed >= 4
    await asyncio.sleep_ms(2600)
    fed = wdt.fed
    await asyncio.sleep_ms(3000)
    assert wdt.fed == fed
    heart.beat()
    await asyncio.sleep_ms(600)
    assert wdt.fed > fed
    task.cancel()


async def test_the_watchdog_is_not_fed_when_the_loop_is_late():
    wdt = FakeWdt()
    w = Watchdog(wdt, lag_ms=300)
    task = asyncio.create_task(w.run())
    await asyncio.sleep_ms(600)
    fed = wdt.fed
    await asyncio.sleep_ms(100)
    time.sleep_ms(1000)  # somebody blocks the loop
    await asyncio.sleep_ms(1)
    assert wdt.fed == fed
    assert w.max_lag_ms > 300
    await asyncio.sleep_ms(600)
    assert wdt.fed > fed
    task.cancel()


def test_a_terminal_that_hangs_is_reset_by_the_hardware():
    w = Watchdog(machine.WDT(timeout=3000))
    w.heartbeat("ui", 1000)  # which never beats
    e = raises(bus.BoardReset, asyncio.run, w.run())
    assert e.args == (bus.WDT_RESET,)


# ---- clock --------------------------------------------------------------------------------------


def test_the_calendar_is_taken_from_the_host_with_the_nearest_year():
    rtc = machine.RTC()
    clock.use_rtc(rtc)
    rtc.datetime((2000, 1, 1, 5, 0, 0, 0, 0))  # as it wakes up
    assert not clock.is_set()
    clock.adopt("1123", "093015")
    assert clock.now() == (clock.FLOOR_YEAR, 11, 23, 9, 30, 15) and clock.is_set()
    for now, date, want in (
        ((2026, 12, 31), "0101", 2027),  # the host's midnight comes before ours
        ((2027, 1, 1), "1231", 2026),
        ((2027, 6, 1), "0601", 2027),
        ((2028, 2, 28), "0229", 2028),
        ((2027, 12, 31), "0229", 2028),
    ):
        rtc.datetime((now[0], now[1], now[2], 0, 23, 59, 58, 0))
        clock.adopt(date, "000003")
        assert clock.now()[0] == want, (now, date, clock.now())


def test_a_date_that_is_none_changes_nothing():
    rtc = machine.RTC()
    clock.use_rtc(rtc)
    rtc.datetime((2027, 5, 5, 0, 1, 2, 3, 0))
    for date in ("1323", "0230", "0000", "ab", ""):
        raises(ValueError, clock.adopt, date, "093015")
    for t in ("246060", "096015", "1", ""):
        raises(ValueError, clock.adopt, "1123", t)
    assert clock.now()[:3] == (2027, 5, 5)


def test_ticks_wrap_and_durations_do_not_care():
    start = clock.ticks()
    time.sleep_ms(30_000)  # over the wrap at 2**30
    assert clock.ticks() < start
    assert 30_000 <= clock.diff(clock.ticks(), start) < 30_010


# ---- log ----------------------------------------------------------------------------------------


def test_the_log_keeps_the_last_lines_in_order():
    log.clear()
    for i in range(500):
        log.info("line %d", i)
    lines = log.lines()
    assert 100 < len(lines) < 500
    assert [int(line.split()[-1]) for line in lines] == list(range(500 - len(lines), 500))


def test_the_log_blots_out_card_numbers_and_control_characters():
    log.clear()
    log.info("card 6225000000000014 amount 1234 rrn 093015000002")
    log.info("a\nb\x1b[2J")
    first, second = log.lines()
    assert "****************" in first and "6225" not in first and "093015000002" in first
    assert second.endswith("a b [2J")


def test_log_levels_and_echo():
    log.clear()
    seen = []
    log.echo = seen.append
    try:
        log.debug("not kept")
        log.warning("kept %s", "x")
        log.error("%d", 5)
    finally:
        log.echo = None
    assert len(log.lines()) == 2 and seen[0].endswith("W kept x") and seen[1].endswith("E 5")
