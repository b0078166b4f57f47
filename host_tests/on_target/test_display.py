# The display driver against the controller model: what was drawn is what the glass shows.

import bus
import framebuf
import micropython
from harness import Rng, raises
from machine import SPI, Pin

from drivers.display import st7567
from drivers.display.st7567 import ST7567
from models import st7567 as model

CS, DC, RST = 10, 9, 14


def display(com_reverse=True, seg_reverse=False, **options):
    rack = bus.current.rack
    glass = model.ST7567(flip_y=com_reverse, flip_x=seg_reverse, **options)
    rack.attach_spi(1, glass, CS, DC, RST)
    spi = SPI(1, baudrate=10_000_000, polarity=0, phase=0)
    cs, dc, rst = Pin(CS, Pin.OUT, value=1), Pin(DC, Pin.OUT, value=0), Pin(RST, Pin.OUT, value=1)
    return glass, ST7567(spi, cs, dc, rst, com_reverse, seg_reverse)


def wanted(d):
    """The frame buffer as rows of 16 bytes, MSB left."""
    out = bytearray(16 * 64)
    for y in range(64):
        for x in range(128):
            if d.fb.pixel(x, y):
                out[y * 16 + (x >> 3)] |= 0x80 >> (x & 7)
    return out


def test_after_start_the_glass_is_blank_whatever_the_ram_held():
    glass, d = display()
    assert not any(glass.pixels())
    d.start()
    assert glass.visible()
    assert not any(glass.pixels())
    assert glass.errors == []


def test_every_way_of_mounting_shows_the_picture_upright():
    for com, seg in ((True, False), (False, False), (True, True), (False, True)):
        bus.use(bus.LocalBus())
        Pin._pins.clear()
        glass, d = display(com, seg)
        d.start()
        d.fb.line(0, 0, 127, 63, 1)
        d.fb.text("abc", 3, 40, 1)
        d.show()
        assert bytes(glass.pixels()) == bytes(wanted(d)), (com, seg)
        assert glass.errors == []


def test_random_drawings_are_shown_exactly():
    glass, d = display()
    d.start()
    rng = Rng(3)
    for _ in range(25):
        x, y = rng.below(128), rng.below(64)
        d.fb.fill_rect(x, y, rng.below(40), rng.below(30), rng.below(2))
        d.fb.pixel(rng.below(128), rng.below(64), 1)
        d.show()
        assert bytes(glass.pixels()) == bytes(wanted(d))
    assert glass.errors == []


def test_only_what_changed_is_sent():
    glass, d = display()
    d.start()
    full = glass.data_bytes
    assert full >= 1024
    d.show()
    assert glass.data_bytes == full
    d.fb.fill_rect(96, 48, 8, 16, 1)  # a digit
    d.show()
    digit = glass.data_bytes - full
    print("a digit: %d bytes of %d" % (digit, full))
    assert digit == 16


def test_contrast_and_power():
    glass, d = display()
    d.start()
    d.fb.fill(1)
    d.show()
    d.power(False)
    assert not any(glass.pixels())
    d.power(True)
    assert all(b == 0xFF for b in glass.pixels())
    before = glass.v0_millivolt()
    d.contrast(63)
    assert glass.v0_millivolt() > before
    raises(ValueError, d.contrast, 64)
    assert glass.errors == []


def test_showing_allocates_nothing():
    _, d = display()
    d.start()
    d.fb.fill(1)

    class Nothing:
        def write(self, data):
            pass

    d._spi = Nothing()
    d._cs = d._dc = lambda level: None
    d.show()
    d.fb.fill(0)
    view = memoryview(d.buffer)
    micropython.heap_lock()
    try:
        st7567._difference(d.buffer, d._shown, 0)
    finally:
        micropython.heap_unlock()
    assert len(view) == 1024 and framebuf.MONO_VLSB == 0


def test_a_glyph_is_drawn_as_the_interpreters_own_blit_does():
    rng = Rng(7)
    _, d = display()
    other = framebuf.FrameBuffer(bytearray(1024), 128, 64, framebuf.MONO_VLSB)
    swap = framebuf.FrameBuffer(bytearray(b"\x80"), 2, 1, framebuf.MONO_HLSB)
    for n in range(200):
        width = (8, 16)[n & 1]
        rows = rng.bytes(width * 2)
        x, y = rng.below(129 - width), 8 * rng.below(7)
        assert d.glyph(x, y, b"\x55" * 7 + rows, 7, width, n % 3 == 0)
        glyph = framebuf.FrameBuffer(bytearray(rows), width, 16, framebuf.MONO_HLSB)
        if n % 3:
            other.blit(glyph, x, y)
        else:
            other.blit(glyph, x, y, -1, swap)
    for i in range(128):
        for j in range(64):
            assert d.fb.pixel(i, j) == other.pixel(i, j), (i, j)
    before = bytes(d.buffer)
    for x, y in ((-1, 0), (121, 0), (0, 56), (0, -8), (0, 3)):
        assert not d.glyph(x, y, bytes(32), 0, 8, False)
    assert bytes(d.buffer) == before
