# The key matrix driver against the electrical model: bounce, ghosts, two keys, stuck keys, queue.

import asyncio
import time

import bus
from harness import Rng, until
from machine import Pin

from app.kernel import clock
from drivers.keypad.matrix import Debounce, Matrix, has_ghost
from models.keymatrix import KeyMatrix

ROWS = (1, 2, 42, 41, 40)
COLS = (4, 5, 6, 7)
NAMES = tuple("%d%d" % (r, c) for r in range(5) for c in range(4))
MAP = tuple(tuple("%d%d" % (r, c) for c in range(4)) for r in range(5))


def keypad(**options):
    """(model, driver, press, release)"""
    rack = bus.current.rack
    model = KeyMatrix(ROWS, COLS, MAP, **options)
    rack.attach_gpio(model)
    rows = [Pin(n, Pin.IN, Pin.PULL_UP) for n in ROWS]
    cols = [Pin(n, Pin.OPEN_DRAIN, value=1) for n in COLS]
    driver = Matrix(rows, cols, NAMES, clock)

    def press(key):
        bus.current._advance()
        model.press(key, rack.now_us)
        rack.poke()

    def release(key):
        bus.current._advance()
        model.release(key, rack.now_us)
        rack.poke()

    return model, driver, press, release


def start(driver):
    events = []

    async def collect():
        while True:
            events.append(await driver.get())

    tasks = [asyncio.create_task(task()) for _, task in driver.tasks()]
    tasks.append(asyncio.create_task(collect()))
    return events, tasks


def keys(events):
    return [(pressed, name) for pressed, name, _ in events]


async def test_every_key_gives_one_press_and_one_release_through_any_bounce():
    for seed in range(4):
        _, driver, press, release = keypad(seed=seed)
        events, tasks = start(driver)
        await asyncio.sleep_ms(100)
        for name in NAMES:
            press(name)
            await asyncio.sleep_ms(60)
            release(name)
            await asyncio.sleep_ms(60)
        want = []
        for name in NAMES:
            want += [(True, name), (False, name)]
        assert keys(events) == want, (seed, keys(events))
        for t in tasks:
            t.cancel()
        bus.use(bus.LocalBus())
        Pin._pins.clear()


async def test_press_to_event_takes_at_most_40_ms():
    _, driver, press, release = keypad(bounce_us=(500, 8000), seed=3)
    events, _ = start(driver)
    await asyncio.sleep_ms(100)
    worst = 0
    for name in NAMES:
        at = time.ticks_ms()
        press(name)
        await asyncio.sleep_ms(70)
        release(name)
        await asyncio.sleep_ms(70)
        worst = max(worst, time.ticks_diff(events[-2][2], at))
    print("worst press to event: %d ms" % worst)
    assert worst <= 40


async def test_ten_presses_a_second_are_not_lost():
    _, driver, press, release = keypad(seed=9)
    events, _ = start(driver)
    await asyncio.sleep_ms(100)
    for _ in range(30):
        press("10")
        await asyncio.sleep_ms(50)
        release("10")
        await asyncio.sleep_ms(50)
    assert keys(events) == [(True, "10"), (False, "10")] * 30


async def test_two_keys_at_once_are_both_seen():
    _, driver, press, release = keypad()
    events, _ = start(driver)
    await asyncio.sleep_ms(100)
    press("10")
    await asyncio.sleep_ms(40)
    press("21")
    await asyncio.sleep_ms(40)
    release("10")
    await asyncio.sleep_ms(40)
    release("21")
    await asyncio.sleep_ms(60)
    assert keys(events) == [(True, "10"), (True, "21"), (False, "10"), (False, "21")]


