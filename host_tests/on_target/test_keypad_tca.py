# The TCA8418 driver against the chip's model: I2C errors, brown-outs, overflow, a dead INT line, a
# chip that hangs.

import asyncio
import time

import bus
import keybench
from harness import Rng, raises, rounds, until
from harness import seed as seed_of
from keybench import INT, NAMES
from machine import Pin

from app.kernel import clock
from drivers.keypad.tca8418 import CONFIG, INT_LINE, NO_ANSWER, OK, TCA8418


async def started(**options):
    b = keybench.controller(**options)
    b.run()
    await asyncio.sleep_ms(200)
    assert b.driver.fault is OK and b.driver.restarts == 1
    return b


async def works(b, name="33"):
    count = len(b.events)
    await b.tap(name, 90, 90)
    assert b.seen()[count:] == [(True, name), (False, name)], b.seen()[count:]


async def test_every_key_gives_one_press_and_one_release():
    for freq in (100_000, 400_000):
        b = await started(freq=freq)
        bus.current.longest_us = 0
        want = []
        for name in NAMES:
            await b.tap(name)
            want += [(True, name), (False, name)]
        assert b.seen() == want
        assert b.model.errors == [] and b.model.unsupported == []
        assert bus.current.longest_us < 5000
        await b.close()


async def test_the_loop_never_waits_5_ms_for_the_bus():
    """At 100 kHz, with a full FIFO, with a chip that does not answer, and while it is set up."""
    b = keybench.controller(freq=100_000, reset=True)
    b.run()
    await asyncio.sleep_ms(300)
    b.model.schedule(((400_000, "storm", 5), (600_000, "brownout"), (1_500_000, "mute", 500_000)))
    await asyncio.sleep_ms(3000)
    assert b.driver.restarts == 3 and b.driver.fault is OK, (b.driver.restarts, b.driver.fault)
    assert bus.current.longest_us < 5000, bus.current.longest_us
    await works(b)


async def test_int_to_event_takes_2_ms():
    b = await started()
    pin = Pin(INT)
    fire = pin._fire
    falls = []
    pin._fire = lambda: falls.append(time.ticks_ms()) or fire()
    pin.irq(b.driver._woken, pin.IRQ_FALLING)
    for n, name in enumerate(NAMES):
        b.press(name)
        await asyncio.sleep_ms(30 + n)
        assert b.events[-1][:2] == (True, name)
        assert time.ticks_diff(b.events[-1][3], falls[-1]) <= 2
        assert b.events[-1][2] == falls[-1], "the source's time"
        b.release(name)
        await asyncio.sleep_ms(60)


async def test_some_transfers_without_acknowledge_lose_nothing():
    b = await started()
    for name in NAMES:
        b.model.schedule(((bus.current.now_us(), "nack", 3),))
        await works(b, name)
    assert b.driver.restarts == 1 and b.driver.fault is OK


async def test_a_chip_that_does_not_answer_is_a_fault_and_is_tried_again_and_again():
    b = keybench.controller()
    b.model.schedule(((0, "mute", 20_000_000),))
    b.run()
    await asyncio.sleep_ms(2000)
    assert b.driver.fault == NO_ANSWER and b.driver.restarts == 0
    transfers = b.model.transfers
    await asyncio.sleep_ms(10_000)
    assert 1 <= b.model.transfers - transfers <= 4, "the pauses grow"
    await asyncio.sleep_ms(14_000)
    assert b.driver.fault is OK and b.driver.restarts == 1
    await works(b)


async def test_a_key_that_is_down_when_the_chip_falls_silent_is_released():
    b = await started()
    b.press("10")
    await asyncio.sleep_ms(60)
    b.model.schedule(((bus.current.now_us(), "mute", 900_000),))
    await asyncio.sleep_ms(600)
    assert b.seen() == [(True, "10"), (False, "10")] and b.driver.fault == NO_ANSWER
    b.release("10")
    await asyncio.sleep_ms(1000)
    await works(b, "10")


