"""Glyphs of firmware/assets/font16.bin for the host side: reading a screen, filling a printer's
ROM.

Reads the file by its documented format (tools/make_font.py), not by the firmware's reader.
"""

import functools
import struct
from pathlib import Path

FONT = Path(__file__).resolve().parents[2] / "firmware" / "assets" / "font16.bin"


class Glyphs:
    def __init__(self, path=FONT):
        data = path.read_bytes()
        if data[:4] != b"SYF1":
            raise ValueError(f"{path} is no font file")
        n, first, last, narrow, _, wide = struct.unpack_from("<HHHHII", data, 4)
        pages = struct.unpack_from("<257H", data, 20)
        lows = data[534 : 534 + n]
        self.narrow = {
            chr(c): data[narrow + 16 * (c - first) :][:16] for c in range(first, last + 1)
        }
        self.wide = {}
        for page in range(256):
            for i in range(pages[page], pages[page + 1]):
                self.wide[chr(page << 8 | lows[i])] = data[wide + 32 * i :][:32]

    def rows(self, char):
        """(width, [16 ints]) of a character; the MISSING mark for one that the font lacks."""
        if char in self.narrow:
            return 8, list(self.narrow[char])
        cell = self.wide.get(char) or self.wide["〓"]
        return 16, [cell[2 * y] << 8 | cell[2 * y + 1] for y in range(16)]


@functools.lru_cache(maxsize=1)
def glyphs():
    return Glyphs()


def _bits(width, row):
    return [row >> (width - 1 - x) & 1 for x in range(width)]


def _scale3x(grid):
    """The Scale3x enlargement (A. Mazzoleni): corners follow diagonals instead of steps."""
    h, w = len(grid), len(grid[0])

    def at(y, x):
        return grid[min(max(y, 0), h - 1)][min(max(x, 0), w - 1)]

    out = [[0] * (w * 3) for _ in range(h * 3)]
    for y in range(h):
        for x in range(w):
            a, b, c = at(y - 1, x - 1), at(y - 1, x), at(y - 1, x + 1)
            d, e, f = at(y, x - 1), at(y, x), at(y, x + 1)
            g, k, i = at(y + 1, x - 1), at(y + 1, x), at(y + 1, x + 1)
            cell = [[e] * 3 for _ in range(3)]
            if b != k and d != f:
                cell[0][0] = d if d == b else e
                cell[0][1] = b if (d == b and e != c) or (b == f and e != a) else e
                cell[0][2] = f if b == f else e
                cell[1][0] = d if (d == b and e != g) or (d == k and e != a) else e
                cell[1][2] = f if (b == f and e != i) or (k == f and e != c) else e
                cell[2][0] = d if d == k else e
                cell[2][1] = k if (d == k and e != i) or (k == f and e != g) else e
                cell[2][2] = f if k == f else e
            for yy in range(3):
                for xx in range(3):
                    out[y * 3 + yy][x * 3 + xx] = cell[yy][xx]
    return out


class PrinterFont:
    """A printer's character ROM, 24 dots high: the 16-pixel glyphs enlarged three times along
    their diagonals and halved. ASCII is 12 dots wide, everything else 24."""

    def __init__(self):
        self._cache = {}

    def glyph(self, char):
        """(width, height, rows) as models.escpos_printer wants it."""
        if char not in self._cache:
            self._cache[char] = self._make(char)
        return self._cache[char]

    def _make(self, char):
        width, rows = glyphs().rows(char)
        big = _scale3x([_bits(width, r) for r in rows])
        w = width * 3 // 2
        stride = (w + 7) // 8
        out = bytearray(stride * 24)
        for y in range(24):
            for x in range(w):
                dots = sum(big[2 * y + dy][2 * x + dx] for dy in (0, 1) for dx in (0, 1))
                if dots >= 2:
                    out[y * stride + x // 8] |= 0x80 >> (x % 8)
        return w, 24, bytes(out)
