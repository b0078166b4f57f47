# Maxim MAX17048 fuel gauge (1 cell) on I2C: the chip models the cell, we ask it.
#
# Source: MAX17048/MAX17049 data sheet, register table. 16-bit registers, high byte first. VCELL:
# 78.125 uV; SOC: 1/256 percent; STATUS bit RI: the chip was reset and its settings and model are
# the factory's. After a reset its first estimate comes from one voltage: wrong under load.

import asyncio

from micropython import const

from . import FAULT, NO_ANSWER, NO_BATTERY, OK, TOO_HIGH, UNKNOWN, WRONG_CHIP
from .charge import Charge, plausible

ADDRESS = const(0x36)

_VCELL = const(0x02)
_SOC = const(0x04)
_VERSION = const(0x08)
_STATUS = const(0x1A)
_RESET_INDICATOR = const(0x0100)

_PERIOD_MS = const(500)
_FAULTS = const(4)
_SETTLE = const(4)  # samples after a reset that are not believed


class MAX17048:
    """`i2c`: machine.I2C with a timeout of at most 2,000 us; `charging`: input pin of the charger,
    or None; `active`: its level while charging."""

    def __init__(self, i2c, charging=None, active=0):
        self._i2c = i2c
        self._pin = charging
        self._active = active
        self._charge = Charge()
        self._two = bytearray(2)
        self._faults = 0
        self._settle = 0
        self._known = False  # it is the chip that we think
        self.resets = 0
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

    def _register(self, at):
        self._i2c.readfrom_mem_into(ADDRESS, at, self._two)
        return self._two[0] << 8 | self._two[1]

    def sample(self):
        """One reading; 0.5 ms of bus time."""
        try:
            if not self._known and self._register(_VERSION) & 0xFFF0 != 0x0010:
                self._wrong(WRONG_CHIP)
                return
            self._known = True
            if self._was_reset():
                return
            mv = self._register(_VCELL) * 5 // 64
            percent = min(100, self._register(_SOC) >> 8)
        except OSError:
            self._wrong(NO_ANSWER)
            return
        side = plausible(mv)
        if side:
            self._wrong(TOO_HIGH if side > 0 else NO_BATTERY)
            return
        self._faults = 0
        plugged = self._pin is not None and self._pin() == self._active
        self._charge.feed(mv, plugged, percent)
        if self.percent is not None:
            self.status, self.reason = OK, ""

    def _was_reset(self):
        """Whether the chip's estimate is still to come. OSError: no answer."""
        status = self._register(_STATUS)
        if status & _RESET_INDICATOR:
            status &= ~_RESET_INDICATOR & 0xFFFF
            self._two[0], self._two[1] = status >> 8, status & 0xFF
            self._i2c.writeto_mem(ADDRESS, _STATUS, self._two)
            self.resets += 1
            self._settle = _SETTLE
        if self._settle:
            self._settle -= 1
            return True
        return False

    def _wrong(self, reason):
        self._faults += 1
        if self._faults >= _FAULTS:
            self._charge.forget()
            self._known = False
            self.status, self.reason = FAULT, reason
