# The mono display drivers against the controller models: what was drawn is what the glass shows.

import asyncio

import bus
import framebuf
import glasses
import micropython
from harness import Rng, raises, seed, until

from drivers.display import ssd1306

KINDS = ("st7567", "ssd1306", "ssd1306_i2c")


def started(kind, **options):
    glass, d = glasses.make(kind, **options)
    d.start()
    return glass, d


def shows(glass, d):
    """What was drawn, sent at once, is on the glass."""
    d.flush()
    return glasses.wrong_pixels(glass, d) == 0


def test_after_start_the_glass_is_blank_whatever_the_ram_held():
    for kind in KINDS:
        glass, d = glasses.make(kind)
        assert any(glass.ram), kind
        assert not any(glass.pixels()), kind
        d.start()
        assert glass.visible(), kind
        assert not any(glass.pixels()), kind
        assert glass.errors == [], (kind, glass.errors)


def test_every_way_of_mounting_shows_the_picture_upright():
    for kind in KINDS:
        for com, seg in ((True, False), (False, False), (True, True), (False, True)):
            names = ("glass_flip_y", "glass_flip_x")
            if kind != "st7567":
                names = ("glass_com_wired", "glass_seg_wired")
            wiring = {names[0]: com, names[1]: seg}
            glass, d = started(kind, com_reverse=com, seg_reverse=seg, **wiring)
            d.fb.line(0, 0, 127, 63, 1)
            d.fb.text("abc", 3, 40, 1)
            assert shows(glass, d), (kind, com, seg)
            assert glass.errors == [], (kind, glass.errors)


def test_a_glass_in_the_middle_of_132_columns_shows_the_picture():
    for kind in ("ssd1306", "ssd1306_i2c"):
        glass, d = started(kind, column=2, glass_ram_columns=132, glass_glass_column=2)
        d.fb.rect(0, 0, 128, 64, 1)
        assert shows(glass, d), kind
        glass, d = started(kind, column=0, glass_ram_columns=132, glass_glass_column=2)
        d.fb.rect(0, 0, 128, 64, 1)
        assert not shows(glass, d), "an offset that is not known must show"


def test_random_drawings_are_shown_exactly():
    rng = Rng(seed(3))
    for kind in KINDS:
        glass, d = started(kind)
        for _ in range(25):
            x, y = rng.below(128), rng.below(64)
            d.fb.fill_rect(x, y, rng.below(40), rng.below(30), rng.below(2))
            d.fb.pixel(rng.below(128), rng.below(64), 1)
            assert shows(glass, d), kind
        assert glass.errors == []


def test_only_what_changed_is_sent():
    for kind in KINDS:
        glass, d = started(kind)
        full = glass.data_bytes
        assert full >= 1024
        d.flush()
        assert glass.data_bytes == full
        d.fb.fill_rect(96, 48, 8, 16, 1)  # a digit
        d.flush()
        digit = glass.data_bytes - full
        print("%s, a digit: %d bytes of %d" % (kind, digit, full))
        assert digit == 16
        assert glasses.wrong_pixels(glass, d) == 0


def test_bytes_sent_are_those_on_the_bus():
    for kind in KINDS:
        glass, d = started(kind)
        before = d.bytes_sent
        d.fb.fill_rect(0, 0, 128, 8, 1)
        d.flush()
        # On I2C: the address and a control byte twice.
        assert d.bytes_sent - before == 131 + (4 if kind == "ssd1306_i2c" else 0), kind


def test_power_and_sleep_keep_the_picture():
    for kind in KINDS:
        glass, d = started(kind)
        d.fb.fill(1)
        d.flush()
        for off, on in ((False, True), (None, None)):
            d.sleep() if off is None else d.power(off)
            assert not any(glass.pixels()), kind
            d.wake() if on is None else d.power(on)
            assert all(b == 0xFF for b in glass.pixels()), kind
        assert glass.errors == [], (kind, glass.errors)
    glass, d = started("st7567")
    d.sleep()
    assert glass.asleep()


