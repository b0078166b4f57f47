"""The devices of the terminals, wired to the pins of their boards (boards/*/pins.csv)."""

from pathlib import Path

from models.a7670 import Modem
from models.escpos_printer import Printer
from models.keymatrix import KeyMatrix
from models.magreader import MagReader
from models.rack import Rack
from models.st7567 import ST7567

from .glyphs import PrinterFont

BOARDS = Path(__file__).resolve().parents[2] / "boards"

# What is printed on the keys, as they sit on the front of the terminal.
KEYS = (
    ("F1", "UP", "DOWN", "MENU"),
    ("1", "2", "3", "CANCEL"),
    ("4", "5", "6", "CLEAR"),
    ("7", "8", "9", "ALPHA"),
    ("*", "0", "00", "ENTER"),
)
READER_BAUD = 9600


def pins(board):
    """{name: GPIO number} of a board's pins.csv."""
    out = {}
    for line in (BOARDS / board / "pins.csv").read_text().splitlines():
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


class Devices:
    """All devices of a terminal, ready and powered, on one Rack. `net` is the modem's network
    side. A board's own class wires what its board.py expects."""

    board = ""

    def __init__(
        self, net, seed=1, modem_boot_us=8_000_000, modem_register_us=3_000_000, epoch_s=0
    ):
        self.pins = pins(self.board)
        self.rack = Rack()
        self.supplied = []  # devices with power(on, now_us)
        self.wire_display(seed)
        self.wire_keys(seed)
        self.wire_printer()
        self.wire_reader(seed)
        self.wire_modem(
            self.make_modem(
                net,
                boot_us=modem_boot_us,
                register_us=modem_register_us,
                seed=seed,
                epoch_s=epoch_s,
            )
        )

    def wire_modem(self, modem):
        p = self.pins
        self.modem = modem
        self.rack.attach_uart(2, modem)
        self.rack.attach_gpio(StatusPin(p["MODEM_STATUS"], modem))
        self.rack.on_output(p["MODEM_PWRKEY"], modem.pwrkey)
        self.supplied.append(modem)

    def power(self, on):
        """Everything that hangs on the terminal's supply. The paper stays where it is."""
        for device in self.supplied:
            device.power(on, self.rack.now_us)
        if not on:
            self.rack.processor_reset()
            self.display.reset(0)

    def network_ready(self):
        """Whether the modem has its data service open."""
        return self.modem.tcp.open and not self.modem.tcp.stale


class Classic(Devices):
    board = "SY_CLASSIC"

    def wire_display(self, seed):
        p = self.pins
        self.display = ST7567(flip_y=True, noise_seed=seed)
        self.rack.attach_spi(1, self.display, p["LCD_CS"], p["LCD_DC"], p["LCD_RST"])

    def wire_keys(self, seed):
        p = self.pins
        rows = tuple(p[f"KEY_ROW{i}"] for i in range(5))
        cols = tuple(p[f"KEY_COL{i}"] for i in range(4))
        self.keys = KeyMatrix(rows, cols, KEYS, seed=seed)
        self.rack.attach_gpio(self.keys)

    def wire_printer(self):
        self.printer = Printer(PrinterFont())
        self.rack.attach_uart(1, self.printer)
        self.supplied.append(self.printer)

    def wire_reader(self, seed):
        self.reader = MagReader(seed=seed)
        self.rack.attach_uart(0, self.reader, READER_BAUD)
        self.supplied.append(self.reader)

    def make_modem(self, net, **options):
        return Modem(net, **options)


BY_BOARD = {devices.board: devices for devices in (Classic,)}


def make(board, net, **options):
    """The devices of a board, by its name. KeyError names one that there is not."""
    return BY_BOARD[board](net, **options)
