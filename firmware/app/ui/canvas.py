# What a screen draws on: rows of text over a display's frame buffer, whatever its size.
#
# Remembers what was written, so that a screen can say its visible text.

import framebuf

from ..text.font import HEIGHT
from ..text.utf8 import code_points, columns_of, wrap

_COLUMN = 8


class Canvas:
    def __init__(self, display, font):
        self._fb = display.fb
        self.width = display.width
        self.height = display.height
        self.columns = display.width // _COLUMN
        self.rows = display.height // HEIGHT
        self._font = font
        # One glyph at a time is copied into these: no object is made per character.
        self._wide = bytearray(32)
        self._narrow = bytearray(16)
        self._wide_fb = framebuf.FrameBuffer(self._wide, 16, HEIGHT, framebuf.MONO_HLSB)
        self._narrow_fb = framebuf.FrameBuffer(self._narrow, 8, HEIGHT, framebuf.MONO_HLSB)
        self._swap = framebuf.FrameBuffer(bytearray(b"\x80"), 2, 1, framebuf.MONO_HLSB)
        self.written = []  # [row, column, text]

    def clear(self):
        self._fb.fill(0)
        self.written = []

    def text(self, column, row, text, inverse=False):
        """Write `text` at a column and row; what does not fit on the row is cut off."""
        x, y = column * _COLUMN, row * HEIGHT
        palette = self._swap if inverse else None
        end = 0
        for code in code_points(text):
            wide = code >= 128
            if x + (16 if wide else 8) > self.width:
                break
            if wide:
                self._wide[:] = self._font.wide(code)
                glyph = self._wide_fb
            else:
                self._narrow[:] = self._font.narrow(code)
                glyph = self._narrow_fb
            if palette is None:
                self._fb.blit(glyph, x, y)
            else:
                self._fb.blit(glyph, x, y, -1, palette)
            x += 16 if wide else 8
            end += 1
        self.written.append((row, column, text[:end]))

    def center(self, row, text, inverse=False):
        self.text(max(0, (self.columns - columns_of(text)) // 2), row, text, inverse)

    def right(self, row, text):
        self.text(max(0, self.columns - columns_of(text)), row, text)

    def title(self, text):
        """The top row, inverse, with centred text."""
        self._fb.fill_rect(0, 0, self.width, HEIGHT, 1)
        self.center(0, text, True)

    def paragraph(self, row, text, rows):
        """Wrapped text on up to `rows` rows from `row` on, each centred."""
        for i, piece in enumerate(wrap(text, self.columns, rows)):
            self.center(row + i, piece)

    def over(self, row, text):
        """Write `text` centred instead of what the row showed."""
        self._fb.fill_rect(0, row * HEIGHT, self.width, HEIGHT, 0)
        self.written = [w for w in self.written if w[0] != row]
        self.center(row, text)

    def bars(self, level):
        """Signal strength 0-4 at the right end of the top row, None: a cross."""
        x, y = self.width - 16, 1
        if level is None:
            self._fb.line(x + 3, y + 3, x + 12, y + 12, 1)
            self._fb.line(x + 12, y + 3, x + 3, y + 12, 1)
            return
        for i in range(4):
            h = 3 + 3 * i
            if i < level:
                self._fb.fill_rect(x + 4 * i, y + 13 - h, 3, h, 1)
            else:
                self._fb.hline(x + 4 * i, y + 12, 3, 1)

    def lines(self):
        """The visible text, one str a row."""
        out = [""] * self.rows
        for row, column, text in sorted(self.written):
            if row < self.rows:
                out[row] += " " * max(0, column - columns_of(out[row])) + text
        return out
