# A document becomes strips: as many bytes as the printer surely takes, and a fence. They are made
# one at a time in one buffer, so a long receipt needs no more memory than a short one.
#
# Characters come from an injected `charset`: codes(text) -> code points, two(code) -> the two
# GB18030 bytes or None, glyph(code) -> (bits, width): 16 rows of width // 8 bytes, width 8 or 16.

from array import array

from micropython import const

from . import escpos, profiles, raster

# Text before a fence: little enough that little is lost when the paper ends.
_TEXT_BYTES = const(320)
# Dots before a fence: 13 rows of 48 bytes.
_LIMIT = const(640)
_SPARE = const(80)  # what may be written behind a strip: the last feed, the fence, raster.draw()
_FEED_LINES = const(4)  # from the head to the tear bar
_QR_SCALE = const(6)  # dots of a module, when the paper is wide enough: 0.75 mm
_QR_QUIET = const(4)  # modules
_QR_ROWS = const(21)  # modules of the smallest code


def _buffer(size):
    # What viper functions take has no type that a checker knows.
    return bytearray(size)


def _words(n):
    return array("H", [0] * n)


class Document:
    """`profile`: profiles.Profile. `qr`(bytes) -> (size, bits), a square of size x size modules,
    rows of whole bytes, MSB left, 1 = black; None when no QR code is ever printed by dots."""

    def __init__(self, profile, charset, qr=None):
        self._profile = profile
        self._charset = charset
        self._qr = qr
        self.limit = min(_LIMIT, profile.buffer // 2)  # bytes of a strip
        self._text_limit = min(_TEXT_BYTES, self.limit)
        self._out = _buffer(self.limit + _SPARE)
        self._view = memoryview(self._out)
        self._n = 0
        self._rows = 0
        stride = profile.dots // 8
        # ESC * wants whole columns; four bytes are room for raster.draw() and for the last column
        columns = profile.raster == profiles.ESC_STAR
        self._band = _buffer(24 * stride + 4 if columns else 0)
        self._cell = _buffer(24 * 3 + 4)  # one character among others
        self._geometry = _words(8)

    def strips(self, lines):
        """Yield (bytes, dot rows) of one strip after the other, each with its fence. The bytes are
        good until the next one is asked for."""
        p = self._profile
        self._n = self._rows = 0
        self._put(escpos.INIT + p.heat, 0)
        if p.density:
            self._put(p.density[2], 0)
        for text, style in lines:
            if "-" in style:
                yield from self._bytes(
                    escpos.ALIGN[""] + b"-" * p.columns + b"\n", escpos.DOT_ROWS
                )
            elif "q" in style:
                yield from self._code(text, style)
            elif "i" in style:
                yield from self._image(text, style)
            elif "x" in style:
                yield from self._bytes(text[0], text[1])
            else:
                yield from self._line(text, style)
        if p.cutter:
            self._put(p.cutter, 0)
        else:
            self._put(escpos.feed(_FEED_LINES), _FEED_LINES * escpos.DOT_ROWS)
        yield self._strip()

    def clear(self):
        """(bytes, dot rows) that free a printer from what another job left behind: an image that
        was begun is filled up with white, a line is dropped, modes are reset."""
        self._n = self.limit
        raster.clear(self._out, 0, self.limit)
        self._put(escpos.CLEAR_LINE + escpos.INIT, 0)
        # What may still come out of the printer before the answer.
        self._rows = _LIMIT
        return self._strip()

    # ---- the strip ------------------------------------------------------------------------------

    def _put(self, data, rows):
        n = self._n
        self._out[n : n + len(data)] = data
        self._n = n + len(data)
        self._rows += rows

    def _strip(self):
        rows = self._rows
        self._put(self._profile.fence[0], 0)
        n = self._n
        self._n = self._rows = 0
        return self._view[:n], rows

    def _bytes(self, data, rows):
        if self._n and self._n + len(data) > self._text_limit:
            yield self._strip()
        while len(data) > self.limit:  # only raw bytes of the self-test are that long
            self._put(data[: self.limit], 0)
            data = data[self.limit :]
            yield self._strip()
        self._put(data, rows)

    # ---- text -----------------------------------------------------------------------------------

    def _codes(self, text):
        """Code points of a text: bytes when it is plain. A control character would be a command:
        it becomes a space."""
        data = text.encode()
        if not data or (max(data) < 0x7F and min(data) >= 0x20):
            return data
        return [c if c >= 0x20 and c != 0x7F else 0x20 for c in self._charset.codes(text)]

    def _line(self, text, style):
        codes = self._codes(text)
        wide, high, bold = "w" in style, "h" in style, "b" in style
        align = "c" if "c" in style else "r" if "r" in style else ""
        on = escpos.ALIGN[align] + escpos.size(wide, high) + escpos.BOLD[bold]
        off = escpos.size(False, False) + escpos.BOLD[0]
        rows = escpos.HIGH_ROWS if high else escpos.DOT_ROWS
        columns = self._profile.columns // 2 if wide else self._profile.columns
        for start, end in escpos.wrap(codes, columns):
            piece = codes[start:end]
            if not isinstance(piece, bytes):
                piece = self._encoded(piece, wide or high)
            if piece is None:
                yield from self._drawn(codes[start:end], align, wide, high, bold)
            else:
                yield from self._bytes(on + piece + b"\n" + off, rows)

    def _encoded(self, codes, large):
        """bytes of a piece of a line, None when it must be drawn: the printer has no Chinese, or
        lacks a character at a size that ESC * does not have."""
        gb = self._profile.gb18030
        out = bytearray()
        chinese = False
        for code in codes:
            if code < 0x80:
                out.append(code)
                continue
            two = self._charset.two(code) if gb else None
            if two is None:
                if large or not gb:
                    return None
                out += self._inline(code)
                continue
            if not chinese:
                out += escpos.CHINESE
                chinese = True
            out += two
        if chinese:
            out += escpos.SINGLE
        return bytes(out)

    def _inline(self, code):
        """A character that the printer lacks, as an image among the characters."""
        cell = self._cell
        raster.clear(cell, 0, len(cell))
        self._geometry[raster.STRIDE] = 3
        self._geometry[raster.WIDE] = self._geometry[raster.HIGH] = 0
        self._geometry[raster.BOLD] = 0
        self._glyph(cell, 0, code, 0, 0, escpos.GLYPH_ROWS)
        out = _buffer(72)
        raster.columns(out, 0, cell, 3, 0, 24)
        return escpos.columns_head(24) + out

    def _glyph(self, out, at, code, x, first, rows):
        bits, width = self._charset.glyph(code)
        g = self._geometry
        g[raster.FIRST] = first
        g[raster.ROWS] = rows
        g[raster.X] = x
        g[raster.BYTES] = width // 8
        raster.draw(out, at, bits, g)

    def _drawn(self, codes, align, wide, high, bold):
        """A piece of a line as dots, in our own font."""
        cell = 2 * escpos.CELL if wide else escpos.CELL
        width = 0
        for code in codes:
            width += cell if code < 0x80 else 2 * cell
        left = self._left(width, align)
        g = self._geometry

        def fill(out, at, stride, first, rows):
            g[raster.STRIDE] = stride
            g[raster.WIDE] = 1 if wide else 0
            g[raster.HIGH] = 1 if high else 0
            g[raster.BOLD] = 1 if bold else 0
            x = left
            for code in codes:
                if code != 0x20:
                    self._glyph(out, at, code, x, first, rows)
                x += cell if code < 0x80 else 2 * cell

        height = escpos.HIGH_ROWS if high else escpos.GLYPH_ROWS
        yield from self._raster(height, left + width, fill)
        if not high:
            space = escpos.DOT_ROWS - height
            yield from self._bytes(escpos.feed_dots(space), space)

    # ---- dots -----------------------------------------------------------------------------------

    def _left(self, width, align):
        room = max(0, self._profile.dots - width)
        return room // 2 if align == "c" else room if align == "r" else 0

    def _raster(self, height, width, fill):
        """`height` rows, `width` dots wide, that fill(out, at, stride, first row, rows) puts into
        cleared bytes."""
        stride = (width + 7) // 8
        if self._profile.raster == profiles.ESC_STAR:
            yield from self._columns(height, width, stride, fill)
            return
        head = len(escpos.raster_head(stride, 1))
        # The printer's own alignment would move it.
        yield from self._bytes(escpos.ALIGN[""], 0)
        most = (self.limit - head - 3) // stride
        y = 0
        while y < height:
            rows = min(most, height - y)
            if self._n + head + rows * stride > self.limit:
                yield self._strip()
            self._put(escpos.raster_head(stride, rows), rows)
            at = self._n
            raster.clear(self._out, at, rows * stride)
            fill(self._out, at, stride, y, rows)
            self._n = at + rows * stride
            y += rows

    def _columns(self, height, width, stride, fill):
        """The same with ESC *, 24 rows at a time. What has been put into the printer's line takes
        no room in its receive buffer any more, so only the line feed needs a fence."""
        band = self._band
        piece = (self.limit // 2 - 8) // 3
        yield from self._bytes(escpos.ALIGN[""] + escpos.SPACING_24, 0)
        for y in range(0, height, 24):
            raster.clear(band, 0, len(band))
            fill(band, 0, stride, y, min(24, height - y))
            for first in range(0, width, piece):
                count = min(piece, width - first)
                if self._n + 5 + 3 * count > self.limit:
                    yield self._strip()
                self._put(escpos.columns_head(count), 0)
                raster.columns(self._out, self._n, band, stride, first, count)
                self._n += 3 * count
            yield from self._bytes(b"\n", 24)
        yield from self._bytes(escpos.SPACING, 0)

    def _image(self, image, style):
        width, height, bits = image
        source = memoryview(bits)
        from_stride = (width + 7) // 8
        align = "c" if "c" in style else "r" if "r" in style else ""
        left = self._left(width, align) // 8
        n = min(from_stride, self._profile.dots // 8 - left)  # what is wider is cut off

        def fill(out, at, stride, first, rows):
            for y in range(first, first + rows):
                row = at + (y - first) * stride + left
                out[row : row + n] = source[y * from_stride : y * from_stride + n]

        yield from self._raster(height, 8 * (left + n), fill)

    def _code(self, data, style):
        """A QR code, in the middle, with its quiet zone."""
        data = data.encode() if isinstance(data, str) else bytes(data)
        own = self._profile.qr != profiles.DOTS and "R" not in style
        if own or "N" in style:
            yield from self._native(data)
            return
        size, bits = self._qr(data)
        scale = max(1, min(_QR_SCALE, self._profile.dots // (size + 2 * _QR_QUIET)))
        left = self._left(size * scale, "c")
        quiet = escpos.feed_dots(min(255, _QR_QUIET * scale)), _QR_QUIET * scale

        def fill(out, at, stride, first, rows):
            for r in range(rows):
                row = at + r * stride
                if r and (first + r) % scale:
                    out[row : row + stride] = out[row - stride : row]
                else:
                    raster.modules(out, row, bits, (first + r) // scale, size, left, scale)

        yield from self._bytes(*quiet)
        yield from self._raster(size * scale, left + size * scale, fill)
        yield from self._bytes(*quiet)

    def _native(self, data):
        code = escpos.native_qr(data, _QR_SCALE, self._profile.qr != profiles.SHORT)
        if len(code) > self.limit:
            raise ValueError("QR code too long for one strip")
        # Its size is the printer's choice: no fewer rows than the smallest code has.
        yield from self._bytes(escpos.ALIGN["c"], 0)
        if self._n + len(code) > self.limit:
            yield self._strip()
        self._put(code, _QR_ROWS * _QR_SCALE)
        yield self._strip()
