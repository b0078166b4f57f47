"""Reading the terminal's screen: pixels to text, by comparing cells with the font.

So a test asserts on what the glass shows, not on what the firmware believes to have written.
"""

from .glyphs import glyphs

UNREADABLE = "\ufffd"


def _tables():
    g = glyphs()
    narrow = {tuple(rows): c for c, rows in g.narrow.items()}
    wide = {tuple(g.rows(c)[1]): c for c in g.wide}
    return narrow, wide


_cached = None


def _cell(pixels, stride, column, row, width):
    """Rows of the cell at `column`, `row` (8x16 grid), `width` 8 or 16 pixels, as ints."""
    out = []
    for y in range(row * 16, row * 16 + 16):
        at = y * stride + column
        out.append(pixels[at] if width == 8 else pixels[at] << 8 | pixels[at + 1])
    return tuple(out)


def read(pixels, width=128, height=64):
    """List of str, one for each row of 16 pixels, blanks at the right removed. `pixels`: rows of
    width / 8 bytes, MSB left. Inverse cells are read as well. A cell that is no character becomes
    U+FFFD."""
    global _cached
    if _cached is None:
        _cached = _tables()
    narrow, wide = _cached
    stride = width // 8
    lines = []
    for row in range(height // 16):
        text = ""
        column = 0
        while column < stride:
            for w, table in ((8, narrow), (16, wide)):
                if w == 16 and column + 1 >= stride:
                    continue
                cell = _cell(pixels, stride, column, row, w)
                full = (1 << w) - 1
                char = table.get(cell) or table.get(tuple(full ^ r for r in cell))
                if char is not None:
                    break
            else:
                char, w = UNREADABLE, 8
            text += char
            column += w // 8
        lines.append(text.rstrip())
    return lines
