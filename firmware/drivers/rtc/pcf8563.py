# NXP PCF8563 (and BM8563) clock chip on I2C.
#
# Source: PCF8563 data sheet, "Register organization", "Setting and reading the time". The counters
# are held during one transfer. VL says that the supply was too low for the time to be right. The
# STOP bit holds the clock while the time is written: a write that breaks off leaves it set, which
# is how a mixed date is known.

from micropython import const

from . import RANGE, STOPPED, UNSET
from .bcd import check, checked, from_bcd, seconds, to_bcd

ADDRESS = const(0x51)

_CONTROL_1 = const(0x00)
_TIME = const(0x02)
_STOP = const(0x20)
_TEST = const(0x80)
_VL = const(0x80)
_CENTURY = const(0x80)


def decode(r):
    """(reason, time) of the 9 registers from 0 on. A time is given only with reason ""."""
    if r[2] & _VL:
        return STOPPED, None
    if r[0] & (_STOP | _TEST):
        return UNSET, None
    return decode_time(r)


def decode_time(r):
    """(reason, time) of the registers 2 to 8, whatever bits they hold."""
    if r[7] & _CENTURY:
        return RANGE, None
    hour = from_bcd(r[4] & 0x3F)
    return checked(
        from_bcd(r[8]), from_bcd(r[7] & 0x1F), from_bcd(r[5] & 0x3F), hour,
        from_bcd(r[3] & 0x7F), from_bcd(r[2] & 0x7F),
    )  # fmt: skip


class PCF8563:
    """`i2c`: machine.I2C with a timeout of at most 2,000 us."""

    def __init__(self, i2c):
        self._i2c = i2c
        self._all = bytearray(9)
        self._time = bytearray(7)
        self._one = bytearray(1)

    def read(self):
        """(reason, time); one burst, 0.3 ms. OSError: no answer."""
        self._i2c.readfrom_mem_into(ADDRESS, _CONTROL_1, self._all)
        return decode(self._all)

    def _set(self, at, value):
        self._one[0] = value
        self._i2c.writeto_mem(ADDRESS, at, self._one)

    def write(self, t):
        """Set the time; 1 ms. "" once it was read back, else the reason. OSError: no answer; the
        chip's time is then not trusted any more. ValueError: no such time."""
        if check(t):
            raise ValueError("time")
        self._set(_CONTROL_1, _STOP)
        # Sunday is 0 here. VL is cleared with the seconds.
        values = (t[6], t[5], t[4], t[2], (t[3] + 1) % 7, t[1], t[0] - 2000)
        for i in range(7):
            self._time[i] = to_bcd(values[i])
        self._i2c.writeto_mem(ADDRESS, _TIME, self._time)
        self._i2c.readfrom_mem_into(ADDRESS, _CONTROL_1, self._all)
        reason, back = decode_time(self._all)
        if reason:
            return reason
        if seconds(back) != seconds(t):
            return UNSET
        self._set(_CONTROL_1, 0)
        return ""
