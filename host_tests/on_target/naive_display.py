# Displays and a font as they are often written.

import framebuf


class NaiveOled:
    """SSD1306 on I2C: show() sends all of the frame, in one go."""

    width, height, scale = 128, 64, 1

    def __init__(self, i2c):
        self._i2c = i2c
        self.buffer = bytearray(1024)
        self.fb = framebuf.FrameBuffer(self.buffer, 128, 64, framebuf.MONO_VLSB)
        self.bytes_sent = 0

    def start(self):
        setup = b"\xae\x20\x00\x40\xa1\xa8\x3f\xc8\xd3\x00\xda\x12\x81\x7f\xa4\xa6\x8d\x14\xaf"
        self._i2c.writeto(0x3C, b"\x00" + setup)
        self.show()

    def show(self):
        self._i2c.writeto(0x3C, b"\x00\x21\x00\x7f\x22\x00\x07")
        self._i2c.writeto(0x3C, b"\x40" + self.buffer)
        self.bytes_sent += 1033

    flush = show

    def tasks(self):
        return []


class NaiveLcd:
    """ST7567: sends from column 0 on, and only what was drawn since the start."""

    width, height, scale = 128, 64, 1

    def __init__(self, spi, cs, dc, reset):
        self._spi, self._cs, self._dc, self._reset = spi, cs, dc, reset
        self.buffer = bytearray(1024)
        self.fb = framebuf.FrameBuffer(self.buffer, 128, 64, framebuf.MONO_VLSB)

    def start(self):
        self._reset(0)
        self._reset(1)
        self._cs(0)
        self._dc(0)
        self._spi.write(b"\xe2\xa2\xa1\xc8\x24\x81\x20\x2f\x40\xa4\xa6\xaf")
        self._cs(1)

    def flush(self):
        for page in range(8):
            piece = self.buffer[page * 128 : page * 128 + 128]
            if any(piece):
                self._cs(0)
                self._dc(0)
                self._spi.write(bytes((0xB0 | page, 0x10, 0x00)))
                self._dc(1)
                self._spi.write(piece)
                self._cs(1)


class NaiveTFT:
    """Two bytes a pixel."""

    def __init__(self, width, height):
        self.buffer = bytearray(width * height * 2)
        self.fb = framebuf.FrameBuffer(self.buffer, width, height, framebuf.RGB565)


class NaiveFont:
    """Keeps every glyph it has met; a character that it lacks is a blank."""

    def __init__(self, font):
        self._font = font
        self._glyphs = {}
        self.wide_bits = bytearray(32)

    def has(self, char):
        return True

    def wide_at(self, code):
        glyph = self._glyphs.get(code)
        if glyph is None:
            glyph = bytes(32)
            if self._font.has(chr(code)):
                at = self._font.wide_at(code)
                glyph = bytes(self._font.wide_bits[at : at + 32])
            self._glyphs[code] = glyph
        self.wide_bits[:] = glyph
        return 0
