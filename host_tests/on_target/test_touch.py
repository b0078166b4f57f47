# The touch drivers against models of the controllers, and what usual drivers do there.

import asyncio
import time

import bus
from harness import Rng, raises, seed
from machine import I2C, SPI, Pin
from naive_touch import NaiveFT6336, NaiveQueue, NaiveXPT2046, naive_calibration

from app.kernel import clock
from drivers.touch import calibration
from drivers.touch.contact import CONTACT, DOUBT, IS_DOWN, IS_UP, IS_VOID, NONE, NOTHING, Contact
from drivers.touch.ft6336 import FT6336, decode
from drivers.touch.panel import Events, Touch
from drivers.touch.xpt2046 import XPT2046, median, pressure
from models import ft6336 as ft_model
from models import xpt2046 as xpt_model

INT = 21
CS = 10
W, H = 320, 480
UPRIGHT = (65536, 0, 32768, 0, 65536, 32768)
SCALED = (W * 16, 0, 32768, 0, H * 16, 32768)  # 12 bit onto the screen


class Desk:
    """A fresh board with a panel, a driver's tasks, and the events it tells."""

    running = None  # the latest one that was started

    def __init__(self, model, driver):
        self.model = model
        self.driver = driver
        self.events = []  # of several moves in a row the last one
        self.moves = 0
        self.places = set()
        self._tasks = []

    def start(self):
        Desk.running = self
        for _, task in self.driver.tasks():
            self._tasks.append(asyncio.create_task(self._live(task)))
        self._tasks.append(asyncio.create_task(self._collect()))

    async def _live(self, task):
        try:
            await task()
        except OSError:
            pass  # a naive driver's end

    async def stop(self):
        for t in self._tasks:
            t.cancel()
            try:
                await t
            except asyncio.CancelledError:
                pass
        self._tasks = []

    async def _collect(self):
        while True:
            event = await self.driver.get()
            moved = event[0] == "move"
            self.moves += moved
            self.places.add(event[1:3])
            if moved and self.events and self.events[-1][0] == "move":
                self.events.pop()
            self.events.append(event)

    def now(self):
        bus.current._advance()
        return bus.current.rack.now_us

    def touch(self, x, y, **options):
        self.model.touch(x, y, self.now(), **options)
        bus.current.rack.poke()

    def lift(self):
        self.model.lift(self.now())
        bus.current.rack.poke()

    async def tap(self, x, y, ms=120, **options):
        self.touch(x, y, **options)
        await asyncio.sleep_ms(ms)
        self.lift()
        await asyncio.sleep_ms(150)

    def kinds(self):
        return [e[0] for e in self.events if e[0] != "move"]

    def presses(self):
        """Places where a press was told: (x, y) of each UP."""
        return [e[1:3] for e in self.events if e[0] == "up"]


def fresh():
    bus.use(bus.LocalBus())
    Pin._pins.clear()


def capacitive(naive=False, line=True, **options):
    fresh()
    model = ft_model.FT6336(INT if line else None, W, H, **options)
    bus.current.rack.attach_i2c(0, 0x38, model)
    bus.current.rack.attach_gpio(model)
    irq = Pin(INT, Pin.IN, Pin.PULL_UP) if line else None
    i2c = I2C(0, freq=400_000, timeout=2000)
    if naive:
        return Desk(model, NaiveFT6336(i2c, irq, clock))
    return Desk(model, Touch(FT6336(i2c, irq), clock, W, H, UPRIGHT, (W, H)))


def resistive(naive=False, **options):
    fresh()
    model = xpt_model.XPT2046(INT, **options)
    bus.current.rack.attach_spi(2, model, CS)
    bus.current.rack.attach_gpio(model)
    irq = Pin(INT, Pin.IN, Pin.PULL_UP)
    cs = Pin(CS, Pin.OUT, value=1)
    spi = SPI(2, baudrate=1_000_000)
    if naive:
        return Desk(model, NaiveXPT2046(spi, cs, irq, clock, W, H))
    return Desk(model, Touch(XPT2046(spi, cs, irq), clock, W, H, SCALED))


