# The colour display driver and its refresh against the controller model (ST7789, landscape).

import asyncio
from binascii import crc32

import bus
import framebuf
import glasses
import micropython
from harness import Rng, cancel_at, raises, rounds, seed, until

from drivers.display import colour
from drivers.display.colour import PALETTE

glasses.large(240, 320)


def started(**options):
    glass, d = glasses.make("st7789", **options)
    d.start()
    return glass, d


def wrong(glass, d):
    return glasses.wrong_pixels(glass, d, PALETTE)


def run_task(d):
    ((_, run),) = d.tasks()
    return asyncio.create_task(run())


def test_after_start_the_glass_is_blank_whatever_the_memory_held():
    glass, d = glasses.make("st7789")
    assert not glass.visible() and any(glass.line(5))
    d.start()
    assert glass.visible() and wrong(glass, d) == 0
    assert glass.pixel(0, 0) == (255, 255, 255)
    assert glass.errors == [], glass.errors


MOUNTINGS = (
    # driver: swap, mirror_x, mirror_y; glass: turn, mirror
    (False, False, False, 0, False),
    (False, True, False, 0, True),
    (False, True, True, 180, False),
    (False, False, True, 180, True),
    (True, True, False, 270, False),
    (True, False, True, 90, False),
    (True, False, False, 270, True),
    (True, True, True, 90, True),
)


def test_every_way_of_mounting_shows_the_picture_upright():
    for swap, x, y, turn, mirror in MOUNTINGS:
        glass, d = started(swap=swap, mirror_x=x, mirror_y=y, glass_turn=turn, glass_mirror=mirror)
        assert (d.width, d.height) == ((320, 240) if swap else (240, 320)) == glass.size()
        d.fb.line(0, 0, d.width - 1, d.height - 1, 5)
        d.fb.text("abc", 3, 40, 1)
        d.flush()
        assert wrong(glass, d) == 0, (swap, x, y)
        assert glass.errors == [], glass.errors
    glass, d = started(mirror_x=False)
    d.fb.text("abc", 3, 40, 1)
    d.flush()
    assert wrong(glass, d), "a wrong mounting must show"


def test_a_smaller_glass_in_the_middle_of_the_memory():
    wiring = {"glass_glass": (128, 160), "glass_offset": (52, 40), "glass_turn": 0}
    glass, d = started(swap=False, mirror_x=False, size=(128, 160), offset=(52, 40), **wiring)
    d.fb.rect(0, 0, 128, 160, 1)
    d.flush()
    assert wrong(glass, d) == 0 and glass.errors == []
    glass, d = started(swap=False, mirror_x=False, size=(128, 160), **wiring)
    d.fb.rect(0, 0, 128, 160, 1)
    d.flush()
    assert wrong(glass, d), "an offset that is not known must show"


def test_colours_inversion_and_the_order_of_red_and_blue():
    for bgr in (False, True):
        for invert in (False, True):
            glass, d = started(bgr=bgr, invert=invert, glass_bgr=bgr, glass_inverted=invert)
            for i in range(16):
                d.fb.fill_rect(i * 20, 30, 20, 20, i)
            d.flush()
            assert wrong(glass, d) == 0
            glass.inverted = not invert
            assert wrong(glass, d)
            glass.inverted = invert
            glass.bgr = not bgr
            assert wrong(glass, d)


def test_random_drawings_are_shown_exactly():
    rng = Rng(seed(5))
    glass, d = started()
    for _ in range(rounds(40)):
        for _ in range(1 + rng.below(4)):
            what = rng.below(3)
            x, y, c = rng.below(320), rng.below(240), rng.below(16)
            if what == 0:
                d.fb.fill_rect(x, y, rng.below(90), rng.below(60), c)
            elif what == 1:
                d.fb.line(x, y, rng.below(320), rng.below(240), c)
            else:
                d.fb.pixel(x, y, c)
        d.flush()
        assert wrong(glass, d) == 0
    assert glass.errors == []


def test_every_single_pixel_that_changes_is_seen():
    """No pixel of a tile is left out of its sum, nor does one change hide another."""
    _, d = started()
    sent = []
    d._send_tiles = lambda row, first, n: sent.append((row, first, n))
    for y in range(32, 48):
        for x in range(48, 64):
            d.fb.pixel(x, y, 1 + (x + y) % 15)
            d.flush()
            assert sent == [(2, 3, 1)], (x, y)
            sent.clear()
    for c in (8, 1, 15, 3):
        # Columns and rows of the same change: what cancels out in a weak sum.
        for x in range(48, 64):
            before = crc32(d.buffer)
            d.fb.vline(x, 32, 16, c)
            d.fb.vline(x ^ 1, 32, 16, c)
            d.fb.hline(48, 32 + x % 16, 16, 15 - c)
            d.flush()
            assert bool(sent) == (crc32(d.buffer) != before), (c, x)
            sent.clear()
    d.flush()
    assert sent == []


