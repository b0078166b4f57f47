# DES and two-key triple DES on single blocks (FIPS 46-3; ISO/IEC 18033-3 for TDEA keying option
# 2).
#
# Viper because plain bytecode makes big integers of 32-bit words on a 32-bit processor (60 times
# slower). Values never leave 32 bits, so the same source runs on 64-bit ports; constants above 30
# bits come from an array. The S-boxes are joined with the P permutation into 8 tables of 64 words,
# built at first use (2 KiB of RAM).

from array import array

import micropython

# FIPS 46-3 appendix 1: each S-box row by row, one hex digit an entry.
_S_BOXES = (
    "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
    "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
    "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
    "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
    "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
    "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
    "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
    "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
)
_P = bytes((16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
            2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25))  # fmt: skip
_PC1 = bytes((57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27,
              19, 11, 3, 60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22,
              14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4))  # fmt: skip
_PC2 = bytes((14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20,
              13, 2, 41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46,
              42, 50, 36, 29, 32))  # fmt: skip
_SHIFTS = bytes((1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1))

_tables = None  # array('I'): 512 words of S-boxes with P, then 0xaaaaaaaa


@micropython.viper
def _build(boxes: ptr8, p: ptr8, out: ptr32):
    # Entry x of box i: the 4 output bits at their places after P, rotated left by one (the halves
    # are kept rotated during the rounds, so that the six-bit groups of E lie on byte boundaries).
    for i in range(8):
        for x in range(64):
            row = ((x >> 4) & 2) | (x & 1)
            v = int(boxes[i * 64 + row * 16 + ((x >> 1) & 15)])
            word = uint(0)
            for j in range(32):
                k = int(p[j]) - 1  # bit number of the source, 0 the leftmost
                if (k >> 2) == i and (v >> (3 - (k & 3))) & 1:
                    word |= uint(1) << ((32 - j) & 31)
            out[i * 64 + x] = word
    out[512] = (uint(0xAAAA) << 16) | uint(0xAAAA)


def load():
    """Build the tables (2 KiB) if they are not there: early, or at first use."""
    global _tables
    if _tables is None:
        boxes = bytes(int(c, 16) for c in "".join(_S_BOXES))
        tables = array("I", bytes(513 * 4))
        _build(boxes, _P, tables)
        _tables = tables
    return _tables


@micropython.viper
def _permute(table: ptr8, n: int, src: ptr8, out: ptr8):
    for i in range(n):
        out[i] = src[int(table[i]) - 1]


@micropython.viper
def _subkeys(cd: ptr8, pc2: ptr8, shifts: ptr8, out: ptr32):
    # cd: 56 bits, one a byte. Each round's 48 bits become two words: groups 1 3 5 7 and 2 4 6 8, a
    # byte each.
    start = 0
    for r in range(16):
        start += int(shifts[r])
        odd = uint(0)
        even = uint(0)
        for g in range(8):
            v = uint(0)
            for j in range(6):
                k = int(pc2[g * 6 + j]) - 1
                base = 0
                if k >= 28:
                    base = 28
                v = (v << 1) | uint(cd[base + (k - base + start) % 28])
            if g & 1:
                even = (even << 8) | v
            else:
                odd = (odd << 8) | v
        out[r * 2] = odd
        out[r * 2 + 1] = even


def schedule(key):
    """array('I') of 32 words from an 8-byte DES key (parity bits are ignored)."""
    if len(key) != 8:
        raise ValueError("DES key must have 8 bytes")
    bits = bytearray(64)
    for i in range(64):
        bits[i] = key[i >> 3] >> (7 - (i & 7)) & 1
    cd = bytearray(56)
    _permute(_PC1, 56, bits, cd)
    out = array("I", bytes(32 * 4))
    _subkeys(cd, _PC2, _SHIFTS, out)
    for b in (bits, cd):
        for i in range(len(b)):
            b[i] = 0
    return out


