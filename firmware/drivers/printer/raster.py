# Dots: characters, QR codes and images become rows of bits, without allocating anything.
#
# Scale of characters: the font has 16 rows and 8 or 16 columns; a line of print has 24 dots, a
# column 12. So every two pixels a, b become three dots: a, a or b, b, across and down. A stroke of
# one pixel is then two dots wide wherever it stands, a gap of one pixel one dot. (Leaving out or
# doubling pixels instead would make strokes of one and of two dots side by side.) At double size a
# pixel is three dots.
#
# The largest number in here has 32 bits of which the upper ones are cut off at once: the same
# results on 32- and 64-bit machines.

import micropython

# Geometry of a character for draw(), as array("H")
STRIDE, FIRST, ROWS, X, BYTES, WIDE, HIGH, BOLD = range(8)


@micropython.viper
def clear(out: ptr8, at: int, n: int):
    """n bytes from `at` become 0."""
    for i in range(at, at + n):
        out[i] = 0


@micropython.viper
def draw(out: ptr8, at: int, bits: ptr8, geometry: ptr16):
    """A glyph (16 rows of BYTES bytes) into rows FIRST .. FIRST + ROWS - 1 of its scaled self, at
    dot X of rows of STRIDE bytes from `at` of `out`. May touch three bytes behind the last row."""
    stride = int(geometry[0])
    first = int(geometry[1])
    rows = int(geometry[2])
    x = int(geometry[3])
    step = int(geometry[4])
    wide = int(geometry[5])
    high = int(geometry[6])
    bold = int(geometry[7])
    for r in range(rows):
        y = first + r
        upper = y // 3
        lower = upper
        if not high:
            k = y - upper * 3
            upper = upper * 2 + (1 if k == 2 else 0)
            lower = lower * 2 + (1 if k else 0)
        line = at + r * stride
        for b in range(step):
            v = int(bits[upper * step + b]) | int(bits[lower * step + b])
            if not v:
                continue
            e = 0  # 24 bits
            if wide:
                for i in range(8):
                    e = e << 3 | (7 if v & 128 >> i else 0)
            else:
                for i in range(4):
                    p = v >> 6 - 2 * i & 3
                    e = e << 3 | p | p << 1
                e <<= 12
            if bold:
                e |= e >> 1
            dot = x + b * (24 if wide else 12)
            o = line + (dot >> 3)
            s = dot & 7
            out[o] |= e >> 16 + s
            out[o + 1] |= e >> 8 + s & 255
            out[o + 2] |= e >> s & 255
            out[o + 3] |= e << 8 - s & 255


@micropython.viper
def modules(out: ptr8, at: int, bits: ptr8, row: int, size: int, x: int, scale: int):
    """Row `row` of a square of size x size modules as one row of dots, `scale` dots a module, from
    dot x of the (empty) row at `at`."""
    start = row * ((size + 7) >> 3)
    for i in range(size):
        if int(bits[start + (i >> 3)]) & 128 >> (i & 7):
            dot = x + i * scale
            for d in range(dot, dot + scale):
                out[at + (d >> 3)] |= 128 >> (d & 7)


@micropython.viper
def columns(out: ptr8, at: int, band: ptr8, stride: int, first: int, count: int):
    """Columns first .. first + count - 1 of a band of 24 rows of `stride` bytes as ESC * wants
    them: three bytes a column, the top dot in the highest bit."""
    o = at
    for c in range(first, first + count):
        mask = 128 >> (c & 7)
        i = c >> 3
        for _ in range(3):
            v = 0
            for _ in range(8):
                v <<= 1
                if int(band[i]) & mask:
                    v |= 1
                i += stride
            out[o] = v
            o += 1
