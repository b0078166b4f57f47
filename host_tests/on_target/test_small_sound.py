# Buzzer and lamps as somebody hears and sees them, and what usual drivers do there.

import asyncio
import time

import bus
import machine
from harness import Rng, raises, seed
from machine import Pin
from naive_small import NaiveAsyncBuzzer, NaiveBuzzer

from app.kernel import clock
from drivers.signal import buzzer as ours
from drivers.signal import lamps
from drivers.signal.buzzer import Buzzer, PinVoice, PwmVoice
from drivers.signal.lamps import Lamps
from models import buzzer as models

PIN = 40
KINDS = ("key", "function", "refused")


class Desk:
    """A fresh board with a buzzer that somebody hears."""

    def __init__(self, naive=None, active=False):
        bus.use(bus.LocalBus())
        Pin._pins.clear()
        machine.PWM._outputs.clear()
        self.ear = models.Buzzer()
        if active:
            bus.current.rack.on_output(PIN, self.ear.level)
            voice = PinVoice(Pin(PIN, Pin.OUT, value=0))
        else:
            bus.current.rack.on_pwm(PIN, self.ear.pwm)
            voice = PwmVoice(machine.PWM(Pin(PIN), freq=2000, duty_u16=0))
        if naive is None:
            self.buzzer = Buzzer(voice, clock)
        else:
            self.buzzer = naive(voice, clock, ours.PATTERNS)
        self.tasks = [asyncio.create_task(task()) for _, task in self.buzzer.tasks()]

    def stop(self):
        for t in self.tasks:
            t.cancel()


async def fails(check, naive):
    try:
        await check(naive)
    except AssertionError:
        return True
    return False


async def test_z1_a_sound_does_not_stop_the_terminal():
    """Playing any pattern blocks the loop for less than a millisecond."""

    async def check(naive=None):
        desk = Desk(naive)
        await asyncio.sleep_ms(10)
        bus.current.longest_us = 0
        for name in ours.PATTERNS:
            desk.buzzer.play(name)
            await asyncio.sleep_ms(1500)
        assert bus.current.longest_us < 1000, bus.current.longest_us
        assert len(desk.ear.tones) == 3 + 2 + 2 + 3 and not desk.ear.sounding()
        desk.stop()

    await check()
    assert await fails(check, NaiveBuzzer)


async def test_z1_patterns_sound_as_they_are_written():
    """Frequencies and lengths of every pattern, to 2 ms."""
    for name, (_, steps) in ours.PATTERNS.items():
        desk = Desk()
        await asyncio.sleep_ms(10)
        desk.buzzer.play(name)
        await asyncio.sleep_ms(1500)
        want = [(hz, ms) for hz, ms in steps if hz]
        got = desk.ear.heard()
        assert len(got) == len(want), (name, got)
        for g, w in zip(got, want):  # noqa: B905
            assert g[0] == w[0] and abs(g[1] - w[1]) <= 2, (name, got, want)
        desk.stop()


async def test_z1_keys_do_not_break_an_error_off():
    """Somebody types on while the error sounds: it is heard to its end, unchanged; a click that
    sounds gives way to it at once; a message waits for the error."""

    async def check(naive=None):
        desk = Desk(naive)
        await asyncio.sleep_ms(10)
        desk.buzzer.click()
        await asyncio.sleep_ms(5)
        desk.buzzer.play("error")
        for _ in range(8):
            await asyncio.sleep_ms(60)
            desk.buzzer.click()
        desk.buzzer.play("ok")
        await asyncio.sleep_ms(2500)
        got = [t for t in desk.ear.heard() if t[1] > 20]
        want = [(900, 300)] * 3 + [(2000, 80), (2700, 160)]
        assert len(got) == len(want), got
        for g, w in zip(got, want):  # noqa: B905
            assert g[0] == w[0] and abs(g[1] - w[1]) <= 2, got
        assert not desk.ear.sounding()
        desk.stop()

    await check()
    assert await fails(check, NaiveAsyncBuzzer)


async def test_z2_in_pin_mode_every_key_sounds_alike():
    """While a PIN is typed, tone, length and delay are the same for all keys, taken or refused."""

    async def check(naive=None):
        desk = Desk(naive)
        await asyncio.sleep_ms(10)
        desk.buzzer.pin_mode(True)
        rng = Rng(seed(12))
        heard = set()
        lengths, delays = [], []
        for _ in range(30):
            kind = rng.choice(KINDS)
            n = len(desk.ear.tones)
            at = bus.current.now_us()
            desk.buzzer.click(kind)
            await asyncio.sleep_ms(200 + rng.below(100))
            (tone,) = desk.ear.tones[n:]
            heard.add(tone[2])
            lengths.append(tone[1])
            delays.append(tone[0] - at)
        assert len(heard) == 1, heard
        # What is left is where in a millisecond the key came, for all keys alike.
        assert max(lengths) - min(lengths) <= 1100 and max(delays) <= 1100, (lengths, delays)
        desk.buzzer.pin_mode(False)
        for kind in KINDS:
            desk.buzzer.click(kind)
            await asyncio.sleep_ms(300)
        assert len(set(desk.ear.heard()[30:])) == 3
        desk.stop()

    await check()
    assert await fails(check, NaiveAsyncBuzzer)


