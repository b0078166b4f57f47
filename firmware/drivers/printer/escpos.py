# ESC/POS codec for 58 mm Chinese modules: bytes only.
#
# Sources: Epson ESC/POS command reference (ESC @, GS !, ESC a, ESC E, DLE EOT, GS r, FS &),
# Cashino CSN-A2 manual.

from . import BROKEN, COVER, HEAT, OFFLINE, PAPER

INIT = b"\x1b@"
CHINESE = (
    b"\x1c&"  # two-byte characters from here on; said at every start: some modules wake up without
)
ALIGN = {"c": b"\x1ba\x01", "r": b"\x1ba\x02", "": b"\x1ba\x00"}
BOLD = (b"\x1bE\x00", b"\x1bE\x01")
CLEAR = b"\n" + INIT  # ends a line that was left half-sent
FENCE = b"\x1dr\x01"  # answered once everything before it is on paper
ASK_OFFLINE = b"\x10\x04\x02"
ASK_ERROR = b"\x10\x04\x03"
ASK_PAPER = b"\x10\x04\x04"

DOT_ROWS = 30  # of a line at normal height with the default spacing


def feed(lines):
    return b"\x1bd" + bytes([lines])


def size(wide, high):
    """GS !: width in the upper, height in the lower half of the byte."""
    return b"\x1d!" + bytes([(16 if wide else 0) | (1 if high else 0)])


def wrap(data, columns):
    """Encoded text (one byte for ASCII, two for everything else, as wide as it is long) cut into
    pieces of at most `columns` columns; a two-byte character is never cut in half."""
    pieces = []
    start = i = 0
    n = len(data)
    while i < n:
        w = 1 if data[i] < 0x80 else 2
        if i + w - start > columns:
            pieces.append(data[start:i])
            start = i
        i += w
    pieces.append(data[start:])
    return pieces


def encode_line(text, style, columns, encode):
    """(bytes, dot rows) of one line, with its own modes set and taken back, so that no line
    depends on another. encode(str) -> bytes turns text into ASCII and two-byte characters."""
    if "-" in style:
        return ALIGN[""] + b"-" * columns + b"\n", DOT_ROWS
    wide, high = "w" in style, "h" in style
    align = "c" if "c" in style else "r" if "r" in style else ""
    out = ALIGN[align] + size(wide, high) + BOLD["b" in style]
    rows = 0
    for piece in wrap(encode(text), columns // 2 if wide else columns):
        out += piece + b"\n"
        rows += DOT_ROWS * 2 if high else DOT_ROWS
    return out + size(False, False) + BOLD[0], rows


def is_realtime(b):
    """Whether byte `b` answers DLE EOT: 0xx1xx10."""
    return b & 0x93 == 0x12


def is_fence(b):
    """Whether byte `b` answers GS r: 0xx0xxxx."""
    return b & 0x90 == 0


def offline_fault(b):
    """Reason in an answer to DLE EOT 2, None when it has none."""
    if b & 0x04:
        return COVER
    if b & 0x20:
        return PAPER
    return OFFLINE if b & 0x40 else None


def error_fault(b):
    """Reason in an answer to DLE EOT 3."""
    if b & 0x28:
        return BROKEN
    return HEAT if b & 0x40 else None


def paper_fault(b):
    """Reason in an answer to DLE EOT 4."""
    return PAPER if b & 0x60 else None
