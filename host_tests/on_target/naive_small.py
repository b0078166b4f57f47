# Drivers of small devices as they are usually written: the negative controls of test_small_*.py.

import asyncio
import time

from drivers.sensor.adc import interpolate

# ---- clock chips --------------------------------------------------------------------------------


def _number(b):
    return (b >> 4) * 10 + (b & 15)


def _digits(n):
    return n // 10 * 16 + n % 10


class NaiveDS3231:
    """One register after the other, no flag looked at; set the same way."""

    pending = False
    status = "ok"

    def __init__(self, i2c, rtc):
        self._i2c = i2c
        self._rtc = rtc

    def _get(self, at):
        return _number(self._i2c.readfrom_mem(0x68, at, 1)[0])

    def load(self):
        s, mi, h = self._get(0), self._get(1), self._get(2)
        d, mo, y = self._get(4), self._get(5), self._get(6)
        self._rtc.datetime((2000 + y, mo, d, 0, h, mi, s, 0))
        return True

    def datetime(self, t=None):
        if t is None:
            return self._rtc.datetime()
        self._rtc.datetime(t)
        for at, n in ((0, t[6]), (1, t[5]), (2, t[4]), (4, t[2]), (5, t[1]), (6, t[0] - 2000)):
            self._i2c.writeto_mem(0x68, at, bytes((_digits(n),)))
        return None

    def tasks(self):
        return (("rtc", self.run),)

    async def run(self):
        while True:
            await asyncio.sleep_ms(60_000)


class NaivePCF8563(NaiveDS3231):
    def load(self):
        r = self._i2c.readfrom_mem(0x51, 2, 7)
        y, mo, d = 2000 + _number(r[6]), _number(r[5] & 31), _number(r[3] & 63)
        h, mi, s = _number(r[2] & 63), _number(r[1] & 127), _number(r[0] & 127)
        self._rtc.datetime((y, mo, d, 0, h, mi, s, 0))
        return True

    def datetime(self, t=None):
        if t is None:
            return self._rtc.datetime()
        self._rtc.datetime(t)
        values = (t[6], t[5], t[4], t[2], t[3], t[1], t[0] - 2000)
        self._i2c.writeto_mem(0x51, 2, bytes([_digits(n) for n in values]))
        return None


# ---- batteries ----------------------------------------------------------------------------------


class NaiveBattery:
    """One reading, a straight line from 3.3 V to 4.2 V."""

    status = "ok"
    reason = ""

    def __init__(self, adc, ratio=(2, 1), charging=None, active=0):
        self._adc = adc
        self._pin = charging
        self._active = active
        self.mv = 0
        self.percent = 0
        self.low = False
        self.critical = False
        self.charging = False

    def sample(self):
        self.mv = self._adc.read_uv() * 2 // 1000
        self.percent = max(0, min(100, (self.mv - 3300) * 100 // 900))
        self.low = self.percent <= 15
        self.critical = self.percent <= 5
        if self._pin is not None:
            self.charging = self._pin() == self._active

    def tasks(self):
        return (("battery", self.run),)

    async def run(self):
        while True:
            self.sample()
            await asyncio.sleep_ms(500)


class NaiveGauge:
    """Believes SOC from the first moment on."""

    status = "ok"
    resets = 0

    def __init__(self, i2c):
        self._i2c = i2c
        self.percent = 0
        self.low = False

    def sample(self):
        self.percent = self._i2c.readfrom_mem(0x36, 4, 2)[0]
        self.low = self.percent <= 15

    def tasks(self):
        return (("battery", self.run),)

    async def run(self):
        while True:
            self.sample()
            await asyncio.sleep_ms(500)


# ---- sound --------------------------------------------------------------------------------------


class NaiveBuzzer:
    """Sounds where it is called and sleeps meanwhile; a tone for each kind of key."""

    def __init__(self, voice, clock, patterns):
        self._voice = voice
        self._patterns = patterns

    def play(self, name):
        for hz, ms in self._patterns[name][1]:
            if hz:
                self._voice.on(hz)
            time.sleep_ms(ms)
            self._voice.off()

    def click(self, name="key"):
        self.play(name)

    def pin_mode(self, on):
        pass

    def tasks(self):
        return ()


class NaiveAsyncBuzzer(NaiveBuzzer):
    """The same as a task for each sound: whoever comes last has the buzzer."""

    def play(self, name):
        self.task = asyncio.create_task(self._play(name))

    async def _play(self, name):
        for hz, ms in self._patterns[name][1]:
            if hz:
                self._voice.on(hz)
            await asyncio.sleep_ms(ms)
            self._voice.off()


# ---- sensors ------------------------------------------------------------------------------------


class NaiveTemperature:
    """One reading, one threshold."""

    status = "ok"
    reason = ""

    def __init__(self, ntc):
        self._ntc = ntc
        self.tenths = 0
        self.hot = False

    def sample(self):
        uv = self._ntc._adc.read_uv()
        rest = max(1, 3_300_000 - uv)
        ohm = max(1, 10_000 * uv // rest)
        self.tenths = interpolate(self._ntc._table, ohm)
        self.hot = self.tenths >= 700


class NaivePaper:
    """One reading, one threshold, the emitter always on."""

    status = "ok"

    def __init__(self, adc, emitter, clock):
        self._adc = adc
        emitter(1)
        self.present = True
        self.changes = 0

    def sample(self):
        present = self._adc.read_uv() > 500_000
        self.changes += present is not self.present
        self.present = present

    def tasks(self):
        return (("paper", self.run),)

    async def run(self):
        while True:
            self.sample()
            await asyncio.sleep_ms(20)


class NaiveTamper:
    """Looks at the pin ten times a second."""

    def __init__(self, pin, clock):
        self._pin = pin
        self.tampered = False
        self.noise = 0

    def reset(self):
        self.tampered = False
        return True

    def tasks(self):
        return (("tamper", self.run),)

    async def run(self):
        while True:
            if self._pin():
                self.tampered = True
            await asyncio.sleep_ms(100)


class NaiveEdgeTamper(NaiveTamper):
    """Believes every interrupt."""

    async def run(self):
        self._pin.irq(self._opened, self._pin.IRQ_RISING)
        await asyncio.Event().wait()

    def _opened(self, pin):
        self.tampered = True
