# The mobile terminal (ESP32-S3 without PSRAM): 320x240 colour display, keys behind a controller,
# 58 mm printer, 4G and Wi-Fi, magnetic stripe, code scanner, battery, buzzer, tamper switch.
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
from machine import ADC, I2C, PWM, SPI, UART, Pin

from drivers.card.ttl import TtlStripe
from drivers.display.tft import ST7789
from drivers.keypad.tca8418 import TCA8418, first_key_down
from drivers.printer import profiles
from drivers.printer.thermal import Thermal

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

_LAYOUT = (
    "F1", "UP", "DOWN", "MENU",
    "1", "2", "3", "CANCEL",
    "4", "5", "6", "CLEAR",
    "7", "8", "9", "ALPHA",
    "*", "0", "00", "ENTER",
)  # fmt: skip

_PRINTER = "ttl58"
_PRINTER_BAUD = 115200
_LCD_BAUD = 40_000_000

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
    return ST7789(spi, cs, dc, reset, _LCD_BAUD, swap=True, mirror_x=True, invert=True,
                  light=light)  # fmt: skip


def make_keypad(clock, click=None):
    b = Pin.board
    interrupt = Pin(b.KEY_INT, Pin.IN, Pin.PULL_UP)
    reset = Pin(b.KEY_RST, Pin.OUT, value=1)
    return TCA8418(_i2c(), interrupt, 5, 4, _LAYOUT, clock, reset, click=click)


def safe_key():
    """Whether F1 is held at power-on: safe mode."""
    return first_key_down(_i2c())


def make_printer(clock, charset, qr=None):
    b = Pin.board
    uart = UART(1, baudrate=_PRINTER_BAUD, tx=b.PRINTER_TX, rx=b.PRINTER_RX, txbuf=512, rxbuf=256)
    return Thermal(uart, _PRINTER_BAUD, clock, charset, profiles.get(_PRINTER), qr)


def make_card_reader(clock):
    b = Pin.board
    present, strobe, data = (
        Pin(p, Pin.IN, Pin.PULL_UP) for p in (b.CARD_PRESENT, b.CARD_CLK, b.CARD_DATA)
    )
    return TtlStripe(present, ((2, strobe, data),), clock)


def make_bearer(kind, clock, settings, networks):
    """`kind`: one of CAPS["bearers"]; `networks`: ((ssid, password), ...), for Wi-Fi."""
    b = Pin.board
    if kind == "wifi":
        from drivers.net.wifi import Wifi

        return Wifi(network.WLAN(network.STA_IF), clock, networks, settings["wifi_country"])
    from drivers.modem.ec200 import EC200

    uart = UART(2, baudrate=115200, tx=b.MODEM_TX, rx=b.MODEM_RX, txbuf=2048, rxbuf=4096)
    pwrkey = Pin(b.MODEM_PWRKEY, Pin.OPEN_DRAIN, value=1)
    status = Pin(b.MODEM_STATUS, Pin.IN, Pin.PULL_DOWN)
    return EC200(uart, pwrkey, status, clock, settings["apn"])


def make_extra(kind, clock):
    """`kind`: one of CAPS["extras"]."""
    b = Pin.board
    if kind == "buzzer":
        from drivers.signal.buzzer import Buzzer, PwmVoice

        return Buzzer(PwmVoice(PWM(Pin(b.BUZZER), freq=2700, duty_u16=0)), clock)
    if kind == "battery":
        from drivers.power.battery import Battery

        adc = ADC(Pin(b.BATTERY), atten=ADC.ATTN_11DB)
        return Battery(adc, (2, 1), Pin(b.CHARGING, Pin.IN, Pin.PULL_UP))
    if kind == "tamper":
        from drivers.sensor.tamper import Tamper

        return Tamper(Pin(b.TAMPER, Pin.IN, Pin.PULL_UP), clock)
    if kind == "scanner":
        from drivers.scanner.gm65 import GM65

        return GM65(UART(0, baudrate=9600, tx=b.SCAN_TX, rx=b.SCAN_RX, rxbuf=512), clock)
    raise ValueError(kind)
