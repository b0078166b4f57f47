# The small terminal (ESP32-C3, no PSRAM): 128x64 OLED and keys behind a controller on one I2C bus,
# 58 mm printer, Wi-Fi and 4G, magnetic stripe.
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
from parts import make_card_reader, make_keypad, safe_key  # noqa: F401  handed on

from drivers.display.ssd1306 import SSD1306I2C

NAME = "SY_C3"
CAPS = {
    "display": (128, 64, 1),
    "card": ("mag",),
    "printer": 32,  # columns
    "bearers": ("wifi", "4g"),
    "journal": 500,  # transactions of a batch
    "extras": (),  # what make_extra() makes
}

CONSOLE = print  # where the log is echoed for the technician, None: nowhere

_MODEM_UART = 0  # the chip has two, and its console is on USB


def make_display():
    return SSD1306I2C(parts.i2c())


def make_printer(clock, charset, qr=None):
    return parts.make_printer("chinese58", clock, charset, qr)


def make_bearer(kind, clock, settings, networks):
    """`kind`: one of CAPS["bearers"]; `networks`: ((ssid, password), ...), for Wi-Fi."""
    if kind == "wifi":
        return parts.make_wifi(clock, settings, networks)
    from drivers.modem.a7670 import A7670

    return parts.make_modem(A7670, _MODEM_UART, clock, settings)


def make_extra(kind, clock):
    """`kind`: one of CAPS["extras"]."""
    raise ValueError(kind)
