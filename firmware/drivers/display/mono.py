# Mono displays of 128x64 pixels whose RAM has 8 pages of 8 rows, one byte a column, LSB on top,
# which is framebuf.MONO_VLSB. So do ST7567, UC1701, SSD1306 and SH1106, and the three bytes that
# set page and column are the same in all of them.
#
# What was sent is remembered (1 KB), only what changed is sent: of each page a piece of 8, 16, 32,
# 64 or 128 columns. There is one staging buffer with a view for each of these sizes, so that
# showing allocates nothing.

import framebuf
import micropython
from micropython import const

from .light import shine

_WIDTH = const(128)
_HEIGHT = const(64)
_PAGES = const(8)

_DISPLAY_OFF = const(0xAE)
_DISPLAY_ON = const(0xAF)
_PAGE = const(0xB0)
_COLUMN_HIGH = const(0x10)


@micropython.viper
def _changed(new: ptr8, old: ptr8, start: int, n: int, out: ptr8, lead: int) -> int:
    """Look for columns that differ in the `n` bytes (a power of two, at least 8) from `start` on.
    -1 when none does. Else new is copied to old, a piece with all columns that differ goes to
    `out` from `lead` on, and k | c << 3 says that it has 8 << k bytes and begins at column c."""
    first = -1
    last = -1
    for i in range(n):
        b = int(new[start + i])
        if b != int(old[start + i]):
            old[start + i] = b
            if first < 0:
                first = i
            last = i
    if first < 0:
        return -1
    k = 0
    size = 8
    while first + size <= last:
        size <<= 1
        k += 1
    if first + size > n:
        first = n - size
    start += first
    for i in range(size):
        out[lead + i] = new[start + i]
    return k | first << 3


@micropython.viper
def _glyph(buffer: ptr8, at: int, bits: ptr8, first: int, width: int, invert: int):
    """16 rows of `width` bits (8 or 16, MSB left) from byte `first` of `bits` into two pages of
    the frame buffer from byte `at`. framebuf's blit goes pixel by pixel, at six times the cost."""
    step = width >> 3
    for half in range(2):
        for column in range(width):
            place = first + half * 8 * step + (column >> 3)
            mask = 0x80 >> (column & 7)
            b = 0
            for r in range(8):
                if int(bits[place]) & mask:
                    b |= 1 << r
                place += step
            buffer[at + half * 128 + column] = b ^ invert


class Mono:
    """`lead`: bytes in front of a piece in the staging buffer; `column`: RAM column of the left
    edge of the glass; `light`: machine.PWM, machine.Pin or None."""

    width = _WIDTH
    height = _HEIGHT
    scale = 1
    paper = 0
    ink = 1
    bar = 1
    shade = 0

    def __init__(self, lead, column, light):
        self.buffer = bytearray(_WIDTH * _PAGES)
        self.fb = framebuf.FrameBuffer(self.buffer, _WIDTH, _HEIGHT, framebuf.MONO_VLSB)
        self._shown = bytearray(_WIDTH * _PAGES)
        self._stage = bytearray(lead + _WIDTH)
        view = memoryview(self._stage)
        self._pieces = tuple([view[: lead + (8 << k)] for k in range(5)])
        self._column = column
        self._light = light
        self._level = 100
        self.bytes_sent = 0

    def glyph(self, x, y, bits, at, width, style):
        """As every display's (see drivers.display); y is a multiple of 8."""
        if y & 7 or not 0 <= x <= _WIDTH - width or not 0 <= y <= _HEIGHT - 16:
            return False
        place = (y >> 3) * _WIDTH + x
        _glyph(self.buffer, place, bits, at, width, 0xFF if style else 0)  # type: ignore[arg-type]
        return True

    def _forget(self):
        """Nothing is known of the controller's RAM: every byte shall differ once."""
        for i in range(len(self.buffer)):
            self._shown[i] = self.buffer[i] ^ 0xFF

    def _send(self, command):
        raise NotImplementedError

    def power(self, on):
        """Off: the glass is blank and the RAM keeps its content."""
        self._send(_DISPLAY_ON if on else _DISPLAY_OFF)

    def backlight(self, level):
        """0 (dark) to 100."""
        shine(self._light, level)
        self._level = level


class MonoSPI(Mono):
    """On a 4-line serial interface: `spi` initialised (mode 0 or 3), `cs`, `dc` output pins."""

    def __init__(self, spi, cs, dc, column, light):
        Mono.__init__(self, 0, column, light)
        self._spi = spi
        self._cs = cs
        self._dc = dc
        self._command = bytearray(1)
        self._address = bytearray(3)

    def _send(self, command):
        self._command[0] = command
        self._dc(0)
        self._cs(0)
        self._spi.write(self._command)
        self._cs(1)
        self.bytes_sent += 1

    def show(self):
        """Send what changed since the last time; 1 KB at most."""
        # In pairs: the compiler makes a tuple of four.
        cs, dc = self._cs, self._dc
        spi, address = self._spi, self._address
        for page in range(_PAGES):
            found = int(
                _changed(self.buffer, self._shown, page * _WIDTH, _WIDTH, self._stage, 0)  # type: ignore[arg-type]
            )
            if found < 0:
                continue
            column = (found >> 3) + self._column
            address[0] = _PAGE | page
            address[1] = _COLUMN_HIGH | column >> 4
            address[2] = column & 15
            dc(0)
            cs(0)
            spi.write(address)
            dc(1)
            spi.write(self._pieces[found & 7])
            cs(1)
            self.bytes_sent += 3 + (8 << (found & 7))

    flush = show

    def tasks(self):
        return []