def test_only_changed_tiles_are_sent():
    glass, d = started()
    full = d.bytes_sent
    d.flush()
    assert d.bytes_sent == full
    d.fb.fill_rect(160, 104, 16, 32, 1)  # a digit
    d.flush()
    digit = d.bytes_sent - full
    print("a digit: %d bytes" % digit)
    assert 0 < digit <= 3 * (512 + 11)
    d.forget()
    before = glass.data_bytes
    d.flush()
    assert glass.data_bytes - before >= 153_600, "everything again"


async def test_a_refresh_under_way_ends_with_the_newest_picture():
    glass, d = started()
    task = run_task(d)
    rng = Rng(seed(9))
    for i in range(rounds(30)):
        d.fb.fill(i % 16)
        d.fb.text("picture %d" % i, rng.below(200), rng.below(200), (i + 1) % 16)
        d.show()
        await asyncio.sleep_ms(rng.below(12))  # a whole refresh takes 31 ms
    d.fb.fill(0)
    d.fb.text("the last", 100, 100, 1)
    d.show()
    await asyncio.sleep_ms(200)
    assert wrong(glass, d) == 0 and glass.errors == []
    task.cancel()


async def test_a_refresh_that_is_cancelled_anywhere_leaves_nothing_old_behind():
    for ms in range(0, 34, 3):
        glass, d = started()
        d.fb.fill(ms % 15 + 1)
        d.show()
        await cancel_at(ms, d.tasks()[0][1])
        task = run_task(d)
        d.show()
        await asyncio.sleep_ms(100)
        assert wrong(glass, d) == 0 and glass.errors == [], ms
        task.cancel()


