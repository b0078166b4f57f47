# The 16-pixel bitmap font: glyphs and GB2312 codes, read from the asset file by index.
#
# The file is 260 KB and stays where it is; RAM holds a page table of 514 bytes and a small cache.
# ASCII is 8 pixels wide, everything else 16. Format: see tools/make_font.py.

import struct
from array import array

from micropython import const

HEIGHT = const(16)
_MAGIC = b"SYF1"
_PAGES_AT = const(20)
_LOWS_AT = const(534)
_SLOTS = const(40)
_NARROW_SLOTS = const(32)

# What is shown for a character that the font does not have: the mark that Chinese printing uses
# for a missing character.
MISSING = "〓"


class FontError(Exception):
    """The font file is missing or damaged. args: (what,)"""


class Font:
    def __init__(self, path):
        try:
            self._f = open(path, "rb")
            head = self._f.read(_LOWS_AT)
        except OSError:
            raise FontError("font file cannot be read")
        if len(head) != _LOWS_AT or head[:4] != _MAGIC:
            raise FontError("font file is damaged")
        (self.count, self._first, self._last, narrow, self._codes_at, self._wide_at) = (
            struct.unpack_from("<HHHHII", head, 4)
        )
        self._pages = array("H", struct.unpack_from("<257H", head, _PAGES_AT))
        self._narrow_file = narrow
        self.narrow_bits = bytearray(_NARROW_SLOTS * HEIGHT)
        self._narrow_owner = bytearray(_NARROW_SLOTS)  # code of the glyph in each slot, 0: none
        self._lows = bytearray(256)
        self.wide_bits = bytearray(_SLOTS * 32)
        self._view = memoryview(self.wide_bits)
        self._cache = {}  # code point -> slot
        self._owner = [0] * _SLOTS
        self._next = 0
        self.reads = 0

    def _read(self, at, n):
        self._f.seek(at)
        data = self._f.read(n)
        if len(data) != n:
            raise FontError("font file is cut off")
        return data

    def _index(self, code):
        """Index of the wide glyph of a code point, -1 when there is none."""
        if code > 0xFFFF:
            return -1
        page = code >> 8
        start = self._pages[page]
        n = self._pages[page + 1] - start
        if not n:
            return -1
        lows = memoryview(self._lows)[:n]
        self._f.seek(_LOWS_AT + start)
        self._f.readinto(lows)
        self.reads += 1
        at = bytes(lows).find(bytes((code & 0xFF,)))
        return start + at if at >= 0 else -1

    def narrow_at(self, code):
        """Offset in narrow_bits of the 8x16 glyph of an ASCII code, one byte a row; of "?" for
        others. Good until the next call."""
        if not self._first <= code <= self._last:
            code = 63
        slot = code % _NARROW_SLOTS
        at = slot * HEIGHT
        if self._narrow_owner[slot] != code:
            self._f.seek(self._narrow_file + (code - self._first) * HEIGHT)
            self._f.readinto(memoryview(self.narrow_bits)[at : at + HEIGHT])
            self._narrow_owner[slot] = code
            self.reads += 1
        return at

    def wide_at(self, code):
        """Offset in wide_bits of the 16x16 glyph of a code point, two bytes a row. Good until the
        next call."""
        slot = self._cache.get(code)
        if slot is None:
            slot = self._fetch(code)
        return slot * 32

    def _fetch(self, code):
        index = self._index(code)
        if index < 0:
            index = self._index(ord(MISSING))
        slot = self._next
        self._next = (slot + 1) % _SLOTS
        old = self._owner[slot]
        if old:
            del self._cache[old]
        self._f.seek(self._wide_at + index * 32)
        self._f.readinto(self._view[slot * 32 : slot * 32 + 32])
        self.reads += 1
        self._owner[slot] = code
        self._cache[code] = slot
        return slot

    def has(self, char):
        code = ord(char)
        return self._first <= code <= self._last or self._index(code) >= 0

    def gb_code(self, code):
        """The two GB2312 bytes of a code point, None when it has none."""
        index = self._index(code)
        if index < 0:
            return None
        return self._read(self._codes_at + index * 2, 2)
