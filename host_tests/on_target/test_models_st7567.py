# The display controller model, against bytes written out by hand. Runs inside MicroPython.

from models.st7567 import ST7567

INIT = bytes((0xE2, 0xA2, 0xA0, 0xC0, 0x24, 0x81, 0x20, 0x2F, 0x40, 0xA4, 0xA6, 0xAF))
BLANK = bytes(1024)


def lcd(init=INIT, **kw):
    d = ST7567(**kw)
    d.reset(0)
    d.reset(1)
    if init:
        d.spi_write(init, 0)
    return d


def clear(d):
    for page in range(8):
        d.spi_write(bytes((0xB0 | page, 0x10, 0x00)), 0)
        d.spi_write(bytes(132), 1)


def put(d, page, column, data):
    d.spi_write(bytes((0xB0 | page, 0x10 | column >> 4, column & 15)), 0)
    d.spi_write(bytes(data), 1)


def dark(d):
    """Coordinates of all dark pixels."""
    out = []
    pixels = d.pixels()
    for i in range(1024):
        if pixels[i]:
            for b in range(8):
                if pixels[i] & 0x80 >> b:
                    out.append((i % 16 * 8 + b, i // 16))
    return out


def test_ram_is_noise_at_power_on():
    d = lcd()
    assert d.errors == []
    assert 3000 < len(dark(d)) < 5200
    clear(d)
    assert d.pixels() == BLANK


def test_bits_and_pages():
    d = lcd()
    clear(d)
    put(d, 0, 0, (0x01,))
    put(d, 1, 5, (0x82,))
    put(d, 7, 127, (0x80,))
    assert dark(d) == [(0, 0), (5, 9), (5, 15), (127, 63)]
    assert d.pixel(5, 9) == 1 and d.pixel(5, 10) == 0
    assert d.errors == []


def test_columns_count_up_and_stop_at_131():
    d = lcd()
    clear(d)
    put(d, 2, 126, (1, 1, 1, 1, 1, 1))  # 126 .. 131; 128 .. 131 are not on the glass
    assert dark(d) == [(126, 16), (127, 16)]
    assert d.errors == []
    d.spi_write(b"\x01", 1)
    assert d.errors == ["data at page 2 column 132"]
    assert dark(d) == [(126, 16), (127, 16)]  # nor did it go to page 3


def test_nothing_without_power_or_display_on():
    for missing in (0x2E, 0x2D, 0x2B, 0x28):
        d = lcd(bytes((0xE2, missing, 0xAF)))
        assert d.pixels() == BLANK, missing
        d.spi_write(b"\x2f", 0)
        assert d.pixels() != BLANK
    d = lcd(b"\x2f")
    assert d.pixels() == BLANK
    d.spi_write(b"\xaf", 0)
    assert d.pixels() != BLANK


def test_start_line_scrolls():
    d = lcd()
    clear(d)
    put(d, 0, 3, (0x20,))
    assert dark(d) == [(3, 5)]
    d.spi_write(b"\x42", 0)
    assert dark(d) == [(3, 3)]
    d.spi_write(b"\x46", 0)
    assert dark(d) == [(3, 63)]


def test_directions():
    d = lcd()
    clear(d)
    put(d, 0, 10, (0x01,))
    d.spi_write(b"\xc8", 0)
    assert dark(d) == [(10, 63)]
    d.spi_write(b"\xcf", 0)  # the low three bits do not matter
    assert dark(d) == [(10, 63)]
    d.spi_write(b"\xc0\xa1", 0)
    assert dark(d) == [(121, 0)]  # 131 - 10
    put(d, 0, 2, (0x01,))
    assert dark(d) == [(121, 0)]  # column 2 is SEG129, beyond the glass


def test_glass_wired_the_other_way():
    d = lcd(INIT, flip_x=True, flip_y=True, seg_offset=4)
    d.spi_write(b"\xa1\xc8", 0)
    clear(d)
    put(d, 0, 0, (0x01,))
    # SEG 131 - 0 is glass line 127 of a glass that begins at SEG4; flipped: x = 0
    assert dark(d) == [(0, 0)]


def test_inverse_and_all_pixels():
    d = lcd()
    clear(d)
    put(d, 0, 0, (0x01,))
    d.spi_write(b"\xa7", 0)
    assert d.pixel(0, 0) == 0 and d.pixel(1, 0) == 1
    d.spi_write(b"\xa5", 0)
    assert d.pixels() == b"\xff" * 1024
    d.spi_write(b"\xa4\xa6", 0)
    assert dark(d) == [(0, 0)]


def test_power_save():
    d = lcd()
    d.spi_write(b"\xae\xa5", 0)
    assert d.asleep() and d.pixels() == BLANK
    d.spi_write(b"\xa4\xaf", 0)
    assert not d.asleep() and d.pixels() != BLANK


def test_read_modify_write_returns_to_its_column():
    d = lcd()
    clear(d)
    d.spi_write(b"\xb0\x10\x08\xe0", 0)
    d.spi_write(b"\x01\x01", 1)
    d.spi_write(b"\xee", 0)
    d.spi_write(b"\x02", 1)
    assert dark(d) == [(9, 0), (8, 1)]
    d.spi_write(b"\xee", 0)
    assert d.errors == ["END without read-modify-write"]


def test_soft_reset_keeps_what_the_datasheet_says():
    d = lcd()
    clear(d)
    d.spi_write(b"\x45\xc8\xa1\xa7\x27\x81\x3f\xb3\x12\x03", 0)
    d.spi_write(b"\xe2", 0)
    assert (d.start_line, d.com_reverse, d.page, d.column, d.ratio, d.volume) == (
        0,
        0,
        0,
        0,
        4,
        32,
    )
    assert d.seg_reverse and d.inverse and d.display_on and d.power_bits == 7
    d.reset(0)
    assert not d.seg_reverse and not d.inverse and not d.display_on and not d.power_bits
    assert d.pixels() == BLANK


def test_held_in_reset():
    d = lcd()
    d.reset(0)
    d.spi_write(b"\xaf", 0)
    assert len(d.errors) == 1 and not d.display_on
    d.reset(1)
    d.spi_write(b"\xaf", 0)
    assert d.display_on


def test_errors():
    cases = (
        (b"\xac", "unknown command 0xac"),  # ST7565's static indicator
        (b"\xff", "unknown command 0xff"),  # test
        (b"\xb9", "page 9"),
        (b"\x81\xc0", "EV 0xc0: bits 7 and 6 must be 0"),
        (b"\xf8\x02", "booster level 0x02"),
    )
    for data, text in cases:
        d = lcd()
        d.spi_write(data, 0)
        assert d.errors == [text], d.errors
    d = lcd()
    d.spi_write(b"\x81", 0)
    d.spi_write(b"\x00", 1)
    assert d.errors == ["command 0x81 without its second byte"]
    d = lcd()
    d.spi_write(b"\x81", 0)
    d.spi_write(b"\x30", 0)  # second byte in a later transfer: fine
    assert d.errors == [] and d.volume == 0x30
    d = lcd()
    d.spi_write(b"\xf8", 0)
    d.reset(0)
    assert d.errors == ["reset inside command 0xf8"]


def test_voltage_window():
    d = lcd(INIT, v0_mv=(8000, 9500))
    assert d.v0_millivolt() == 5 * 2100 * 131 // 162
    assert d.pixels() != BLANK
    d.spi_write(b"\x81\x00", 0)
    assert d.v0_millivolt() < 8000 and d.pixels() == BLANK


def test_version_and_counters():
    d = lcd()
    clear(d)
    assert d.data_bytes == 8 * 132 and d.command_bytes == len(INIT) + 24
    v = d.version
    put(d, 0, 0, (0x00,))  # nothing changes
    d.spi_write(b"\xe3\x40", 0)
    assert d.version == v
    put(d, 0, 0, (0x10,))
    assert d.version > v
    v = d.version
    d.spi_write(b"\xae", 0)
    assert d.version > v
    v = d.version
    put(d, 0, 0, (0x20,))  # written in the dark
    assert d.version == v
    d.spi_write(b"\xaf", 0)
    assert d.version > v and dark(d) == [(0, 5)]
