"""Display, keypad and stripe reader models against independent formulas."""

import pathlib
import random
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))

from models import XorShift  # noqa: E402
from models.keymatrix import KeyMatrix  # noqa: E402
from models.magreader import MagReader, lrc  # noqa: E402
from models.st7567 import ST7567  # noqa: E402


def test_xorshift_is_marsaglias():
    """x ^= x << 13; x ^= x >> 17; x ^= x << 5 from 2463534242 gives 723471715 (paper, p. 4)."""
    rng = XorShift(1)
    rng._x = 2463534242
    assert rng.next() == 723471715
    counts = [0] * 10
    rng = XorShift(7)
    for _ in range(10000):
        counts[rng.below(10)] += 1
    assert min(counts) > 850 and max(counts) < 1150


# --- display
# ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_every_pixel_against_the_formula(seed):
    rng = random.Random(seed)
    d = ST7567()
    ram = {}
    d.spi_write(b"\xe2\x2f\xaf", 0)
    for page in range(8):
        d.spi_write(bytes((0xB0 + page, 0x10, 0x00)), 0)
        data = bytes(rng.randrange(256) for _ in range(132))
        d.spi_write(data, 1)
        for column in range(132):
            ram[page, column] = data[column]
    start, mx, my, inverse = (
        rng.randrange(64),
        rng.randrange(2),
        rng.randrange(2),
        rng.randrange(2),
    )
    d.spi_write(bytes((0x40 | start, 0xA0 | mx, 0xC0 | my << 3, 0xA6 | inverse)), 0)
    pixels = d.pixels()
    for y in range(64):
        line = (start + (63 - y if my else y)) % 64
        for x in range(128):
            column = 131 - x if mx else x
            bit = ram[line // 8, column] >> line % 8 & 1 ^ inverse
            assert pixels[y * 16 + x // 8] >> 7 - x % 8 & 1 == bit, (x, y)
    assert d.errors == []


@pytest.mark.parametrize("seed", range(10))
def test_random_bytes_do_not_break_the_controller(seed):
    rng = random.Random(seed)
    d = ST7567()
    shown = d.pixels()
    version = d.version
    for _ in range(400):
        d.spi_write(
            bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9))), rng.randrange(2)
        )
        if rng.random() < 0.05:
            d.reset(0)
            d.reset(1)
        if d.version == version:
            # No new version: the glass must not have changed.
            fresh = d._draw()
            assert fresh == shown
        else:
            version = d.version
            shown = d.pixels()
    assert d.error_count >= len(d.errors)


# --- keypad
# -----------------------------------------------------------------------------------------


def closed_circuit(rows, cols, closed, low):
    """Breadth-first search over contacts: rows that are joined to a low column."""
    reached = {("c", c) for c in low}
    while True:
        more = set()
        for r, c in closed:
            if ("r", r) in reached:
                more.add(("c", c))
            if ("c", c) in reached:
                more.add(("r", r))
        if more <= reached:
            return {r for kind, r in reached if kind == "r"}
        reached |= more


@pytest.mark.parametrize("seed", range(40))
def test_network_against_a_search(seed):
    rng = random.Random(seed)
    rows, cols = tuple(range(5)), tuple(range(10, 14))
    keymap = [[(r, c) for c in range(4)] for r in range(5)]
    m = KeyMatrix(rows, cols, keymap, bounce_us=(0, 0), settle_us=0)
    closed = rng.sample([k for row in keymap for k in row], rng.randrange(0, 8))
    for key in closed:
        m.press(key, 0)
    for low in ([0], [1], [2], [3], [0, 2], [0, 1, 2, 3]):
        got = m.levels({cols[c]: 0 for c in low}, 1000)
        assert {r for r in range(5) if not got[r]} == closed_circuit(5, 4, closed, low)


def test_bounce_uses_its_whole_range():
    durations = []
    for seed in range(200):
        m = KeyMatrix((1,), (2,), (("k",),), seed=seed)
        m.press("k", 0)
        last = 0
        while (due := m.next_due()) is not None:
            last = due
            m.advance(due)
        durations.append(last)
    assert min(durations) < 1500 and max(durations) > 7000
    assert min(durations) >= 500 and max(durations) <= 8000


# --- stripe reader
# ----------------------------------------------------------------------------------


def stripe_bits(track, data):
    """The track as the card's bits: characters with odd parity, least significant bit first."""
    width, offset, start = (6, 0x20, "%") if track == 1 else (4, 0x30, ";")
    return [[(ord(ch) - offset) >> i & 1 for i in range(width)] for ch in start + data + "?"]


@pytest.mark.parametrize("seed", range(30))
def test_lrc_from_the_bits_of_the_card(seed):
    rng = random.Random(seed)
    track = rng.randrange(1, 4)
    alphabet = "0123456789:<=>" if track > 1 else "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^ ./-"
    data = "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 30)))
    columns = [sum(bits) % 2 for bits in zip(*stripe_bits(track, data), strict=True)]
    value = sum(bit << i for i, bit in enumerate(columns))
    assert lrc(track, data) == chr(value + (0x20 if track == 1 else 0x30))


def test_a_parser_by_place_reads_what_a_parser_by_value_does_not():
    """Some LRC is a '?': the docstring's rule (one character after the first '?') must work."""
    for number in range(1000):
        data = f"{number:03d}"
        if lrc(2, data) == "?":
            break
    else:
        pytest.fail("no such track")
    reader = MagReader()
    due = reader.swipe(None, data, "7", 0)
    message = reader.transmit(due)
    assert message == b";" + data.encode() + b"??+7?" + lrc(3, "7").encode() + b"\r\n"
