# The TFT controllers' model, against bytes written out by hand. Runs inside MicroPython and on
# CPython.

from models.tft import ILI9488, ST7789, ST7796

RED, GREEN, BLUE, WHITE = b"\xf8\x00", b"\x07\xe0", b"\x00\x1f", b"\xff\xff"
BLACK = (0, 0, 0)

MEMORY = bytearray(320 * 480)  # once: the heap does not stay in one piece


class Clock:
    def __init__(self):
        self.us = 0

    def __call__(self):
        return self.us

    def ms(self, n):
        self.us += n * 1000


def send(d, command, data=b""):
    d.spi_write(bytes((command,)), 0)
    if data:
        d.spi_write(data, 1)


def window(d, x0, x1, y0, y1):
    send(d, 0x2A, bytes((x0 >> 8, x0 & 255, x1 >> 8, x1 & 255)))
    send(d, 0x2B, bytes((y0 >> 8, y0 & 255, y1 >> 8, y1 & 255)))


def put(d, x, y, pixels, width=1):
    """Pixels from x, y on, in lines of `width`."""
    size = 2 if d.colmod & 7 == 5 else 3
    n = len(pixels) // size
    window(d, x, x + width - 1, y, y + n // width - 1)
    send(d, 0x2C, pixels)


def awake(kind=ST7789, madctl=0, colmod=0x55, **kw):
    """A controller that is on; its memory is what it was."""
    d = kind(memory=memoryview(MEMORY)[: kind.columns * kind.rows], **kw)
    d.reset(0)
    d.reset(1)
    send(d, 0x11)
    send(d, 0x36, bytes((madctl,)))
    send(d, 0x3A, bytes((colmod,)))
    send(d, 0x29)
    return d


def test_noise_at_power_on_and_after_a_reset():
    d = awake()
    seen = {d.pixel(x, 7) for x in range(240)}
    assert len(seen) > 30 and d.errors == []
    put(d, 5, 7, RED)
    assert d.pixel(5, 7) == (255, 0, 0)
    d.reset(0)
    d.reset(1)
    assert d.pixel(5, 7) == BLACK, "asleep"
    send(d, 0x11)
    send(d, 0x29)
    assert d.pixel(5, 7) == (255, 0, 0), "the memory is not cleared"
    d.power(False)
    d.power(True)
    send(d, 0x11)
    send(d, 0x29)
    assert d.pixel(5, 7) != (255, 0, 0) or d.pixel(6, 7) != (255, 0, 0)


def test_windows_wrap_lines_and_end():
    d = awake()
    put(d, 10, 20, RED + GREEN + BLUE + WHITE, 2)
    assert [d.pixel(x, y) for y in (20, 21) for x in (10, 11)] == [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255),
    ]  # fmt: skip
    send(d, 0x3C, RED)
    assert d.errors == ["1 pixels beyond the window"]
    assert d.pixel(10, 20) == (255, 0, 0)
    window(d, 239, 240, 0, 0)
    window(d, 5, 4, 0, 320)
    assert d.errors[1:] == [
        "window 0x2a 239 to 240 of 240",
        "window 0x2a 5 to 4 of 240",
        "window 0x2b 0 to 320 of 320",
    ]


