"""Our QR codes, made inside MicroPython, beside qrcode and segno (other encoders: the same symbol,
module for module) and zxing-cpp (a decoder: what a telephone would read)."""

import os
import random
import subprocess
from pathlib import Path

import pytest
import qrcode
import segno
import zxingcpp
from PIL import Image
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, MODE_NUMBER, QRData

from simulator import board_process

SCRIPT = Path(__file__).parent / "on_target" / "qr_lines.py"
LEVELS = "LMQH"
ALNUM = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# ISO/IEC 18004:2015 table 7, version 10.
LIMITS = {
    "numeric": {"L": 652, "M": 513, "Q": 364, "H": 288},
    "alphanumeric": {"L": 395, "M": 311, "Q": 221, "H": 174},
    "byte": {"L": 271, "M": 213, "Q": 151, "H": 119},
}
ALPHABETS = {"numeric": ALNUM[:10], "alphanumeric": ALNUM, "byte": bytes(range(256))}


def encode(cases):
    """[matrix or error text] for (payload, level), one MicroPython with a small heap for all."""
    done = subprocess.run(
        [board_process.interpreter(), "-X", "heapsize=64k", str(SCRIPT)],
        input="".join(f"{level} {payload.hex()}\n" for payload, level in cases),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(cases), done.stdout[-500:] + done.stderr
    return [line[2:] if line[0] == "!" else matrix(line) for line in lines]


def matrix(line):
    size, text = line.split()
    size, bits = int(size), bytes.fromhex(text)
    stride = (size + 7) // 8
    assert len(bits) == size * stride
    rows = []
    for r in range(size):
        row = int.from_bytes(bits[r * stride : (r + 1) * stride], "big")
        assert row & ((1 << (stride * 8 - size)) - 1) == 0, "bits behind the last module"
        rows.append([row >> (stride * 8 - 1 - c) & 1 for c in range(size)])
    return rows


def level_and_mask(m):
    """What the format information beside the upper left finder says (7.9)."""
    value = 0
    for c in (0, 1, 2, 3, 4):
        value = value << 1 | m[8][c]
    value ^= 0x5412 >> 10
    return "MLHQ"[value >> 3], value & 7


def penalty(m):
    """Table 11, written down for reading and not for speed."""
    n = len(m)
    points = 0
    for line in [*m, *([row[c] for row in m] for c in range(n))]:
        text = "".join(map(str, line))
        for run in text.replace("01", "0 1").replace("10", "1 0").split():
            points += len(run) - 2 if len(run) >= 5 else 0
        for at in range(n - 10):
            points += 40 * (text[at : at + 11] in ("10111010000", "00001011101"))
    for r in range(n - 1):
        for c in range(n - 1):
            points += 3 * (m[r][c] + m[r][c + 1] + m[r + 1][c] + m[r + 1][c + 1] in (0, 4))
    dark = sum(map(sum, m)) / (n * n) * 100
    return points + int(abs(dark - 50) / 5) * 10


def whole_codewords(buff, _version, length):
    """7.4.10: zeros up to the codeword boundary, none when the stream ends there. segno 1.6.6
    writes eight then, in place of the first pad codeword; readers skip either."""
    buff.extend([0] * (-length % 8))


@pytest.fixture(autouse=True)
def segno_by_the_book(monkeypatch):
    monkeypatch.setattr(segno.encoder, "write_padding_bits", whole_codewords)


def other(payload, mode, version, level, mask):
    made = segno.make(
        payload, mode=mode, version=version, error=level, mask=mask, boost_error=False, micro=False
    )
    return [list(row) for row in made.matrix]


def another(payload, mode, version, level, mask):
    number = {"numeric": MODE_NUMBER, "alphanumeric": MODE_ALPHA_NUM, "byte": MODE_8BIT_BYTE}
    made = qrcode.QRCode(
        version=version,
        error_correction={"L": 1, "M": 0, "Q": 3, "H": 2}[level],
        mask_pattern=mask,
        border=0,
    )
    made.add_data(QRData(payload, mode=number[mode]))
    made.make(fit=False)
    return [[int(dark) for dark in row] for row in made.get_matrix()]


def read(m, scale=3, quiet=4):
    """The bytes that zxing-cpp reads from a picture of the symbol."""
    side = len(m) + 2 * quiet
    image = Image.new("L", (side, side), 255)
    for r, row in enumerate(m):
        for c, dark in enumerate(row):
            if dark:
                image.putpixel((c + quiet, r + quiet), 0)
    image = image.resize((side * scale, side * scale), Image.NEAREST)
    # No other kind: among random modules it now and then finds the few bars of a linear code.
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    assert len(found) == 1, f"{len(found)} codes seen"
    return bytes(found[0].bytes)


def rng():
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().getrandbits(32)
    print("SEED=%d" % seed)
    return random.Random(seed)


def payload_of(mode, n, dice):
    """n random characters that need `mode` and no wider one."""
    if mode == "numeric":
        return bytes(dice.choices(ALNUM[:10], k=n))
    body = dice.choices(ALPHABETS[mode], k=n - 1)
    return bytes([*body, dice.choice(ALNUM[10:] if mode == "alphanumeric" else b"abc~\xc3\xff")])


@pytest.fixture(scope="module")
def symbols():
    """Every version, level and mode, the shortest and longest payload of each and random ones."""
    dice = rng()
    cases = []
    for mode, limits in LIMITS.items():
        for level in LEVELS:
            lengths = {1, 2, 3, limits[level], limits[level] - 1}
            for version in range(1, 10):  # each version full, and the next with one more
                full = capacity(mode, version, level)
                lengths |= {full, full + 1}
            lengths |= {dice.randint(1, limits[level]) for _ in range(6)}
            cases += [(payload_of(mode, n, dice), level, mode) for n in sorted(lengths)]
    made = encode([(payload, level) for payload, level, _ in cases])
    return [(*case, m) for case, m in zip(cases, made, strict=True)]


def capacity(mode, version, level):
    """The longest payload that segno puts into a symbol."""
    low, high = 1, 700
    while low < high:
        n = (low + high + 1) // 2
        try:
            segno.make(
                payload_of(mode, n, random.Random(n)),
                mode=mode,
                version=version,
                error=level,
                boost_error=False,
                mask=0,
            )
            low = n
        except segno.DataOverflowError:
            high = n - 1
    return low


def test_same_symbol_as_two_other_encoders(symbols):
    versions = set()
    masks = set()
    for payload, level, mode, m in symbols:
        assert isinstance(m, list), (level, mode, len(payload), m)
        version = (len(m) - 17) // 4
        told, mask = level_and_mask(m)
        assert told == level
        assert m == other(payload, mode, version, level, mask), (version, level, mask, mode)
        assert m == another(payload, mode, version, level, mask), (version, level, mask, mode)
        versions.add((version, level, mode))
        masks.add(mask)
    assert len(versions) == 10 * 4 * 3
    assert masks == set(range(8))


def test_smallest_version(symbols):
    for payload, level, mode, m in symbols:
        version = (len(m) - 17) // 4
        assert version == 1 or len(payload) > capacity(mode, version - 1, level)


def test_mask_has_the_fewest_points(symbols):
    for payload, level, mode, m in symbols[::7]:
        version = (len(m) - 17) // 4
        points = [penalty(other(payload, mode, version, level, k)) for k in range(8)]
        assert penalty(m) == min(points)
        assert level_and_mask(m)[1] == points.index(min(points))


def test_zxing_reads_what_went_in(symbols):
    for payload, level, mode, m in symbols:
        assert read(m) == payload, (level, mode, len(payload))


def test_damaged_symbol_is_still_read(symbols):
    """A stain that level H repairs: the checks are right, and not only the data."""
    for payload, level, _, m in symbols:
        if level == "H" and len(m) >= 33:
            stained = [list(row) for row in m]
            for r in range(14, 20):
                for c in range(14, 20):
                    stained[r][c] ^= 1
            assert read(stained) == payload


def test_too_long_names_the_limit():
    for mode, limits in LIMITS.items():
        cases = [(payload_of(mode, limits[k] + 1, random.Random(k)), k) for k in LEVELS]
        for (payload, level), why in zip(cases, encode(cases), strict=True):
            expected = f"QR code of {len(payload)}, at most {limits[level]} at level {level}"
            assert why == expected


def test_wrong_arguments():
    assert encode([(b"", "M"), (b"A", "X"), (b"A", "LM"), (b"A", "m")]) == [
        "QR code of nothing",
        *["QR level is one of L, M, Q, H"] * 3,
    ]
