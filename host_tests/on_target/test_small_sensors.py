# Temperature, paper and tamper sensors against their models, and what usual drivers do there.

import asyncio
import time

import bus
import esp32
import machine
from harness import Rng, raises, seed
from machine import Pin
from naive_small import NaiveEdgeTamper, NaivePaper, NaiveTamper, NaiveTemperature

from app.kernel import clock
from drivers.sensor.adc import interpolate, median_uv
from drivers.sensor.paper import Optical, Paper, Switch
from drivers.sensor.tamper import Tamper
from drivers.sensor.temperature import NTC_10K_3950, Chip, Ntc, Temperature
from models import sensors, tamper

ADC = 5
EMITTER = 8
SWITCH = 41


def fresh():
    bus.use(bus.LocalBus())
    Pin._pins.clear()
    machine.ADC._channels.clear()


def now():
    bus.current._advance()
    return bus.current.rack.now_us


def adc():
    return machine.ADC(Pin(ADC), atten=machine.ADC.ATTN_11DB)


# ---- temperature --------------------------------------------------------------------------------


def thermistor(naive=False, **options):
    fresh()
    model = sensors.Thermistor(**options)
    bus.current.rack.attach_adc(ADC, model)
    ntc = Ntc(adc())
    return model, NaiveTemperature(ntc) if naive else Temperature(ntc)


def fails(check):
    try:
        check(True)
    except (AssertionError, OSError):
        return True
    return False


def test_z7_the_thermistor_is_right_to_two_degrees():
    """From -20 to 90 degrees, with the converter's noise: within 2 K (0 to 60), 4 K elsewhere."""
    for celsius in range(-20, 91, 5):
        model, t = thermistor(celsius=celsius)
        for _ in range(5):
            t.sample()
        limit = 20 if 0 <= celsius <= 60 else 40
        assert abs(t.tenths - celsius * 10) <= limit, (celsius, t.tenths)


def test_z7_outliers_do_not_stop_the_printer():
    """Readings that are far off while the radio sends: no "hot", and a temperature that stays."""

    def check(naive=False):
        for s in range(seed(5), seed(5) + 3):
            model, t = thermistor(naive, celsius=40, outliers=0.08, seed=s)
            far = 0
            for _ in range(600):
                t.sample()
                far += abs(t.tenths - 400) > 60
                assert not t.hot
            assert far < 20, far

    check()
    assert fails(check)


def test_z7_hot_does_not_flicker_around_its_limit():
    """The head is at the limit: "hot" comes once, and goes once it is 10 degrees cooler."""

    def check(naive=False):
        model, t = thermistor(naive, celsius=70, noise_mv=12)
        changes = 0
        hot = t.hot
        rng = Rng(seed(6))
        for i in range(300):
            model.celsius = 69.5 + rng.below(20) / 10 if i < 200 else 55
            t.sample()
            changes += t.hot != hot
            hot = t.hot
        assert changes == 2 and not t.hot, changes

    check()
    assert fails(check)


def test_z7_a_broken_wire_is_no_temperature():
    """Sensor torn off or shorted: a fault with its reason and no temperature, not -40 or 120
    degrees; it comes back."""

    def check(naive=False):
        model, t = thermistor(naive, celsius=30)
        t.sample()
        for attribute, reason in (("broken", "open"), ("shorted", "short")):
            setattr(model, attribute, True)
            for _ in range(5):
                t.sample()
            assert t.tenths is None and (t.status, t.reason) == ("fault", reason)
            setattr(model, attribute, False)
            t.sample()
            assert t.status == "ok" and abs(t.tenths - 300) < 20

    check()
    assert fails(check)


async def test_z7_the_chips_own_sensor():
    """esp32.mcu_temperature() behind the same face, as a task."""
    fresh()
    bus.current.rack.celsius = 44
    t = Temperature(Chip(esp32.mcu_temperature), hot_at=800, cool_at=700)
    assert t.status == "unknown" and t.tenths is None
    task = asyncio.create_task(t.tasks()[0][1]())
    await asyncio.sleep_ms(1500)
    assert t.tenths == 440 and t.status == "ok"
    bus.current.rack.celsius = 85
    await asyncio.sleep_ms(4000)
    assert t.hot
    task.cancel()


# ---- paper --------------------------------------------------------------------------------------


