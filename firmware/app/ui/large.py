# What a screen draws on when the display has colours and room: the same rows and columns of text
# as Canvas, in letters of twice the size.
#
# The top row is a bar, the last row a band of its own when it carries a hint. Rows that are left
# over (7.5 fit on 240 pixels) make these two higher. What is set to the right (an amount, a PIN)
# stands in a field, in large figures where they fit.

from ..text.utf8 import code_points, columns_of, wrap
from .canvas import Canvas

_SCALE = 2
_CELL = 16  # width of a column
_ROW = 32
# Styles of a display's glyph()
_PLAIN, _BAR, _SHADED = 0, 1, 2


class LargeCanvas(Canvas):
    def __init__(self, display, font):
        Canvas.__init__(self, display, font, _SCALE)
        self._display = display
        self._spare = display.height - self.rows * _ROW
        self._shaded = []  # rows with a band or field

    # ---- where things are -----------------------------------------------------------------------

    def _band(self, row):
        """(y, height) of a row's background."""
        half = self._spare // 2
        if row == 0:
            return 0, _ROW + half
        if row == self.rows - 1:
            return self.height - _ROW - half, _ROW + half
        return half + row * _ROW, _ROW

    def _top(self, row):
        """y of a row's letters."""
        y, height = self._band(row)
        return y + (height - _ROW) // 2

    def _fill(self, row, colour):
        y, height = self._band(row)
        self._fb.fill_rect(0, y, self.width, height, colour)

    # ---- what Canvas does -----------------------------------------------------------------------

    def clear(self):
        self._fb.fill(self._display.paper)
        self._fill(0, self._display.bar)
        self.written = []
        self._shaded = []

    def _style(self, row, inverse):
        """Paint the row's background where it needs one; the style of its letters."""
        last = self.rows - 1
        if inverse and row:
            self._fill(row, self._display.bar)
        elif row == last and row not in self._shaded and not self._is_list():
            self._fill(row, self._display.shade)
            self._shaded.append(row)
        if inverse or not row:
            return _BAR
        return _SHADED if row in self._shaded else _PLAIN

    def _is_list(self):
        """Whether the rows above go down to the last one: then that is one more of them."""
        above = self.rows - 2
        for row, _, text in self.written:
            if row == above and text:
                return True
        return False

    def text(self, column, row, text, inverse=False):
        """Write `text` at a column and row; what does not fit on the row is cut off."""
        end = 0
        if 0 <= row < self.rows:
            style = self._style(row, inverse)
            x, y = column * _CELL, self._top(row)
            font, glyph = self._font, self._glyph
            for code in code_points(text):
                if code >= 128:
                    if not glyph(x, y, font.wide_bits, font.wide_at(code), 16, style):
                        break
                    x += 2 * _CELL
                else:
                    if not glyph(x, y, font.narrow_bits, font.narrow_at(code), 8, style):
                        break
                    x += _CELL
                end += 1
        self.written.append((row, column, text[:end]))

    def right(self, row, text):
        if row < 1 or row + 2 >= self.rows:
            Canvas.right(self, row, text)
            return
        self._fill(row, self._display.shade)
        self._fill(row + 1, self._display.shade)
        self._shaded += [row, row + 1]
        if 2 * columns_of(text) > self.columns or len(text.encode()) != len(text):
            Canvas.right(self, row, text)
            return
        font, glyph = self._font, self._display.glyph_large
        x, y = self.width - 2 * _CELL * len(text), self._top(row)
        for code in code_points(text):
            glyph(x, y, font.narrow_bits, font.narrow_at(code), _SHADED)
            x += 2 * _CELL
        self.written.append((row, self.columns - len(text), text))

    def title(self, text):
        """The top row, inverse, with centred text."""
        self._fill(0, self._display.bar)
        self.center(0, text, True)

    def paragraph(self, row, text, rows):
        """Wrapped text on up to `rows` rows from `row` on, each centred; a little above the middle
        of them."""
        pieces = list(wrap(text, self.columns, rows))
        first = row + (rows - len(pieces)) // 3
        for i, piece in enumerate(pieces):
            self.center(first + i, piece)

    def over(self, row, text):
        """Write `text` centred instead of what the row showed."""
        self._fill(row, self._display.paper)
        self.written = [w for w in self.written if w[0] != row]
        self._shaded = [r for r in self._shaded if r != row]
        if row == self.rows - 1:
            self._fill(row, self._display.shade)
            self._shaded.append(row)
        self.center(row, text)

    def bars(self, level):
        """Signal strength 0-4 at the right end of the top row, None: a cross."""
        x, y = self.width - 36, self._top(0) + 2
        fb, colour = self._fb, self._display.paper
        if level is None:
            for i in range(3):  # three pixels thick
                fb.line(x + 6 + i, y + 6, x + 22 + i, y + 22, colour)
                fb.line(x + 22 + i, y + 6, x + 6 + i, y + 22, colour)
            return
        for i in range(4):
            h = 6 + 6 * i
            if i < level:
                fb.fill_rect(x + 8 * i, y + 26 - h, 6, h, colour)
            else:
                fb.fill_rect(x + 8 * i, y + 24, 6, 2, colour)