async def fails(check, make):
    """Whether `check` finds the fault in the driver of make(); any way to fail will do."""
    try:
        await check(make)
    except (AssertionError, OSError):
        return True
    finally:
        await Desk.running.stop()
    return False


# ---- T1 bounce ----------------------------------------------------------------------------------


async def test_t1_a_contact_that_flickers_is_one_press():
    """A finger's contact comes and goes while it settles: still one DOWN and one UP."""

    async def check(make):
        for s in range(4):
            desk = make(s)
            desk.start()
            await asyncio.sleep_ms(500)
            for i in range(6):
                await desk.tap(60 + 20 * i, 100 + 30 * i)
            await desk.stop()
            assert desk.kinds() == ["down", "up"] * 6, (s, desk.kinds())

    def flickering(naive):
        return lambda s: capacitive(naive, flicker_us=45_000, seed=s)

    await check(flickering(False))
    assert await fails(check, flickering(True))


async def test_t1_bouncing_plates_are_one_press():
    """Two plates chatter for up to 12 ms at press and lift: still one DOWN and one UP."""

    async def check(make):
        for s in range(4):
            desk = make(s)
            desk.start()
            await asyncio.sleep_ms(100)
            for i in range(6):
                await desk.tap(1000 + 300 * i, 3000 - 300 * i)
            await desk.stop()
            assert desk.kinds() == ["down", "up"] * 6, (s, desk.kinds())
            for i, (x, y) in enumerate(desk.presses()):
                assert abs(x - ((1000 + 300 * i) * W >> 12)) <= 8, (s, i, x)
                assert abs(y - ((3000 - 300 * i) * H >> 12)) <= 8, (s, i, y)

    def bouncing(naive):
        return lambda s: resistive(naive, bounce_us=(2000, 12_000), seed=s)

    await check(bouncing(False))
    assert await fails(check, bouncing(True))


# ---- T2 ghosts ----------------------------------------------------------------------------------


async def test_t2_points_that_nobody_made_are_no_press():
    """A charger's noise and drops make the controller report points for a frame or two, or beside
    the panel: no press comes of it."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        t = desk.now()
        rng = Rng(seed(5))
        for _ in range(25):
            t += 50_000 + rng.below(200_000)
            desk.model.ghost(rng.below(W), rng.below(H), t, t + 1 + rng.below(19_000))
        desk.model.ghost(1200, 40, t + 300_000, t + 2_000_000)
        bus.current.rack.poke()
        await asyncio.sleep_ms(10_000)
        assert desk.events == [], desk.events
        await desk.tap(50, 60)
        assert desk.kinds() == ["down", "up"] and desk.presses() == [(50, 60)]
        await desk.stop()

    await check(capacitive)
    assert await fails(check, lambda: capacitive(naive=True))


async def test_t2_an_interrupt_line_with_noise_is_no_press():
    """PENIRQ is pulled low by an antenna beside its wire, without any pressure: no press, and the
    processor is not kept busy by it."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(100)
        t = desk.now()
        for i in range(40):
            desk.model.glitch(t + i * 37_000, t + i * 37_000 + 15_000)
        before = desk.model.conversions
        await asyncio.sleep_ms(2000)
        assert desk.events == [], desk.events[:4]
        assert desk.model.conversions - before < 200 * 16
        await desk.stop()

    await check(resistive)
    assert await fails(check, lambda: resistive(naive=True))


