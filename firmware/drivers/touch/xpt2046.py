# XPTEK XPT2046 (and TI ADS7843/7846): 4-wire resistive panel on SPI, 12 bit.
#
# Source: XPT2046 data sheet, "Digital interface", control byte table, "Pressure measurement"; TI
# ADS7846. A control byte is S A2-A0 MODE SER/DFR PD1 PD0; its result comes in the 16 clocks
# behind it: a zero (busy), 12 bits, 3 zeros. With PD = 00 the converter sleeps between
# conversions and PENIRQ works. SPI mode 0, at most 2.5 MHz. The chip needs an SPI unit of its own,
# or one whose other devices are never left selected over an await.

from micropython import const

from .contact import CONTACT, DOUBT, NONE

# Differential, 12 bit, PD = 00
_Y = const(0x90)
_Z1 = const(0xB0)
_Z2 = const(0xC0)
_X = const(0xD0)

# One exchange: pressure, then each axis: one conversion to let the plate settle (its result is not
# used), five to take the median of; pressure again, so that a contact that ended meanwhile shows.
_SAMPLES = const(5)
_SEQUENCE = bytes((_Z1, _Z2, _X, _X, _X, _X, _X, _X, _Y, _Y, _Y, _Y, _Y, _Y, _Z1, _Z2))
_FIRST_X = const(3)
_FIRST_Y = const(9)
_LAST_Z1 = const(14)
_N = const(16)

# z1 + 4095 - z2 [LSB]: 0 without contact, more with more pressure.
_PRESSURE = const(400)
# The middle three of five conversions [LSB]: a plate that is still moving spreads more.
_SPREAD = const(60)

_BAD = const(-1)


def value(data, i):
    """Conversion i of an exchange, 0-4095; -1 when the zeros around it are none (nobody
    answers)."""
    word = data[2 * i + 1] << 8 | data[2 * i + 2]
    return _BAD if word & 0x8007 else word >> 3


def median(data, first, sorted_):
    """The median of five conversions, -1 when the middle three spread or one is broken. `sorted_`
    is room for five integers."""
    for i in range(_SAMPLES):
        v = value(data, first + i)
        if v < 0:
            return _BAD
        j = i
        while j and sorted_[j - 1] > v:
            sorted_[j] = sorted_[j - 1]
            j -= 1
        sorted_[j] = v
    if sorted_[3] - sorted_[1] > _SPREAD:
        return _BAD
    return sorted_[2]


def pressure(data, i):
    """z1 + 4095 - z2 of the conversions i and i + 1; 0 when there is no contact, -1 when nobody
    answers. A plate that nothing touches reads z1 = 0 whatever z2 is."""
    z1, z2 = value(data, i), value(data, i + 1)
    if z1 < 0 or z2 < 0:
        return _BAD
    return z1 + 4095 - z2 if z1 else 0


class XPT2046:
    """`spi`: machine.SPI, mode 0, at most 2.5 MHz; `cs`: output pin; `irq`: PENIRQ, input pin with
    pull-up, or None; `threshold`: least pressure [LSB], 0-4095."""

    raw_bits = 12

    def __init__(self, spi, cs, irq=None, threshold=_PRESSURE):
        self._spi = spi
        self._cs = cs
        self.irq = irq
        self._threshold = threshold
        self._out = bytearray(2 * _N + 1)
        for i in range(_N):
            self._out[2 * i] = _SEQUENCE[i]
        self._in = bytearray(2 * _N + 1)
        self._sorted = [0] * _SAMPLES
        self.point = [0, 0]

    def bring_up(self, step):
        """One exchange puts the chip to sleep with PENIRQ on. 0 when it works; OSError when nobody
        answers."""
        self._exchange()
        if pressure(self._in, 0) < 0:
            raise OSError(19)  # ENODEV
        return 0

    def _exchange(self):
        self._cs(0)
        self._spi.write_readinto(self._out, self._in)
        self._cs(1)

    def poll(self):
        """NONE, CONTACT or DOUBT; `point` is where, 0-4095. 270 us of bus time at 1 MHz. OSError:
        nobody answers."""
        self._exchange()
        data = self._in
        before, after = pressure(data, 0), pressure(data, _LAST_Z1)
        if before < 0 or after < 0:
            raise OSError(19)  # ENODEV
        if not before and not after:
            return NONE
        if before < self._threshold or after < self._threshold:
            # Too light to be measured: its resistance bends the coordinates.
            return NONE if before < self._threshold and after < self._threshold else DOUBT
        x = median(data, _FIRST_X, self._sorted)
        y = median(data, _FIRST_Y, self._sorted)
        if x < 0 or y < 0:
            return DOUBT
        self.point[0] = x
        self.point[1] = y
        return CONTACT

    def healthy(self):
        """A converter has no settings to lose; poll() says whether it answers."""
        return True

    def touched(self):
        """What PENIRQ says; True when there is none: ask poll()."""
        return self.irq is None or not self.irq()
