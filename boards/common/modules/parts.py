# What several boards have in the same way: keys behind a TCA8418, a reader with clock and data,
# code scanner, buzzer, tamper switch, modem and Wi-Fi. A board's own board.py hands on what it
# has.

import network
from machine import I2C, PWM, UART, Pin

LAYOUT = (
    "F1", "UP", "DOWN", "MENU",
    "1", "2", "3", "CANCEL",
    "4", "5", "6", "CLEAR",
    "7", "8", "9", "ALPHA",
    "*", "0", "00", "ENTER",
)  # fmt: skip
PRINTER_BAUD = 115200

_bus = None


def i2c():
    """The bus that keys, sensors and small displays share; a held bus must not stop the loop for
    longer than 2 ms."""
    global _bus
    if _bus is None:
        b = Pin.board
        _bus = I2C(0, scl=Pin(b.I2C_SCL), sda=Pin(b.I2C_SDA), freq=400_000, timeout=2000)
    return _bus


def make_keypad(clock, click=None, reset=None):
    from drivers.keypad.tca8418 import TCA8418

    interrupt = Pin(Pin.board.KEY_INT, Pin.IN, Pin.PULL_UP)
    return TCA8418(i2c(), interrupt, 5, 4, LAYOUT, clock, reset, click=click)


def safe_key():
    """Whether F1 is held at power-on: safe mode."""
    from drivers.keypad.tca8418 import first_key_down

    return first_key_down(i2c())


def make_printer(profile, clock, charset, qr, busy=None):
    """`profile`: a name of drivers.printer.profiles; `busy`: input pin, or None."""
    from drivers.printer import profiles
    from drivers.printer.thermal import Thermal

    b = Pin.board
    uart = UART(1, baudrate=PRINTER_BAUD, tx=b.PRINTER_TX, rx=b.PRINTER_RX, txbuf=512, rxbuf=256)
    return Thermal(uart, PRINTER_BAUD, clock, charset, profiles.get(profile), qr, busy)


def make_card_reader(clock):
    from drivers.card.ttl import TtlStripe

    b = Pin.board
    present, strobe, data = (
        Pin(p, Pin.IN, Pin.PULL_UP) for p in (b.CARD_PRESENT, b.CARD_CLK, b.CARD_DATA)
    )
    return TtlStripe(present, ((2, strobe, data),), clock)


def make_wifi(clock, settings, networks):
    """`networks`: ((ssid, password), ...)."""
    from drivers.net.wifi import Wifi

    return Wifi(network.WLAN(network.STA_IF), clock, networks, settings["wifi_country"])


def make_modem(driver, unit, clock, settings):
    """`driver`: a class of drivers.modem; `unit`: number of its UART."""
    b = Pin.board
    uart = UART(unit, baudrate=115200, tx=b.MODEM_TX, rx=b.MODEM_RX, txbuf=2048, rxbuf=4096)
    pwrkey = Pin(b.MODEM_PWRKEY, Pin.OPEN_DRAIN, value=1)
    status = Pin(b.MODEM_STATUS, Pin.IN, Pin.PULL_DOWN)
    return driver(uart, pwrkey, status, clock, settings["apn"])


def make_extra(kind, clock):
    """ "buzzer", "tamper" or "scanner"."""
    b = Pin.board
    if kind == "buzzer":
        from drivers.signal.buzzer import Buzzer, PwmVoice

        return Buzzer(PwmVoice(PWM(Pin(b.BUZZER), freq=2700, duty_u16=0)), clock)
    if kind == "tamper":
        from drivers.sensor.tamper import Tamper

        return Tamper(Pin(b.TAMPER, Pin.IN, Pin.PULL_UP), clock)
    if kind == "scanner":
        from drivers.scanner.gm65 import GM65

        return GM65(UART(0, baudrate=9600, tx=b.SCAN_TX, rx=b.SCAN_RX, rxbuf=512), clock)
    raise ValueError(kind)
