# The classic terminal (ESP32-S3): 128x64 mono display, 4x5 keys, 58 mm printer, 4G modem, magnetic
# stripe.
#
# What an application may ask of a board: CAPS, where files lie, and factories that return ready
# drivers. Pins are named by pins.csv. The same file runs on the simulated chip (boards/unix,
# boards/qemu_rv32): nothing here knows of models.

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
from machine import SPI, UART, Pin

from drivers.card.magstripe import MagStripe
from drivers.display.st7567 import ST7567
from drivers.keypad.matrix import Matrix, key_down
from drivers.modem.a7670 import A7670
from drivers.printer import profiles
from drivers.printer.thermal import Thermal

NAME = "SY_CLASSIC"
CAPS = {
    "display": (128, 64, 1),
    "card": ("mag",),
    "printer": 32,  # columns
    "bearers": ("4g",),
    "journal": 1000,  # transactions of a batch
    "extras": (),  # what make_extra() makes
}

CONSOLE = print  # where the log is echoed for the technician, None: nowhere

_LAYOUT = (
    "F1", "UP", "DOWN", "MENU",
    "1", "2", "3", "CANCEL",
    "4", "5", "6", "CLEAR",
    "7", "8", "9", "ALPHA",
    "*", "0", "00", "ENTER",
)  # fmt: skip

_PRINTER = "chinese58"
_PRINTER_BAUD = 115200


def make_display():
    b = Pin.board
    spi = SPI(1, baudrate=10_000_000, polarity=0, phase=0, sck=b.LCD_SCK, mosi=b.LCD_MOSI)
    cs = Pin(b.LCD_CS, Pin.OUT, value=1)
    dc = Pin(b.LCD_DC, Pin.OUT, value=0)
    reset = Pin(b.LCD_RST, Pin.OUT, value=1)
    return ST7567(spi, cs, dc, reset)


def make_keypad(clock, click=None):
    b = Pin.board
    rows = (b.KEY_ROW0, b.KEY_ROW1, b.KEY_ROW2, b.KEY_ROW3, b.KEY_ROW4)
    cols = (b.KEY_COL0, b.KEY_COL1, b.KEY_COL2, b.KEY_COL3)
    return Matrix(
        [Pin(p, Pin.IN, Pin.PULL_UP) for p in rows],
        [Pin(p, Pin.OPEN_DRAIN, value=1) for p in cols],
        _LAYOUT,
        clock,
        click=click,
    )


def safe_key():
    """Whether F1 is held at power-on: safe mode."""
    b = Pin.board
    row = Pin(b.KEY_ROW0, Pin.IN, Pin.PULL_UP)
    return key_down(row, Pin(b.KEY_COL0, Pin.OPEN_DRAIN, value=1))


def make_printer(clock, charset, qr=None):
    b = Pin.board
    uart = UART(1, baudrate=_PRINTER_BAUD, tx=b.PRINTER_TX, rx=b.PRINTER_RX, txbuf=512, rxbuf=256)
    return Thermal(uart, _PRINTER_BAUD, clock, charset, profiles.get(_PRINTER), qr)


def make_card_reader(clock):
    b = Pin.board
    uart = UART(0, baudrate=9600, tx=b.CARD_TX, rx=b.CARD_RX, rxbuf=512)
    return MagStripe(uart, clock)


def make_bearer(kind, clock, settings, networks):
    """`kind`: one of CAPS["bearers"]; `networks`: ((ssid, password), ...), for Wi-Fi."""
    b = Pin.board
    uart = UART(2, baudrate=115200, tx=b.MODEM_TX, rx=b.MODEM_RX, txbuf=2048, rxbuf=4096)
    pwrkey = Pin(b.MODEM_PWRKEY, Pin.OPEN_DRAIN, value=1)
    status = Pin(b.MODEM_STATUS, Pin.IN, Pin.PULL_DOWN)
    return A7670(uart, pwrkey, status, clock, settings["apn"])


def make_extra(kind, clock):
    """`kind`: one of CAPS["extras"]."""
    raise ValueError(kind)
