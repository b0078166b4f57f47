"""The devices of the classic terminal, wired to the pins of boards/SY_CLASSIC/pins.csv."""

from pathlib import Path

from models.a7670 import Modem
from models.escpos_printer import Printer
from models.keymatrix import KeyMatrix
from models.magreader import MagReader
from models.rack import Rack
from models.st7567 import ST7567

from .glyphs import PrinterFont

PINS = Path(__file__).resolve().parents[2] / "boards" / "SY_CLASSIC" / "pins.csv"

# What is printed on the keys, as they sit on the front of the terminal.
KEYS = (
    ("F1", "UP", "DOWN", "MENU"),
    ("1", "2", "3", "CANCEL"),
    ("4", "5", "6", "CLEAR"),
    ("7", "8", "9", "ALPHA"),
    ("*", "0", "00", "ENTER"),
)
READER_BAUD = 9600


def pins():
    """{name: GPIO number} of pins.csv."""
    out = {}
    for line in PINS.read_text().splitlines():
        if line and not line.startswith("#"):
            name, gpio = line.split(",")[:2]
            out[name] = int(gpio.removeprefix("GPIO"))
    return out


class StatusPin:
    """The modem's STATUS output, as a GPIO model of the rack."""

    def __init__(self, pin, modem):
        self._pin = pin
        self._modem = modem

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        return {self._pin: 1 if self._modem.status() else 0}

    def next_due(self):
        return None

    def advance(self, now_us):
        pass


class ClassicDevices:
    """All devices, ready and powered, on one Rack. `net` is the modem's network side."""

    def __init__(
        self, net, seed=1, modem_boot_us=8_000_000, modem_register_us=3_000_000, epoch_s=0
    ):
        p = pins()
        self.rack = rack = Rack()
        self.display = ST7567(flip_y=True, noise_seed=seed)
        rack.attach_spi(1, self.display, p["LCD_CS"], p["LCD_DC"], p["LCD_RST"])
        self.keys = KeyMatrix(
            tuple(p[f"KEY_ROW{i}"] for i in range(5)),
            tuple(p[f"KEY_COL{i}"] for i in range(4)),
            KEYS,
            seed=seed,
        )
        rack.attach_gpio(self.keys)
        self.printer = Printer(PrinterFont())
        rack.attach_uart(1, self.printer)
        self.reader = MagReader(seed=seed)
        rack.attach_uart(0, self.reader, READER_BAUD)
        self.modem = Modem(
            net, boot_us=modem_boot_us, register_us=modem_register_us, seed=seed, epoch_s=epoch_s
        )
        rack.attach_uart(2, self.modem)
        rack.attach_gpio(StatusPin(p["MODEM_STATUS"], self.modem))
        rack.on_output(p["MODEM_PWRKEY"], self.modem.pwrkey)

    def power(self, on):
        """Everything that hangs on the terminal's supply. The paper stays where it is."""
        now = self.rack.now_us
        for device in (self.printer, self.modem, self.reader):
            device.power(on, now)
        if not on:
            self.rack.processor_reset()
            self.display.reset(0)

    def network_ready(self):
        """Whether the modem has its data service open."""
        return self.modem.tcp.open and not self.modem.tcp.stale