def test_writes_go_on_in_pieces():
    d = awake()
    window(d, 0, 2, 0, 0)
    d.spi_write(b"\x2c", 0)
    for byte in RED + GREEN:
        d.spi_write(bytes((byte,)), 1)
    send(d, 0x3C, BLUE)
    assert [d.pixel(x, 0) for x in range(3)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    send(d, 0x2C, RED + b"\x07")
    send(d, 0x00)
    assert d.errors == ["half a pixel"]


def test_address_control_of_all_eight_orders():
    """Where the host's 3, 5 lands in the memory, by the figure "Address control"."""
    at = {
        0x00: (3, 5), 0x40: (236, 5), 0x80: (3, 314), 0xC0: (236, 314),
        0x20: (5, 3), 0x60: (234, 3), 0xA0: (5, 316), 0xE0: (234, 316),
    }  # fmt: skip
    for madctl, (column, row) in at.items():
        d = awake(madctl=madctl)
        put(d, 3, 5, RED)
        assert d.pixel(column, row) == (255, 0, 0), hex(madctl)
        # What lies there stays there when the order changes afterwards.
        send(d, 0x36, b"\x00")
        assert d.pixel(column, row) == (255, 0, 0), hex(madctl)
        put(d, 0, 0, GREEN)
        assert d.pixel(column, row) == (255, 0, 0) and d.pixel(0, 0) == (0, 255, 0), hex(madctl)
        assert d.errors == []


def test_exchanged_the_window_may_reach_as_far_as_the_rows():
    d = awake(madctl=0x20)
    put(d, 319, 239, RED)
    assert d.pixel(239, 319) == (255, 0, 0) and d.errors == []
    window(d, 0, 320, 0, 240)
    assert len(d.errors) == 2


def test_mounting():
    for turn, mirror, place in (
        (0, False, (3, 5)), (0, True, (236, 5)), (90, False, (314, 3)), (180, False, (236, 314)),
        (270, False, (5, 236)), (90, True, (314, 236)),
    ):  # fmt: skip
        d = awake(turn=turn, mirror=mirror)
        put(d, 3, 5, RED)
        assert d.pixel(*place) == (255, 0, 0), (turn, mirror)
        assert d.size() == ((320, 240) if turn in (90, 270) else (240, 320))
    d = awake(glass=(135, 240), offset=(52, 40))
    put(d, 52, 40, RED)
    assert d.size() == (135, 240) and d.pixel(0, 0) == (255, 0, 0)


def test_lines_and_picture_say_the_same():
    d = awake(turn=270, glass=(48, 64))
    put(d, 0, 0, RED * 50, 5)
    picture = d.pixels()
    assert (picture.width, picture.height, len(picture)) == (64, 48, 3072)
    colours = d.colours()
    for x, y in ((0, 47), (9, 43), (10, 47), (60, 20)):
        assert picture.pixel(x, y) == d.pixel(x, y) == colours[d.line(y)[x]]


def test_colours():
    d = awake()
    put(d, 0, 0, RED)
    send(d, 0x21)
    assert d.pixel(0, 0) == (0, 255, 255)
    send(d, 0x20)
    send(d, 0x36, b"\x08")
    assert d.pixel(0, 0) == (0, 0, 255)
    d = awake(bgr=True, inverted=True)
    put(d, 0, 0, RED)
    assert d.pixel(0, 0) == (255, 255, 0)
    send(d, 0x21)
    send(d, 0x36, b"\x08")
    assert d.pixel(0, 0) == (255, 0, 0)


def test_pixel_formats():
    d = awake(colmod=0x66)
    put(d, 0, 0, b"\xfc\x00\x00\x00\xfc\x03", 2)
    assert d.pixel(0, 0) == (255, 0, 0) and d.pixel(1, 0) == (0, 255, 0)
    # 16-bit pixels read as 18-bit ones: two make one and a part.
    window(d, 0, 1, 0, 0)
    send(d, 0x2C, RED + GREEN)
    assert d.pixel(0, 0) != (255, 0, 0)
    send(d, 0x00)
    assert d.errors == ["half a pixel"]
    for value in (3, 0x77):
        send(d, 0x3A, bytes((value,)))
    assert d.errors[1:] == ["pixel format 0x03", "pixel format 0x77"]


def test_ili9488_takes_three_bytes_whatever_is_set():
    d = awake(ILI9488, colmod=0x66)
    assert d.errors == []
    put(d, 319, 479, b"\xfc\x00\x00")
    assert d.pixel(319, 479) == (255, 0, 0)
    send(d, 0x3A, b"\x55")
    assert d.errors == ["pixel format 0x55"]
    window(d, 0, 2, 0, 0)
    send(d, 0x2C, RED * 3)
    assert d.pixel(0, 0) != (255, 0, 0)


def test_st7796_has_locked_commands():
    d = awake(ST7796)
    put(d, 319, 479, RED)
    assert d.pixel(319, 479) == (255, 0, 0) and d.errors == []
    send(d, 0xC5, b"\x24")
    assert d.errors == ["command 0xc5 is locked"]
    send(d, 0xF0, b"\xc3")
    send(d, 0xF0, b"\x96")
    send(d, 0xC5, b"\x24")
    assert len(d.errors) == 1


def test_times():
    clock = Clock()
    d = ST7789(clock)
    d.reset(0)
    clock.us += 5
    d.reset(1)
    assert d.errors == ["reset pulse too short"]
    clock.ms(1)
    send(d, 0x36, b"\x00")
    assert d.errors[-1] == "command 0x36 too soon"
    d.errors.clear()
    clock.ms(10)
    send(d, 0x11)
    clock.ms(4)
    send(d, 0x3A, b"\x55")
    assert d.errors == ["command 0x3a too soon"]
    clock.ms(10)
    send(d, 0x29)
    assert d.errors[-1] == "DISPON within 120 ms of SLPOUT" and not d.visible()
    clock.ms(100)
    send(d, 0x10)
    assert d.errors[-1] == "SLPIN or SLPOUT 114 ms after the other"
    clock.ms(6)
    n = len(d.errors)
    put(d, 0, 0, RED)  # asleep: the memory takes it
    clock.ms(120)
    send(d, 0x11)
    clock.ms(119)
    assert not d.visible()
    clock.ms(1)
    assert d.visible() and d.pixel(0, 0) == (255, 0, 0) and len(d.errors) == n
    send(d, 0x01)
    clock.ms(100)
    send(d, 0x11)
    assert d.errors[-1] == "command 0x11 too soon", "a software reset while awake takes 120 ms"


def test_errors():
    cases = (
        (lambda d: send(d, 0x99), "unknown command 0x99"),
        (lambda d: send(d, 0x36, b"\x03"), "MADCTL 0x03"),
        (lambda d: send(d, 0x36, b"\x10"), "the other order of refresh (ML, MH) is not modelled"),
        (lambda d: d.spi_write(b"\x12", 1), "parameter 0x12 without a command"),
        (lambda d: (send(d, 0x36), send(d, 0x00)), "command 0x36 without its parameters"),
        (lambda d: send(d, 0x12), "command 0x12 is not modelled"),
        (lambda d: send(d, 0x37, b"\x00\x10"), "command 0x37 is not modelled"),
        (lambda d: send(d, 0x37, b"\x00\x10\x00"), "command 0x37 is not modelled"),
    )
    for act, text in cases:
        d = awake()
        act(d)
        assert d.errors[:1] == [text], d.errors
    d = awake()
    d.reset(0)
    send(d, 0x2C, RED)
    assert d.error_count == 2 and not d.visible()


def test_more_colours_than_it_can_number_are_said():
    d = awake()
    pixels = b"".join([bytes((i >> 8, i & 255)) for i in range(0, 25600, 100)])
    put(d, 0, 0, pixels[:240], 120)
    assert d.errors == []
    put(d, 0, 0, pixels[:480], 120)
    assert d.errors and d.errors[0] == "more than 256 colours"