async def test_a_brown_out_is_noticed_and_the_chip_set_up_again():
    b = await started()
    b.model.schedule(((bus.current.now_us() + 1000, "brownout"),))
    await until(lambda: b.driver.fault == CONFIG, 510)
    await asyncio.sleep_ms(300)
    assert b.driver.restarts == 2 and b.driver.fault is OK
    for name in NAMES:
        await works(b, name)


async def test_a_key_held_through_a_brown_out_is_pressed_once():
    b = await started()
    b.press("10")
    await asyncio.sleep_ms(60)
    b.model.schedule(((bus.current.now_us() + 1000, "brownout"),))
    await asyncio.sleep_ms(1000)
    assert b.seen() == [(True, "10"), (False, "10")], b.seen()
    assert b.driver.stuck == ("10",), "it is ignored until it is let go"
    await works(b, "20")
    b.release("10")
    await asyncio.sleep_ms(60)
    await works(b, "10")


async def test_a_key_pressed_while_the_chip_was_gone_is_not_lost_if_it_is_held():
    b = await started()
    b.do("schedule", ((bus.current.now_us(), "brownout"),))
    await asyncio.sleep_ms(50)
    b.press("12")
    await asyncio.sleep_ms(900)
    assert b.presses() == ["12"]


async def test_what_the_fifo_holds_from_before_the_start_is_of_no_interest():
    """A processor that was reset finds a chip that was not."""
    b = await started()
    b.tasks[0].cancel()  # the firmware is gone, the chip is not
    await asyncio.sleep_ms(1)
    for name in ("10", "20"):
        await b.tap(name)
    b.press("30")
    await asyncio.sleep_ms(60)
    b.driver = TCA8418(b.driver._i2c, Pin(INT), 5, 4, NAMES, clock)
    b.events = []
    b.run()
    await asyncio.sleep_ms(200)
    assert b.events == []
    b.release("30")
    await asyncio.sleep_ms(60)
    assert b.events == []
    await works(b, "30")


async def test_an_overflow_of_the_fifo_is_told_and_leaves_no_key_down():
    b = await started()
    b.press("43")
    await asyncio.sleep_ms(60)
    b.do("schedule", ((bus.current.now_us(), "storm", 7),))
    b.release("43")
    await asyncio.sleep_ms(200)
    assert b.driver.overflows == 1 and b.driver.lost >= 1 and b.model.lost == 4
    down = {}
    for pressed, name in b.seen():
        down[name] = pressed
    assert not any(down.values()), down
    for name in ("43", "10"):
        await works(b, name)
    assert b.driver.overflows == 1


async def test_int_that_is_not_connected_is_noticed_and_the_keys_are_polled():
    b = await started()
    pin = Pin(INT)
    b.driver._int = lambda: 1
    pin.irq(None)
    b.press("10")
    await asyncio.sleep_ms(700)
    assert b.presses() == ["10"] and b.driver.fault == INT_LINE
    b.release("10")
    await asyncio.sleep_ms(100)
    for name in NAMES:
        await works(b, name)
    assert b.driver.fault == INT_LINE


async def test_int_that_is_held_low_is_noticed_and_the_keys_work():
    b = await started()
    b.driver._int = lambda: 0
    await asyncio.sleep_ms(1000)
    assert b.driver.fault == INT_LINE
    transfers = b.model.transfers
    await asyncio.sleep_ms(1000)
    assert b.model.transfers - transfers < 150, "20 ms between looks"
    for name in NAMES:
        await works(b, name)
    b.driver._int = Pin(INT)
    await asyncio.sleep_ms(200)
    assert b.driver.fault is OK


