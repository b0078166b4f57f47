# QR code symbols (model 2) per ISO/IEC 18004:2015, versions 1 to 10: a few bytes to a square of
# bits, for paper and screen.
#
# One segment a symbol: digits and the 45 alphanumeric characters in their own modes, everything
# else in byte mode as it is (a reader takes UTF-8 for what it is). Working memory for the largest
# symbol is about 2.5 KB, gone at return. Viper, because eight masked symbols are weighed bit by
# bit; values stay below 31 bits.

import micropython
from micropython import const

_VERSIONS = const(10)
_LEVELS = "LMQH"
_FORMAT_LEVEL = b"\x01\x00\x03\x02"  # table 12: the two bits of each level
# Table 1: codewords of each version, data and error correction.
_CODEWORDS = (26, 44, 70, 100, 134, 172, 196, 242, 292, 346)
# Table 9, a row for each level: error correction codewords of one block, and blocks.
_ECC = (
    b"\x07\x0a\x0f\x14\x1a\x12\x14\x18\x1e\x12",
    b"\x0a\x10\x1a\x12\x18\x10\x12\x16\x16\x1a",
    b"\x0d\x16\x12\x1a\x12\x18\x12\x16\x14\x18",
    b"\x11\x1c\x16\x10\x16\x1c\x1a\x1a\x18\x1c",
)
_BLOCKS = (
    b"\x01\x01\x01\x01\x01\x02\x02\x02\x02\x04",
    b"\x01\x01\x01\x02\x02\x04\x04\x04\x05\x05",
    b"\x01\x01\x02\x02\x04\x04\x06\x06\x08\x08",
    b"\x01\x01\x02\x04\x04\x04\x05\x06\x08\x08",
)
# Table E.1: the second alignment coordinate of each version; the first is 6, the last size - 7.
_ALIGN = b"\x00\x12\x16\x1a\x1e\x22\x16\x18\x1a\x1c"
_ALNUM = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"  # table 5
# Mode indicators (table 2).
_NUMERIC = const(1)
_ALPHANUMERIC = const(2)
_BYTE = const(4)
# GF(256) with x^8 + x^4 + x^3 + x^2 + 1 (7.5.2): powers of 2, and their exponents.
_EXP = (
    b"\x01\x02\x04\x08\x10\x20\x40\x80\x1d\x3a\x74\xe8\xcd\x87\x13\x26\x4c\x98\x2d\x5a\xb4\x75"
    b"\xea\xc9\x8f\x03\x06\x0c\x18\x30\x60\xc0\x9d\x27\x4e\x9c\x25\x4a\x94\x35\x6a\xd4\xb5\x77"
    b"\xee\xc1\x9f\x23\x46\x8c\x05\x0a\x14\x28\x50\xa0\x5d\xba\x69\xd2\xb9\x6f\xde\xa1\x5f\xbe"
    b"\x61\xc2\x99\x2f\x5e\xbc\x65\xca\x89\x0f\x1e\x3c\x78\xf0\xfd\xe7\xd3\xbb\x6b\xd6\xb1\x7f"
    b"\xfe\xe1\xdf\xa3\x5b\xb6\x71\xe2\xd9\xaf\x43\x86\x11\x22\x44\x88\x0d\x1a\x34\x68\xd0\xbd"
    b"\x67\xce\x81\x1f\x3e\x7c\xf8\xed\xc7\x93\x3b\x76\xec\xc5\x97\x33\x66\xcc\x85\x17\x2e\x5c"
    b"\xb8\x6d\xda\xa9\x4f\x9e\x21\x42\x84\x15\x2a\x54\xa8\x4d\x9a\x29\x52\xa4\x55\xaa\x49\x92"
    b"\x39\x72\xe4\xd5\xb7\x73\xe6\xd1\xbf\x63\xc6\x91\x3f\x7e\xfc\xe5\xd7\xb3\x7b\xf6\xf1\xff"
    b"\xe3\xdb\xab\x4b\x96\x31\x62\xc4\x95\x37\x6e\xdc\xa5\x57\xae\x41\x82\x19\x32\x64\xc8\x8d"
    b"\x07\x0e\x1c\x38\x70\xe0\xdd\xa7\x53\xa6\x51\xa2\x59\xb2\x79\xf2\xf9\xef\xc3\x9b\x2b\x56"
    b"\xac\x45\x8a\x09\x12\x24\x48\x90\x3d\x7a\xf4\xf5\xf7\xf3\xfb\xeb\xcb\x8b\x0b\x16\x2c\x58"
    b"\xb0\x7d\xfa\xe9\xcf\x83\x1b\x36\x6c\xd8\xad\x47\x8e\x01"
)
_LOG = (
    b"\x00\x00\x01\x19\x02\x32\x1a\xc6\x03\xdf\x33\xee\x1b\x68\xc7\x4b\x04\x64\xe0\x0e\x34\x8d"
    b"\xef\x81\x1c\xc1\x69\xf8\xc8\x08\x4c\x71\x05\x8a\x65\x2f\xe1\x24\x0f\x21\x35\x93\x8e\xda"
    b"\xf0\x12\x82\x45\x1d\xb5\xc2\x7d\x6a\x27\xf9\xb9\xc9\x9a\x09\x78\x4d\xe4\x72\xa6\x06\xbf"
    b"\x8b\x62\x66\xdd\x30\xfd\xe2\x98\x25\xb3\x10\x91\x22\x88\x36\xd0\x94\xce\x8f\x96\xdb\xbd"
    b"\xf1\xd2\x13\x5c\x83\x38\x46\x40\x1e\x42\xb6\xa3\xc3\x48\x7e\x6e\x6b\x3a\x28\x54\xfa\x85"
    b"\xba\x3d\xca\x5e\x9b\x9f\x0a\x15\x79\x2b\x4e\xd4\xe5\xac\x73\xf3\xa7\x57\x07\x70\xc0\xf7"
    b"\x8c\x80\x63\x0d\x67\x4a\xde\xed\x31\xc5\xfe\x18\xe3\xa5\x99\x77\x26\xb8\xb4\x7c\x11\x44"
    b"\x92\xd9\x23\x20\x89\x2e\x37\x3f\xd1\x5b\x95\xbc\xcf\xcd\x90\x87\x97\xb2\xdc\xfc\xbe\x61"
    b"\xf2\x56\xd3\xab\x14\x2a\x5d\x9e\x84\x3c\x39\x53\x47\x6d\x41\xa2\x1f\x2d\x43\xd8\xb7\x7b"
    b"\xa4\x76\xc4\x17\x49\xec\x7f\x0c\x6f\xf6\x6c\xa1\x3b\x52\x29\x9d\x55\xaa\xfb\x60\x86\xb1"
    b"\xbb\xcc\x3e\x5a\xcb\x59\x5f\xb0\x9c\xa9\xa0\x51\x0b\xf5\x16\xeb\x7a\x75\x2c\xd7\x4f\xae"
    b"\xd5\xe9\xe6\xe7\xad\xe8\x74\xd6\xf4\xea\xa8\x50\x58\xaf"
)


