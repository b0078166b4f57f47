"""A lithium cell with its divider and charger, and a MAX17048 fuel gauge that watches it.

Owns charge, voltage under load, noise, and the gauge's registers. Must not: share a discharge
table with any driver; the curve here is a formula (a plateau, a rise to the full cell, and the
knee of the empty one).

Wiring: rack.attach_adc(pin, cell); rack.attach_gpio(cell) for the charger's pin;
rack.attach_i2c(unit, 0x36, gauge).

Faults: noise and outliers of the converter, load, a cell taken out, a divider with a broken wire,
a gauge that is reset or does not answer (I2cChip).
"""

import math

from . import XorShift
from .i2c_chip import I2cChip


def rest_mv(share):
    """Voltage at rest of a cell with that share of its charge (0.0 to 1.0)."""
    return 3680 + 500 * share**1.5 - 380 * math.exp(-20 * share)


class Cell:
    """`mah`: capacity; `mohm`: internal resistance, wires and fuse; `ratio` of the divider;
    `noise_mv` each way at the cell; `outliers`: chance of a reading that is far off."""

    def __init__(self, share=1.0, mah=2000, mohm=150, ratio=2, charge_pin=None, noise_mv=8,
                 outliers=0.0, seed=1):  # fmt: skip
        self.share = share
        self.mah = mah
        self.mohm = mohm
        self.ratio = ratio
        self.charge_pin = charge_pin
        self.noise_mv = noise_mv
        self.outliers = outliers
        self.load_ma = 80
        self.charge_ma = 0
        self.present = True
        self.divider_broken = False
        self.chatter_us = 0  # until then the charger's pin flickers
        self._chance = XorShift(seed)
        self._now = 0

    def advance(self, now_us):
        if now_us > self._now:
            flow = (self.load_ma - self.charge_ma) * (now_us - self._now) / 3.6e9
            self.share = min(1.0, max(0.0, self.share - flow / self.mah))
            self._now = now_us

    def millivolts(self, now_us):
        self.advance(now_us)
        if not self.present:
            return 0
        return int(rest_mv(self.share) - (self.load_ma - self.charge_ma) * self.mohm / 1000)

    def microvolts(self, now_us):
        """At the middle of the divider."""
        mv = self.millivolts(now_us)
        if self.divider_broken:
            return 3_300_000
        if mv and self.noise_mv:
            mv += self._chance.below(2 * self.noise_mv + 1) - self.noise_mv
        if mv and self.outliers and self._chance.chance(self.outliers):
            mv += self._chance.below(800) - 400
        return max(0, mv) * 1000 // self.ratio

    # --- the charger's pin: low while it charges ------------------------------------------------

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        if self.charge_pin is None:
            return {}
        low = self.charge_ma > 0
        if now_us < self.chatter_us:
            low = bool(self._chance.below(2))
        return {self.charge_pin: 0 if low else 1}

    def next_due(self):
        return None


class MAX17048(I2cChip):
    """Data sheet, register table: VCELL 0x02, SOC 0x04, VERSION 0x08, CONFIG 0x0C, STATUS 0x1A.
    After a reset it takes the voltage that it finds for one at rest, and needs a second."""

    def __init__(self, cell, seed=1):
        super().__init__(seed)
        self.cell = cell
        self.version = 0x0012
        self.offset = 0.0  # error of its estimate
        self._config = 0x971C
        self._status = 0x0100
        self._reset_us = 0

    def power_on_reset(self, now_us):
        """Its supply dipped: what it makes of a voltage under load is far too little."""
        self.advance(now_us)
        self._status = 0x0100
        self._config = 0x971C
        self._reset_us = now_us
        self.offset = -0.4 if self.cell.load_ma > 500 else 0.0

    def advance(self, now_us):
        self.cell.advance(now_us)
        if now_us - self._reset_us > 1_500_000:
            self.offset = 0.0

    def _word(self, at):
        if at == 0x02:
            return self.cell.millivolts(self.now_us) * 64 // 5
        if at == 0x04:
            return int(min(1.02, max(0.0, self.cell.share + self.offset)) * 100 * 256)
        return {0x08: self.version, 0x0C: self._config, 0x1A: self._status}.get(at, 0)

    def peek(self, at):
        word = self._word(at & 0xFE)
        return word & 0xFF if at & 1 else word >> 8

    def poke(self, at, value):
        shift = 0 if at & 1 else 8
        if at & 0xFE == 0x0C:
            self._config = self._config & ~(0xFF << shift) | value << shift
        elif at & 0xFE == 0x1A:
            self._status = self._status & ~(0xFF << shift) | value << shift
        else:
            self.errors.append("write to register 0x%02x" % at)
