# What breaks displays in the field: each check passes on our driver and fails on a naive one.

import asyncio
import gc

import bus
import glasses
import wires
from harness import raises
from machine import I2C, SPI
from naive_display import NaiveFont, NaiveLcd, NaiveOled, NaiveTFT

from app.text import responses, strings
from app.text.font import MISSING, Font
from drivers.display.colour import PALETTE
from drivers.display.tft import ST7789
from models import ssd1306, st7567

FONT = wires.ASSETS + "/font16.bin"
_font = Font(FONT)

glasses.large(240, 320)


def code_points(n, first):
    """n code points of hanzi that the font has, from `first` on."""
    found = 0
    code = first
    while found < n:
        if _font._index(code) >= 0:
            found += 1
            yield code
        code += 1


def used():
    gc.collect()
    return gc.mem_alloc()


# ---- D1 -----------------------------------------------------------------------------------------


def check_font_memory(font):
    for code in code_points(60, 0x4E00):
        font.wide_at(code)
    before = used()
    for code in code_points(600, 0x5200):
        font.wide_at(code)
    grown = used() - before
    assert grown < 1024, "%d bytes for 600 characters" % grown


def test_d1_the_font_stays_in_its_file():
    """RAM for Chinese text is bounded and does not grow with the text (font-to-py#35 #36 #11,
    st7789_mpy#126)."""
    before = used()
    font = Font(FONT)
    assert used() - before < 6000
    check_font_memory(font)
    raises(AssertionError, check_font_memory, NaiveFont(_font))


# ---- D2 -----------------------------------------------------------------------------------------

LACKING = 0x4E02  # no character of GB2312


def check_missing(font):
    at = font.wide_at(LACKING)
    shown = bytes(font.wide_bits[at : at + 32])
    at = font.wide_at(ord(MISSING))
    assert shown == bytes(font.wide_bits[at : at + 32]) and any(shown)
    assert not font.has(chr(LACKING)), "what is missing must be found before it ships"


def test_d2_a_missing_glyph_is_seen():
    """A character that the font lacks is shown as the missing mark, and one in a text of ours is
    found by the tests (MicroHydra#75)."""
    check_missing(Font(FONT))
    raises(AssertionError, check_missing, NaiveFont(_font))
    texts = [text for row in strings.rows(strings.TEXT) for text in row[1:]]
    texts += [text for row in strings.rows(strings.PROBLEM) for text in row[1:]]
    texts += [text for _, zh, en in responses.CODES.values() for text in (zh, en)]
    missing = {c for text in texts for c in text if c != "\n" and not _font.has(c)}
    assert len(texts) > 100 and not missing, missing


# ---- D3 -----------------------------------------------------------------------------------------


def check_memory(make):
    before = used()
    display = make()
    taken = used() - before
    del display
    gc.collect()
    assert taken < 45_000, "%d bytes" % taken


def test_d3_the_frame_of_a_colour_display_fits():
    """320x240 pixels take 38,400 bytes and a table of 16 colours, not 153,600 bytes."""
    spi, pins = SPI(1, baudrate=40_000_000), glasses.pins()
    check_memory(lambda: ST7789(spi, *pins, 40_000_000, swap=True))
    raises(AssertionError, check_memory, lambda: NaiveTFT(320, 240))


# ---- D4 -----------------------------------------------------------------------------------------


def check_digit(display):
    """A digit costs at most 5 % of a full repaint on the bus."""
    display.start()
    display.flush()
    s = display.scale
    before = display.bytes_sent
    display.fb.fill(1)
    display.flush()
    full = display.bytes_sent - before
    display.fb.fill_rect(64 * s, 16 * s, 8 * s, 16 * s, 0)
    display.flush()
    digit = display.bytes_sent - before - full
    print("digit %d, full %d bytes" % (digit, full))
    assert 0 < digit * 20 <= full, "%d of %d bytes" % (digit, full)


def naive_oled():
    glass = ssd1306.SSD1306()
    glasses.fresh().attach_i2c(0, 0x3C, glass)
    return glass, NaiveOled(I2C(0, freq=400_000))


def test_d4_a_digit_does_not_repaint_everything():
    """Only what changed goes over the bus (framebuf.show() of most drivers sends all)."""
    for kind in ("st7567", "ssd1306", "ssd1306_i2c", "st7789"):
        check_digit(glasses.make(kind)[1])
    raises(AssertionError, check_digit, naive_oled()[1])


# ---- D5 -----------------------------------------------------------------------------------------


async def check_loop(display):
    """While the whole glass is repainted nobody waits for more than 5 ms, and a task that wants to
    run every 10 ms does."""
    display.start()
    tasks = [asyncio.create_task(run()) for _, run in display.tasks()]
    await asyncio.sleep_ms(10)
    bus.current.longest_us = 0
    for colour in (1, 0):
        display.fb.fill(colour)
        display.show()
        await asyncio.sleep_ms(100)
    for task in tasks:
        task.cancel()
    assert 0 < bus.current.longest_us <= 5000, "%d us" % bus.current.longest_us


async def test_d5_a_refresh_does_not_stop_the_loop():
    """A full repaint yields at least every 5 ms on every display (nano-gui: do_refresh)."""
    for kind in ("st7567", "ssd1306", "ssd1306_i2c", "st7789"):
        await check_loop(glasses.make(kind)[1])
        print(kind, "longest pass %d us" % bus.current.longest_us)
    try:
        await check_loop(naive_oled()[1])
    except AssertionError:
        return
    raise AssertionError("the naive driver passed")


# ---- D6 -----------------------------------------------------------------------------------------


def check_glass(glass, display):
    display.start()
    display.fb.rect(0, 0, display.width, display.height, 1)
    display.fb.text("upright", 20, 20, 1)
    display.flush()
    wrong = glasses.wrong_pixels(glass, display, PALETTE)
    assert not wrong, "%d pixels" % wrong


def naive_lcd():
    glass = st7567.ST7567(flip_x=True, flip_y=True)
    glasses.fresh().attach_spi(1, glass, glasses.CS, glasses.DC, glasses.RST)
    return glass, NaiveLcd(SPI(1, baudrate=10_000_000), *glasses.pins())


def test_d6_the_glass_shows_what_was_drawn():
    """Noise in the controller's RAM, the offset of a 132-column RAM and a mirrored mounting leave
    no trace on the glass (data sheets)."""
    check_glass(*glasses.make("st7567", seg_reverse=True, glass_flip_x=True))
    for kind in ("ssd1306", "ssd1306_i2c"):
        check_glass(*glasses.make(kind, column=2, glass_ram_columns=132, glass_glass_column=2))
    check_glass(*glasses.make("st7789", mirror_x=False, mirror_y=True, glass_turn=90))
    raises(AssertionError, check_glass, *naive_lcd())
