# The OLED controller model, against bytes written out by hand. Runs inside MicroPython and on
# CPython.

from models.ssd1306 import SSD1306

INIT = bytes((0xAE, 0x8D, 0x14, 0x20, 0x02, 0xA1, 0xC8, 0xDA, 0x12, 0xA8, 0x3F, 0xAF))


def oled(init=INIT, **kw):
    d = SSD1306(**kw)
    d.reset(0)
    d.reset(1)
    if init:
        d.spi_write(init, 0)
    return d


def clear(d):
    for page in range(8):
        d.spi_write(bytes((0xB0 | page, 0x10, 0x00)), 0)
        d.spi_write(bytes(d.ram_columns), 1)


def put(d, page, column, data):
    d.spi_write(bytes((0xB0 | page, 0x10 | column >> 4, column & 15)), 0)
    d.spi_write(bytes(data), 1)


def lit(d):
    """Coordinates of all lit pixels."""
    pixels = d.pixels()
    return [
        (i % 16 * 8 + b, i // 16) for i in range(1024) for b in range(8) if pixels[i] & 0x80 >> b
    ]


def test_ram_is_noise_at_power_on_and_reset_keeps_it():
    d = oled()
    assert d.errors == [] and 3000 < len(lit(d)) < 5200
    clear(d)
    put(d, 0, 0, (1,))
    d.reset(0)
    d.reset(1)
    assert not lit(d), "off after reset"
    d.spi_write(INIT, 0)
    assert lit(d) == [(0, 0)]
    d.power(False)
    d.power(True)
    d.spi_write(INIT, 0)
    assert len(lit(d)) > 3000


def test_bits_pages_and_directions():
    d = oled()
    clear(d)
    put(d, 0, 0, (0x01,))
    put(d, 1, 5, (0x82,))
    put(d, 7, 127, (0x80,))
    assert lit(d) == [(0, 0), (5, 9), (5, 15), (127, 63)]
    d.spi_write(b"\xa0", 0)
    assert lit(d) == [(127, 0), (122, 9), (122, 15), (0, 63)]
    d.spi_write(b"\xa1\xc0", 0)
    assert lit(d)[-1] == (0, 63) and lit(d)[0] == (127, 0)
    assert d.errors == []


def test_dark_without_pump_or_display():
    for init in (b"\xaf", b"\x8d\x14", b"\x8d\x10\xaf"):
        d = oled(init)
        assert not lit(d), init
    d.spi_write(b"\x8d\x14", 0)
    assert lit(d)
    d.spi_write(b"\xae", 0)
    assert not lit(d) and d.read(1) == b"\x40"


def test_rows_are_mixed_up_when_the_com_lines_are_set_wrongly():
    d = oled()
    clear(d)
    for page in range(4):
        put(d, page, 0, (0xFF,))
    assert [y for _, y in lit(d)] == list(range(32))
    d.spi_write(b"\xda\x02", 0)
    assert [y for _, y in lit(d)] in (list(range(0, 64, 2)), list(range(1, 64, 2)))
    d.spi_write(b"\xda\x12\xa8\x1f", 0)
    assert len(lit(d)) < 64 and not any(y < 32 for _, y in lit(d))


def test_start_line_and_offset_shift():
    for command in (b"\x42", b"\xd3\x02"):
        d = oled()
        clear(d)
        put(d, 0, 3, (0x20,))
        assert lit(d) == [(3, 5)]
        d.spi_write(command, 0)
        assert lit(d) == [(3, 3)], command


def test_inverse_all_on_contrast():
    d = oled()
    clear(d)
    d.spi_write(b"\xa7", 0)
    assert d.pixels() == b"\xff" * 1024
    d.spi_write(b"\xa6\xa5", 0)
    assert d.pixels() == b"\xff" * 1024
    d.spi_write(b"\xa4\x81\x33", 0)
    assert not lit(d) and d.contrast == 0x33


def test_the_column_runs_over_within_the_page():
    d = oled()
    clear(d)
    put(d, 2, 126, (1, 1, 1, 1))
    assert sorted(lit(d)) == [(0, 16), (1, 16), (126, 16), (127, 16)]


def test_horizontal_and_vertical_addressing():
    d = oled()
    clear(d)
    d.spi_write(b"\x20\x00\x21\x0a\x0b\x22\x01\x02", 0)
    d.spi_write(b"\x01\x02\x04\x08\x10", 1)
    assert sorted(lit(d)) == [(10, 12), (10, 18), (11, 9), (11, 19)]
    d.spi_write(b"\x20\x02", 0)
    clear(d)
    d.spi_write(b"\x20\x01\x21\x0a\x0b\x22\x01\x02", 0)
    d.spi_write(b"\x01\x02\x04\x08", 1)
    assert sorted(lit(d)) == [(10, 8), (10, 17), (11, 10), (11, 19)]
    assert d.errors == []


def test_132_columns():
    d = oled(ram_columns=132, glass_column=2)
    clear(d)
    put(d, 0, 0, (1, 1, 1, 1))
    assert lit(d) == [(0, 0), (1, 0)]
    put(d, 0, 129, (1, 1, 1))
    assert lit(d) == [(0, 0), (1, 0), (127, 0)]
    put(d, 0, 132, (1,))
    assert d.errors == ["data at column 132"]


def test_i2c_control_bytes():
    d = SSD1306()
    assert d.write(b"\x00" + INIT) == 1 + len(INIT)
    for page in range(8):
        d.write(bytes((0x80, 0xB0 | page, 0x80, 0x10, 0x80, 0x00)))
        d.write(b"\x40" + bytes(128))
    d.write(b"\x80\xb0\x80\x10\x80\x07\x40\x81")
    assert lit(d) == [(7, 0), (7, 7)] and d.errors == []
    d.write(b"\x01\xaf")
    d.write(b"\x40")
    assert d.errors == ["control byte 0x01", "a control byte with nothing behind it"]


def test_errors():
    cases = (
        (b"\xac", "unknown command 0xac"),
        (b"\x20\x03", "addressing mode 3"),
        (b"\x21\x10\x0f", "window 0x21 16 to 15"),
        (b"\x22\x00\x08", "window 0x22 0 to 8"),
        (b"\xa8\x0e", "multiplex ratio 14"),
        (b"\xda\x13", "COM pins 0x13"),
        (b"\xda\x32", "COM left/right remap is not modelled"),
        (b"\x20\x00\xb1", "page start outside page addressing mode"),
        (b"\x20\x00\x05", "column by nibbles outside page addressing mode"),
        (b"\x26\x00\x00\x00\x00\x00\xff", "scrolling 0x26 is not modelled"),
    )
    for data, text in cases:
        d = oled()
        d.spi_write(data, 0)
        assert d.errors == [text], d.errors
    d = oled()
    d.spi_write(b"\x81", 0)
    d.spi_write(b"\x00", 1)
    assert d.errors == ["command 0x81 without its parameters"]
    d.reset(0)
    d.spi_write(b"\xaf", 0)
    d.write(b"\x00\xaf")
    assert d.error_count == 3 and not d.display_on
