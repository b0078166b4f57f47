# What a screen draws on: rows of text over a display's frame buffer, whatever its size.
#
# Remembers what was written, so that a screen can say its visible text.

from ..text.font import HEIGHT
from ..text.utf8 import code_points, columns_of, wrap

_COLUMN = 8


def for_display(display, font):
    """The canvas for a display, by its scale."""
    if display.scale == 1:
        return Canvas(display, font)
    from .large import LargeCanvas

    return LargeCanvas(display, font)


class Canvas:
    def __init__(self, display, font, scale=1):
        self._fb = display.fb
        self.width = display.width
        self.height = display.height
        self.columns = display.width // (_COLUMN * scale)
        self.rows = display.height // (HEIGHT * scale)
        self._font = font
        self._glyph = display.glyph
        self.written = []  # [row, column, text]

    def clear(self):
        self._fb.fill(0)
        self.written = []

    def text(self, column, row, text, inverse=False):
        """Write `text` at a column and row; what does not fit on the row is cut off."""
        x, y = column * _COLUMN, row * HEIGHT
        font, glyph = self._font, self._glyph
        end = 0
        for code in code_points(text):
            if code >= 128:
                if not glyph(x, y, font.wide_bits, font.wide_at(code), 16, inverse):
                    break
                x += 16
            else:
                if not glyph(x, y, font.narrow_bits, font.narrow_at(code), 8, inverse):
                    break
                x += 8
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
