# Text for printers: GB18030 bytes, and glyphs for the printers that have none. ASCII is one byte,
# GB2312 characters are two (the two-byte part of GB18030 that every Chinese printer has).

from .font import HEIGHT, MISSING
from .utf8 import code_points


class Encoder:
    """`font` (font.Font) holds the code table and the glyphs. A character that it has not becomes
    the missing mark and is counted in `.missing`."""

    def __init__(self, font):
        self._font = font
        self._narrow = memoryview(font.narrow_bits)
        self._wide = memoryview(font.wide_bits)
        self.missing = 0

    def __call__(self, text):
        """bytes of `text` (str)."""
        out = bytearray()
        for code in code_points(text):
            if code < 0x80:
                out.append(code)
            else:
                out += self.two(code)
        return bytes(out)

    def codes(self, text):
        """The code points of `text`, one after the other."""
        return code_points(text)

    def two(self, code):
        """The two bytes of a code point; of the missing mark for one that has no glyph either."""
        two = self._font.gb_code(code)
        if two is None:
            self.missing += 1
            two = self._font.gb_code(ord(MISSING))
        return two

    def glyph(self, code):
        """(bits, width) of a code point: 16 rows of width // 8 bytes, MSB left, width 8 or 16.
        Good until the next call."""
        if code < 0x80:
            at = self._font.narrow_at(code)
            return self._narrow[at : at + HEIGHT], 8
        at = self._font.wide_at(code)
        return self._wide[at : at + 2 * HEIGHT], 16