async def test_t2_a_broken_wire_is_no_press_and_is_told():
    """MISO broken, reading all ones or all zeros: no press; ones are told as no answer."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(100)
        desk.model.silent = True
        await desk.tap(2000, 2000)
        assert desk.events == []
        desk.model.silent = False
        desk.model.dead = True
        await desk.tap(2000, 2000)
        assert desk.events == []
        assert (desk.driver.status, desk.driver.reason) == ("fault", "no_answer")
        desk.model.dead = False
        await asyncio.sleep_ms(2500)
        assert desk.driver.status == "ok"
        await desk.tap(2000, 2000)
        assert desk.kinds() == ["down", "up"]
        await desk.stop()

    await check(resistive)
    assert await fails(check, lambda: resistive(naive=True))


# ---- T3 interrupts ------------------------------------------------------------------------------


async def test_t3_a_missed_interrupt_does_not_make_the_panel_deaf():
    """The edge of the interrupt is lost, or its wire is broken: the press is still told."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        Pin(INT).irq(None)
        await desk.tap(100, 200, ms=300)
        assert desk.presses() == [(100, 200)]
        await desk.stop()

    def torn_off(naive=False):
        desk = capacitive(naive)
        desk.model.int_pin = None
        return desk

    for make in (capacitive, torn_off):
        await check(make)
        assert await fails(check, lambda make=make: make(naive=True))


# ---- T4 the bus ---------------------------------------------------------------------------------


async def test_t4_a_bus_that_fails_costs_a_press_but_not_the_panel():
    """The controller does not acknowledge, breaks off, or holds SDA low, at random for half a
    minute: presses that are told are right, and afterwards all of them are told again."""

    async def check(make):
        for s in range(3):
            desk = make(s + SEED)
            desk.start()
            await asyncio.sleep_ms(500)
            t = desk.now()
            desk.model.storm(60, t, t + 30_000_000, 400_000)
            for i in range(40):
                await desk.tap(10 + 7 * i, 20 + 11 * i, ms=300)
                await asyncio.sleep_ms(300)
            for x, y in desk.presses():
                assert (x - 10) % 7 == 0 and (y - 20) % 11 == 0, (x, y)
            open_ = 0
            for kind in desk.kinds():
                open_ += 1 if kind == "down" else -1
                assert open_ in (0, 1), desk.kinds()
            await asyncio.sleep_ms(4000)
            del desk.events[:]
            for i in range(5):
                await desk.tap(100, 50 * i)
            assert desk.presses() == [(100, 50 * i) for i in range(5)], desk.events
            assert desk.driver.bus_errors > 0 and desk.driver.status == "ok"
            await desk.stop()

    SEED = seed(11)
    await check(lambda s: capacitive(seed=s))
    assert await fails(check, lambda s: capacitive(naive=True, seed=s))


async def test_t4_a_contact_whose_controller_is_lost_is_no_press():
    """The controller goes away under a finger: the contact is cancelled, not a press."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        desk.touch(100, 100)
        await asyncio.sleep_ms(200)
        t = desk.now()
        desk.model.fault("nack", t, t + 3_000_000)
        await asyncio.sleep_ms(300)
        status = desk.driver.status
        desk.lift()
        await asyncio.sleep_ms(6000)
        assert desk.kinds() == ["down", "cancel"], desk.kinds()
        await desk.tap(7, 8)
        assert desk.presses() == [(7, 8)]
        assert (status, desk.driver.status) == ("fault", "ok")
        await desk.stop()

    await check(capacitive)
    assert await fails(check, lambda: capacitive(naive=True))


async def test_t4_a_held_bus_stops_the_loop_for_2_ms_at_most():
    """SDA is held low for seconds: no pass of the event loop takes longer than 5 ms."""
    desk = capacitive()
    desk.start()
    await asyncio.sleep_ms(500)
    t = desk.now()
    desk.model.fault("stuck", t, t + 5_000_000)
    bus.current.longest_us = 0
    desk.touch(5, 5)
    await asyncio.sleep_ms(6000)
    print("longest pass: %d us" % bus.current.longest_us)
    assert 2000 <= bus.current.longest_us <= 5000
    assert desk.driver.bus_errors >= 3
    await desk.stop()


# ---- T5 brown-out -------------------------------------------------------------------------------


async def test_t5_a_controller_that_forgot_its_settings_gets_them_back():
    """Its supply dipped while a receipt printed, and it is back in its other interrupt mode:
    noticed within 2 s."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        desk.model.brown_out(desk.now())
        await asyncio.sleep_ms(2000)
        await desk.tap(7, 8)
        assert desk.presses() == [(7, 8)]
        assert desk.model._registers[0xA4] == 0, "the chip is in pulse mode"
        await desk.stop()

    await check(capacitive)
    assert await fails(check, lambda: capacitive(naive=True))


