"""Line layout of the printer model: characters and column images become dot rows.

Owns: the print buffer (one line), the print modes, scaling and placing of cells.
Must not: know bytes of commands, time or paper.

A dot row is 48 bytes (72 of 80 mm paper), most significant bit left, 1 = black, 8 dots/mm. Rows
are built as integers of as many bits, which both Pythons shift and join faster than bytes.

Sources: Epson ESC/POS reference (ESC !, GS !, ESC E, ESC -, GS B, ESC SP, ESC a, ESC *) and
Zijiang ZJ-58LYDD manual p. 32 (ESC * densities on a 203 dpi head).
"""

_TAB_DOTS = 96  # eight characters of font A
_FONT_B = (9, 17)


class BoxFont:
    """Stand-in for a real font: every character is a frame of its cell's size."""

    def glyph(self, char):
        width = 12 if ord(char) < 0x80 else 24
        stride = (width + 7) // 8
        full = ((1 << (width - 2)) - 1) << 1
        sides = 1 << (width - 2) | 2
        rows = b""
        for y in range(24):
            bits = 0 if y in (0, 23) or char == " " else full if y in (1, 22) else sides
            rows += (bits << (stride * 8 - width)).to_bytes(stride, "big")
        return width, 24, rows


class Cell:
    """One character or image on the line: `rows` are integers of `width` bits, unscaled."""

    def __init__(self, x, width, rows, sx, sy):
        self.x = x
        self.width = width  # unscaled
        self.rows = rows
        self.sx = sx
        self.sy = sy
        self.bold = False
        self.reverse = False
        self.underline = 0
        self.span = width * sx  # printed width with the spacing to its right

    def height(self):
        return len(self.rows) * self.sy

    def bits(self, y):
        """-> int, `span` bits: row y (scaled) of the cell, all modes applied."""
        row = self.rows[y // self.sy]
        if self.sx > 1:
            row = _stretch(row, self.width, self.sx)
        if self.bold:
            row |= row >> 1
        span = self.span
        row <<= span - self.width * self.sx
        if self.reverse:
            return row ^ ((1 << span) - 1)
        if y >= self.height() - self.underline:
            return (1 << span) - 1
        return row


def _stretch(row, width, factor):
    out = 0
    unit = (1 << factor) - 1
    for i in range(width - 1, -1, -1):
        out <<= factor
        if row >> i & 1:
            out |= unit
    return out


def _glyph_rows(glyph):
    width, height, data = glyph
    stride = (width + 7) // 8
    shift = stride * 8 - width
    rows = []
    for y in range(height):
        rows.append(int.from_bytes(data[y * stride : (y + 1) * stride], "big") >> shift)
    return width, rows


def _shrink(width, rows, to_width, to_height):
    """Font B from font A by leaving dots out: good enough to measure and to recognise."""
    out = []
    for y in range(to_height):
        row = rows[y * len(rows) // to_height]
        bits = 0
        for x in range(to_width):
            bits = bits << 1 | row >> (width - 1 - x * width // to_width) & 1
        out.append(bits)
    return to_width, out


class Line:
    """A line that is being printed: rows 0 .. total - 1, of which `height` carry ink."""

    def __init__(self, cells, width, total, text, align, blank):
        self.cells = cells
        self._blank = blank
        self._dots = 8 * len(blank)
        self.text = text  # None: nothing to report (pure feed or image)
        self.height = 0
        for cell in cells:
            self.height = max(self.height, cell.height())
        self.total = max(total, self.height)
        self._left = max(0, self._dots - width) * align // 2

    def row(self, y):
        """-> bytes, dot row y."""
        if y >= self.height:
            return self._blank
        out = 0
        for cell in self.cells:
            top = self.height - cell.height()  # characters stand on a common base line
            if y >= top:
                shift = self._dots - self._left - cell.x - cell.span
                bits = cell.bits(y - top)
                out |= bits << shift if shift >= 0 else bits >> -shift
        return out.to_bytes(len(self._blank), "big")


class Raster:
    """Ready rows (GS v 0)."""

    def __init__(self, row, repeat):
        self.text = None
        self.height = 0
        self.total = repeat
        self._row = row

    def row(self, y):
        return self._row


class Layout:
    """Modes and print buffer. `out` is the list that finished jobs (Line, Raster) are put into."""

    def __init__(self, font, out, errors, chinese_default, spacing, dots=384):
        self.dots = dots
        self.blank = bytes(dots // 8)
        self.font = font or BoxFont()
        self.out = out
        self.errors = errors
        self.chinese_default = chinese_default
        self.default_spacing = spacing
        self.reset()

    def reset(self):
        """Power-on modes (also ESC @)."""
        self.clear_line()
        self.bold = self.reverse = self.font_b = False
        self.underline = 0
        self.sx = self.sy = 1
        self.kanji_sx = self.kanji_sy = 1
        self.kanji_underline = 0
        self.space = 0
        self.kanji_left = self.kanji_right = 0
        self.align = 0
        self.spacing = self.default_spacing
        self.chinese = self.chinese_default
        self.codepage = 0
        self.tabs = None

    def clear_line(self):
        self._cells = []
        self._x = 0
        self._text = ""

    def pending(self):
        """-> bool: the print buffer holds something."""
        return bool(self._cells) or self._x > 0

    # --- filling the line -----------------------------------------------------------------------

    def char(self, char, kanji=False):
        glyph = self.font.glyph(char)
        if glyph is None:
            self.errors.add(f"no glyph for U+{ord(char):04X}")
            width, rows = 24 if kanji else 12, [0] * 24
        else:
            width, rows = _glyph_rows(glyph)
        if self.font_b and not kanji:
            width, rows = _shrink(width, rows, _FONT_B[0], _FONT_B[1])
        sx, sy, left, right = self.sx, self.sy, 0, self.space
        if kanji:
            sx, sy = max(sx, self.kanji_sx), max(sy, self.kanji_sy)
            left, right = self.kanji_left, self.kanji_right
        left *= sx
        if self._x + left + width * sx > self.dots:
            self.feed(self.spacing)
        cell = Cell(self._x + left, width, rows, sx, sy)
        cell.bold = self.bold
        cell.reverse = self.reverse
        cell.underline = max(self.underline, self.kanji_underline if kanji else 0)
        cell.span = min(width * sx + right * sx, self.dots - cell.x)
        self._cells.append(cell)
        self._x = cell.x + cell.span
        self._text += char

    def image(self, columns, height, sx, sy):
        """A column image (ESC *). columns: ints of `height` bits, the most significant on top."""
        room = (self.dots - self._x) // sx
        columns = columns[:room]  # what does not fit is ignored, as the manual says
        if not columns:
            return
        rows = []
        for y in range(height - 1, -1, -1):
            bits = 0
            for column in columns:
                bits = bits << 1 | column >> y & 1
            rows.append(bits)
        self._cells.append(Cell(self._x, len(columns), rows, sx, sy))
        self._x += len(columns) * sx

    def tab(self):
        if self.tabs is None:
            stop = (self._x // _TAB_DOTS + 1) * _TAB_DOTS
        else:
            stop = min([t for t in self.tabs if t > self._x] or [self.dots])
        if stop < self.dots:
            self._x = stop
            self._text += "\t"

    def move_to(self, x):
        """ESC $: absolute dot position; outside the line the command is ignored."""
        if x < self.dots:
            if x > self._x and self._text and self._text[-1] != " ":
                self._text += " "
            self._x = x

    # --- printing -------------------------------------------------------------------------------

    def feed(self, dots, newline=True):
        """Prints the buffer, then feeds: the paper moves `dots` or the line's height, if more.

        newline=False: feed commands (ESC d, ESC J), which report no empty text line.
        """
        text = self._text
        if not text and (self._cells or not newline):
            text = None
        line = Line(self._cells, self._x, dots, text, self.align, self.blank)
        self.clear_line()
        if line.total:
            self.out.append(line)

    def raster(self, row, width, sx, sy):
        """One row of GS v 0. row: int of `width` bits."""
        if sx > 1:
            row = _stretch(row, width, sx)
            width *= sx
        if width > self.dots:
            row >>= width - self.dots
            width = self.dots
        row <<= self.dots - width - (self.dots - width) * self.align // 2
        self.out.append(Raster(row.to_bytes(self.dots // 8, "big"), sy))
