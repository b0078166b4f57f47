# Temperature: the chip's own, or a thermistor (NTC) on an analogue input.

import asyncio

from micropython import const

from . import FAULT, NO_ANSWER, OK, OPEN, SHORT, UNKNOWN
from .adc import interpolate, median_uv

_PERIOD_MS = const(1000)
_AGREE = const(3)
# The converter ends at 3.1 V (ATTN_11DB), below the supply: what lies above is no temperature.
_ADC_END_MV = const(3050)

# 10 kilohm at 25 C, B25/85 = 3950 K: (ohm, tenths of a degree Celsius), from R = 10,000 *
# exp(3950 * (1/T - 1/298.15)), T in kelvin: within 2 K of makers' tables from -20 to 100 C.
NTC_10K_3950 = (
    (401860, -400), (200204, -300), (105385, -200), (58246, -100), (33621, 0), (25925, 50),
    (20175, 100), (15837, 150), (12535, 200), (10000, 250), (8037, 300), (6506, 350),
    (5301, 400), (4348, 450), (3588, 500), (2978, 550), (2486, 600), (2086, 650), (1760, 700),
    (1492, 750), (1270, 800), (934, 900), (698, 1000), (529, 1100), (407, 1200),
)  # fmt: skip


class Ntc:
    """A thermistor to ground, a resistor of `pullup_ohm` to a supply of `supply_mv`; `adc`:
    machine.ADC with ATTN_11DB. With 10 kilohm and 3.3 V it measures from -22 degrees on."""

    def __init__(self, adc, pullup_ohm=10_000, supply_mv=3300, table=NTC_10K_3950):
        self._adc = adc
        self._pullup = pullup_ohm
        self._supply = supply_mv
        self._table = table
        self._room = [0] * 5

    def read(self):
        """(tenths of a degree Celsius, "") or (0, reason)."""
        mv = median_uv(self._adc, self._room) // 1000
        rest = self._supply - mv
        if mv >= _ADC_END_MV or rest <= 0:
            return 0, OPEN
        if mv * 100 < self._supply:
            return 0, SHORT
        return interpolate(self._table, self._pullup * mv // rest), ""


class Chip:
    """The processor's own sensor. `celsius`: esp32.mcu_temperature."""

    def __init__(self, celsius):
        self._celsius = celsius

    def read(self):
        return self._celsius() * 10, ""


class Temperature:
    """`source`: Ntc or Chip. `tenths` of a degree or None; `hot`: above `hot_at`, until below
    `cool_at`; a change of it is believed after three readings, a second apart."""

    def __init__(self, source, hot_at=700, cool_at=600):
        self._source = source
        self._hot_at = hot_at
        self._cool_at = cool_at
        self._count = 0
        self._faults = 0
        self.tenths = None
        self.hot = False
        self.status = UNKNOWN
        self.reason = ""

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("temperature", self.run),)

    async def run(self):
        while True:
            self.sample()
            await asyncio.sleep_ms(_PERIOD_MS)

    def sample(self):
        """One reading; under a millisecond."""
        try:
            tenths, reason = self._source.read()
        except OSError:
            tenths, reason = 0, NO_ANSWER
        if reason:
            self._faults += 1
            if self._faults >= _AGREE:
                self.status, self.reason, self.tenths = FAULT, reason, None
            return
        self._faults = 0
        self.status, self.reason = OK, ""
        self.tenths = tenths
        if (tenths >= self._hot_at) if not self.hot else (tenths <= self._cool_at):
            self._count += 1
            if self._count >= _AGREE:
                self.hot = not self.hot
                self._count = 0
        else:
            self._count = 0
