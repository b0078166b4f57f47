# ESC/POS codec: bytes only.
#
# Sources: Epson ESC/POS command reference (ESC @, GS !, ESC a, ESC E, FS &, GS v 0, ESC *,
# GS ( k), Cashino CSN-A2 manual.

INIT = b"\x1b@"
CHINESE = b"\x1c&"  # two-byte characters from here on
SINGLE = b"\x1c."  # bytes above 7F are characters of the code page again
ALIGN = {"c": b"\x1ba\x01", "r": b"\x1ba\x02", "": b"\x1ba\x00"}
BOLD = (b"\x1bE\x00", b"\x1bE\x01")
CLEAR_LINE = b"\x18\n"  # CAN drops what stands in the line, LF ends it where CAN is not known
SPACING_24 = b"\x1b3\x18"
SPACING = b"\x1b2"

DOT_ROWS = 30  # of a line at normal height with the default spacing
HIGH_ROWS = 48  # at double height: the characters leave no space
GLYPH_ROWS = 24
CELL = 12  # dots of a column: 32 of them are 384 dots, 48 are 576


def feed(lines):
    return b"\x1bd" + bytes([lines])


def feed_dots(rows):
    """ESC J; at most 255."""
    return b"\x1bJ" + bytes([rows])


def size(wide, high):
    """GS !: width in the upper, height in the lower half of the byte."""
    return b"\x1d!" + bytes([(16 if wide else 0) | (1 if high else 0)])


def code_page(n):
    """Single-byte characters of code page n."""
    return SINGLE + b"\x1bt" + bytes([n])


def raster_head(stride, rows):
    """GS v 0: `rows` dot rows of `stride` bytes follow."""
    return bytes((0x1D, 0x76, 0x30, 0, stride & 0xFF, stride >> 8, rows & 0xFF, rows >> 8))


def columns_head(columns):
    """ESC * 33: so many columns of 24 dots, 3 bytes each, follow."""
    return bytes((0x1B, 0x2A, 33, columns & 0xFF, columns >> 8))


def _qr_function(*data):
    return b"\x1d(k" + bytes((len(data), 0)) + bytes(data)


def native_qr(data, module, full):
    """GS ( k: a QR code of bytes, `module` dots a module, error correction M. full: with functions
    165 (model 2) and 169 (error correction), which many clones do not know."""
    n = len(data) + 3
    out = _qr_function(49, 65, 50, 0) if full else b""
    out += _qr_function(49, 67, module)
    if full:
        out += _qr_function(49, 69, 49)
    out += b"\x1d(k" + bytes((n & 0xFF, n >> 8, 49, 80, 48)) + data
    return out + _qr_function(49, 81, 48)


def wrap(codes, columns):
    """[(start, end)] of `codes` (a sequence of code points: one column for ASCII, two for
    everything else) cut into pieces of at most `columns` columns."""
    pieces = []
    start = used = 0
    for i in range(len(codes)):
        w = 1 if codes[i] < 0x80 else 2
        if used + w > columns:
            pieces.append((start, i))
            start = i
            used = 0
        used += w
    pieces.append((start, len(codes)))
    return pieces


def judge(b, question):
    """(whether byte `b` answers a question of profiles.py, reason of the fault or None)."""
    _, mask, value, rows = question
    if b & mask != value:
        return False, None
    for bits, wanted, reason in rows:
        if b & bits if wanted is None else b & bits == wanted:
            return True, reason
    return True, None
