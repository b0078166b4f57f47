# All 7,445 characters of GB2312, drawn by a canvas' calls, read back from the controllers' models
# and compared with the font file, which is read here by its documented format alone.

import struct

import glasses
import wires
from harness import rounds

from app.text.font import Font

FONT = wires.ASSETS + "/font16.bin"
_BLOCK = 64  # glyphs read at once

glasses.large(240, 320)


def characters():
    """Yield (code point, 32 bytes of its glyph) of every character with a GB2312 code, by
    tools/make_font.py: aliases of the same code are passed over."""
    with open(FONT, "rb") as f:
        n, _, _, _, at_codes, at_wide = struct.unpack("<HHHHII", f.read(20)[4:20])
        pages = struct.unpack("<257H", f.read(514))
        lows = f.read(n)
        f.seek(at_codes)
        codes = f.read(2 * n)
        seen = set()
        page = 0
        for first in range(0, n, _BLOCK):
            f.seek(at_wide + 32 * first)
            glyphs = f.read(32 * min(_BLOCK, n - first))
            for i in range(first, min(first + _BLOCK, n)):
                while pages[page + 1] <= i:
                    page += 1
                code = codes[2 * i] << 8 | codes[2 * i + 1]
                if code not in seen:
                    seen.add(code)
                    at = 32 * (i - first)
                    yield page << 8 | lows[i], glyphs[at : at + 32]


def screens(columns, rows):
    """Lists of [(column, row, code point, glyph)], a screen full each; on a slow machine some."""
    out = []
    skip = 1 if rounds(40) == 40 else 40
    n = 0
    for code, glyph in characters():
        n += 1
        if n % skip:
            continue
        out.append((len(out) % columns, len(out) // columns, code, glyph))
        if len(out) == columns * rows:
            yield out
            out = []
    assert n == 7445, n
    yield out


def draw(d, font, screen, size):
    d.fb.fill(0)
    for column, row, code, _ in screen:
        at = font.wide_at(code)
        assert d.glyph(column * size, row * size, font.wide_bits, at, 16, False)
    d.flush()


def test_all_of_gb2312_on_a_mono_display():
    for kind in ("st7567", "ssd1306_i2c"):
        glass, d = glasses.make(kind)
        d.start()
        font = Font(FONT)
        compared = 0
        for screen in screens(8, 4):
            draw(d, font, screen, 16)
            pixels = glass.pixels()
            for column, row, code, glyph in screen:
                at = row * 256 + column * 2
                for y in range(16):
                    assert pixels[at : at + 2] == glyph[2 * y : 2 * y + 2], (kind, hex(code), y)
                    at += 16
                compared += 1
        print("%s: %d characters" % (kind, compared))
        assert compared == 7445 or rounds(40) < 40
        assert glass.errors == []


def doubled(glyph, paper, ink):
    """32 rows of 32 bytes: the glyph by the rule of Scale2x, pixel by pixel."""
    # With a border of nothing; a row has 18 cells.
    g = bytearray(18 * 18)
    for y in range(16):
        bits = glyph[2 * y] << 8 | glyph[2 * y + 1]
        at = (y + 1) * 18 + 16
        while bits:
            if bits & 1:
                g[at] = 1
            bits >>= 1
            at -= 1
    colours = (paper, ink)
    rows = []
    for y in range(1, 17):
        top, bottom = bytearray(32), bytearray(32)
        for x in range(1, 17):
            at = y * 18 + x
            e, b, d, f, h = g[at], g[at - 18], g[at - 1], g[at + 1], g[at + 18]
            i = 2 * x - 2
            if b == h or d == f:
                top[i] = top[i + 1] = bottom[i] = bottom[i + 1] = colours[e]
            else:
                top[i] = colours[d if d == b else e]
                top[i + 1] = colours[f if b == f else e]
                bottom[i] = colours[d if d == h else e]
                bottom[i + 1] = colours[f if h == f else e]
        rows.append(top)
        rows.append(bottom)
    return rows


def number(glass, rgb):
    """The model's number of the one colour that is (nearly) `rgb`."""
    found = [
        n for n, c in enumerate(glass.colours())
        if n >= 64 and all(abs(a - b) < 8 for a, b in zip(c, rgb))  # noqa: B905
    ]  # fmt: skip
    assert len(found) == 1, found
    return found[0]


def test_all_of_gb2312_on_a_colour_display():
    glass, d = glasses.make("st7789")
    d.start()
    font = Font(FONT)
    d.fb.fill_rect(0, 0, 16, 16, 1)
    d.flush()
    paper, ink = number(glass, (0xFF, 0xFF, 0xFF)), number(glass, (0x0A, 0x16, 0x22))
    compared = 0
    for screen in screens(10, 7):
        draw(d, font, screen, 32)
        # 32 lines of the glass at a time, for a row of characters
        row = -1
        for column, r, code, glyph in screen:
            if r != row:
                row = r
                lines = [glass.line(32 * row + y) for y in range(32)]
            at = column * 32
            for y, want in enumerate(doubled(glyph, paper, ink)):
                assert lines[y][at : at + 32] == want, (hex(code), y)
            compared += 1
    print("%d characters" % compared)
    assert compared == 7445 or rounds(40) < 40
    assert glass.errors == []
