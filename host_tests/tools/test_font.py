"""The font asset and the encoder against Python's own codec: all 7,445 characters of GB2312."""

import subprocess

import pytest

from simulator import board_process, screen_text
from simulator.glyphs import FONT, PrinterFont, glyphs


def gb2312_characters():
    """Every assigned cell of GB2312 as GB18030 reads it."""
    out = {}
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            two = bytes((row, cell))
            try:
                two.decode("gb2312")
            except UnicodeDecodeError:
                continue
            out[two.decode("gb18030")] = two
    return out


def test_every_character_of_gb2312_has_a_glyph():
    table = gb2312_characters()
    assert len(table) == 7445
    missing = [c for c in table if c not in glyphs().wide]
    assert not missing, missing[:20]
    blank = [c for c in table if not any(glyphs().wide[c])]
    assert blank == ["\u3000"]  # the ideographic space


def test_glyphs_tell_characters_apart():
    table = gb2312_characters()
    shapes = {}
    for c in table:
        shapes.setdefault(glyphs().wide[c], []).append(c)
    same = [chars for chars in shapes.values() if len(chars) > 1]
    # Lookalikes such as Greek and Cyrillic capitals share a shape; no two hanzi may.
    for chars in same:
        assert sum("\u4e00" <= c <= "\u9fff" for c in chars) < 2, chars


def test_the_firmware_encodes_every_character_as_python_does(tmp_path):
    table = gb2312_characters()
    text = "".join(table)
    (tmp_path / "in.txt").write_text(text, encoding="utf-8")
    script = f"""
import sys
sys.path.insert(0, {str(FONT.parents[1])!r})
from app.text.font import Font
from app.text.gb18030 import Encoder
encode = Encoder(Font({str(FONT)!r}))
out = open({str(tmp_path / "out.bin")!r}, "wb")
with open({str(tmp_path / "in.txt")!r}) as f:
    while True:
        part = f.read(64)
        if not part:
            break
        out.write(encode(part))
out.close()
assert encode.missing == 0
"""
    done = subprocess.run(
        [board_process.interpreter(), "-X", "heapsize=256k", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out.bin").read_bytes() == text.encode("gb18030")


def draw(text):
    """Pixels of a 128x64 glass with `text` on its rows, drawn from the glyphs by hand."""
    pixels = bytearray(16 * 64)
    for row, line in enumerate(text):
        column = 0
        for c in line:
            width, rows = glyphs().rows(c)
            for y, bits in enumerate(rows):
                at = (row * 16 + y) * 16 + column
                if width == 16:
                    pixels[at], pixels[at + 1] = bits >> 8, bits & 0xFF
                else:
                    pixels[at] = bits
            column += width // 8
    return pixels


def test_a_screen_is_read_back_from_its_pixels():
    text = ["收银 SHOUYIN", "RMB 12,345.67", "请刷卡或输入金额", "622500******0014"]
    pixels = draw(text)
    assert screen_text.read(pixels) == text
    inverse = bytes(b ^ 0xFF for b in pixels[:256]) + bytes(pixels[256:])
    assert screen_text.read(inverse)[0].strip() == text[0]


def test_a_damaged_picture_is_not_read():
    pixels = draw(["12345", "", "", ""])
    pixels[5 * 16] ^= 0x18
    assert screen_text.read(pixels)[0] != "12345"


@pytest.mark.parametrize("char,width", [("A", 12), ("银", 24), ("〓", 24)])
def test_the_printers_glyphs_have_their_size(char, width):
    w, h, rows = PrinterFont().glyph(char)
    assert (w, h) == (width, 24) and len(rows) == (width + 7) // 8 * 24 and any(rows)
