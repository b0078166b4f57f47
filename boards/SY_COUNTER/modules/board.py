# The counter terminal (ESP32-S3 with octal PSRAM): 320x480 colour display with touch panel, keys
# behind a controller, 80 mm printer with cutter, Ethernet, Wi-Fi and 4G, magnetic stripe, code
# scanner, buzzer, tamper switch.
#
# See boards/SY_CLASSIC/modules/board.py for what a board file is.

import network
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
from machine import PWM, SPI, Pin
from parts import make_card_reader, make_keypad, safe_key  # noqa: F401  handed on

from drivers.display.tft import ILI9488

_WIDTH, _HEIGHT = 320, 480

NAME = "SY_COUNTER"
CAPS = {
    "display": (_WIDTH, _HEIGHT, 4),
    "card": ("mag",),
    "printer": 48,  # columns
    "bearers": ("lan", "wifi", "4g"),
    "journal": 10_000,  # transactions of a batch
    "extras": ("buzzer", "touch", "tamper", "scanner"),  # what make_extra() makes
}

CONSOLE = print  # where the log is echoed for the technician, None: nowhere

_LCD_BAUD = 20_000_000


def make_display():
    b = Pin.board
    spi = SPI(1, baudrate=_LCD_BAUD, polarity=0, phase=0, sck=b.LCD_SCK, mosi=b.LCD_MOSI)
    cs = Pin(b.LCD_CS, Pin.OUT, value=1)
    dc = Pin(b.LCD_DC, Pin.OUT, value=0)
    reset = Pin(b.LCD_RST, Pin.OUT, value=1)
    light = PWM(Pin(b.LCD_BL), freq=20_000, duty_u16=0)
    return ILI9488(spi, cs, dc, reset, _LCD_BAUD, mirror_x=True, bgr=True, light=light)


def make_printer(clock, charset, qr=None):
    busy = Pin(Pin.board.PRINTER_BUSY, Pin.IN, Pin.PULL_DOWN)
    return parts.make_printer("chinese80", clock, charset, qr, busy)


def _make_lan():
    b = Pin.board
    spi = SPI(2, baudrate=20_000_000, sck=b.ETH_SCK, mosi=b.ETH_MOSI, miso=b.ETH_MISO)
    # The stubs know the RMII form only.
    return network.LAN(  # type: ignore[call-arg]
        spi=spi, cs=Pin(b.ETH_CS), int=Pin(b.ETH_INT), phy_type=network.PHY_W5500, phy_addr=0
    )


def make_bearer(kind, clock, settings, networks):
    """`kind`: one of CAPS["bearers"]; `networks`: ((ssid, password), ...), for Wi-Fi."""
    if kind == "lan":
        from drivers.net.ethernet import Ethernet

        return Ethernet(_make_lan, clock)
    if kind == "wifi":
        return parts.make_wifi(clock, settings, networks)
    from drivers.modem.a7670 import A7670

    return parts.make_modem(A7670, 2, clock, settings)


def make_extra(kind, clock):
    """`kind`: one of CAPS["extras"]."""
    if kind == "touch":
        from drivers.touch import calibration
        from drivers.touch.ft6336 import FT6336
        from drivers.touch.panel import Touch

        source = FT6336(parts.i2c(), Pin(Pin.board.TOUCH_INT, Pin.IN, Pin.PULL_UP))
        six = calibration.turned(_WIDTH, _HEIGHT, 0)
        return Touch(source, clock, _WIDTH, _HEIGHT, six, (_WIDTH, _HEIGHT))
    return parts.make_extra(kind, clock)
