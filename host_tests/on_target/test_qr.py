# QR codes: the published example, limits, memory. host_tests/qr compares symbols with other
# encoders and reads them.

import gc

from harness import raises

from app.text import qr

# ISO/IEC 18004:2015 annex I.2: "01234567", version 1-M: 16 data and 10 check codewords.
EXAMPLE = bytes.fromhex("10200c566180ec11ec11ec11ec11ec11a524d4c1ed36c7872c55")


def dark(size, bits, row, col):
    return bits[row * ((size + 7) // 8) + (col >> 3)] >> (7 - (col & 7)) & 1


def test_codewords_of_the_published_example():
    data = qr._segment(b"01234567", 1, 1, 1)
    assert bytes(qr._interleave(data, 1, 1)) == EXAMPLE


def test_format_information_of_the_published_example():
    # Annex C: level M, mask 101 is 100000011001110 after the mask of 7.9.1.
    out = bytearray(21 * 3)
    qr._format(out, 21, 0b00101)
    told = "".join(str(dark(21, out, 8, c)) for c in (0, 1, 2, 3, 4, 5, 7, 8))
    told += "".join(str(dark(21, out, r, 8)) for r in (7, 5, 4, 3, 2, 1, 0))
    assert told == "100000011001110", told


def test_size_grows_with_the_data():
    last = 0
    for n, size in ((14, 21), (15, 25), (62, 33), (63, 37), (213, 57)):
        got, bits = qr.encode(b"\xe4" * n)
        assert got == size > last and len(bits) == size * ((size + 7) // 8)
        last = size


def test_refusals_are_value_errors():
    for data, level in ((b"", "M"), (b"a" * 214, "M"), (b"1" * 653, "L"), (b"a", "Z"), (b"a", "")):
        raises(ValueError, qr.encode, data, level)
    assert "at most 213 at level M" in raises(ValueError, qr.encode, b"a" * 214).args[0]


def test_memory_is_a_few_kilobytes():
    """Everything that the largest symbol needs at once, garbage counted as well."""
    qr.encode(b"warm")
    data = b"https://pay.example/" + b"x" * 193
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        qr.encode(data)
        used = gc.mem_alloc() - before
    finally:
        gc.enable()
    assert used < 6000, used
    print("qr: %d bytes allocated for version 10" % used)