class PaperDesk:
    def __init__(self, naive=False, switched=True, **options):
        fresh()
        self.model = sensors.PaperSensor(**options)
        bus.current.rack.attach_adc(ADC, self.model)
        bus.current.rack.on_output(EMITTER, self.model.emitter)
        emitter = Pin(EMITTER, Pin.OUT, value=0) if switched or naive else None
        if naive:
            self.sensor = NaivePaper(adc(), emitter, clock)
        else:
            self.sensor = Paper(Optical(adc(), emitter), clock)
        self.changes = 0
        self.task = asyncio.create_task(self.sensor.run())
        self.watch = asyncio.create_task(self._watch())

    async def _watch(self):
        last = None
        while True:
            if self.sensor.present is not last and last is not None:
                self.changes += 1
            last = self.sensor.present
            await asyncio.sleep_ms(10)

    def stop(self):
        self.task.cancel()
        self.watch.cancel()


async def paper_fails(check):
    try:
        await check(True)
    except AssertionError:
        return True
    return False


async def test_z8_paper_is_seen_and_missed_within_200_ms():
    """Paper out, paper in, with the emitter switched and always on; nothing is known before."""
    for switched in (True, False):
        desk = PaperDesk(switched=switched)
        assert desk.sensor.present is None and desk.sensor.status == "unknown"
        await asyncio.sleep_ms(200)
        for there in (True, False, True):
            desk.model.paper = there
            await asyncio.sleep_ms(200)
            assert desk.sensor.present is there and desk.sensor.status == "ok"
        desk.stop()


async def test_z8_trembling_paper_does_not_flicker():
    """The paper's edge trembles under the sensor while it is put in: one change, not fifty."""

    async def check(naive=False):
        desk = PaperDesk(naive, paper=False)
        await asyncio.sleep_ms(300)
        desk.model.tremble_us = now() + 1_500_000
        desk.model.paper = True
        await asyncio.sleep_ms(2500)
        assert desk.sensor.present is True and desk.changes == 1, desk.changes
        desk.stop()

    await check()
    assert await paper_fails(check)


async def test_z8_daylight_is_not_paper():
    """The cover is open in the sun and there is no paper: daylight does not make some."""

    async def check(naive=False):
        desk = PaperDesk(naive, paper=False)
        await asyncio.sleep_ms(300)
        desk.model.daylight = 900
        await asyncio.sleep_ms(500)
        assert desk.sensor.present is False
        desk.model.paper = True
        await asyncio.sleep_ms(500)
        assert desk.sensor.present is True
        desk.stop()

    await check()
    assert await paper_fails(check)


async def test_z8_a_sensor_that_cannot_be_read_is_unknown():
    """The converter fails: neither paper nor none, but a fault; and it comes back."""

    class Broken:
        uv = 1_000_000

        def read(self):
            if self.uv is None:
                raise OSError(116)
            return self.uv

    fresh()
    source = Broken()
    sensor = Paper(source, clock)
    task = asyncio.create_task(sensor.run())
    await asyncio.sleep_ms(300)
    assert sensor.present is True
    waiter = asyncio.create_task(sensor.changed())
    source.uv = None
    await asyncio.sleep_ms(300)
    assert sensor.present is None and (sensor.status, sensor.reason) == ("fault", "no_answer")
    assert waiter.done()
    source.uv = 0
    await asyncio.sleep_ms(300)
    assert sensor.present is False and sensor.status == "ok"
    task.cancel()
    raises(ValueError, Paper, source, clock, 1, 2)


async def test_z8_a_switch_is_a_sensor_too():
    """A microswitch on a pin, with its bounce."""
    fresh()
    model = tamper.TamperSwitch(SWITCH, bounce_us=15_000, seed=2)
    bus.current.rack.attach_gpio(model)
    sensor = Paper(Switch(Pin(SWITCH, Pin.IN, Pin.PULL_UP)), clock)
    task = asyncio.create_task(sensor.run())
    await asyncio.sleep_ms(300)
    assert sensor.present is True
    model.open(now())
    await asyncio.sleep_ms(300)
    assert sensor.present is False
    task.cancel()


# ---- tamper -------------------------------------------------------------------------------------


class TamperDesk:
    def __init__(self, driver=Tamper, **options):
        fresh()
        self.model = tamper.TamperSwitch(SWITCH, **options)
        bus.current.rack.attach_gpio(self.model)
        self.sensor = driver(Pin(SWITCH, Pin.IN, Pin.PULL_UP), clock)
        self.task = asyncio.create_task(self.sensor.run())

    def open(self):
        self.model.open(now())
        bus.current.rack.poke()

    def close(self):
        self.model.close(now())
        bus.current.rack.poke()

    async def stop(self):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass


async def tamper_fails(check, driver):
    try:
        await check(driver)
    except AssertionError:
        return True
    return False


