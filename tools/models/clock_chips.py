"""DS3231 and PCF8563 clock chips with their back-up battery.

Owns the time registers, counted second by second as the chips do it, their flags, and what a dead
battery leaves. Must not: share calendar code with any driver.

Wiring: rack.attach_i2c(unit, 0x68, DS3231()) or (unit, 0x51, PCF8563()). The rack's time goes on
while the processor has no power.

Faults: those of I2cChip; battery_dies(), garble(), twelve hours (DS3231), a crystal that drifts.
"""

from .i2c_chip import I2cChip

_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _number(b):
    return (b >> 4) * 10 + (b & 15)


def _digits(n):
    return n // 10 * 16 + n % 10


class _ClockChip(I2cChip):
    """Seven time registers that begin at `_FIRST`; `ppm` is the drift of its crystal."""

    _FIRST = 0

    def __init__(self, seed=1, ppm=0):
        super().__init__(seed)
        self.ppm = ppm
        self.regs = bytearray(32)
        self._latched = bytes(7)
        self._second_us = 0  # when the running second began

    def _running(self):
        return True

    def advance(self, now_us):
        length = 1_000_000 - self.ppm
        n = (now_us - self._second_us) // length
        if n <= 0:
            return
        self._second_us += n * length
        if self._running():
            self._count(n)

    def _count(self, n):
        s, mi, h, d, wd, mo, y = self.fields()
        total = ((h * 60) + mi) * 60 + s + n
        days = total // 86400
        total %= 86400
        for _ in range(days):
            wd += 1
            d += 1
            # The chips' rule: every fourth year is a leap year, to 2100 and beyond.
            if d > _MONTH[(mo - 1) % 12] + (mo == 2 and y % 4 == 0):
                d = 1
                mo += 1
                if mo > 12:
                    mo = 1
                    y += 1
        self.put(total % 60, total // 60 % 60, total // 3600, d, wd, mo, y)

    def latch(self):
        """The time is held while a transfer runs."""
        self._latched = bytes(self.regs[self._FIRST : self._FIRST + 7])

    def peek(self, at):
        if self._FIRST <= at < self._FIRST + 7:
            return self._latched[at - self._FIRST]
        return self.regs[at] if at < len(self.regs) else 0

    def garble(self, n):
        """n random bits of the time registers flip."""
        for _ in range(n):
            self.regs[self._FIRST + self.chance.below(7)] ^= 1 << self.chance.below(8)

    def now(self):
        """(year of the century, month, day, hour, minute, second)."""
        s, mi, h, d, _, mo, y = self.fields()
        return y % 100, mo, d, h, mi, s


class DS3231(_ClockChip):
    """Data sheet, timekeeping registers. After the first power: 2000-01-01 00:00:00, control 0x1C,
    OSF set."""

    def __init__(self, seed=1, ppm=0):
        super().__init__(seed, ppm)
        self.battery_dies()

    def battery_dies(self):
        """No power of either kind: everything is at its first value."""
        self.regs = bytearray(32)
        self.regs[3] = self.regs[4] = self.regs[5] = 1
        self.regs[0x0E] = 0x1C
        self.regs[0x0F] = 0x88

    def fields(self):
        r = self.regs
        h = r[2]
        if h & 0x40:
            h = _number(h & 0x1F) % 12 + (12 if h & 0x20 else 0)
        else:
            h = _number(h & 0x3F)
        return (_number(r[0] & 0x7F), _number(r[1] & 0x7F), h, _number(r[4] & 0x3F), r[3] & 7,
                _number(r[5] & 0x1F), _number(r[6]) + (100 if r[5] & 0x80 else 0))  # fmt: skip

    def put(self, s, mi, h, d, wd, mo, y):
        r = self.regs
        twelve = r[2] & 0x40
        if twelve:
            r[2] = 0x40 | (0x20 if h >= 12 else 0) | _digits((h + 11) % 12 + 1)
        else:
            r[2] = _digits(h)
        r[0], r[1], r[3], r[4] = _digits(s), _digits(mi), (wd - 1) % 7 + 1, _digits(d)
        r[5] = _digits(mo) | (0x80 if y // 100 & 1 else 0)
        r[6] = _digits(y % 100)

    def twelve_hours(self):
        """Let it count in twelve hours, as some other software left it."""
        now = self.fields()
        self.regs[2] = 0x40
        self.put(now[0], now[1], now[2], now[3], now[4], now[5], now[6])

    def poke(self, at, value):
        if at == 0x0F:
            # OSF can only be cleared; BSY is the chip's.
            self.regs[at] = value & 0x0B | self.regs[at] & value & 0x80
            return
        if at == 0:
            self._second_us = self.now_us  # writing the seconds starts the second anew
        if at < 0x13:
            self.regs[at] = value


class PCF8563(_ClockChip):
    """Data sheet, register organization. VL (bit 7 of the seconds) is set by low voltage and
    cleared by writing; STOP holds the counters."""

    _FIRST = 2

    def __init__(self, seed=1, ppm=0):
        super().__init__(seed, ppm)
        self.battery_dies()

    def battery_dies(self):
        self.regs = bytearray(32)
        self.regs[0] = 0x08
        self.regs[2] = 0x80
        self.regs[5] = self.regs[7] = 1

    def _running(self):
        return not self.regs[0] & 0x20

    def fields(self):
        r = self.regs
        return (_number(r[2] & 0x7F), _number(r[3] & 0x7F), _number(r[4] & 0x3F),
                _number(r[5] & 0x3F), r[6] & 7, _number(r[7] & 0x1F),
                _number(r[8]) + (100 if r[7] & 0x80 else 0))  # fmt: skip

    def put(self, s, mi, h, d, wd, mo, y):
        r = self.regs
        r[2] = r[2] & 0x80 | _digits(s)
        r[3], r[4], r[5], r[6] = _digits(mi), _digits(h), _digits(d), wd % 7
        r[7] = _digits(mo) | (0x80 if y // 100 & 1 else 0)
        r[8] = _digits(y % 100)

    def poke(self, at, value):
        if at == 0 and self.regs[0] & 0x20 and not value & 0x20:
            self._second_us = self.now_us  # the clock starts
        if at < 0x10:
            self.regs[at] = value
