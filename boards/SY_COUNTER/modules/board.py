# The counter terminal (ESP32-S3 with octal PSRAM): 320x480 colour display with touch panel, keys
# behind a controller, 80 mm printer with cutter, Ethernet, Wi-Fi and 4G, magnetic stripe, code
# scanner, buzzer, tamper switch.
#
# See boards/SY_CLASSIC/modules/board.py for what a board file is.

import network
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
from machine import I2C, PWM, SPI, UART, Pin

from drivers.card.ttl import TtlStripe
from drivers.display.tft import ILI9488
from drivers.keypad.tca8418 import TCA8418
from drivers.printer import profiles
from drivers.printer.thermal import Thermal

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

_LAYOUT = (
    "F1", "UP", "DOWN", "MENU",
    "1", "2", "3", "CANCEL",
    "4", "5", "6", "CLEAR",
    "7", "8", "9", "ALPHA",
    "*", "0", "00", "ENTER",
)  # fmt: skip

_PRINTER = "chinese80"
_PRINTER_BAUD = 115200
_LCD_BAUD = 20_000_000

_bus = None


def _i2c():
    """The bus that keys and sensors share; a held bus must not stop the loop for longer than
    2 ms."""
    global _bus
    if _bus is None:
        _bus = I2C(0, scl=Pin.board.I2C_SCL, sda=Pin.board.I2C_SDA, freq=400_000, timeout=2000)
    return _bus


def make_display():
    b = Pin.board
    spi = SPI(1, baudrate=_LCD_BAUD, polarity=0, phase=0, sck=b.LCD_SCK, mosi=b.LCD_MOSI)
    cs = Pin(b.LCD_CS, Pin.OUT, value=1)
    dc = Pin(b.LCD_DC, Pin.OUT, value=0)
    reset = Pin(b.LCD_RST, Pin.OUT, value=1)
    light = PWM(Pin(b.LCD_BL), freq=20_000, duty_u16=0)
    return ILI9488(spi, cs, dc, reset, _LCD_BAUD, mirror_x=True, bgr=True, light=light)


def make_keypad(clock, click=None):
    b = Pin.board
    interrupt = Pin(b.KEY_INT, Pin.IN, Pin.PULL_UP)
    return TCA8418(_i2c(), interrupt, 5, 4, _LAYOUT, clock, click=click)


def make_printer(clock, charset, qr=None):
    b = Pin.board
    uart = UART(1, baudrate=_PRINTER_BAUD, tx=b.PRINTER_TX, rx=b.PRINTER_RX, txbuf=512, rxbuf=256)
    busy = Pin(b.PRINTER_BUSY, Pin.IN, Pin.PULL_DOWN)
    return Thermal(uart, _PRINTER_BAUD, clock, charset, profiles.get(_PRINTER), qr, busy)


def make_card_reader(clock):
    b = Pin.board
    present, strobe, data = (
        Pin(p, Pin.IN, Pin.PULL_UP) for p in (b.CARD_PRESENT, b.CARD_CLK, b.CARD_DATA)
    )
    return TtlStripe(present, ((2, strobe, data),), clock)


def _make_lan():
    b = Pin.board
    spi = SPI(2, baudrate=20_000_000, sck=b.ETH_SCK, mosi=b.ETH_MOSI, miso=b.ETH_MISO)
    # The stubs know the RMII form only.
    return network.LAN(  # type: ignore[call-arg]
        spi=spi, cs=Pin(b.ETH_CS), int=Pin(b.ETH_INT), phy_type=network.PHY_W5500, phy_addr=0
    )


def make_bearer(kind, clock, settings, networks):
    """`kind`: one of CAPS["bearers"]; `networks`: ((ssid, password), ...), for Wi-Fi."""
    b = Pin.board
    if kind == "lan":
        from drivers.net.ethernet import Ethernet

        return Ethernet(_make_lan, clock)
    if kind == "wifi":
        from drivers.net.wifi import Wifi

        return Wifi(network.WLAN(network.STA_IF), clock, networks, settings["wifi_country"])
    from drivers.modem.a7670 import A7670

    uart = UART(2, baudrate=115200, tx=b.MODEM_TX, rx=b.MODEM_RX, txbuf=2048, rxbuf=4096)
    pwrkey = Pin(b.MODEM_PWRKEY, Pin.OPEN_DRAIN, value=1)
    status = Pin(b.MODEM_STATUS, Pin.IN, Pin.PULL_DOWN)
    return A7670(uart, pwrkey, status, clock, settings["apn"])


def make_extra(kind, clock):
    """`kind`: one of CAPS["extras"]."""
    b = Pin.board
    if kind == "buzzer":
        from drivers.signal.buzzer import Buzzer, PwmVoice

        return Buzzer(PwmVoice(PWM(Pin(b.BUZZER), freq=2700, duty_u16=0)), clock)
    if kind == "touch":
        from drivers.touch import calibration
        from drivers.touch.ft6336 import FT6336
        from drivers.touch.panel import Touch

        source = FT6336(_i2c(), Pin(b.TOUCH_INT, Pin.IN, Pin.PULL_UP))
        six = calibration.turned(_WIDTH, _HEIGHT, 0)
        return Touch(source, clock, _WIDTH, _HEIGHT, six, (_WIDTH, _HEIGHT))
    if kind == "tamper":
        from drivers.sensor.tamper import Tamper

        return Tamper(Pin(b.TAMPER, Pin.IN, Pin.PULL_UP), clock)
    if kind == "scanner":
        from drivers.scanner.gm65 import GM65

        return GM65(UART(0, baudrate=9600, tx=b.SCAN_TX, rx=b.SCAN_RX, rxbuf=512), clock)
    raise ValueError(kind)
