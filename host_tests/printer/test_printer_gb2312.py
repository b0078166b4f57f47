"""All characters of GB2312 on paper, dot by dot against the font: from the ROM of a printer with
GB18030, and drawn by us on one without Chinese."""

import papers
import pytest

from simulator.glyphs import glyphs

ACROSS = 16


def gb2312():
    """The 7,445 characters, as GB18030 reads them."""
    out = []
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            two = bytes((row, cell))
            try:
                two.decode("gb2312")
            except UnicodeDecodeError:
                continue
            out.append(two.decode("gb18030"))
    return out


def rom(char):
    """Rows of the printer's own glyph, as ints of 24 bits."""
    _, _, data = papers.Rom().glyph(char)
    return [int.from_bytes(data[3 * y : 3 * y + 3], "big") for y in range(24)]


def enlarged(char):
    """The 16-pixel glyph on 24 dots: each pixel is 1.5 dots wide and high, and a dot is black when
    it lies under a black pixel, in whole or in part."""
    _, rows = glyphs().rows(char)
    big = []
    for row in rows:
        thrice = 0
        for x in range(15, -1, -1):
            thrice = thrice << 3 | (7 if row >> x & 1 else 0)
        big += [thrice] * 3
    out = []
    for y in range(24):
        both = big[2 * y] | big[2 * y + 1]
        dots = 0
        for x in range(23, -1, -1):
            dots = dots << 1 | (1 if both >> 2 * x & 3 else 0)
        out.append(dots)
    return out


@pytest.mark.parametrize(
    "profile,shape", [("chinese58", rom), ("ttl58", enlarged), ("column58", enlarged)]
)
def test_every_character_is_on_paper_as_the_font_has_it(tmp_path, profile, shape):
    text = "".join(gb2312())
    assert len(text) == 7445
    lines = [(text[i : i + ACROSS], "") for i in range(0, len(text), ACROSS)]
    printer = papers.ours(tmp_path, profile, lines)
    rows = printer.rows
    # The mode settings print nothing; only the CAN LF of the first job moves the paper.
    at = len(rows) - 120 - 30 * len(lines)
    for line, _ in lines:
        shapes = [shape(c) for c in line]
        for y in range(24):
            want = 0
            for glyph in shapes:
                want = want << 24 | glyph[y]
            want <<= 24 * (ACROSS - len(line))
            assert int.from_bytes(rows[at + y], "big") == want, (line, y)
        assert not any(map(any, rows[at + 24 : at + 30]))
        at += 30
    assert printer.text_lines() == ["", *([line for line, _ in lines] if shape is rom else [])]


def test_a_line_of_both_kinds_keeps_its_columns(tmp_path):
    """Latin between Chinese: a column is 12 dots in the ROM's glyphs and in ours."""
    line = "A1中b文,C"
    for profile, wide in (("chinese58", rom), ("ttl58", enlarged)):
        printer = papers.ours(tmp_path, profile, [(line, ""), (line, "r"), (line, "c")])
        rows = printer.rows[-210:-120]
        for first, left in ((0, 0), (30, 384 - 9 * 12), (60, (384 - 9 * 12) // 2)):
            for y in range(24):
                dots = int.from_bytes(rows[first + y], "big") >> 384 - left - 9 * 12
                assert dots >> 5 * 12 & 0xFFFFFF == wide("中")[y], (profile, left, y)
                assert dots >> 2 * 12 & 0xFFFFFF == wide("文")[y], (profile, left, y)