async def test_z9_an_opened_case_is_noticed_within_100_ms_and_remembered():
    """Opened for 60 ms at any moment, through bounce: noticed within 100 ms, latched after it was
    closed, until it is reset with the case closed."""

    async def check(driver=Tamper):
        for s in range(20):
            desk = TamperDesk(driver, seed=s)
            await asyncio.sleep_ms(203 + 7 * s)
            assert not desk.sensor.tampered
            desk.open()
            await asyncio.sleep_ms(60)
            assert not desk.sensor.reset() or driver is not Tamper
            desk.close()
            await asyncio.sleep_ms(40)
            assert desk.sensor.tampered, s
            await asyncio.sleep_ms(1000)
            assert desk.sensor.tampered and desk.sensor.reset() and not desk.sensor.tampered
            await asyncio.sleep_ms(300)
            assert not desk.sensor.tampered
            await desk.stop()

    await check()
    assert await tamper_fails(check, NaiveTamper)


async def test_z9_spikes_on_the_wire_are_no_tampering():
    """The modem's bursts couple into the wire, up to 10 ms each: counted, no alarm."""

    async def check(driver=Tamper):
        desk = TamperDesk(driver, bounce_us=0)
        await asyncio.sleep_ms(100)
        rng = Rng(seed(7))
        t = now()
        for _ in range(60):
            t += 30_000 + rng.below(60_000)
            desk.model.spike(t, 100 + rng.below(10_000))
        await asyncio.sleep_ms(7000)
        assert not desk.sensor.tampered
        assert desk.sensor.noise == 60, desk.sensor.noise
        await desk.stop()

    await check()
    assert await tamper_fails(check, NaiveEdgeTamper)
    assert await tamper_fails(check, NaiveTamper)


async def test_z10_an_opening_while_the_terminal_is_busy_counts():
    """The case is opened and closed while other tasks keep the loop busy in pieces: the interrupt
    measured it."""

    async def check(driver=Tamper):
        desk = TamperDesk(driver, bounce_us=0)
        await asyncio.sleep_ms(110)
        desk.open()
        for _ in range(12):
            time.sleep_ms(4)
            await asyncio.sleep_ms(1)
        desk.close()
        time.sleep_ms(30)
        await asyncio.sleep_ms(60)
        assert desk.sensor.tampered
        await desk.stop()

    await check()
    assert await tamper_fails(check, NaiveTamper)


async def test_z11_a_case_that_is_open_at_start_is_noticed():
    """Opened while there was no power and left open, or the wire cut: noticed at start, and cannot
    be reset away."""
    for cut in (False, True):
        desk = TamperDesk(bounce_us=0)
        if cut:
            desk.model.cut = True
        else:
            desk.open()
        await asyncio.wait_for_ms(desk.sensor.wait(), 100)
        assert desk.sensor.tampered and not desk.sensor.reset() and desk.sensor.tampered
        await desk.stop()


async def test_z11_cancelled_anywhere_it_leaves_no_interrupt():
    """The task is ended at any await: no interrupt stays; started again it works."""
    for ms in (0, 1, 30, 49, 60, 101, 130):
        desk = TamperDesk()
        await asyncio.sleep_ms(100)
        desk.open()
        await asyncio.sleep_ms(ms)
        await desk.stop()
        assert Pin(SWITCH)._irq_trigger == 0
        desk.task = asyncio.create_task(desk.sensor.run())
        await asyncio.sleep_ms(100)
        assert desk.sensor.tampered
        await desk.stop()


# ---- speed and memory ---------------------------------------------------------------------------


async def test_z12_samples_are_short_and_allocate_nothing():
    """Sampling blocks the loop for less than a millisecond; medians, tables and the interrupt
    handler need no memory."""
    import micropython

    desk = PaperDesk()
    await asyncio.sleep_ms(100)
    bus.current.longest_us = 0
    await asyncio.sleep_ms(1000)
    assert bus.current.longest_us < 1000, bus.current.longest_us
    desk.stop()

    class Still:
        at = 0
        readings = (5, 900, 3, 4, 1)

        def read_uv(self):
            self.at += 1
            return self.readings[(self.at - 1) % 5]

        def __call__(self):
            return self.at & 1

    still = Still()
    room = [0] * 5
    case = Tamper(still, clock)
    assert median_uv(still, room) == 4
    micropython.heap_lock()
    try:
        m = median_uv(still, room)
        i = interpolate(NTC_10K_3950, 10_000)
        still.at = 1
        case._edge(still)
        still.at = 2
        case._edge(still)
    finally:
        micropython.heap_unlock()
    assert m == 4 and i == 250 and case.noise == 1


def test_tables_between_and_beyond_their_rows():
    """A table's rows, between them, and beyond its ends."""
    table = ((100, 0), (50, 10), (10, 20))
    assert [interpolate(table, x) for x in (200, 100, 75, 50, 30, 10, 0)] == [
        0, 0, 5, 10, 15, 20, 20]  # fmt: skip
