"""Frames of the UnionPay-style host protocol, for the acquirer model.

Owns: where a field begins and ends, and its form. Knows no message, no key, no terminal.

    LEN(2, big endian) | TPDU(5, BCD) | HEADER(6, BCD) | MTI(2, BCD) | BITMAP(8) | fields

Lengths of digit fields count digits (1 or 2 bytes BCD), of all others bytes. Digits lie to the
left, an odd number is filled up with a zero half byte; '=' of a track travels as hex D. Source:
the project's facts of the host protocol, sections 1.1 to 1.5. Only the fields that this terminal
sends or gets are here.

Values: str for digits and printable ASCII; bytes for F35, F36 (ASCII hex digits), F52, F62, F63,
F64. Runs on CPython and MicroPython; whole frames go through hexlify, because a loop over half
bytes would cost more than everything else the model does.
"""

from binascii import hexlify, unhexlify

MTI_AT = 13
FIELDS_AT = 23
MAC_SIZE = 8
FRAME_MAX = 1400

DIGITS, TRACK, TEXT, RAW = 0, 1, 2, 3

# number: (form, bytes of the length or 0 for a fixed one, largest length)
FIELDS = {
    2: (DIGITS, 1, 19),  # PAN
    3: (DIGITS, 0, 6),  # processing code
    4: (DIGITS, 0, 12),  # amount, fen
    11: (DIGITS, 0, 6),  # trace
    12: (DIGITS, 0, 6),  # hhmmss
    13: (DIGITS, 0, 4),  # MMDD
    14: (DIGITS, 0, 4),  # expiry YYMM
    15: (DIGITS, 0, 4),  # settlement date
    22: (DIGITS, 0, 3),  # entry mode
    25: (DIGITS, 0, 2),  # condition
    26: (DIGITS, 0, 2),  # PIN capture
    32: (DIGITS, 1, 11),  # acquirer
    35: (TRACK, 1, 37),
    36: (TRACK, 2, 104),
    37: (TEXT, 0, 12),  # RRN
    38: (TEXT, 0, 6),  # authorisation code
    39: (TEXT, 0, 2),  # response code
    41: (TEXT, 0, 8),  # terminal
    42: (TEXT, 0, 15),  # merchant
    48: (DIGITS, 2, 322),  # totals, details
    49: (TEXT, 0, 3),  # currency
    52: (RAW, 0, 8),  # PIN block
    53: (DIGITS, 0, 16),  # security control
    60: (DIGITS, 2, 17),  # type, batch, network code ...
    61: (DIGITS, 2, 29),  # original
    62: (RAW, 2, 512),  # keys, status
    63: (RAW, 2, 163),  # operator, texts
    64: (RAW, 0, 8),  # MAC
}


class WireError(Exception):
    """Bytes that are no message of this dialect. args: (text without any value of a field,)"""


def unpack(frame):
    """(MTI as 4 digits, {number: value}) of one whole frame (bytes). WireError, nothing else."""
    n = len(frame)
    if not FIELDS_AT <= n <= FRAME_MAX + 2 or frame[0] << 8 | frame[1] != n - 2:
        raise WireError("frame length")
    text = hexlify(frame).decode()
    if text[4:6] != "60" or not text[4:30].isdigit():
        raise WireError("TPDU, header or MTI")
    fields = {}
    at = FIELDS_AT
    number = 0
    for i in range(MTI_AT + 2, FIELDS_AT):
        bits = frame[i]
        number = (i - MTI_AT - 2) * 8
        while bits:
            number += 1
            if bits & 0x80:
                at = _field(number, frame, text, at, fields)
            bits = bits << 1 & 0xFF
    if at != n:
        raise WireError("bytes behind the last field")
    return text[26:30], fields


def _field(number, frame, text, at, fields):
    """Put the field at byte `at` into `fields`; the offset behind it. `text`: the frame as hex."""
    entry = FIELDS.get(number)
    if entry is None:
        raise WireError("F%d is not used" % number)
    form, width, size = entry
    if width:
        digits = text[2 * at : 2 * (at + width)]
        if not digits.isdigit() or not 0 < int(digits) <= size:
            raise WireError("F%d length" % number)
        size = int(digits)
        at += width
    stop = at + (size if form >= TEXT else size + 1 >> 1)
    if stop > len(frame):
        raise WireError("F%d cut off" % number)
    if form == DIGITS:
        value = text[2 * at : 2 * stop]
        if not value.isdigit():
            raise WireError("F%d digits" % number)
        if size & 1:
            if value[-1] != "0":
                raise WireError("F%d filler" % number)
            value = value[:-1]
    elif form == TRACK:
        value = text[2 * at : 2 * stop].upper()
        if size & 1:
            if value[-1] not in "0F":
                raise WireError("F%d filler" % number)
            value = value[:-1]
        value = value.encode()
    else:
        value = bytes(frame[at:stop])
        if form == TEXT:
            if min(value) < 32 or max(value) > 126:
                raise WireError("F%d is not printable" % number)
            value = value.decode()
    fields[number] = value
    return stop


def pack(prefix, mti, fields):
    """Frame (bytes) of a message. `prefix`: TPDU and header, 11 bytes. WireError names the field
    whose value has not its form."""
    bitmap = bytearray(8)
    parts = [b"\0\0", prefix, unhexlify(mti), b""]
    for number in sorted(fields):
        entry = FIELDS.get(number)
        if entry is None:
            raise WireError("F%d is not used" % number)
        bitmap[number - 1 >> 3] |= 0x80 >> (number - 1 & 7)
        form, width, size = entry
        value = fields[number]
        n = len(value)
        if (not 0 < n <= size) if width else n != size:
            raise WireError("F%d length" % number)
        if width:
            parts.append(unhexlify("%02d" % n if width == 1 else "%04d" % n))
        parts.append(value if form == RAW else _bytes(number, form, value))
    parts[3] = bytes(bitmap)
    n = -2
    for part in parts:
        n += len(part)
    parts[0] = bytes((n >> 8, n & 255))
    return b"".join(parts)


def _bytes(number, form, value):
    """A field's value as it travels, without its length."""
    if form == TEXT:
        data = value.encode()
        if min(data) < 32 or max(data) > 126:
            raise WireError("F%d is not printable" % number)
        return data
    if form == TRACK:
        value = value.decode().replace("=", "D")
    elif not value.isdigit():
        raise WireError("F%d digits" % number)
    try:
        return unhexlify(value + "0" if len(value) & 1 else value)
    except ValueError:
        raise WireError("F%d digits" % number)


def positions(*numbers):
    """The bitmap (bytes of 8) of a message with these fields."""
    bitmap = bytearray(8)
    for number in numbers:
        bitmap[number - 1 >> 3] |= 0x80 >> (number - 1 & 7)
    return bytes(bitmap)