def encode(data, level="M"):
    """(size, bits): the smallest QR code of `data` (bytes, 1 or more) at error correction `level`
    "L", "M", "Q" or "H". `bits`: bytearray of `size` rows of (size + 7) // 8 bytes, leftmost
    module first, 1 is dark; without the quiet zone, 4 modules on each side that the caller must
    leave light. ValueError when the level is unknown, `data` is empty or too long."""
    row = _LEVELS.find(level) if len(level) == 1 else -1
    if row < 0:
        raise ValueError("QR level is one of L, M, Q, H")
    if not data:
        raise ValueError("QR code of nothing")
    mode = _mode(data)
    version = 1
    while _room(version, row, mode) < len(data):
        version += 1
        if version > _VERSIONS:
            limit = _room(_VERSIONS, row, mode)
            raise ValueError("QR code of %d, at most %d at level %s" % (len(data), limit, level))
    code = _interleave(_segment(data, mode, version, row), version, row)
    size = 17 + 4 * version
    bits, fixed = _frame(version, size)
    _place(bits, fixed, size, code, len(code))
    best = bytearray(len(bits))
    trial = bytearray(len(bits))
    least = -1
    for mask in range(8):
        _masked(bits, fixed, size, mask, trial)
        _format(trial, size, _FORMAT_LEVEL[row] << 3 | mask)
        points = _lines(trial, size, 0) + _lines(trial, size, 1) + _areas(trial, size)
        if least < 0 or points < least:
            least = points
            best, trial = trial, best
    return size, best


