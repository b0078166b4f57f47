# ISO 8583 codec, driven by a field table (a dialect). Owns bytes, knows no meaning.
#
# Packs into the caller's buffer and unpacks from any view. Unpacking is total: whatever arrives
# gives a value or FormatError, in memory bounded by the input.
#
# Values: digits are str (or any bytes-like of ASCII digits), text str, binary bytes. Fields in
# SENSITIVE come out as bytearrays, so that their owner can wipe them.

import micropython
from micropython import const

# Formats of a field. n: BCD digits; z: hexadecimal digits (tracks: D for '=', encrypted ones hold
# any); a: printable ASCII; b: bytes.
N = const(1)  # fixed, even number of digits
NL = const(2)  # fixed, odd number: left justified, padded right with 0
NR = const(3)  # fixed, odd number: right justified, padded left with 0
LLN = const(4)  # variable, length counts digits, 1 byte BCD
LLZ = const(5)
LLLN = const(6)  # length in 2 bytes BCD
LLLZ = const(7)
A = const(8)  # fixed text
B = const(9)  # fixed binary
LLB = const(10)  # variable bytes, length counts bytes
LLLB = const(11)

SENSITIVE = (2, 35, 36, 52)

_DIGIT_FORMATS = (N, NL, NR, LLN, LLZ, LLLN, LLLZ)
_LL = (LLN, LLZ, LLB)
_FIXED = (N, NL, NR, A, B)


class FormatError(Exception):
    """A message that is none. args: (field number or 0, what); never a value."""


@micropython.viper
def _pack_digits(src: ptr8, n: int, dst: ptr8, at: int, shift: int, track: int) -> int:
    # shift 1: a zero nibble first (right justified). Returns the index of a bad character, or -1.
    for i in range(n):
        c = int(src[i])
        if 48 <= c and c <= 57:
            d = c - 48
        elif track and c == 61:  # =
            d = 13
        elif track and 65 <= c and c <= 70:  # A-F: an encrypted track holds any of them
            d = c - 55
        else:
            return i
        k = i + shift
        if k & 1:
            dst[at + (k >> 1)] = int(dst[at + (k >> 1)]) | d
        else:
            dst[at + (k >> 1)] = d << 4
    return -1


@micropython.viper
def _unpack_digits(src: ptr8, at: int, n: int, dst: ptr8, shift: int, track: int) -> int:
    # Returns the index of a bad nibble, or -1.
    for i in range(n):
        k = i + shift
        b = int(src[at + (k >> 1)])
        d = b & 15
        if not (k & 1):
            d = b >> 4
        if d <= 9:
            dst[i] = d + 48
        elif track:
            dst[i] = d + 55
        else:
            return i
    return -1


def _bcd_byte(b):
    hi, lo = b >> 4, b & 15
    return hi * 10 + lo if hi <= 9 and lo <= 9 else -1


def _put_length(buf, at, fmt, n):
    if fmt in _LL:
        buf[at] = n // 10 << 4 | n % 10
        return at + 1
    buf[at] = n // 100
    buf[at + 1] = n // 10 % 10 << 4 | n % 10
    return at + 2


def _pack_field(number, fmt, size, value, buf, at):
    n = len(value)
    if fmt in _FIXED:
        if n != size:
            raise FormatError(number, "length")
    else:
        if n > size:
            raise FormatError(number, "too long")
        at = _put_length(buf, at, fmt, n)
    if fmt in _DIGIT_FORMATS:
        end = at + (n + 1 >> 1)
        if end > len(buf):
            raise FormatError(number, "buffer")
        if n & 1:
            buf[end - 1] = 0
        if fmt == NR:
            buf[at] = 0
        if (
            _pack_digits(value, n, buf, at, 1 if fmt == NR else 0, 1 if fmt in (LLZ, LLLZ) else 0)
            >= 0
        ):
            raise FormatError(number, "not a digit")
        return end
    end = at + n
    if end > len(buf):
        raise FormatError(number, "buffer")
    buf[at:end] = value.encode() if isinstance(value, str) else value
    return end


def pack(table, mti, fields, buf, at=0):
    """Write MTI (4 digits), bitmap and fields into `buf` from offset `at`; returns the offset
    behind them.

    table: (format, size) by field number, None for no such field; fields: {number: value}.
    FormatError names the field that does not fit.
    """
    end = _pack_field(0, N, 4, mti, buf, at)
    bitmap = end
    end += 8
    for i in range(bitmap, end):
        buf[i] = 0
    left = len(fields)
    for number in range(2, 65):
        value = fields.get(number)
        if value is None:
            continue
        entry = table[number]
        if entry is None:
            raise FormatError(number, "not in this dialect")
        buf[bitmap + (number - 1 >> 3)] |= 0x80 >> (number - 1 & 7)
        end = _pack_field(number, entry[0], entry[1], value, buf, end)
        left -= 1
    if left:
        raise FormatError(0, "field number")
    return end


def _unpack_length(number, view, at, end, fmt, size):
    """(length, offset behind it)"""
    width = 1 if fmt in _LL else 2
    if at + width > end:
        raise FormatError(number, "cut off")
    n = 0
    for i in range(width):
        d = _bcd_byte(view[at + i])
        if d < 0:
            raise FormatError(number, "length digits")
        n = n * 100 + d
    if n > size:
        raise FormatError(number, "too long")
    return n, at + width


def _unpack_field(number, fmt, size, view, at, end):
    """(value, offset behind it)"""
    n = size
    if fmt not in _FIXED:
        n, at = _unpack_length(number, view, at, end, fmt, size)
    digits = fmt in _DIGIT_FORMATS
    stop = at + ((n + 1 >> 1) if digits else n)
    if stop > end:
        raise FormatError(number, "cut off")
    if not digits:
        value = bytearray(view[at:stop]) if number in SENSITIVE else bytes(view[at:stop])
        if fmt == A:
            for c in value:
                if not 32 <= c < 127:
                    raise FormatError(number, "not printable")
            value = value.decode()
        return value, stop
    out = bytearray(n)
    if (
        _unpack_digits(view, at, n, out, 1 if fmt == NR else 0, 1 if fmt in (LLZ, LLLZ) else 0)
        >= 0
    ):
        raise FormatError(number, "not a digit")
    return (out if number in SENSITIVE else out.decode()), stop


def unpack(table, view, at, end):
    """(mti, {number: value}) of the message in view[at:end]; everything up to `end` must belong to
    it."""
    if end > len(view):
        raise FormatError(0, "cut off")
    mti, at = _unpack_field(0, N, 4, view, at, end)
    if at + 8 > end:
        raise FormatError(1, "cut off")
    bitmap = at
    at += 8
    if view[bitmap] & 0x80:
        raise FormatError(1, "second bitmap")
    fields = {}
    for number in range(2, 65):
        if view[bitmap + (number - 1 >> 3)] & (0x80 >> (number - 1 & 7)):
            entry = table[number]
            if entry is None:
                raise FormatError(number, "not in this dialect")
            fields[number], at = _unpack_field(number, entry[0], entry[1], view, at, end)
    if at != end:
        raise FormatError(0, "bytes left over")
    return mti, fields
