# The 320x480 displays (ST7796 with 16-bit pixels, ILI9488 with 18-bit ones) against their
# controllers' models.

import asyncio

import bus
import glasses
import micropython
from harness import Rng, raises, rounds, seed, until
from test_display_pains import check_digit, check_loop

from drivers.display import tft
from drivers.display.colour import PALETTE

glasses.large()

KINDS = ("st7796", "ili9488")


def started(kind, **options):
    glass, d = glasses.make(kind, **options)
    d.start()
    return glass, d


def wrong(glass, d, step=1):
    return glasses.wrong_pixels(glass, d, PALETTE, step)


def test_the_glass_shows_what_was_drawn():
    for kind in KINDS:
        glass, d = started(kind)
        assert (d.width, d.height) == (320, 480)
        assert wrong(glass, d, 7) == 0, "blank after the start"
        for i in range(16):
            d.fb.fill_rect(i * 20, i * 30, 20, 30, i)
        d.fb.rect(0, 0, 320, 480, 5)
        d.flush()
        assert wrong(glass, d) == 0, kind
        assert glass.errors == [], glass.errors


def test_random_drawings_are_shown_exactly():
    rng = Rng(seed(21))
    for kind in KINDS:
        glass, d = started(kind)
        for _ in range(rounds(10)):
            x, y = rng.below(320), rng.below(480)
            d.fb.fill_rect(x, y, rng.below(200), rng.below(200), rng.below(16))
            d.fb.line(rng.below(320), rng.below(480), x, y, rng.below(16))
            d.flush()
            assert wrong(glass, d) == 0, kind
        assert glass.errors == []


def test_landscape_too():
    for kind in KINDS:
        glass, d = started(kind, swap=True, mirror_x=False, glass_turn=270, glass_mirror=True)
        assert (d.width, d.height) == (480, 320)
        d.fb.text("abc", 3, 40, 1)
        d.fb.line(0, 0, 479, 319, 2)
        d.flush()
        assert wrong(glass, d) == 0 and glass.errors == [], (kind, glass.errors)


def test_a_wrong_pixel_format_shows_garbage():
    for kind, theirs in (("st7796", 3), ("ili9488", 2)):
        glass, d = glasses.make(kind)
        driver = type(d)
        before = driver.depth, driver.pixel_format
        driver.depth, driver.pixel_format = theirs, 0x55
        try:
            glass, d = started(kind)
            d.fb.fill_rect(0, 100, 320, 100, 5)
            d.flush()
            assert wrong(glass, d, 7) > 1000
            assert glass.errors
        finally:
            driver.depth, driver.pixel_format = before
    assert tft.ST7796.depth == 2 and tft.ILI9488.depth == 3


async def test_a_refresh_under_way_ends_with_the_newest_picture():
    rng = Rng(seed(22))
    for kind in KINDS:
        glass, d = started(kind)
        task = asyncio.create_task(d.tasks()[0][1]())
        for i in range(rounds(8)):
            d.fb.fill(i % 16)
            d.fb.text("picture %d" % i, rng.below(200), rng.below(400), (i + 1) % 16)
            d.show()
            await asyncio.sleep_ms(rng.below(60))
        await until(lambda: wrong(glass, d, 3) == 0, 1000, "the picture")  # noqa: B023
        task.cancel()
        assert wrong(glass, d) == 0 and glass.errors == []


async def test_the_loop_goes_on_and_a_digit_is_cheap():
    for kind in KINDS:
        for baud in (40_000_000, 20_000_000, 5_000_000):
            glass, d = glasses.make(kind, baudrate=baud)
            check_digit(d)
            await check_loop(d)
            print(kind, baud // 1_000_000, "MHz: longest pass %d us" % bus.current.longest_us)
        assert glass.errors == []
    assert raises(ValueError, lambda: glasses.make("ili9488", baudrate=1_000_000))


class Nothing:
    def write(self, data):
        pass


def test_slices_allocate_nothing():
    for kind in KINDS:
        _, d = started(kind)
        d._spi = Nothing()
        d._cs = d._dc = lambda level: None
        d.fb.fill(7)
        d.begin_refresh()
        micropython.heap_lock()
        try:
            d.show()
            while d.poll_refresh() is not None:
                pass
        finally:
            micropython.heap_unlock()
        d.begin_refresh()
        assert d.poll_refresh() is None