def test_contrast():
    glass, d = started("st7567")
    before = glass.v0_millivolt()
    d.contrast(100)
    assert glass.v0_millivolt() > before and glass.volume == 63
    for kind in ("ssd1306", "ssd1306_i2c"):
        glass, d = started(kind)
        d.contrast(100)
        assert glass.contrast == 255
        d.contrast(0)
        assert glass.contrast == 0
        assert glass.errors == []
    raises(ValueError, d.contrast, 101)
    raises(ValueError, started("st7567")[1].contrast, -1)


def test_backlight_by_duty_or_on_and_off():
    light = glasses.Light()
    _, d = started("st7567", light=light)
    assert light.duty == 65535
    d.backlight(50)
    assert light.duty == 32767
    d.sleep()
    assert light.duty == 0
    d.wake()
    assert light.duty == 32767
    levels = []
    _, d = started("st7567", light=levels.append)
    d.backlight(0)
    d.backlight(1)
    assert levels == [1, 0, 1]
    raises(ValueError, d.backlight, 101)


class Nothing:
    """A bus that costs nothing."""

    def write(self, data):
        pass

    def writeto(self, address, data):
        pass


def test_drawing_and_showing_allocate_nothing():
    for kind in KINDS:
        _, d = started(kind)
        bits = bytes(range(32))
        d._spi = d._i2c = Nothing()
        d._cs = d._dc = lambda level: None
        d.fb.fill(1)
        step = d.show if kind != "ssd1306_i2c" else d.poll_refresh
        if kind == "ssd1306_i2c":
            d.begin_refresh()
        micropython.heap_lock()
        try:
            d.glyph(16, 8, bits, 0, 16, True)
            d.glyph(40, 8, bits, 0, 8, False)
            for _ in range(9):
                step()
            d.show()
        finally:
            micropython.heap_unlock()
        assert d._shown == d.buffer, "and everything was sent"


# ---- I2C ----------------------------------------------------------------------------------------


async def test_on_i2c_the_owner_task_sends_in_slices_and_the_newest_picture_wins():
    for freq in (400_000, 100_000):
        glass, d = started("ssd1306_i2c", freq=freq)
        task = asyncio.create_task(d.tasks()[0][1]())
        bus.current.longest_us = 0
        d.fb.fill(1)
        d.show()
        await asyncio.sleep_ms(8)
        assert 0 < sum(glass.pixels()) < 255 * 1024, "still under way"
        d.fb.fill(0)
        d.fb.text("new", 10, 10, 1)
        d.show()
        await until(lambda: glasses.wrong_pixels(glass, d) == 0, 300, "the newest picture")  # noqa: B023
        print("%d Hz: longest pass %d us" % (freq, bus.current.longest_us))
        assert bus.current.longest_us <= 5000
        assert glass.errors == []
        task.cancel()


async def test_an_oled_that_does_not_answer_is_set_up_again_when_it_does():
    glass, d = glasses.make("ssd1306_i2c")
    devices = bus.current.rack._i2c[0]
    gone = devices.pop(0x3C)
    d.start()
    assert d.fault == ssd1306.NO_ANSWER
    task = asyncio.create_task(d.tasks()[0][1]())
    d.fb.text("hello", 10, 10, 1)
    d.show()
    await asyncio.sleep_ms(3000)
    devices[0x3C] = gone
    await until(lambda: d.fault is None and glasses.wrong_pixels(glass, d) == 0, 2000, "picture")
    # It loses its power in the middle of the day.
    del devices[0x3C]
    d.fb.fill(1)
    d.show()
    await until(lambda: d.fault is not None, 1000, "the fault")
    gone.power(False)
    gone.power(True)
    devices[0x3C] = gone
    await until(lambda: d.fault is None and glasses.wrong_pixels(glass, d) == 0, 2000, "picture")
    assert glass.errors == []
    task.cancel()


# ---- glyphs -------------------------------------------------------------------------------------


def test_a_glyph_is_drawn_as_the_interpreters_own_blit_does():
    rng = Rng(7)
    _, d = glasses.make("st7567")
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
