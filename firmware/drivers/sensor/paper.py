# A paper sensor of its own: a reflective optocoupler on an analogue input, or a switch on a pin.
#
# Daylight reaches the sensor when the cover is open: with the emitter on a pin, the reading is the
# difference between lit and dark. Two thresholds and a time: paper that trembles, or its edge
# under the sensor, does not flicker.

import asyncio
import time

from micropython import const

from . import FAULT, NO_ANSWER, OK, UNKNOWN
from .adc import median_uv

_PERIOD_MS = const(20)
_SETTLE_US = const(100)  # of the phototransistor
_FAULTS = const(3)


class Optical:
    """`adc`: machine.ADC; `emitter`: output pin of the emitter (lit at 1), or None when it is
    always lit. read() [uV] rises with what is reflected."""

    def __init__(self, adc, emitter=None):
        self._adc = adc
        self._emitter = emitter
        self._room = [0] * 5

    def read(self):
        """uV; some 0.8 ms. OSError from a converter that is in use."""
        if self._emitter is None:
            return median_uv(self._adc, self._room)
        dark = median_uv(self._adc, self._room)
        self._emitter(1)
        try:
            time.sleep_us(_SETTLE_US)
            lit = median_uv(self._adc, self._room)
        finally:
            self._emitter(0)
        return max(0, lit - dark)


class Switch:
    """`pin`: input; `active`: level with paper."""

    def __init__(self, pin, active=0):
        self._pin = pin
        self._active = active

    def read(self):
        return 1_000_000 if self._pin() == self._active else 0


class Paper:
    """`source`: Optical or Switch. `present`: True, False, None while nothing is known. There is
    paper above `there` uV, none below `gone` uV, for `steady_ms` without a break; between them
    what was said stays."""

    def __init__(self, source, clock, there=600_000, gone=400_000, steady_ms=100):
        if gone >= there:
            raise ValueError("thresholds")
        self._source = source
        self._clock = clock
        self._there = there
        self._gone = gone
        self._steady_ms = steady_ms
        self._seen = None  # what the readings say
        self._since = 0
        self._faults = 0
        self._event = asyncio.Event()
        self.present = None
        self.status = UNKNOWN
        self.reason = ""

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("paper", self.run),)

    async def run(self):
        while True:
            self.sample()
            await asyncio.sleep_ms(_PERIOD_MS)

    async def changed(self):
        """Until `present` or `status` changes. One waiter only."""
        self._event.clear()
        await self._event.wait()

    def sample(self):
        """One reading; under a millisecond."""
        try:
            uv = self._source.read()
        except OSError:
            self._faults += 1
            if self._faults == _FAULTS:
                self.present = self._seen = None
                self._is(FAULT, NO_ANSWER)
            return
        self._faults = 0
        seen = self.present  # between the thresholds nothing changes
        if uv >= self._there:
            seen = True
        elif uv <= self._gone:
            seen = False
        now = self._clock.ticks()
        if seen is not self._seen:
            self._seen = seen
            self._since = now
        elif seen is not None and seen is not self.present:
            if self._clock.diff(now, self._since) >= self._steady_ms:
                self.present = seen
                self._is(OK, "")

    def _is(self, status, reason):
        self.status, self.reason = status, reason
        self._event.set()
