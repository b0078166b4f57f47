# Colour displays: a frame buffer of 4 bits a pixel (framebuf.GS4_HMSB: 38,400 bytes for 320x240;
# 16 bits would be 153,600), a palette of 16 colours, and the refresh in slices.
#
# What the glass shows is known by a 32-bit sum of every tile of 16x16 pixels (1.2 KB for 320x240)
# instead of a second frame. A tile's sum is taken in the same breath in which the tile is sent, so
# that whatever is drawn meanwhile, a refresh that ends leaves no old tile. A changed tile passes
# unseen with a chance of 1 in 4,000 million; the next change of it, or forget(), mends that.
#
# Text is drawn at twice the size of the 16-pixel font, smoothed by the rule of Scale2x (EPX).

import framebuf
import micropython
from micropython import const

from .light import shine
from .refresh import Refresh

TILE = const(16)
_SLICE_US = const(4000)  # on the bus; what is around it must fit into 5 ms as well
_SLICE_MAX_US = const(5000)

# 0xRRGGBB: paper, ink, bar, shade; good, bad, attention; greys; spare
PALETTE = (
    0xFFFFFF, 0x0A1622, 0x0B4F8C, 0xE1EAF3, 0x1B7F3B, 0xC62828, 0xE39B00, 0x000000,
    0x333C46, 0x55606C, 0x78838F, 0x9AA5B0, 0xBCC6D0, 0x2E86DE, 0xF6F8FA, 0xFFF3C4,
)  # fmt: skip
PAPER = const(0)
INK = const(1)
BAR = const(2)
SHADE = const(3)
_STYLES = (const(0x10), const(0x02), const(0x13))  # ink << 4 | paper of style 0, 1, 2


@micropython.viper
def _scan(fb: ptr32, sums: ptr32, row: int, tiles: int, first: int, most: int, force: int) -> int:
    """In tile row `row` (of `tiles` tiles), from tile `first` on, find the first run of at most
    `most` tiles whose sum differs (`force`: any) and note their sums. First | count << 8, or
    -1."""
    stride = tiles << 1  # words in a line: 16 pixels are two
    begin = -1
    count = 0
    tile = first
    while tile < tiles:
        place = row * 16 * stride + (tile << 1)
        # Every step is one to one in the sum and in the word: no single word can change unseen.
        h = 0x1234567
        for _ in range(16):
            h = h * 0x2C1B3C6D + int(fb[place])
            h ^= h >> 15
            h = h * 0x297A2D39 + int(fb[place + 1])
            h ^= h >> 13
            place += stride
        at = row * tiles + tile
        x = int(sums[at]) ^ h  # a machine word, of which the lower 32 bits count
        if force or x & 0xFFFF or x >> 16 & 0xFFFF:
            sums[at] = h
            if begin < 0:
                begin = tile
            count += 1
            if count == most:
                break
        elif begin >= 0:
            break
        tile += 1
    if begin < 0:
        return -1
    return begin | count << 8


@micropython.viper
def _expand16(fb: ptr8, at: int, n: int, table: ptr16, line: ptr16):
    """n bytes of two pixels each to 2n 16-bit colours."""
    j = 0
    for i in range(n):
        b = int(fb[at + i])
        line[j] = table[b >> 4]
        line[j + 1] = table[b & 15]
        j += 2


@micropython.viper
def _expand24(fb: ptr8, at: int, n: int, table: ptr8, line: ptr8):
    """n bytes of two pixels each to 2n colours of three bytes."""
    j = 0
    for i in range(n):
        b = int(fb[at + i])
        k = (b >> 4) * 3
        line[j] = table[k]
        line[j + 1] = table[k + 1]
        line[j + 2] = table[k + 2]
        k = (b & 15) * 3
        line[j + 3] = table[k]
        line[j + 4] = table[k + 1]
        line[j + 5] = table[k + 2]
        j += 6


@micropython.viper
def _glyph2(fb: ptr8, at: int, stride: int, bits: ptr8, first: int, shape: int, colours: int):
    """A glyph of `shape` & 31 columns (8 or 16, MSB left) and `shape` >> 5 rows, doubled by
    Scale2x, to the frame buffer from byte `at` on: a column of the glyph is a byte there.
    `colours`: ink << 4 | paper."""
    width = shape & 31
    rows = shape >> 5
    full = (1 << width) - 1
    paper = colours & 15
    one = (colours >> 4) - paper  # what a set right pixel adds to a byte of paper, a left one 16x
    base = paper * 17
    above = 0
    here = int(bits[first])
    if width == 16:
        here = here << 8 | int(bits[first + 1])
    for r in range(rows):
        below = 0
        if r + 1 < rows:
            if width == 16:
                first += 2
                below = int(bits[first]) << 8 | int(bits[first + 1])
            else:
                first += 1
                below = int(bits[first])
        # The four neighbours of all pixels of the row at once: a pixel gives way in a corner
        # where the two neighbours are equal, and differ from the other two.
        left = here >> 1
        right = here << 1 & full
        edge = (above ^ below) & (left ^ right)
        a = here ^ (edge & (left ^ above ^ full) & (here ^ left))
        b = here ^ (edge & (above ^ right ^ full) & (here ^ right))
        c = here ^ (edge & (left ^ below ^ full) & (here ^ left))
        d = here ^ (edge & (below ^ right ^ full) & (here ^ right))
        shift = width - 1
        place = at
        for _ in range(width):
            fb[place] = base + ((a >> shift & 1) << 4) * one + (b >> shift & 1) * one
            fb[place + stride] = base + ((c >> shift & 1) << 4) * one + (d >> shift & 1) * one
            place += 1
            shift -= 1
        at += stride << 1
        above = here
        here = below