async def test_three_corners_of_a_rectangle_never_make_a_fourth_key():
    _, driver, press, release = keypad(bounce_us=(0, 0))
    events, _ = start(driver)
    await asyncio.sleep_ms(100)
    for name in ("10", "11", "20"):
        press(name)
        await asyncio.sleep_ms(50)
    assert (True, "21") not in keys(events)
    assert driver.ghosts > 0
    for name in ("20", "11", "10"):
        release(name)
        await asyncio.sleep_ms(50)
    await asyncio.sleep_ms(50)
    names = [n for pressed, n in keys(events) if pressed]
    assert "21" not in names and "10" in names and "11" in names
    press("33")
    await asyncio.sleep_ms(60)
    assert keys(events)[-1] == (True, "33")


async def test_a_key_that_is_stuck_at_start_is_reported_and_does_not_block_the_others():
    model, driver, press, release = keypad()
    model.stick("32")
    events, _ = start(driver)
    await asyncio.sleep_ms(300)
    assert driver.stuck == ("32",)
    assert events == [], events
    press("10")
    await asyncio.sleep_ms(60)
    release("10")
    await asyncio.sleep_ms(60)
    assert keys(events) == [(True, "10"), (False, "10")]
    model.unstick("32")
    bus.current.rack.poke()
    await asyncio.sleep_ms(500)
    press("32")
    await asyncio.sleep_ms(60)
    assert keys(events)[-1] == (True, "32")


async def test_a_missed_interrupt_is_made_good_by_looking():
    model, driver, press, release = keypad()
    events, _ = start(driver)
    await asyncio.sleep_ms(100)
    for n in ROWS:
        Pin(n).irq(None)  # no interrupt will ever come
    press("10")
    await asyncio.sleep_ms(300)
    assert keys(events) == [(True, "10")]
    release("10")


async def test_the_scanner_rests_while_no_key_is_down():
    _, driver, press, release = keypad()
    start(driver)
    await asyncio.sleep_ms(1000)
    scans = []
    scan = driver.scan
    driver.scan = lambda: scans.append(1) or scan()
    await asyncio.sleep_ms(5000)
    assert len(scans) == 0


async def test_a_full_queue_says_so():
    _, driver, press, release = keypad(bounce_us=(0, 0))
    asyncio.create_task(driver.run())
    await asyncio.sleep_ms(100)
    for _ in range(12):
        press("10")
        await asyncio.sleep_ms(50)
        release("10")
        await asyncio.sleep_ms(50)
    assert driver.lost == 8
    first = await driver.get()
    assert first[:2] == (True, "10")


async def test_cancelled_anywhere_it_leaves_no_interrupt():
    for ms in (0, 3, 12, 41, 90, 205):
        _, driver, press, _ = keypad()
        task = asyncio.create_task(driver.run())
        await asyncio.sleep_ms(ms)
        press("10")
        await asyncio.sleep_ms(7)
        task.cancel()
        await asyncio.sleep_ms(1)
        if ms > 60:
            assert all(Pin(n)._irq_trigger == 0 for n in ROWS)


def test_debounce_believes_four_scans_in_a_row():
    d = Debounce(3)
    rng = Rng(7)
    assert [d.feed(1), d.feed(1), d.feed(1), d.feed(1)] == [0, 0, 0, 1]
    assert d.down == 1
    for _ in range(200):  # chatter that is never stable changes nothing
        noise = rng.below(2)
        d.feed(1 if noise else 0)
        if noise:
            d.feed(1)
    assert d.down == 1


def test_ghost_needs_two_rows_that_share_two_columns():
    assert has_ghost(0b0011_0011, 5, 4)
    assert has_ghost(0b1001_0000_1001, 5, 4)
    assert not has_ghost(0b0011_0001, 5, 4)
    assert not has_ghost(0b0011_1100, 5, 4)
    assert not has_ghost(0, 5, 4)


def test_scanning_allocates_nothing():
    import micropython

    _, driver, _, _ = keypad()
    d = driver._filter
    d.feed(0)
    micropython.heap_lock()
    try:
        d.feed(5)
        has_ghost(0b0011_0011, 5, 4)
    finally:
        micropython.heap_unlock()
    assert until is not None
