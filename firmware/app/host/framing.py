# The frame around a message: LEN(2) TPDU(5) HEADER(6) body. Owns those 13 bytes.

from micropython import const

from .iso8583 import FormatError

OVERHEAD = const(13)
BODY_AT = const(13)
# What a host may send at the most. The longest real response is far below; a length above is
# damage.
FRAME_MAX = const(1400)


def _bcd(digits, buf, at):
    for i in range(0, len(digits), 2):
        buf[at + (i >> 1)] = int(digits[i]) << 4 | int(digits[i + 1])


def wrap(buf, end, tpdu, header):
    """Write the frame's head before the body that lies in buf[13:end]. tpdu: 10 digits, header: 12
    digits."""
    n = end - 2
    buf[0] = n >> 8
    buf[1] = n & 255
    _bcd(tpdu, buf, 2)
    _bcd(header, buf, 7)


def length(buf):
    """Bytes that follow the length field in buf[:2]. FormatError when it cannot be a frame's."""
    n = buf[0] << 8 | buf[1]
    if not OVERHEAD - 2 + 10 <= n <= FRAME_MAX:
        raise FormatError(0, "frame length")
    return n


def check_response(buf, tpdu):
    """The processing requirement digit of a response frame (host-protocol 1.3) in buf. FormatError
    when its TPDU is not the request's with the two addresses exchanged."""
    sent = bytearray(5)
    _bcd(tpdu, sent, 0)
    if buf[2] != sent[0] or buf[3:5] != sent[3:5] or buf[5:7] != sent[1:3]:
        raise FormatError(0, "TPDU")
    return buf[9] & 15