# ---- T6 stuck -----------------------------------------------------------------------------------


async def test_t6_a_contact_that_never_ends_is_told_and_is_no_press():
    """A drop of water lies on the key "confirm": after 30 s it is told as stuck, and it is no
    press when somebody wipes it off."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        desk.touch(300, 400)
        await asyncio.sleep_ms(29_000)
        early = desk.driver.stuck
        await asyncio.sleep_ms(2000)
        late = desk.driver.stuck
        desk.lift()
        await asyncio.sleep_ms(300)
        assert desk.presses() == [] and desk.kinds() == ["down", "cancel"]
        assert late and not early
        assert not desk.driver.stuck and desk.driver.status == "ok"
        await desk.tap(30, 40)
        assert desk.presses() == [(30, 40)]
        await desk.stop()

    await check(capacitive)
    assert await fails(check, lambda: capacitive(naive=True))


async def test_t6_what_touches_at_start_is_told_and_is_no_press():
    """Something lies on the panel at the start: told at once, ignored until it goes."""

    async def check(make):
        desk = make()
        desk.touch(10, 20)
        desk.start()
        await asyncio.sleep_ms(600)
        assert desk.events == [] and desk.driver.stuck
        desk.lift()
        await asyncio.sleep_ms(300)
        assert desk.events == [] and not desk.driver.stuck
        await desk.tap(30, 40)
        assert desk.presses() == [(30, 40)]
        await desk.stop()

    await check(lambda: capacitive(line=False))
    assert await fails(check, lambda: capacitive(naive=True, line=False))


# ---- T7 jumps -----------------------------------------------------------------------------------


async def test_t7_two_fingers_are_no_press_where_the_second_was():
    """A second finger lands while the first lifts: the contact seems to jump to the other key; no
    press anywhere."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        desk.touch(40, 60)
        await asyncio.sleep_ms(100)
        desk.model.second(280, 420, desk.now())
        await asyncio.sleep_ms(100)
        desk.model.lift(desk.now(), True)
        await asyncio.sleep_ms(100)
        desk.lift()
        await asyncio.sleep_ms(200)
        assert desk.presses() == [], desk.presses()
        assert desk.kinds() == ["down", "cancel"]
        await desk.stop()

    await check(capacitive)
    assert await fails(check, lambda: capacitive(naive=True))