async def test_slices_fit_the_loop_at_every_rate_of_the_bus():
    for baud in (80_000_000, 40_000_000, 10_000_000, 2_000_000):
        glass, d = started(baudrate=baud)
        task = run_task(d)
        bus.current.longest_us = 0
        d.fb.fill(7)
        d.show()
        await until(lambda: wrong(glass, d) == 0, 2000, "the picture")  # noqa: B023
        print("%d MHz: longest pass %d us" % (baud // 1_000_000, bus.current.longest_us))
        assert 0 < bus.current.longest_us <= 5000
        task.cancel()
    assert raises(ValueError, lambda: glasses.make("st7789", baudrate=500_000))


async def test_power_sleep_and_wake_go_through_the_owner_task():
    light = glasses.Light()
    glass, d = started(light=light)
    assert light.duty == 80 * 65535 // 100
    task = run_task(d)
    d.fb.text("asleep", 10, 10, 1)
    d.power(False)
    await until(lambda: not glass.display_on, 100, "the display off")
    d.power(True)
    await until(lambda: wrong(glass, d) == 0, 100, "the picture")
    d.sleep()
    assert light.duty == 0
    await until(lambda: glass.asleep, 200, "sleep")
    d.backlight(30)
    assert light.duty == 0, "not while asleep"
    d.fb.text("drawn while asleep", 10, 50, 1)
    d.show()
    d.wake()  # too soon for the controller: it must wait
    await until(lambda: glass.visible(), 500, "the glass")
    await until(lambda: light.duty == 30 * 65535 // 100, 200, "the light")
    assert wrong(glass, d) == 0
    for _ in range(3):  # a change of mind
        d.sleep()
        d.wake()
    await until(lambda: light.duty == 30 * 65535 // 100, 500, "the light again")
    assert glass.visible() and glass.errors == [], glass.errors
    task.cancel()


async def test_awake_after_days_of_quiet():
    """Ticks wrap after twelve days: a time stamp that is kept must not stop the display."""
    glass, d = started()
    task = run_task(d)
    d.sleep()
    await asyncio.sleep_ms(300)
    bus.current.spend(7 * 86_400 * 1_000_000)
    d.wake()
    await until(lambda: glass.visible(), 500, "the glass")
    bus.current.spend(7 * 86_400 * 1_000_000)
    d.fb.fill(3)
    d.show()
    await until(lambda: wrong(glass, d) == 0, 200, "the picture")
    assert glass.errors == []
    task.cancel()


def test_light_of_a_pin():
    levels = []
    _, d = started(light=levels.append)
    assert levels == [0, 1], "dark until the picture is there"
    d.backlight(0)
    assert levels[-1] == 0
    raises(ValueError, d.backlight, 101)
    raises(ValueError, d.backlight, -1)


def test_commands_of_the_maker_of_the_glass_are_sent():
    glass, d = started(extra=(b"\xbb\x28", b"\xe4\x27\x00\x10"))
    assert glass.errors == [] and wrong(glass, d) == 0


class Nothing:
    def write(self, data):
        pass


def test_drawing_showing_and_slices_allocate_nothing():
    _, d = started()
    bits = bytes(range(32))
    d._spi = Nothing()
    d._cs = d._dc = lambda level: None
    d.fb.fill(7)
    d.begin_refresh()
    done = 0
    micropython.heap_lock()
    try:
        d.glyph(16, 8, bits, 0, 16, 1)
        d.glyph(80, 8, bits, 0, 8, 0)
        d.glyph_large(0, 100, bits, 0, 2)
        d.show()
        while d.poll_refresh() is not None:
            done += 1
    finally:
        micropython.heap_unlock()
    assert done == 15, "a slice for each row of tiles"
    d.begin_refresh()
    assert d.poll_refresh() is None


# ---- glyphs -------------------------------------------------------------------------------------


def scale2x(rows):
    """The rule of Scale2x, pixel by pixel, on a list of lists; nothing is set outside."""
    h, w = len(rows), len(rows[0])

    def at(y, x):
        return rows[y][x] if 0 <= y < h and 0 <= x < w else 0

    out = [[0] * (2 * w) for _ in range(2 * h)]
    for y in range(h):
        for x in range(w):
            e = rows[y][x]
            b, d, f, k = at(y - 1, x), at(y, x - 1), at(y, x + 1), at(y + 1, x)
            cell = [e, e, e, e]
            if b != k and d != f:
                cell = [d if d == b else e, f if b == f else e, d if d == k else e,
                        f if k == f else e]  # fmt: skip
            out[2 * y][2 * x], out[2 * y][2 * x + 1] = cell[0], cell[1]
            out[2 * y + 1][2 * x], out[2 * y + 1][2 * x + 1] = cell[2], cell[3]
    return out


def bitmap(bits, width):
    step = width >> 3
    return [
        [bits[r * step + (c >> 3)] >> (7 - (c & 7)) & 1 for c in range(width)] for r in range(16)
    ]


def test_a_glyph_is_doubled_by_the_rule_of_scale2x():
    rng = Rng(seed(11))
    _, d = glasses.make("st7789")
    inks = ((0, 1), (2, 0), (3, 1))
    for n in range(rounds(60)):
        width = (8, 16)[n & 1]
        bits = rng.bytes(width * 2)
        if n % 3 == 0:  # shapes rather than noise
            bits = bytes([b & c for b, c in zip(bits, b"\x3c" * 32)])  # noqa: B905
        style = n % 3
        x, y = 2 * rng.below(161 - width), 1 + rng.below(206)
        d.fb.fill(9)
        assert d.glyph(x, y, b"\x55" * 7 + bits, 7, width, style)
        paper, ink = inks[style]
        want = scale2x(bitmap(bits, width))
        for j in range(32):
            for i in range(2 * width):
                assert d.fb.pixel(x + i, y + j) == (ink if want[j][i] else paper), (n, i, j)
        around = sum(d.fb.pixel(i, j) != 9 for i in range(320) for j in (y - 1, y + 32))
        assert around == 0
        if x:
            assert all(d.fb.pixel(x - 1, y + j) == 9 for j in range(32))
    before = crc32(d.buffer)
    for x, y in ((-2, 0), (290, 0), (0, 209), (0, -1), (3, 0)):
        assert not d.glyph(x, y, bytes(32), 0, 16, 0), (x, y)
    for x, y in ((-2, 0), (290, 0), (0, 177), (0, -1), (3, 0)):
        assert not d.glyph_large(x, y, bytes(32), 0, 0), (x, y)
    assert crc32(d.buffer) == before


def test_a_large_glyph_is_doubled_twice():
    rng = Rng(seed(12))
    _, d = glasses.make("st7789")
    for n in range(rounds(12)):
        bits = rng.bytes(16)
        x, y = 2 * rng.below(144), rng.below(176)
        assert d.glyph_large(x, y, b"\xaa" * 3 + bits, 3, n % 2 * 2)
        paper, ink = ((0, 1), (3, 1))[n % 2]
        want = scale2x(scale2x(bitmap(bits, 8)))
        for j in range(64):
            for i in range(32):
                assert d.fb.pixel(x + i, y + j) == (ink if want[j][i] else paper), (n, i, j)


def test_sizes_that_are_no_tiles_are_refused():
    for size in ((320, 250), (310, 240)):
        assert raises(ValueError, lambda: glasses.make("st7789", size=size))  # noqa: B023
    assert raises(ValueError, lambda: glasses.make("st7789", palette=(0, 1)))
    assert framebuf.GS4_HMSB == 2 and colour.TILE == 16
