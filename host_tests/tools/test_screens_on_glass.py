"""Screens on glass of every size: the text is read back from the pixels, and pictures are made."""

import os
import struct
import subprocess

import pytest

from models.tft import Picture
from simulator import board_process, pictures, screen_text
from simulator.glyphs import glyphs

HERE = os.path.dirname(os.path.abspath(__file__))
ON_TARGET = os.path.join(os.path.dirname(HERE), "on_target")
SIZES = {"st7567": (128, 64), "st7789": (320, 240), "st7796": (320, 480)}


@pytest.fixture(scope="module")
def glasses(tmp_path_factory):
    """{(controller, screen): (pixels or Picture, lines that were written)}."""
    folder = tmp_path_factory.mktemp("glass")
    done = subprocess.run(
        [board_process.interpreter(), "-X", "heapsize=1024k", f"{ON_TARGET}/runner.py",
         f"{ON_TARGET}/test_display_screens.py"],
        env={"SHOUYIN_GLASS": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    out = {}
    for path in folder.glob("*.glass"):
        kind, name = path.stem.split("-")
        lines = path.with_suffix(".txt").read_text(encoding="utf-8").split("\n")
        out[kind, name] = load(path.read_bytes()), lines
    return out


def load(data):
    width, height, n = struct.unpack_from("<HHH", data)
    if not n:
        return data[6:]
    colours = [tuple(data[6 + 3 * i : 9 + 3 * i]) for i in range(n)]
    return Picture(width, height, data[6 + 3 * n :], colours)


@pytest.mark.parametrize("kind", SIZES)
def test_what_was_written_is_read_from_the_glass(glasses, kind):
    names = [name for k, name in glasses if k == kind]
    assert len(names) == 12
    for name in names:
        pixels, written = glasses[kind, name]
        read = screen_text.read(pixels)
        assert len(read) == len(written) == SIZES[kind][1] // (16 if kind == "st7567" else 32)
        for row, (have, want) in enumerate(zip(read, written, strict=True)):
            if name.startswith("idle") and row == 0:
                # The bars of the signal are no letters.
                have = have.rstrip(screen_text.UNREADABLE + " ")
            if row == 2 and name in ("amount", "amount_error", "entry", "pin"):
                have, want = have.strip(), want.strip()
            assert have == want.rstrip(), (kind, name, row)


@pytest.mark.parametrize("kind", SIZES)
def test_pictures_have_the_size_and_the_colours_of_the_glass(glasses, kind):
    pixels, _ = glasses[kind, "amount"]
    image = pictures.screen(pixels)
    width, height = SIZES[kind]
    if kind == "st7567":
        assert image.size == (4 * width + 32, 4 * height + 32)
        return
    assert image.size == (width + 24, height + 24)
    for x in range(0, width, 7):
        for y in range(0, height, 7):
            assert image.getpixel((12 + x, 12 + y)) == pixels.pixel(x, y)
    assert len(image.getcolors()) >= 5  # frame, paper, ink, bar, shade
    assert len(pictures.braille(pixels)) == height // 8
    assert len(pictures.half_blocks(pixels)[0]) == width // 2


def test_a_damaged_letter_is_not_read(glasses):
    pixels, written = glasses["st7789", "hint"]
    assert screen_text.read(pixels)[-1].strip() == written[-1].strip()
    # Upset single pixels of the last row until half of a block of four has changed.
    numbers = bytearray(pixels.numbers)
    ink = max(set(numbers[-320 * 30 :]), key=lambda n: -sum(pixels.colours[n]))
    top = screen_text.tops(240)[-1]
    at = next(
        i for i in range(top * 320, 240 * 320) if numbers[i] == ink and numbers[i + 1] == ink
    )
    numbers[at - at % 2] = numbers[at - at % 2 + 1] = numbers[-1]
    damaged = Picture(320, 240, bytes(numbers), pixels.colours)
    assert screen_text.UNREADABLE in screen_text.read(damaged)[-1]


def test_a_blank_glass_has_no_text():
    for width, height in ((320, 240), (320, 480)):
        blank = Picture(width, height, bytes(width * height), [(0, 0, 0)])
        assert screen_text.read(blank) == [""] * (height // 32)


def test_rows_of_text_lie_as_the_terminal_draws_them():
    assert screen_text.tops(240) == [4, 40, 72, 104, 136, 168, 204]
    assert screen_text.tops(480) == list(range(0, 480, 32))
    assert len(glyphs().wide) >= 7445