async def test_t7_one_stray_report_does_not_move_the_contact():
    """One report of a held finger is elsewhere: neither a move nor the place of the press."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        desk.touch(40, 60)
        await asyncio.sleep_ms(100)
        desk.model.stray(300, 300, desk.now())
        await asyncio.sleep_ms(50)
        desk.lift()
        await asyncio.sleep_ms(200)
        assert desk.places == {(40, 60)}, desk.places
        assert desk.presses() == [(40, 60)]
        await desk.stop()

    await check(capacitive)
    assert await fails(check, lambda: capacitive(naive=True))


async def test_t7_a_drag_is_followed():
    """A finger that slides at 3,000 dots a second stays one contact."""
    desk = capacitive()
    desk.start()
    await asyncio.sleep_ms(500)
    for i in range(14):
        desk.touch(20, 20 + 30 * i)
        await asyncio.sleep_ms(10)
    await asyncio.sleep_ms(40)
    desk.lift()
    await asyncio.sleep_ms(200)
    assert desk.kinds() == ["down", "up"] and desk.presses() == [(20, 410)]
    assert desk.moves >= 8, desk.moves
    await desk.stop()


# ---- T8, T9 resistive panels --------------------------------------------------------------------


async def test_t8_a_plate_that_has_not_settled_does_not_move_the_press():
    """The first conversion after switching an axis is far off, and all of them are noisy: within 4
    dots all the same."""

    async def check(make):
        rng = Rng(seed(3))
        desk = make()
        desk.start()
        await asyncio.sleep_ms(100)
        want = []
        for _ in range(15):
            x, y = 200 + rng.below(3700), 200 + rng.below(3700)
            want.append((x * W >> 12, y * H >> 12))
            await desk.tap(x, y, ohm=20)
        got = desk.presses()
        assert len(got) == 15, len(got)
        for a, b in zip(got, want):  # noqa: B905
            assert abs(a[0] - b[0]) <= 4 and abs(a[1] - b[1]) <= 4, (a, b)
        await desk.stop()

    await check(lambda: resistive(noise=12, unsettled=300))
    assert await fails(check, lambda: resistive(naive=True, noise=12, unsettled=300))


async def test_t9_a_touch_too_light_to_be_measured_is_none():
    """A sleeve brushes the panel: its contact resistance bends the coordinates, so it is no
    press; a finger on the same place is."""

    async def check(make):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(100)
        await desk.tap(600, 3500, ohm=8000)
        assert desk.events == [], desk.events
        await desk.tap(600, 3500, ohm=200)
        assert desk.kinds() == ["down", "up"]
        await desk.stop()

    await check(resistive)
    assert await fails(check, lambda: resistive(naive=True))


# ---- T10 calibration ----------------------------------------------------------------------------


def panel_of(rng):
    """A panel mounted at random: (function from a screen point to a raw one, quarters)."""
    quarters = rng.below(4)
    mirror = rng.below(2)
    skew = rng.below(160) - 80

    def raw(x, y):
        u, v = (W - 1 - x, y) if mirror else (x, y)
        u, v = u * 3600 // W + 200, v * 3500 // H + 300
        for _ in range(quarters):
            u, v = v, 4095 - u
        return u + v * skew // 4096, v - u * skew // 4096

    return raw, quarters


def test_t10_three_points_calibrate_any_mounting():
    """Panels turned, mirrored, off centre and a little skewed: three points put every press within
    2 dots; scale and offset from two points do not."""
    rng = Rng(seed(8))
    naive_is_off = 0
    for _ in range(40):
        raw, _ = panel_of(rng)
        screen = calibration.targets(W, H)
        points = [raw(*p) for p in screen]
        six, reason = calibration.solve(screen[:3], points[:3])
        assert reason == "", reason
        assert calibration.check(six, W, H, 4096, 4096) == "", six
        assert calibration.error(six, screen[3], points[3]) <= 2
        naive = naive_calibration(screen[:3], points[:3])
        worst = 0
        for _ in range(20):
            p = (rng.below(W), rng.below(H))
            assert calibration.error(six, p, raw(*p)) <= 2, (six, p)
            got = naive(*raw(*p))
            worst = max(worst, abs(got[0] - p[0]), abs(got[1] - p[1]))
        naive_is_off += worst > 2
    assert naive_is_off > 30


def test_t10_a_calibration_that_cannot_be_is_refused():
    """The same spot was touched three times, one target was missed, or the file is damaged:
    refused with a reason, never taken."""
    screen = calibration.targets(W, H)
    assert calibration.solve(screen[:3], ((9, 9), (10, 9), (9, 10))) == (None, calibration.FLAT)
    assert calibration.solve(screen[:3], ((0, 0), (99, 99), (4000, 4000)))[0] is None
    good = [(500, 400), (3500, 2000), (2000, 3700)]
    six, _ = calibration.solve(screen[:3], good)
    assert calibration.check(six, W, H, 4096, 4096) == ""
    missed, _ = calibration.solve(screen[:3], (good[0], (2100, 2000), good[2]))
    assert calibration.check(missed, W, H, 4096, 4096) in (calibration.SKEWED, calibration.SCALE)
    for bad in (None, 5, "123456", (1, 2, 3), six + (0,), six[:5] + (1.0,), six[:5] + ("1",),
                six[:5] + (None,), (True,) + six[1:], six[:2] + (1 << 60,) + six[3:]):  # fmt: skip
        assert calibration.check(bad, W, H, 4096, 4096) == calibration.NOT_SIX_INTEGERS, bad
    assert calibration.check((0,) * 6, W, H, 4096, 4096) == calibration.FLAT
    a, b, c, d, e, f = six
    for wrong in ((4 * a, b, c, d, e, f), (a, b, c + (400 << 16), d, e, f),
                  (a // 2, b, c, d, e // 2, f), (-a, b, c, d, e, f)):  # fmt: skip
        assert calibration.check(wrong, W, H, 4096, 4096) == calibration.SCALE, wrong
    assert calibration.check((a, a, c, d, e, f), W, H, 4096, 4096) == calibration.SKEWED
    # What people usually do takes all of it.
    assert naive_calibration(screen, ((9, 9), (9, 9)))(0, 0) is not None


def test_t10_whatever_lies_in_the_file_check_answers():
    """Random numbers in the settings file: an answer, no other exception."""
    rng = Rng(seed(2))
    taken = 0
    for _ in range(1000):
        six = tuple((rng.bits() >> (4 + rng.below(24))) - (1 << rng.below(20)) for _ in range(6))
        taken += not calibration.check(six, W, H, 4096, 4096)
    assert taken < 5, taken


def test_t10_turned_and_composed():
    """The four ways a panel can be turned, by their corners; a calibration of the unturned screen
    turned afterwards."""
    corners = ((0, 0), (W - 1, 0), (W - 1, H - 1), (0, H - 1))
    # Clockwise by a quarter: what was the panel's bottom left corner is the picture's top left.
    for quarters, first in enumerate((0, 1, 2, 3)):
        six = calibration.turned(W, H, quarters)
        w, h = (H, W) if quarters & 1 else (W, H)
        at = ((0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1))
        for i in range(4):
            got = calibration.apply(six, *corners[(i + first) % 4])
            assert got == at[i], (quarters, i, got, at[i])
        assert calibration.check(six, w, h, W, H) == ""
    six = calibration.turned(W, H, 0, True)
    assert calibration.apply(six, 0, 5) == (W - 1, 5)
    both = calibration.compose(calibration.turned(W, H, 1), SCALED)
    for x, y in ((0, 0), (4095, 0), (1000, 3000)):
        inner = calibration.apply(SCALED, x, y)
        want = calibration.apply(calibration.turned(W, H, 1), *inner)
        got = calibration.apply(both, x, y)
        assert abs(got[0] - want[0]) <= 1 and abs(got[1] - want[1]) <= 1


async def test_t10_a_calibration_is_measured_on_the_panel():
    """Touching the targets gives raw points, without any press told; nobody touches: None."""
    desk = resistive(unsettled=200, noise=10)
    desk.start()
    await asyncio.sleep_ms(100)
    screen = calibration.targets(W, H)
    raw = [(4000 - 12 * x, 100 + 8 * y) for x, y in screen]
    got = []
    for x, y in raw:
        task = asyncio.create_task(desk.driver.measure(5000))
        await asyncio.sleep_ms(50)
        await desk.tap(x, y, ms=800, ohm=0)
        got.append(await task)
    for a, b in zip(got, raw):  # noqa: B905
        assert abs(a[0] - b[0]) <= 4 and abs(a[1] - b[1]) <= 4, (a, b)
    assert desk.events == []
    six, reason = calibration.solve(screen[:3], got[:3])
    assert six is not None and not reason
    assert desk.driver.calibrate(six) == ""
    assert calibration.error(six, screen[3], got[3]) <= 2
    assert desk.driver.calibrate((1, 2, 3)) == calibration.NOT_SIX_INTEGERS
    assert await desk.driver.measure(1000) is None
    await desk.tap(*raw[0], ohm=0)
    ((x, y),) = desk.presses()
    assert abs(x - screen[0][0]) <= 3 and abs(y - screen[0][1]) <= 3
    await desk.stop()


# ---- T11 the queue ------------------------------------------------------------------------------


async def test_t11_a_full_queue_keeps_whole_contacts():
    """Nobody takes events while somebody plays on the panel: bounded, told, and every DOWN that is
    kept has its end."""

    async def check(queue):
        rng = Rng(seed(4))
        for _ in range(60):
            queue.put("down", 1, 1, 0)
            for i in range(rng.below(6)):
                queue.put("move", i, i, 0)
            queue.put("cancel" if rng.below(4) == 0 else "up", 9, 9, 0)
            if rng.below(3) == 0:
                await queue.get()
        got = []
        while True:
            try:
                got.append((await asyncio.wait_for_ms(queue.get(), 20))[0])
            except asyncio.TimeoutError:
                break
        assert len(got) <= 16 and queue.lost > 0
        while got and got[0] != "down":
            got.pop(0)  # of a contact whose DOWN was taken above
        assert got[-1] in ("up", "cancel"), got
        for i, kind in enumerate(got):
            assert kind != "down" or not i or got[i - 1] in ("up", "cancel"), got

    await check(Events())
    failed = False
    try:
        await check(NaiveQueue())
    except AssertionError:
        failed = True
    assert failed


# ---- T12 speed, memory --------------------------------------------------------------------------


async def test_t12_press_to_event_takes_at_most_40_ms():
    """From the finger to the DOWN in the queue, on both kinds of panel; no pass of the loop takes
    longer than 1 ms."""
    for make, raw in ((capacitive, 1), (resistive, 12)):
        desk = make()
        desk.start()
        await asyncio.sleep_ms(500)
        bus.current.longest_us = 0
        worst = 0
        for i in range(20):
            at = time.ticks_ms()
            desk.touch(20 * raw, 20 * raw)
            await asyncio.sleep_ms(103 + i)
            worst = max(worst, time.ticks_diff(desk.events[-1][3], at))
            desk.lift()
            await asyncio.sleep_ms(171 + i)
        print("%s: %d ms, loop %d us" % (make.__name__, worst, bus.current.longest_us))
        assert worst <= 40 and bus.current.longest_us <= 1000
        assert desk.kinds() == ["down", "up"] * 20
        await desk.stop()


class StillBus:
    """An I2C and SPI that answer without making anything."""

    def __init__(self, data):
        self.data = data

    def readfrom_mem_into(self, address, register, buf):
        for i in range(len(buf)):
            buf[i] = self.data[i]

    def write_readinto(self, out, buf):
        for i in range(len(buf)):
            buf[i] = self.data[i]


def test_t12_sampling_allocates_nothing():
    """A sample, its filter and its place on the screen need no memory."""
    import micropython

    exchange = bytearray(33)
    values = (1200, 2900) + (1000,) + (2000,) * 5 + (99,) + (3000, 3001, 3002, 2999, 3000)
    for i, v in enumerate(values + (1200, 2900)):
        exchange[2 * i + 1] = v >> 5
        exchange[2 * i + 2] = v << 3 & 0xFF
    source = XPT2046(StillBus(exchange), lambda level: None)
    touch = Touch(source, clock, W, H, SCALED)
    glass = FT6336(StillBus(b"\x01\x80\x20\x00\x30"))
    contact = Contact()
    source.poll()
    micropython.heap_lock()
    try:
        what = touch._look()
        other = glass.poll()
        for _ in range(5):
            contact.feed(CONTACT, 5, 5, 10)
            contact.feed(DOUBT, 5, 5, 10)
        for _ in range(5):
            contact.feed(NONE, 0, 0, 10)
    finally:
        micropython.heap_unlock()
    assert what == CONTACT and source.point == [2000, 3000]
    assert (touch.x, touch.y) == (156, 352)
    assert other == CONTACT and glass.point == [0x20, 0x30]


# ---- T13 cancelling -----------------------------------------------------------------------------


async def test_t13_cancelled_anywhere_it_leaves_no_open_contact():
    """The task is ended at any await: it ends, no interrupt stays, and a contact that was told is
    cancelled."""
    for ms in (0, 2, 9, 31, 60, 330, 351, 393, 442, 500):
        desk = capacitive()
        task = asyncio.create_task(desk.driver.run())
        await asyncio.sleep_ms(ms)
        desk.touch(9, 9)
        await asyncio.sleep_ms(61)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        assert Pin(INT)._irq_trigger == 0
        kinds = []
        while True:
            try:
                kinds.append((await asyncio.wait_for_ms(desk.driver.get(), 5))[0])
            except asyncio.TimeoutError:
                break
        assert kinds in ([], ["down", "cancel"]), (ms, kinds)


async def test_t13_another_chip_at_the_address_is_told():
    """Some other chip answers at the panel's address: told as the wrong one, not believed."""
    desk = capacitive()
    desk.model._registers[0xA8] = 0x77
    desk.start()
    desk.touch(5, 5)
    await asyncio.sleep_ms(1000)
    assert (desk.driver.status, desk.driver.reason) == ("fault", "wrong_chip")
    assert desk.events == []
    await desk.stop()