def _mode(data):
    mode = _NUMERIC
    for b in data:
        if not 0x30 <= b <= 0x39:
            mode = _ALPHANUMERIC
            if _ALNUM.find(bytes((b,))) < 0:
                return _BYTE
    return mode


def _data_codewords(version, row):
    v = version - 1
    return _CODEWORDS[v] - _ECC[row][v] * _BLOCKS[row][v]


def _count_bits(version, mode):
    """Length of the character count indicator (table 3)."""
    if mode == _BYTE:
        return 8 if version < 10 else 16
    return (10 if mode == _NUMERIC else 9) + (0 if version < 10 else 2)


def _room(version, row, mode):
    """How many characters of `mode` fit."""
    bits = _data_codewords(version, row) * 8 - 4 - _count_bits(version, mode)
    if mode == _BYTE:
        return bits >> 3
    if mode == _ALPHANUMERIC:
        return bits // 11 * 2 + (1 if bits % 11 >= 6 else 0)
    rest = bits % 10
    return bits // 10 * 3 + (2 if rest >= 7 else 1 if rest >= 4 else 0)


@micropython.viper
def _put(out: ptr8, at: int, value: int, n: int) -> int:
    # n bits at bit `at`, high bit first; where the next ones go.
    for i in range(n):
        if (value >> (n - 1 - i)) & 1:
            out[at >> 3] = int(out[at >> 3]) | (0x80 >> (at & 7))
        at += 1
    return at


def _segment(data, mode, version, row):
    """Data codewords (7.4): mode, count, characters, terminator, padding."""
    out = bytearray(_data_codewords(version, row))
    n = len(data)
    at = _put(out, 0, mode, 4)
    at = _put(out, at, n, _count_bits(version, mode))
    if mode == _BYTE:
        for b in data:
            at = _put(out, at, b, 8)
    elif mode == _NUMERIC:
        for i in range(0, n, 3):
            three = data[i : i + 3]
            at = _put(out, at, int(three), 3 * len(three) + 1)
    else:
        for i in range(0, n - 1, 2):
            pair = _ALNUM.find(data[i : i + 1]) * 45 + _ALNUM.find(data[i + 1 : i + 2])
            at = _put(out, at, pair, 11)
        if n & 1:
            at = _put(out, at, _ALNUM.find(data[n - 1 :]), 6)
    pad = 0xEC
    for i in range((min(at + 4, len(out) * 8) + 7) >> 3, len(out)):
        out[i] = pad
        pad ^= 0xEC ^ 0x11
    return out


def _generator(n):
    """Exponents of the generator polynomial of n codewords (annex A), highest power left out."""
    poly = bytearray(n)
    poly[n - 1] = 1
    for root in range(n):
        for j in range(n):
            if poly[j]:
                poly[j] = _EXP[(_LOG[poly[j]] + root) % 255]
            if j + 1 < n:
                poly[j] ^= poly[j + 1]
    for j in range(n):
        poly[j] = _LOG[poly[j]]  # none is 0: every codeword has a share in the checks
    return poly