async def test_z3_a_buzzer_with_one_tone_has_rhythms_that_differ():
    """An active buzzer: no two patterns can be taken for each other by their rhythm."""
    rhythms = []
    for name in ours.PATTERNS:
        desk = Desk(active=True)
        await asyncio.sleep_ms(10)
        desk.buzzer.play(name)
        await asyncio.sleep_ms(1500)
        rhythms.append(desk.ear.rhythm())
        desk.stop()
    for i, a in enumerate(rhythms):
        for b in rhythms[:i]:
            differ = len(a) != len(b)
            for x, y in zip(a, b):  # noqa: B905
                differ = differ or abs(x - y) >= 12
            assert differ, (a, b)


async def test_z4_cancelled_in_a_tone_it_is_silent():
    """The task is ended at any moment of a pattern: no tone goes on for ever."""

    async def check(naive=None):
        for ms in (0, 1, 50, 300, 301, 420, 430, 900, 1139, 1200):
            desk = Desk(naive)
            await asyncio.sleep_ms(10)
            desk.buzzer.play("error")
            await asyncio.sleep_ms(ms)
            task = desk.tasks[0] if desk.tasks else desk.buzzer.task
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            assert not desk.ear.sounding(), ms
            assert not naive and not desk.buzzer.busy()

    await check()
    assert await fails(check, NaiveAsyncBuzzer)


async def test_z4_silence_ends_everything():
    """silence() stops the tone at once and forgets what waits; the next sound is heard."""
    desk = Desk()
    await asyncio.sleep_ms(10)
    desk.buzzer.play("error")
    desk.buzzer.play("ok")
    await asyncio.sleep_ms(100)
    desk.buzzer.silence()
    assert not desk.ear.sounding()
    await asyncio.sleep_ms(2000)
    assert desk.ear.heard() == [(900, 100)]
    desk.buzzer.play("ok")
    await asyncio.sleep_ms(500)
    assert len(desk.ear.tones) == 3
    desk.stop()


async def test_z5_a_loop_that_comes_late_does_not_stretch_the_pattern():
    """Flash is erased for 80 ms in the middle of a pattern: it ends when it should."""

    async def check(naive=None):
        desk = Desk(naive)
        await asyncio.sleep_ms(10)
        start = bus.current.now_us()
        desk.buzzer.play("ok")  # 280 ms
        for _ in range(4):
            await asyncio.sleep_ms(1)
            time.sleep_ms(75)
        await asyncio.sleep_ms(300)
        end = max(t[0] + t[1] for t in desk.ear.tones)
        assert end - start < 380_000, end - start
        desk.stop()

    await check()
    assert await fails(check, NaiveAsyncBuzzer)


async def test_z5_no_free_timer_costs_a_tone_and_nothing_else():
    """All timers of the chip run at other frequencies: counted; later tones sound again."""
    desk = Desk()
    others = [machine.PWM(Pin(n), freq=f) for n, f in ((1, 100), (2, 101), (3, 102))]
    other = machine.PWM(Pin(4), freq=2000)  # shares the buzzer's timer: it cannot be changed
    await asyncio.sleep_ms(10)
    desk.buzzer.play("error")
    await asyncio.sleep_ms(1500)
    assert desk.buzzer.failed == 3 and not desk.ear.tones
    for p in others + [other]:
        p.deinit()
    desk.buzzer.play("error")
    await asyncio.sleep_ms(1500)
    assert len(desk.ear.tones) == 3
    desk.stop()


async def test_z6_lamps_keep_their_rhythm():
    """Patterns of two lamps, a late loop, and the same pattern set again: the rhythm stands."""
    bus.use(bus.LocalBus())
    Pin._pins.clear()
    eyes = {"power": models.Buzzer(), "error": models.Buzzer()}
    pins = {"power": Pin(1, Pin.OUT, value=0), "error": Pin(2, Pin.OUT, value=0)}
    bus.current.rack.on_output(1, eyes["power"].level)
    bus.current.rack.on_output(2, eyes["error"].level)
    both = Lamps(pins, clock)
    task = asyncio.create_task(both.run())
    await asyncio.sleep_ms(10)
    both.set("power", lamps.SLOW)
    both.set("error", lamps.FAST)
    for i in range(100):
        await asyncio.sleep_ms(90)
        both.set("power", lamps.SLOW)
        if i % 10 == 3:
            time.sleep_ms(60)
    slow, fast = eyes["power"].tones, eyes["error"].tones
    assert len(slow) in (4, 5) and 20 <= len(fast) <= 26
    for i, (start, length, _) in enumerate(slow):
        assert abs(length - 1_000_000) < 80_000, slow
        assert abs(start - slow[0][0] - i * 2_000_000) < 80_000, slow
    both.set("error", lamps.OFF)
    both.set("power", lamps.STEADY)
    n = len(eyes["power"].tones)
    await asyncio.sleep_ms(5000)
    assert eyes["power"].sounding() and not eyes["error"].sounding()
    assert len(eyes["power"].tones) <= n + 1
    raises(KeyError, both.set, "nothing", lamps.OFF)
    both.set("error", lamps.FAST)
    await asyncio.sleep_ms(100)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert eyes["power"].sounding() and not eyes["error"].sounding()


async def test_z12_a_click_allocates_nothing():
    """The sound of a key on its way from keypad to buzzer needs no memory."""
    import micropython

    desk = Desk()  # its task does not run yet: waking a task is the event loop's business
    micropython.heap_lock()
    try:
        desk.buzzer.pin_mode(True)
        desk.buzzer.click("refused")
        desk.buzzer.play("error")
        desk.buzzer.play("ok")
    finally:
        micropython.heap_unlock()
    await asyncio.sleep_ms(2000)
    assert len(desk.ear.tones) == 3 + 2
    desk.stop()