async def test_t13_the_reset_line_is_used_and_waited_for():
    """With a reset line the controller is reset for 5 ms and given 300 ms to start."""
    desk = capacitive()
    bus.current.rack.on_output(14, desk.model.reset_line)
    i2c = I2C(0, freq=400_000, timeout=2000)
    source = FT6336(i2c, Pin(INT, Pin.IN, Pin.PULL_UP), Pin(14, Pin.OUT, value=1), threshold=30)
    desk.driver = Touch(source, clock, W, H, UPRIGHT, (W, H))
    desk.start()
    await asyncio.sleep_ms(400)
    assert desk.model.resets == 1 and desk.driver.status == "ok"
    assert desk.model._registers[0x80] == 30 and source.chip == 0x64
    await desk.stop()


# ---- pure parts ---------------------------------------------------------------------------------


def test_reports_of_any_bytes_are_decoded():
    """Whatever 5 bytes come: NONE, CONTACT or DOUBT, and a place within 12 bit."""
    out = [0, 0]
    assert decode(b"\x00\xff\xff\xff\xff", out) == NONE
    assert decode(b"\x01\x81\x23\x14\x56", out) == CONTACT and out == [0x123, 0x456]
    assert decode(b"\x01\x41\x23\x14\x56", out) == NONE  # lifted
    assert decode(b"\x01\xc1\x23\x14\x56", out) == DOUBT  # no event
    assert decode(b"\xff\xff\xff\xff\xff", out) == DOUBT
    assert decode(b"\x03\x81\x23\x14\x56", out) == DOUBT
    rng = Rng(seed(6))
    for _ in range(2000):
        assert decode(rng.bytes(5), out) in (NONE, CONTACT, DOUBT)
        assert 0 <= out[0] <= 4095 and 0 <= out[1] <= 4095


