"""Security requirement 6: no key in the repository. Files are scanned for private keys, and what
goes onto the device for constants that could be keys."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import house_rules  # noqa: E402

PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
HEX = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{48}|[0-9A-Fa-f]{64}")
# What is as long as a key, and published.
PUBLISHED = {
    "firmware/app/crypto/des.py": "the S-boxes of DES (FIPS 46-3)",
    "firmware/app/tech/kat.py": "known answers of standards, for the self-test",
    "firmware/app/train/host.py": "keys of the training mode, which meet no other host",
}
KEY_LENGTHS = (16, 24, 32)
# What is no key though it is as long as one.
PUBLIC = (
    b"0123456789ABCDEF", b"0123456789abcdef",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",  # base32
)  # fmt: skip


def is_text(data):
    return all(32 <= b < 127 for b in data) and (b" " in data or b"_" in data or data.isalpha())


def could_be_key(value):
    """Whether a constant looks like key material."""
    if isinstance(value, str):
        return bool(HEX.fullmatch(value)) and len(set(value)) > 8
    if not isinstance(value, bytes) or len(value) not in KEY_LENGTHS or value in PUBLIC:
        return False
    return len(set(value)) > 8 and not is_text(value)


def constants(source):
    """(line, value) of the constants that could be keys."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and could_be_key(node.value):
            yield node.lineno, node.value


def on_the_device():
    for folder in ("firmware", "boards"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_sec6_no_private_key_is_in_the_repository():
    wrong = [
        path.relative_to(ROOT).as_posix()
        for path in house_rules.files(ROOT)
        if path != Path(__file__).resolve() and PRIVATE.search(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
    assert not list((ROOT / "docs").rglob("*.pem"))


def test_sec6_nothing_that_goes_onto_the_device_has_a_key_in_it():
    wrong = []
    for path in on_the_device():
        if path.relative_to(ROOT).as_posix() in PUBLISHED:
            continue
        for line, value in constants(path.read_text(encoding="utf-8")):
            wrong.append(f"{path.relative_to(ROOT)}:{line}: {len(value)}")
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        'TMK = "1F2E3D4C5B6A79880796A5B4C3D2E1F0"',
        'load(key="0123456789abcdef0011223344556677")',
        'K = b"\\x1f\\x2e\\x3d\\x4c\\x5b\\x6a\\x79\\x88\\x07\\x96\\xa5\\xb4\\xc3\\xd2\\xe1\\xf0"',
        f"SECRET = {bytes(range(100, 132)).replace(b' ', b'!') + b''!r}",
    ],
)
def test_the_scan_finds_keys(line):
    """Negative control."""
    assert list(constants(line)), line


def test_the_scan_leaves_words_and_tables_alone():
    for line in ('A = b"0123456789ABCDEF"', 'B = b"shouyin vault 1 "', 'C = b"\\xff" * 16',
                 'D = "journal,  data, 0x40"'):  # fmt: skip
        assert not list(constants(line)), line