@micropython.viper
def _double(bits: ptr8, first: int, out: ptr8):
    """A glyph of 8x16 doubled by Scale2x: 16x32, two bytes a row."""
    above = 0
    here = int(bits[first])
    for r in range(16):
        below = 0
        if r < 15:
            below = int(bits[first + r + 1])
        left = here >> 1
        right = here << 1 & 0xFF
        edge = (above ^ below) & (left ^ right)
        a = here ^ (edge & (left ^ above ^ 0xFF) & (here ^ left))
        b = here ^ (edge & (above ^ right ^ 0xFF) & (here ^ right))
        c = here ^ (edge & (left ^ below ^ 0xFF) & (here ^ left))
        d = here ^ (edge & (below ^ right ^ 0xFF) & (here ^ right))
        up = 0
        down = 0
        for i in range(8):
            up |= (a >> i & 1) << 2 * i + 1 | (b >> i & 1) << 2 * i
            down |= (c >> i & 1) << 2 * i + 1 | (d >> i & 1) << 2 * i
        out[4 * r] = up >> 8
        out[4 * r + 1] = up & 0xFF
        out[4 * r + 2] = down >> 8
        out[4 * r + 3] = down & 0xFF
        above = here
        here = below


class Colour(Refresh):
    """`width` and `height` in pixels, multiples of 16; `depth`: bytes that the controller takes
    for a pixel, 2 (RGB 565) or 3 (RGB 666, in the upper bits); `baudrate` of the bus in bit/s;
    `palette`: 16 colours 0xRRGGBB. A driver brings _send_tiles(row, first, n)."""

    scale = 2
    paper = PAPER
    ink = INK
    bar = BAR
    shade = SHADE

    def __init__(self, width, height, depth, baudrate, palette, light):
        Refresh.__init__(self)
        if width % TILE or height % TILE or len(palette) != 16:
            raise ValueError("tiles of 16x16 pixels, 16 colours")
        tile_us = depth * TILE * TILE * 8_000_000 // baudrate
        if tile_us > _SLICE_MAX_US:
            raise ValueError("the bus is too slow: a tile takes %d us" % tile_us)
        self.width = width
        self.height = height
        self.buffer = bytearray(width * height // 2)
        self.fb = framebuf.FrameBuffer(self.buffer, width, height, framebuf.GS4_HMSB)
        self._stride = width // 2
        self._tiles = width // TILE
        self._rows = height // TILE
        self._most = min(self._tiles, max(1, _SLICE_US // tile_us))
        self._sums = bytearray(4 * self._tiles * self._rows)
        self._line = bytearray(self._most * TILE * depth)
        view = memoryview(self._line)
        self._lines = tuple([view[: n * TILE * depth] for n in range(self._most + 1)])
        self._expand = _expand16 if depth == 2 else _expand24
        self._table = _table(palette, depth)
        self._large = bytearray(64)
        self._light = light
        self._level = 80
        self._row = 0
        self._tile = 0
        self._all = True  # nothing is known of the controller's memory
        self.bytes_sent = 0

    def glyph(self, x, y, bits, at, width, style):
        """As every display's (see drivers.display); x is even."""
        if x & 1 or not 0 <= x <= self.width - 2 * width or not 0 <= y <= self.height - 32:
            return False
        place = y * self._stride + (x >> 1)
        _glyph2(self.buffer, place, self._stride, bits, at, 512 | width, _STYLES[style])  # type: ignore[arg-type]
        return True

    def glyph_large(self, x, y, bits, at, style):
        """A glyph of 8 columns four times as large: 32x64 pixels."""
        if x & 1 or not 0 <= x <= self.width - 32 or not 0 <= y <= self.height - 64:
            return False
        _double(bits, at, self._large)  # type: ignore[arg-type]
        place = y * self._stride + (x >> 1)
        _glyph2(self.buffer, place, self._stride, self._large, 0, 1024 | 16, _STYLES[style])  # type: ignore[arg-type]
        return True

    def forget(self):
        """Have the next refresh send everything, whatever the glass may show."""
        self._all = True

    def backlight(self, level):
        """0 (dark) to 100."""
        shine(self._light, level)
        self._level = level

    def begin_refresh(self):
        self._row = self._tile = 0

    def _slice(self):
        """Send one run of changed tiles; False when there is none left."""
        row, first = self._row, self._tile
        while row < self._rows:
            found = int(
                _scan(self.buffer, self._sums, row, self._tiles, first, self._most, self._all)  # type: ignore[arg-type]
            )
            if found >= 0:
                first = found & 0xFF
                n = found >> 8
                self._row = row
                self._tile = first + n
                self._send_tiles(row, first, n)
                return True
            row += 1
            first = 0
        self._row = row
        self._all = False
        return False

    def _send_tiles(self, row, first, n):
        raise NotImplementedError


def _table(palette, depth):
    """The palette as the controller wants it on the wire."""
    out = bytearray(16 * depth)
    for i, colour in enumerate(palette):
        r, g, b = colour >> 16, colour >> 8 & 0xFF, colour & 0xFF
        if depth == 2:
            out[2 * i] = r & 0xF8 | g >> 5
            out[2 * i + 1] = (g << 3 & 0xE0) | b >> 3
        else:
            out[3 * i] = r & 0xFC
            out[3 * i + 1] = g & 0xFC
            out[3 * i + 2] = b & 0xFC
    return out
