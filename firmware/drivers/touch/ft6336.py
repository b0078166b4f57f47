# FocalTech FT6336G/U (and FT6206, FT6236 in what is used here): capacitive panel on I2C.
#
# Source: FocalTech FT6x36 data sheet (timing, interrupt modes) and application note for CTPM,
# register map. A report is 5 registers from 0x02 on: number of points, then the first point's
# event, x, id and y. Coordinates are dots of the panel. The chip forgets its settings when its
# supply dips, and says nothing of it: its interrupt mode is read back now and then.

from micropython import const

from .contact import CONTACT, DOUBT, NONE

ADDRESS = const(0x38)

_TD_STATUS = const(0x02)
_G_MODE = const(0xA4)
_CHIP_ID = const(0xA3)
_VENDOR_ID = const(0xA8)
_THRESHOLD = const(0x80)

# The interrupt line stays low while something touches (1: a pulse for each report, which a busy
# processor misses).
_LEVEL = const(0)
_FOCALTECH = const(0x11)

_MOST_POINTS = const(2)
# Event flag of a point: 0 press down, 1 lift up, 2 contact, 3 none
_LIFTED = const(1)
_NO_EVENT = const(3)

_RESET_LOW_MS = const(5)
_BOOT_MS = const(300)


def decode(report, out):
    """NONE, CONTACT or DOUBT from the 5 bytes of a report; out[0], out[1] become the first point.
    Allocates nothing."""
    points = report[0] & 0x0F
    if points == 0:
        return NONE
    if points > _MOST_POINTS or report[0] & 0xF0:
        return DOUBT  # 0xff of a dead bus, or of a chip that has just started
    event = report[1] >> 6
    if event == _LIFTED:
        return NONE
    if event == _NO_EVENT:
        return DOUBT
    out[0] = (report[1] & 0x0F) << 8 | report[2]
    out[1] = (report[3] & 0x0F) << 8 | report[4]
    return CONTACT


class FT6336:
    """`i2c`: machine.I2C, with a timeout of at most 2,000 us: a bus that is held low stops the
    loop for that long; `irq`: input pin with pull-up, or None; `reset`: output pin, or None;
    `threshold`: sensitivity (register 0x80, smaller is more sensitive), None leaves the panel's
    own."""

    raw_bits = 12

    def __init__(self, i2c, irq=None, reset=None, threshold=None):
        self._i2c = i2c
        self.irq = irq
        self._reset = reset
        self._report = bytearray(5)
        self._one = bytearray(1)
        self._threshold = threshold
        self.point = [0, 0]
        self.chip = 0

    def bring_up(self, step):
        """One step of the start; ms to wait before the next one, 0 when the controller works, -1
        when another chip answers. OSError when none does."""
        if self._reset is not None and step < 2:
            self._reset(step)
            return _BOOT_MS if step else _RESET_LOW_MS
        if self._register(_VENDOR_ID) != _FOCALTECH:
            return -1
        self.chip = self._register(_CHIP_ID)
        self._set(_G_MODE, _LEVEL)
        if self._threshold is not None:
            self._set(_THRESHOLD, self._threshold)
        return 0

    def poll(self):
        """NONE, CONTACT or DOUBT; `point` is where. 180 us of bus time. OSError: no answer."""
        self._i2c.readfrom_mem_into(ADDRESS, _TD_STATUS, self._report)
        return decode(self._report, self.point)

    def healthy(self):
        """Whether the chip still has the settings of bring_up(). OSError: no answer."""
        return self._register(_G_MODE) == _LEVEL and (
            self._threshold is None or self._register(_THRESHOLD) == self._threshold
        )

    def touched(self):
        """What the interrupt line says; True when there is none: ask poll()."""
        return self.irq is None or not self.irq()

    def _register(self, at):
        self._i2c.readfrom_mem_into(ADDRESS, at, self._one)
        return self._one[0]

    def _set(self, at, value):
        self._one[0] = value
        self._i2c.writeto_mem(ADDRESS, at, self._one)