def test_exchanges_of_any_bytes_are_measured():
    """Whatever 33 bytes come from the converter: a median within 12 bit or none."""
    room = [0] * 5
    rng = Rng(seed(7))
    data = bytearray(33)
    for _ in range(500):
        for i in range(33):
            data[i] = rng.below(256) & (0x78 if rng.below(3) else 0xFF)
        assert -1 <= median(data, 3, room) <= 4095
        assert -1 <= pressure(data, 0) <= 4095 + 4095
    assert pressure(bytes(33), 0) == 0 and pressure(b"\xff" * 33, 0) == -1


def test_the_filter_by_samples():
    """Down after three that agree, up after three without; a void contact is silent to its end."""
    c = Contact()
    assert [c.feed(CONTACT, 5, 5, 10) for _ in range(4)] == [NOTHING, NOTHING, IS_DOWN, NOTHING]
    assert [c.feed(NONE, 0, 0, 10) for _ in range(4)] == [NOTHING, NOTHING, IS_UP, NOTHING]
    for x in (5, 300, 5, 300, 5):
        assert c.feed(CONTACT, x, 5, 10) == NOTHING
    for _ in range(3):
        c.feed(CONTACT, 300, 5, 10)
    assert c.held()
    assert c.drop() == IS_VOID and c.drop() == NOTHING and c.quiet()


def test_an_impossible_calibration_is_refused_at_once():
    """Touch() with numbers that cannot be its panel's: ValueError with the reason."""
    e = raises(ValueError, Touch, XPT2046(StillBus(bytes(33)), None), clock, W, H, (1,) * 6)
    assert e.args[0] == calibration.FLAT
