# Displays on the simulated board, each with the model of its controller: what the tests of the
# display drivers share.

import bus
from machine import I2C, SPI, Pin

from drivers.display.ssd1306 import SSD1306, SSD1306I2C
from drivers.display.st7567 import ST7567
from drivers.display.tft import ILI9488, ST7789, ST7796
from models import ssd1306 as oled
from models import st7567 as lcd
from models import tft

CS, DC, RST = 10, 9, 14
BAUD = {"st7567": 10_000_000, "ssd1306": 10_000_000, "ili9488": 20_000_000}
COLOUR_BAUD = 40_000_000

# 153,600 bytes for the largest memory, made once, while the heap is in one piece: large() does it.
_memory = bytearray(0)


def large(columns=320, rows=480):
    global _memory
    _memory = bytearray(columns * rows)


def pins():
    Pin._pins.clear()
    return Pin(CS, Pin.OUT, value=1), Pin(DC, Pin.OUT, value=0), Pin(RST, Pin.OUT, value=1)


def fresh():
    """A board without anything."""
    bus.use(bus.LocalBus())
    return bus.current.rack


def over(defaults, options):
    """Options, with defaults for what they do not say."""
    out = dict(defaults)
    out.update(options)
    return out


def clock():
    return bus.current.now_us()


def _memory_of(columns, rows):
    return memoryview(_memory)[: columns * rows] if len(_memory) >= columns * rows else None


def make(kind, **options):
    """(model, driver) by the controller's name, not started. `options` go to the driver; those
    with a leading "glass_" to the model."""
    rack = fresh()
    theirs = {k[6:]: v for k, v in options.items() if k[:6] == "glass_"}
    ours = {k: v for k, v in options.items() if k[:6] != "glass_"}
    if kind == "ssd1306_i2c":
        freq = ours.get("freq", 400_000)
        glass = oled.SSD1306(**theirs)
        rack.attach_i2c(0, 0x3C, glass)
        return glass, SSD1306I2C(I2C(0, freq=freq), **ours)
    baud = ours.pop("baudrate", BAUD.get(kind, COLOUR_BAUD))
    spi = SPI(1, baudrate=baud)
    cs, dc, rst = pins()
    if kind == "st7567":
        glass = lcd.ST7567(**over({"flip_y": True}, theirs))
        d = ST7567(spi, cs, dc, rst, **ours)
    elif kind == "ssd1306":
        glass = oled.SSD1306(**theirs)
        d = SSD1306(spi, cs, dc, rst, **ours)
    elif kind == "st7789":
        # Landscape: the glass is turned to the left, its first row at the picture's left edge.
        usual = {"turn": 270, "inverted": True, "memory": _memory_of(240, 320)}
        glass = tft.ST7789(clock, **over(usual, theirs))
        usual = {"swap": True, "mirror_x": True, "invert": True}
        d = ST7789(spi, cs, dc, rst, baud, **over(usual, ours))
    else:
        maker, driver = {"st7796": (tft.ST7796, ST7796), "ili9488": (tft.ILI9488, ILI9488)}[kind]
        usual = {"mirror": True, "bgr": True, "memory": _memory_of(320, 480)}
        glass = maker(clock, **over(usual, theirs))
        d = driver(spi, cs, dc, rst, baud, **over({"mirror_x": True, "bgr": True}, ours))
    rack.attach_spi(1, glass, CS, DC, RST)
    return glass, d


def wrong_pixels(glass, d, palette=None, step=1):
    """How many pixels of the glass are not what was drawn; every `step`th row is looked at."""
    wrong = 0
    if d.scale == 1:
        pixels = glass.pixels()
        for y in range(0, 64, step):
            for x in range(128):
                lit = pixels[y * 16 + (x >> 3)] >> (7 - (x & 7)) & 1
                wrong += d.fb.pixel(x, y) != lit
        return wrong
    if not glass.visible():
        return d.width * d.height
    known = {}
    colours = glass.colours()
    for y in range(0, d.height, step):
        line = glass.line(y)
        for x in range(d.width):
            pair = line[x] << 4 | d.fb.pixel(x, y)
            right = known.get(pair)
            if right is None:
                right = known[pair] = near(colours[pair >> 4], palette[pair & 15], d.depth)
            wrong += not right
    return wrong


def near(colour, want, depth):
    """Whether a colour of the glass is the one that was wanted, as near as its bits allow."""
    most = 8 if depth == 2 else 4
    have = (want >> 16, want >> 8 & 0xFF, want & 0xFF)
    return all(abs(a - b) < most for a, b in zip(colour, have))  # noqa: B905  MicroPython's zip


class Light:
    """A machine.PWM: its duty."""

    duty = None

    def duty_u16(self, duty):
        self.duty = duty