@micropython.viper
def _remainder(src: ptr8, at: int, n: int, gen: ptr8, k: int, exp: ptr8, log: ptr8, out: ptr8):
    # Division by the generator (7.5.2): k check codewords of src[at : at + n] into `out`.
    for j in range(k):
        out[j] = 0
    for i in range(n):
        factor = int(src[at + i]) ^ int(out[0])
        for j in range(k - 1):
            out[j] = out[j + 1]
        out[k - 1] = 0
        if factor:
            power = int(log[factor])
            for j in range(k):
                e = int(gen[j]) + power
                if e >= 255:
                    e -= 255
                out[j] = int(out[j]) ^ int(exp[e])


def _interleave(data, version, row):
    """All codewords in the order in which they are placed (7.6). The last blocks are one data
    codeword longer when the blocks are not equal."""
    k = _ECC[row][version - 1]
    blocks = _BLOCKS[row][version - 1]
    short = len(data) // blocks
    longer = len(data) % blocks
    out = bytearray(_CODEWORDS[version - 1])
    gen = _generator(k)
    check = bytearray(k)
    at = 0
    for b in range(blocks):
        n = short + (1 if b >= blocks - longer else 0)
        for i in range(short):
            out[i * blocks + b] = data[at + i]
        if n > short:
            out[short * blocks + b - (blocks - longer)] = data[at + short]
        _remainder(data, at, n, gen, k, _EXP, _LOG, check)
        for i in range(k):
            out[len(data) + i * blocks + b] = check[i]
        at += n
    return out


@micropython.viper
def _square(out: ptr8, stride: int, row: int, col: int, n: int, dark: int):
    # n * n modules from (row, col); what lies outside of the symbol is left out.
    size = stride >> 8
    stride = stride & 0xFF
    for r in range(row, row + n):
        for c in range(col, col + n):
            if r >= 0 and c >= 0 and r < size and c < size:
                at = r * stride + (c >> 3)
                if dark:
                    out[at] = int(out[at]) | (0x80 >> (c & 7))
                else:
                    out[at] = int(out[at]) & ~(0x80 >> (c & 7))


