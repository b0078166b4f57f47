# The mobile terminal (ESP32-S3 without PSRAM): 320x240 colour display, keys behind a controller,
# 58 mm printer, 4G and Wi-Fi, magnetic stripe, code scanner, battery, buzzer, tamper switch.
#
# See boards/SY_CLASSIC/modules/board.py for what a board file is.

import parts
from chip import (  # noqa: F401  handed on
    ASSETS,
    DATA,
    device_secret,
    journal_partition,
    make_rtc,
    make_watchdog,
    serial,
    vfs_partition,
)
from machine import ADC, PWM, SPI, Pin
from parts import make_card_reader, safe_key  # noqa: F401  handed on

from drivers.display.tft import ST7789

NAME = "SY_MPOS"
CAPS = {
    "display": (320, 240, 4),
    "card": ("mag",),
    "printer": 32,  # columns
    "bearers": ("wifi", "4g"),
    "journal": 500,  # transactions of a batch
    "extras": ("buzzer", "battery", "tamper", "scanner"),  # what make_extra() makes
}

CONSOLE = print  # where the log is echoed for the technician, None: nowhere

_LCD_BAUD = 40_000_000


def make_display():
    b = Pin.board
    spi = SPI(1, baudrate=_LCD_BAUD, polarity=0, phase=0, sck=b.LCD_SCK, mosi=b.LCD_MOSI)
    cs = Pin(b.LCD_CS, Pin.OUT, value=1)
    dc = Pin(b.LCD_DC, Pin.OUT, value=0)
    reset = Pin(b.LCD_RST, Pin.OUT, value=1)
    light = PWM(Pin(b.LCD_BL), freq=20_000, duty_u16=0)
    return ST7789(spi, cs, dc, reset, _LCD_BAUD, swap=True, mirror_x=True, invert=True,
                  light=light)  # fmt: skip


def make_keypad(clock, click=None):
    return parts.make_keypad(clock, click, Pin(Pin.board.KEY_RST, Pin.OUT, value=1))


def make_printer(clock, charset, qr=None):
    return parts.make_printer("ttl58", clock, charset, qr)


def make_bearer(kind, clock, settings, networks):
    """`kind`: one of CAPS["bearers"]; `networks`: ((ssid, password), ...), for Wi-Fi."""
    if kind == "wifi":
        return parts.make_wifi(clock, settings, networks)
    from drivers.modem.ec200 import EC200

    return parts.make_modem(EC200, 2, clock, settings)


def make_extra(kind, clock):
    """`kind`: one of CAPS["extras"]."""
    if kind == "battery":
        from drivers.power.battery import Battery

        b = Pin.board
        adc = ADC(Pin(b.BATTERY), atten=ADC.ATTN_11DB)
        return Battery(adc, (2, 1), Pin(b.CHARGING, Pin.IN, Pin.PULL_UP))
    return parts.make_extra(kind, clock)
