# ST7567 (also UC1701, compatible in what is used here): 128x64 mono COG glass on 4-line SPI.
#
# Source: Sitronix ST7567 data sheet, "Instruction table" and "Power ON flow". The controller
# cannot be read; its RAM is organised in 8 pages of 8 rows, one byte a column, LSB on top, which
# is framebuf.MONO_VLSB.

import time

import framebuf
import micropython
from micropython import const

_WIDTH = const(128)
_HEIGHT = const(64)
_PAGES = const(8)

_DISPLAY_OFF = const(0xAE)
_DISPLAY_ON = const(0xAF)
_START_LINE = const(0x40)
_PAGE = const(0xB0)
_COLUMN_HIGH = const(0x10)
_COLUMN_LOW = const(0x00)
_SEG_NORMAL = const(0xA0)
_SEG_REVERSE = const(0xA1)
_COM_NORMAL = const(0xC0)
_COM_REVERSE = const(0xC8)
_BIAS_1_9 = const(0xA2)
_POWER = const(0x28)
_BOOSTER = const(4)
_REGULATOR = const(2)
_FOLLOWER = const(1)
_RATIO = const(0x20)
_VOLUME = const(0x81)
_SOFT_RESET = const(0xE2)
_ALL_POINTS = const(0xA4)
_INVERSE = const(0xA6)


@micropython.viper
def _difference(new: ptr8, old: ptr8, start: int) -> int:
    """first | last << 8 of the columns of a page (128 bytes from `start`) that differ, -1 when
    none does; copies new to old."""
    first = -1
    last = -1
    for i in range(128):
        b = int(new[start + i])
        if b != int(old[start + i]):
            old[start + i] = b
            if first < 0:
                first = i
            last = i
    if first < 0:
        return -1
    return first | last << 8


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


class ST7567:
    """`spi` initialised (mode 0 or 3, up to 20 MHz); `cs`, `dc`, `reset` output pins.
    `seg_reverse` mirrors left-right (the RAM has 132 columns: the glass then begins at column 4),
    `com_reverse` top-bottom."""

    width = _WIDTH
    height = _HEIGHT

    def __init__(self, spi, cs, dc, reset, com_reverse=True, seg_reverse=False):
        self._spi = spi
        self._cs = cs
        self._dc = dc
        self._reset = reset
        self._com_reverse = com_reverse
        self._seg_reverse = seg_reverse
        self._column = 4 if seg_reverse else 0
        self.buffer = bytearray(_WIDTH * _PAGES)
        self._shown = bytearray(_WIDTH * _PAGES)
        self._view = memoryview(self.buffer)
        self._command = bytearray(1)
        self._address = bytearray(3)
        self.fb = framebuf.FrameBuffer(self.buffer, _WIDTH, _HEIGHT, framebuf.MONO_VLSB)
        self._level = 32
        self.bytes_sent = 0

    def start(self):
        """Reset and switch on; takes about 120 ms (data sheet: 50 ms for the booster). The glass
        is blank."""
        cs, reset = self._cs, self._reset
        cs(1)
        reset(0)
        time.sleep_us(10)
        reset(1)
        time.sleep_ms(5)
        self._send(_SOFT_RESET)
        time.sleep_ms(5)
        self._send(_BIAS_1_9)
        self._send(_SEG_REVERSE if self._seg_reverse else _SEG_NORMAL)
        self._send(_COM_REVERSE if self._com_reverse else _COM_NORMAL)
        self._send(_RATIO | 4)
        self._volume(self._level)
        self._send(_POWER | _BOOSTER)
        time.sleep_ms(50)
        self._send(_POWER | _BOOSTER | _REGULATOR)
        time.sleep_ms(50)
        self._send(_POWER | _BOOSTER | _REGULATOR | _FOLLOWER)
        time.sleep_ms(10)
        self._send(_START_LINE)
        self._send(_ALL_POINTS)
        self._send(_INVERSE)
        # The RAM holds noise: make every byte differ once.
        for i in range(len(self.buffer)):
            self.buffer[i] = 0
            self._shown[i] = 0xFF
        self.show()
        self._send(_DISPLAY_ON)

    def _send(self, command):
        self._command[0] = command
        self._dc(0)
        self._cs(0)
        self._spi.write(self._command)
        self._cs(1)
        self.bytes_sent += 1

    def _volume(self, level):
        self._send(_VOLUME)
        self._send(level & 0x3F)

    def glyph(self, x, y, bits, at, width, inverse):
        """Draw the glyph of 16 rows and `width` columns (8 or 16; MSB left) that begins at byte
        `at` of `bits` at x and y, a multiple of 8; `inverse`: light on dark. False when it would
        reach beyond the glass: then nothing is drawn."""
        if y & 7 or not 0 <= x <= _WIDTH - width or not 0 <= y <= _HEIGHT - 16:
            return False
        place = (y >> 3) * _WIDTH + x
        _glyph(self.buffer, place, bits, at, width, 0xFF if inverse else 0)  # type: ignore[arg-type]
        return True

    def show(self):
        """Send what changed since the last time: per page the columns from the first to the last
        changed one."""
        view, cs, dc, spi, address = self._view, self._cs, self._dc, self._spi, self._address
        for page in range(_PAGES):
            found = int(_difference(self.buffer, self._shown, page * _WIDTH))  # type: ignore[arg-type]
            if found < 0:
                continue
            first, last = found & 0xFF, found >> 8
            column = first + self._column
            address[0] = _PAGE | page
            address[1] = _COLUMN_HIGH | column >> 4
            address[2] = _COLUMN_LOW | column & 15
            dc(0)
            cs(0)
            spi.write(address)
            dc(1)
            start = page * _WIDTH
            spi.write(view[start + first : start + last + 1])
            cs(1)
            self.bytes_sent += 4 + last - first

    def contrast(self, level):
        """0 (pale) to 63 (dark)."""
        if not 0 <= level <= 63:
            raise ValueError("contrast is 0 to 63")
        self._level = level
        self._volume(level)

    def power(self, on):
        """Off: the glass is blank and the RAM keeps its content."""
        self._send(_DISPLAY_ON if on else _DISPLAY_OFF)
