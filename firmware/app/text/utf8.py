# Walking through text without making a str of each character.
#
# MicroPython interns every one-character str that iteration or indexing makes, and interned
# strings are never freed: a terminal that walks through Chinese text that way loses some 50 bytes
# for every character it meets. So text is walked through as UTF-8 bytes here.


def code_points(text):
    """Yield the code points of a str as integers."""
    data = text.encode()
    i = 0
    n = len(data)
    while i < n:
        b = data[i]
        if b < 0x80:
            yield b
            i += 1
        elif b < 0xE0:
            yield (b & 0x1F) << 6 | data[i + 1] & 0x3F
            i += 2
        elif b < 0xF0:
            yield (b & 0x0F) << 12 | (data[i + 1] & 0x3F) << 6 | data[i + 2] & 0x3F
            i += 3
        else:
            yield (
                (b & 7) << 18
                | (data[i + 1] & 0x3F) << 12
                | (data[i + 2] & 0x3F) << 6
                | data[i + 3] & 0x3F
            )
            i += 4


def columns_of(text):
    """Columns that `text` takes on a screen or on paper: 1 for ASCII, 2 for everything else."""
    n = 0
    for b in text.encode():
        if b < 0x80:
            n += 1
        elif b >= 0xC0:
            n += 2
    return n


# Punctuation that must not begin a row: ASCII, and the full-width ones as UTF-8.
_CLOSING = b",.;:!?)"
_WIDE_CLOSING = ("，", "。", "、", "；", "：", "！", "？", "）")


def _units(data):
    """(start, end, columns) of the pieces of UTF-8 `data` that must not be cut: a word with the
    blank behind it, a wide character with the punctuation behind it."""
    i = 0
    n = len(data)
    closing = [c.encode() for c in _WIDE_CLOSING]
    while i < n:
        start = i
        columns = 0
        if data[i] < 0x80:
            while i < n and data[i] < 0x80:
                i += 1
                columns += 1
                if data[i - 1] == 32:
                    break
        else:
            i += _length(data[i])
            columns = 2
            while i < n and (data[i] in _CLOSING or data[i : i + 3] in closing):
                columns += 1 if data[i] < 0x80 else 2
                i += _length(data[i])
        yield start, i, columns


def _length(lead):
    return 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def wrap(text, columns, rows):
    """`text` in at most `rows` pieces of at most `columns` columns, cut at line ends, and at
    blanks and between wide characters where there is no more room."""
    out = []
    for part in text.split("\n"):
        _wrap_part(part.encode(), columns, out)
    return out[:rows]


def _wrap_part(data, columns, out):
    start = width = 0
    for a, b, w in _units(data):
        blank = 1 if data[b - 1] == 32 else 0
        if width and width + w - blank > columns:
            out.append(data[start:a].decode().rstrip())
            start, width = a, 0
        while not width and w - blank > columns:  # a word longer than a row
            out.append(data[a : a + columns].decode())
            a += columns
            w -= columns
            start = a
        width += w
    out.append(data[start:].decode().rstrip())
