"""Reading the terminal's screen: pixels to text, by comparing cells with the font, on mono and on
colour glass.

So a test asserts on what the glass shows, not on what the firmware believes to have written.
"""

from PIL import Image, ImageChops

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


def _row(pixels, stride, row):
    """The text of one row of cells."""
    global _cached
    if _cached is None:
        _cached = _tables()
    narrow, wide = _cached
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
    return text.rstrip()


def read(pixels, width=128, height=64):
    """List of str, one for each row of text, blanks at the right removed. `pixels`: rows of
    width / 8 bytes, MSB left, in cells of 8x16; or a models.tft.Picture, on which the letters are
    twice or four times as large. Inverse cells are read as well. A cell that is no character
    becomes U+FFFD."""
    if hasattr(pixels, "numbers"):
        return _read_picture(pixels)
    return [_row(pixels, width // 8, row) for row in range(height // 16)]


# ---- colour glass -------------------------------------------------------------------------------

_CELL, _ROW = 16, 32  # a column, a row of text in pixels


def tops(height):
    """y of the letters of each row. What is left over below full rows is room around the first and
    the last one."""
    rows, spare = divmod(height, _ROW)
    out = [row * _ROW + spare // 2 for row in range(rows)]
    out[0] = spare // 4
    out[-1] += spare // 4
    return out


def _read_picture(picture):
    columns = picture.width // _CELL
    dark = bytes(1 if 2 * r + 5 * g + b < 4 * 255 else 0 for r, g, b in picture.colours)
    black = picture.numbers.translate(dark.ljust(256, b"\0")).translate(bytes((0, 255)) * 128)
    image = Image.frombytes("L", (picture.width, picture.height), black)
    lines = []
    skip = False
    for top in tops(picture.height):
        if skip:
            lines.append("")
            skip = False
            continue
        text = _row(_letters(image, top, 2), columns // 2, 0)
        if text.strip() and UNREADABLE not in text:
            # Figures over two rows: as many columns of this row as there are, at the right.
            lines.append(text.strip().rjust(columns))
            skip = True
            continue
        lines.append(_row(_letters(image, top, 1), columns, 0))
    return lines


# A pixel of a letter from the mean of its four: smoothing (Scale2x) takes at most one of them away
# or adds one. Two against two are no letter.
_SET = [255 if level > 160 else 0 for level in range(256)]
_TIE = [255 if 96 < level <= 160 else 0 for level in range(256)]
_NO_LETTER = 1 << 16


def _letters(image, top, times):
    """A row of text brought down to 16 pixels by halving `times` times: rows of width / 8 ints,
    MSB left; _NO_LETTER where there is none."""
    part = image.crop((0, top, image.width, top + (16 << times)))
    spoilt = None
    for _ in range(times):
        half = part.resize((part.width // 2, part.height // 2), Image.Resampling.BOX)
        ties = half.point(_TIE)
        if spoilt is not None:
            spoilt = spoilt.resize(half.size, Image.Resampling.BOX)
            ties = ImageChops.lighter(ties, spoilt)
        part, spoilt = half.point(_SET), ties
    bits = part.convert("1", dither=Image.Dither.NONE).tobytes()
    bad = spoilt.point([0] + [255] * 255).convert("1", dither=Image.Dither.NONE).tobytes()
    return [_NO_LETTER if b else a for a, b in zip(bits, bad, strict=True)]