async def test_a_chip_that_hangs_is_started_anew_after_an_idle_minute():
    """TI E2E 550538: it scans no more, its registers are intact, a reset helps."""
    b = await started(reset=True)
    await works(b)
    b.model.schedule(((bus.current.now_us(), "hang"),))
    await asyncio.sleep_ms(1000)
    await b.tap("10")
    assert b.presses() == ["33"]
    await asyncio.sleep_ms(60_000)
    assert b.driver.restarts == 2 and b.driver.fault is OK
    for name in NAMES:
        await works(b, name)
    b.press("11")  # and never while a key is down
    await asyncio.sleep_ms(90_000)
    assert b.driver.restarts == 2 and b.driver.stuck == ("11",)


async def test_a_press_while_it_is_started_anew_is_kept():
    for ms in range(0, 90, 6 * (90 // 6 // rounds(15))):
        b = await started(reset=True)
        while b.driver.restarts == 1:
            await asyncio.sleep_ms(5)
        await asyncio.sleep_ms(ms)
        await works(b, "21")
        await b.close()


async def test_a_third_corner_that_stays_alone_is_pressed_after_all():
    b = await started()
    for name in ("10", "11", "20"):
        b.press(name)
        await asyncio.sleep_ms(60)
    assert b.presses() == ["10", "11"] and b.driver.ghosts == 2
    b.release("10")
    await asyncio.sleep_ms(150)
    assert b.presses() == ["10", "11", "20"]
    for name in ("11", "20"):
        b.release(name)
        await asyncio.sleep_ms(60)
    assert b.seen()[-1] == (False, "20") and len(b.events) == 6


async def test_faults_by_any_seed_leave_pairs_of_events_and_a_keypad_that_works():
    from models.tca8418 import faults

    first = seed_of(31)
    for seed in range(first, first + rounds(8)):
        b = await started(seed=seed, reset=bool(seed & 1))
        b.model.schedule(faults(seed, 6_000_000))
        rng = Rng(seed)
        for _ in range(40):
            await b.tap(rng.choice(NAMES), 60 + rng.below(60), 60 + rng.below(60))
        await asyncio.sleep_ms(6000)
        down = {}
        for pressed, name in b.seen():
            assert pressed != down.get(name, False), (seed, name)
            down[name] = pressed
        assert not any(down.values()) and b.driver.stuck == (), (seed, down, b.driver.stuck)
        assert b.driver.fault is OK and bus.current.longest_us < 5000, seed
        await works(b)
        await b.close()


def test_any_byte_of_the_fifo_is_taken():
    d = keybench.controller().driver
    for event in range(256):
        d.feed(event, event)
    known = {r * 10 + c + 1 for r in range(5) for c in range(4)}
    assert d.strange == 2 * (128 - len(known))
    assert d._raw == (1 << 20) - 1


def test_a_layout_must_fit():
    for rows, cols in ((5, 5), (9, 2), (1, 20)):
        raises(ValueError, TCA8418, None, None, rows, cols, NAMES, clock)


def test_feeding_allocates_nothing():
    import micropython

    d = keybench.controller(options={"rules": {"10": (100, 50, 20)}}).driver
    d._before = 0
    d._clock = clock = keybench.SmallClock()
    d._started = d._moved = clock.now
    micropython.heap_lock()
    try:
        for _ in range(3):
            now = clock.now
            for event in (0x80 | 11, 0x80 | 12, 0x80 | 21, 21, 12, 11, 0xFF):
                d.feed(event, now)
                d.poll(now)
                d._clear_doubts(now)
    finally:
        micropython.heap_unlock()
    assert d.ghosts == 3 and d.strange == 3 and d._queue.ready == 12


async def test_cancelled_anywhere_it_leaves_no_interrupt():
    for ms in (0, 1, 3, 12, 90, 205, 560):
        b = keybench.controller(reset=True)
        b.model.schedule(((50_000, "brownout"),))
        task = asyncio.create_task(b.driver.run())
        await asyncio.sleep_ms(ms)
        if ms:
            assert Pin(INT)._irq_trigger
        task.cancel()
        await asyncio.sleep_ms(1)
        assert Pin(INT)._irq_trigger == 0
