"""Make firmware/assets/font16.bin: GNU Unifont at 16 pixels for ASCII and all of GB2312.

Source: the npm package @fontsource/unifont (Unifont 13.0.06 under the SIL Open Font License 1.1),
fetched by npm, or a copy of it named by --package. Its outlines are made of whole pixels, so that
drawing them at 16 pixels gives the bitmaps exactly.

File format, little endian (read by firmware/app/text/font.py):

    0    magic "SYF1"
    4    u16 number of wide glyphs, n
    6    u16 first and u16 last code of the narrow glyphs (ASCII 0x20 .. 0x7e)
    10   u16 offset of the narrow glyphs, u32 offset of the GB codes, u32 offset of the wide glyphs
    20   257 x u16: index of the first wide glyph whose code point is page << 8 or above
    534  n bytes: low byte of each code point, in order
    ...  n x u16: GB2312 code of each (row, cell with 0xa1 offset, high byte first)
    ...  95 x 16 bytes: narrow glyphs, 8x16, one byte a row, MSB left
    ...  n x 32 bytes: wide glyphs, 16x16, two bytes a row, MSB left
"""

import argparse
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@fontsource/unifont@5.3.0"
WOFF = "files/unifont-latin-400-normal.woff"
ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "firmware" / "assets"
FIRST, LAST = 0x20, 0x7E


def gb2312():
    """{character: GB2312 code} of all 7,445 characters."""
    out = {}
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                out[bytes((row, cell)).decode("gb2312")] = row << 8 | cell
            except UnicodeDecodeError:
                pass
    # Python maps the middle dot and the dash to code points that nobody types; accept the usual
    # ones too.
    assert len(out) == 7445, len(out)
    return out


ALIASES = {"·": "・", "—": "―", "¥": "￥"}


def fetch(folder):
    """Unpack the npm package into `folder`; returns its path."""
    if shutil.which("npm") is None:
        sys.exit(
            "npm is needed to fetch " + PACKAGE + " (or name an unpacked copy with --package)"
        )
    subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True
    )
    archive = next(Path(folder).glob("*.tgz"))
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    return Path(folder) / "package"


def glyph(font, char, width):
    """Rows of the glyph, `width` / 8 bytes each; an 8-pixel glyph in the middle."""
    from PIL import Image, ImageDraw

    # In grey, then black or white: drawn in one bit, the rasteriser moves some edges by a pixel.
    image = Image.new("L", (width, 16), 0)
    at = (width - round(font.getlength(char))) // 2
    ImageDraw.Draw(image).text((at, 0), char, font=font, fill=255)
    return (
        image.point(lambda level: 255 * (level > 127))
        .convert("1", dither=Image.Dither.NONE)
        .tobytes()
    )


def build(package):
    from PIL import ImageFont

    font = ImageFont.truetype(str(package / WOFF), 16)
    table = gb2312()
    for char, same in ALIASES.items():
        if char not in table and same in table:
            table[char] = table[same]
    chars = sorted(table)
    n = len(chars)
    pages = [sum(1 for c in chars if ord(c) < page << 8) for page in range(257)]
    lows = bytes(ord(c) & 0xFF for c in chars)
    codes = b"".join(struct.pack(">H", table[c]) for c in chars)
    narrow = b"".join(glyph(font, chr(c), 8) for c in range(FIRST, LAST + 1))
    wide = b""
    for i, c in enumerate(chars):
        wide += glyph(font, c, 16)
        if i % 500 == 0:
            print(f"\r{i}/{n} glyphs", end="", file=sys.stderr)
    print(f"\r{n}/{n} glyphs", file=sys.stderr)
    at_codes = 534 + n
    at_narrow = at_codes + 2 * n
    at_wide = at_narrow + len(narrow)
    head = b"SYF1" + struct.pack("<HHHHII", n, FIRST, LAST, at_narrow, at_codes, at_wide)
    return head + struct.pack("<257H", *pages) + lows + codes + narrow + wide


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--package", type=Path, help="unpacked npm package " + PACKAGE)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = args.package or fetch(folder)
        data = build(package)
        ASSETS.mkdir(exist_ok=True)
        (ASSETS / "font16.bin").write_bytes(data)
        license_text = (package / "LICENSE").read_text()
    notice = (
        "font16.bin is made from GNU Unifont 13.0.06 (https://unifoundry.com/unifont/),\n"
        "by the GNU Unifont authors (Roman Czyborra, Paul Hardy and others),\n"
        "with tools/make_font.py.\n\n"
    )
    (ASSETS / "OFL.txt").write_text(notice + license_text)
    print(f"{ASSETS / 'font16.bin'}: {len(data)} bytes")


if __name__ == "__main__":
    main()
