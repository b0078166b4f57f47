# Text to GB18030 bytes, for printers. ASCII is one byte, GB2312 characters are two (the two-byte
# part of GB18030 that every Chinese printer has).

from .font import MISSING
from .utf8 import code_points


class Encoder:
    """`font` (font.Font) holds the code table. A character outside of GB2312 becomes the missing
    mark and is counted in `.missing`."""

    def __init__(self, font):
        self._font = font
        self.missing = 0

    def __call__(self, text):
        """bytes of `text` (str)."""
        out = bytearray()
        for code in code_points(text):
            if code < 0x80:
                out.append(code)
                continue
            two = self._font.gb_code(code)
            if two is None:
                self.missing += 1
                two = self._font.gb_code(ord(MISSING))
            out += two
        return bytes(out)