@micropython.viper
def _crypt(keys: ptr32, t: ptr32, buf: ptr8, at: int, decrypt: int):
    a = uint(t[512])
    left = (
        (uint(buf[at]) << 24)
        | (uint(buf[at + 1]) << 16)
        | (uint(buf[at + 2]) << 8)
        | uint(buf[at + 3])
    )
    right = (
        (uint(buf[at + 4]) << 24)
        | (uint(buf[at + 5]) << 16)
        | (uint(buf[at + 6]) << 8)
        | uint(buf[at + 7])
    )
    # initial permutation by swapping blocks of bits
    w = ((left >> 4) ^ right) & 0x0F0F0F0F
    right ^= w
    left ^= w << 4
    w = ((left >> 16) ^ right) & 0xFFFF
    right ^= w
    left ^= w << 16
    w = ((right >> 2) ^ left) & 0x33333333
    left ^= w
    right ^= w << 2
    w = ((right >> 8) ^ left) & 0x00FF00FF
    left ^= w
    right ^= w << 8
    right = ((right & 0x3FFFFFFF) << 1) | (((right >> 30) & 1) << 31) | (right >> 31)
    w = (left ^ right) & a
    left ^= w
    right ^= w
    left = ((left & 0x3FFFFFFF) << 1) | (((left >> 30) & 1) << 31) | (left >> 31)
    for i in range(16):
        r = i
        if decrypt:
            r = 15 - i
        w = ((right >> 4) | ((right & 15) << 28)) ^ uint(keys[r * 2])
        f = uint(t[384 + int(w & 63)]) | uint(t[256 + int((w >> 8) & 63)])
        f |= uint(t[128 + int((w >> 16) & 63)]) | uint(t[int((w >> 24) & 63)])
        w = right ^ uint(keys[r * 2 + 1])
        f |= uint(t[448 + int(w & 63)]) | uint(t[320 + int((w >> 8) & 63)])
        f |= uint(t[192 + int((w >> 16) & 63)]) | uint(t[64 + int((w >> 24) & 63)])
        w = left ^ f
        left = right
        right = w
    # final permutation: the way back, with the halves swapped
    right = (right >> 1) | ((right & 1) << 31)
    w = (left ^ right) & a
    left ^= w
    right ^= w
    left = (left >> 1) | ((left & 1) << 31)
    w = ((left >> 8) ^ right) & 0x00FF00FF
    right ^= w
    left ^= w << 8
    w = ((left >> 2) ^ right) & 0x33333333
    right ^= w
    left ^= w << 2
    w = ((right >> 16) ^ left) & 0xFFFF
    left ^= w
    right ^= w << 16
    w = ((right >> 4) ^ left) & 0x0F0F0F0F
    left ^= w
    right ^= w << 4
    for i in range(4):
        buf[at + i] = int((right >> (24 - i * 8)) & 255)
        buf[at + 4 + i] = int((left >> (24 - i * 8)) & 255)


class Des:
    """One key, ready to use: 8 bytes single DES, 16 bytes triple DES EDE with two keys. Works on
    whole blocks in place; allocates nothing after construction."""

    def __init__(self, key):
        if len(key) not in (8, 16):
            raise ValueError("key must have 8 or 16 bytes")
        self._t = _tables or load()
        self._k1 = schedule(key[:8])
        self._k2 = schedule(key[8:]) if len(key) == 16 else None

    def encrypt(self, buf, at=0):
        """Encrypt buf[at:at+8] (a bytearray) in place."""
        _crypt(self._k1, self._t, buf, at, 0)
        if self._k2 is not None:
            _crypt(self._k2, self._t, buf, at, 1)
            _crypt(self._k1, self._t, buf, at, 0)

    def decrypt(self, buf, at=0):
        """Decrypt buf[at:at+8] (a bytearray) in place."""
        _crypt(self._k1, self._t, buf, at, 1)
        if self._k2 is not None:
            _crypt(self._k2, self._t, buf, at, 0)
            _crypt(self._k1, self._t, buf, at, 1)

    def wipe(self):
        """Forget the key."""
        for k in (self._k1, self._k2):
            if k is not None:
                for i in range(32):
                    k[i] = 0


def ecb(key, data, decrypt=False):
    """bytearray of `data` (a multiple of 8 bytes) in ECB mode under an 8 or 16 byte key."""
    if len(data) % 8:
        raise ValueError("data must be whole blocks of 8 bytes")
    out = bytearray(data)
    d = Des(key)
    for at in range(0, len(out), 8):
        if decrypt:
            d.decrypt(out, at)
        else:
            d.encrypt(out, at)
    d.wipe()
    return out
