# Maxim DS3231 (and DS3232) clock chip on I2C.
#
# Source: DS3231 data sheet, "Timekeeping registers", "Control register", "Status register". A
# burst that begins at register 0 reads one moment. OSF says that the oscillator stood still. A
# write that breaks off in the middle leaves a mixed date, which OSF does not tell; so the rate
# bits of the square wave, which we do not use, are a seal: set (as after the first power) while
# the time is being written, cleared once it was read back.

from micropython import const

from . import RANGE, STOPPED, UNSET
from .bcd import check, checked, from_bcd, hour_of, seconds, to_bcd

ADDRESS = const(0x68)

_TIME = const(0x00)
_CONTROL = const(0x0E)
_STATUS = const(0x0F)
_OSF = const(0x80)
_RATE = const(0x18)
_OPEN = const(0x1C)  # INTCN, the rate bits set: the value after the first power
_SEALED = const(0x04)  # INTCN, the rate bits cleared; EOSC 0: runs on its battery too
_CENTURY = const(0x80)


def decode(r):
    """(reason, time) of the 16 registers. A time is given only with reason ""."""
    if r[_STATUS] & _OSF:
        return STOPPED, None
    if r[_CONTROL] & _RATE:
        return UNSET, None
    return decode_time(r)


def decode_time(r):
    """(reason, time) of the first 7 registers, whatever bits they hold."""
    if r[5] & _CENTURY:
        return RANGE, None
    return checked(
        from_bcd(r[6]), from_bcd(r[5] & 0x7F), from_bcd(r[4]), hour_of(r[2]), from_bcd(r[1]),
        from_bcd(r[0]),
    )  # fmt: skip


class DS3231:
    """`i2c`: machine.I2C with a timeout of at most 2,000 us."""

    def __init__(self, i2c):
        self._i2c = i2c
        self._all = bytearray(16)
        self._time = bytearray(7)
        self._one = bytearray(1)

    def read(self):
        """(reason, time); one burst, 0.5 ms. OSError: no answer."""
        self._i2c.readfrom_mem_into(ADDRESS, _TIME, self._all)
        return decode(self._all)

    def _set(self, at, value):
        self._one[0] = value
        self._i2c.writeto_mem(ADDRESS, at, self._one)

    def write(self, t):
        """Set the time; 1.5 ms. "" once it was read back, else the reason. OSError: no answer;
        the chip's time is then not trusted any more. ValueError: no such time."""
        if check(t):
            raise ValueError("time")
        self._set(_CONTROL, _OPEN)
        values = (t[6], t[5], t[4], t[3] + 1, t[2], t[1], t[0] - 2000)
        for i in range(7):
            self._time[i] = to_bcd(values[i])
        self._i2c.writeto_mem(ADDRESS, _TIME, self._time)
        self._i2c.readfrom_mem_into(ADDRESS, _TIME, self._all)
        reason, back = decode_time(self._all)
        if reason:
            return reason
        if not 0 <= seconds(back) - seconds(t) <= 1:
            return UNSET
        self._set(_STATUS, self._all[_STATUS] & ~_OSF & 0xFF)
        self._set(_CONTROL, _SEALED)
        return ""