def _frame(version, size):
    """(bits, fixed): the function patterns (6.3), and a map of the modules that hold no data:
    patterns, format and version information."""
    stride = (size + 7) // 8
    bits = bytearray(size * stride)
    fixed = bytearray(size * stride)
    shape = size << 8 | stride
    for i in range(size):
        _square(bits, shape, 6, i, 1, 1 - (i & 1))
        _square(bits, shape, i, 6, 1, 1 - (i & 1))
        _square(fixed, shape, 6, i, 1, 1)
        _square(fixed, shape, i, 6, 1, 1)
    for row, col in ((3, 3), (3, size - 4), (size - 4, 3)):
        for reach, dark in ((4, 0), (3, 1), (2, 0), (1, 1)):
            _square(bits, shape, row - reach, col - reach, 2 * reach + 1, dark)
        # The 9 x 9 around a finder holds the format information too.
        _square(fixed, shape, row - 3 - (row > 3), col - 3 - (col > 3), 9, 1)
    if version > 1:
        places = (6, _ALIGN[version - 1], size - 7) if version > 6 else (6, size - 7)
        for row in places:
            for col in places:
                if (row == 6 and col in (6, size - 7)) or (col == 6 and row == size - 7):
                    continue  # a finder is there
                for reach, dark in ((2, 1), (1, 0), (0, 1)):
                    _square(bits, shape, row - reach, col - reach, 2 * reach + 1, dark)
                _square(fixed, shape, row - 2, col - 2, 5, 1)
    if version > 6:
        value = version << 12 | _bch(version, 12, 0x1F25)
        for i in range(18):
            a = size - 11 + i % 3
            for row, col in ((a, i // 3), (i // 3, a)):
                _square(bits, shape, row, col, 1, value >> i & 1)
                _square(fixed, shape, row, col, 1, 1)
    return bits, fixed


def _bch(value, n, poly):
    """n check bits of `value` (annexes C and D)."""
    rest = value
    for _ in range(n):
        rest = rest << 1 ^ (rest >> (n - 1)) * poly
    return rest


def _format(out, size, five):
    """Both copies of the format information (7.9): level and mask."""
    value = (five << 10 | _bch(five, 10, 0x537)) ^ 0x5412
    shape = size << 8 | (size + 7) // 8
    for i in range(15):
        dark = value >> i & 1
        if i < 8:
            _square(out, shape, i + (i > 5), 8, 1, dark)
            _square(out, shape, 8, size - 1 - i, 1, dark)
        else:
            _square(out, shape, 8, 14 - i + (i == 8), 1, dark)
            _square(out, shape, size - 15 + i, 8, 1, dark)
    _square(out, shape, size - 8, 8, 1, 1)


@micropython.viper
def _place(bits: ptr8, fixed: ptr8, size: int, code: ptr8, n: int):
    # Two columns at a time from the right, up and down in turn, around what is fixed (7.7.3).
    stride = (size + 7) >> 3
    k = 0
    up = 1
    right = size - 1
    while right > 0:
        if right == 6:
            right = 5
        for i in range(size):
            r = size - 1 - i if up else i
            for side in range(2):
                c = right - side
                at = r * stride + (c >> 3)
                bit = 0x80 >> (c & 7)
                if int(fixed[at]) & bit == 0 and k < n * 8:
                    if (int(code[k >> 3]) << (k & 7)) & 0x80:
                        bits[at] = int(bits[at]) | bit
                    k += 1
        up = 1 - up
        right -= 2


@micropython.viper
def _masked(bits: ptr8, fixed: ptr8, size: int, mask: int, out: ptr8):
    # Table 10: where the condition holds, a module that holds data is turned around.
    stride = (size + 7) >> 3
    for r in range(size):
        for c in range(size):
            if mask == 0:
                odd = (r + c) & 1
            elif mask == 1:
                odd = r & 1
            elif mask == 2:
                odd = c % 3
            elif mask == 3:
                odd = (r + c) % 3
            elif mask == 4:
                odd = ((r >> 1) + c // 3) & 1
            elif mask == 5:
                odd = ((r * c) & 1) + (r * c) % 3
            elif mask == 6:
                odd = (((r * c) & 1) + (r * c) % 3) & 1
            else:
                odd = (((r + c) & 1) + (r * c) % 3) & 1
            at = r * stride + (c >> 3)
            bit = 0x80 >> (c & 7)
            value = int(bits[at]) & bit
            if odd == 0 and int(fixed[at]) & bit == 0:
                value ^= bit
            if bit == 0x80:
                out[at] = value
            else:
                out[at] = int(out[at]) | value


@micropython.viper
def _lines(bits: ptr8, size: int, down: int) -> int:
    # Table 11, along the rows or the columns: 3 points for a run of 5 and 1 for each more, 40 for
    # what looks like a finder with four light modules at one side.
    stride = (size + 7) >> 3
    points = 0
    for a in range(size):
        window = 0
        run = 0
        last = 2
        for b in range(size):
            r = b if down else a
            c = a if down else b
            bit = (int(bits[r * stride + (c >> 3)]) >> (7 - (c & 7))) & 1
            if bit == last:
                run += 1
                if run == 5:
                    points += 3
                elif run > 5:
                    points += 1
            else:
                run = 1
                last = bit
            window = ((window << 1) | bit) & 0x7FF
            if b >= 10 and (window == 0x5D0 or window == 0x05D):
                points += 40
    return points


@micropython.viper
def _areas(bits: ptr8, size: int) -> int:
    # Table 11: 3 points for each 2 x 2 of one colour, 10 for each 5 % away from half dark.
    stride = (size + 7) >> 3
    points = 0
    dark = 0
    for r in range(size):
        above = 0
        for c in range(size):
            at = r * stride + (c >> 3)
            shift = 7 - (c & 7)
            bit = (int(bits[at]) >> shift) & 1
            dark += bit
            pair = bit
            if r > 0:
                pair |= ((int(bits[at - stride]) >> shift) & 1) << 1
                if c > 0 and pair == above and (pair == 0 or pair == 3):
                    points += 3
            above = pair
    off = 20 * dark - 10 * size * size
    if off < 0:
        off = 0 - off
    return points + off // (size * size) * 10
