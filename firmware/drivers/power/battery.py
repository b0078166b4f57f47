# A lithium cell on an analogue input, behind a divider; the charger's status pin beside it.

import asyncio

from micropython import const

from ..sensor.adc import median_uv
from . import FAULT, NO_ANSWER, NO_BATTERY, OK, TOO_HIGH, UNKNOWN
from .charge import LI_ION, Charge, plausible

_PERIOD_MS = const(500)
_FAULTS = const(4)  # readings


class Battery:
    """`adc`: machine.ADC with ATTN_11DB; `ratio`: (numerator, denominator) from the pin to the
    cell; `charging`: input pin of the charger, or None; `active`: its level while charging."""

    def __init__(self, adc, ratio=(2, 1), charging=None, active=0, table=LI_ION):
        self._adc = adc
        self._up, self._down = ratio
        self._pin = charging
        self._active = active
        self._charge = Charge(table)
        self._room = [0] * 5
        self._faults = 0
        self.status = UNKNOWN
        self.reason = ""

    @property
    def percent(self):
        return self._charge.percent

    @property
    def mv(self):
        return self._charge.mv

    @property
    def low(self):
        return self._charge.low

    @property
    def critical(self):
        return self._charge.critical

    @property
    def charging(self):
        return self._charge.charging

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("battery", self.run),)

    async def run(self):
        while True:
            self.sample()
            await asyncio.sleep_ms(_PERIOD_MS)

    def sample(self):
        """One reading; some 0.3 ms."""
        try:
            mv = median_uv(self._adc, self._room) * self._up // self._down // 1000
        except OSError:
            self._wrong(NO_ANSWER)
            return
        side = plausible(mv)
        if side:
            self._wrong(TOO_HIGH if side > 0 else NO_BATTERY)
            return
        self._faults = 0
        self._charge.feed(mv, self._pin is not None and self._pin() == self._active)
        if self.percent is not None:
            self.status, self.reason = OK, ""

    def _wrong(self, reason):
        self._faults += 1
        if self._faults >= _FAULTS:
            self._charge.forget()
            self.status, self.reason = FAULT, reason
