"""A thermistor and a reflective paper sensor, as voltages.

Owns physics: the beta formula; light that falls back from paper, roller and sky.

Wiring: rack.attach_adc(pin, sensor); rack.on_output(pin, sensor.emitter) for the paper sensor's
light.

Faults: noise, outliers, a broken wire, a short circuit, daylight, paper that trembles.
"""

import math

from . import XorShift


class Thermistor:
    """10 kilohm at 25 C to ground, a resistor to the supply."""

    def __init__(self, celsius=25.0, beta=3950, pullup_ohm=10_000, supply_mv=3300, noise_mv=4,
                 outliers=0.0, seed=1):  # fmt: skip
        self.celsius = celsius
        self.beta = beta
        self.pullup_ohm = pullup_ohm
        self.supply_mv = supply_mv
        self.noise_mv = noise_mv
        self.outliers = outliers
        self.broken = False
        self.shorted = False
        self._chance = XorShift(seed)

    def microvolts(self, now_us):
        if self.broken:
            return self.supply_mv * 1000
        if self.shorted:
            return 2000
        ohm = 10_000 * math.exp(self.beta * (1 / (self.celsius + 273.15) - 1 / 298.15))
        mv = self.supply_mv * ohm / (ohm + self.pullup_ohm)
        mv += self._chance.below(2 * self.noise_mv + 1) - self.noise_mv
        if self.outliers and self._chance.chance(self.outliers):
            mv += self._chance.below(1000) - 500
        return int(max(0, mv) * 1000)


class PaperSensor:
    """White paper throws back most of the emitter's light, the black roller little. `daylight`
    [mV] adds to everything."""

    def __init__(self, paper=True, noise_mv=15, seed=1):
        self.paper = paper
        self.daylight = 0
        self.noise_mv = noise_mv
        self.tremble_us = 0  # until then paper is there or not as it pleases
        self._chance = XorShift(seed)
        self._lit = True

    def emitter(self, level, now_us):
        self._lit = bool(level)

    def microvolts(self, now_us):
        there = self.paper
        if now_us < self.tremble_us:
            there = bool(self._chance.below(2))
        mv = (1200 if there else 180) if self._lit else 20
        mv = min(3000, mv + self.daylight)
        mv += self._chance.below(2 * self.noise_mv + 1) - self.noise_mv
        return max(0, mv) * 1000
