"""The devices of the terminals, wired to the pins of their boards (boards/*/pins.csv)."""

from pathlib import Path

import segno

from models.a7670 import Modem
from models.battery import Cell
from models.buzzer import Buzzer
from models.escpos_printer import Printer
from models.ft6336 import FT6336
from models.keymatrix import KeyMatrix
from models.magreader import MagReader
from models.magstripe_ttl import TtlReader
from models.quectel import Quectel
from models.rack import Rack
from models.scanner import Scanner
from models.ssd1306 import SSD1306
from models.st7567 import ST7567
from models.tamper import TamperSwitch
from models.tca8418 import ADDRESS as KEYS_AT
from models.tca8418 import TCA8418
from models.tft import ILI9488, ST7789
from models.w5500 import W5500

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


def native_code(data, level):
    """A printer's own QR code, as models.escpos_printer wants it; `level`: L, M, Q or H."""
    code = segno.make_qr(bytes(data), error=level, boost_error=False)
    return [int("".join(str(dot & 1) for dot in row), 2) for row in code.matrix]


class OutputPin:
    """An output of a device (level(): 0 or 1), as a GPIO model of the rack."""

    def __init__(self, pin, level):
        self._pin = pin
        self._level = level

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        return {self._pin: 1 if self._level() else 0}

    def next_due(self):
        return None

    def advance(self, now_us):
        pass


class Devices:
    """All devices of a terminal, ready and powered, on one Rack. `net` is the modem's network
    side. A board's own class wires what its board.py expects."""

    board = ""
    modem_uart = 2
    reads_chinese = True  # whether the printer has characters for it, and can say what it printed

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
        self.wire_more(seed)
        self.wire_modem(
            self.make_modem(
                net,
                boot_us=modem_boot_us,
                register_us=modem_register_us,
                seed=seed,
                epoch_s=epoch_s,
            )
        )

    def wire_more(self, seed):
        """What only this board has."""

    def wire_modem(self, modem):
        p = self.pins
        self.modem = modem
        self.rack.attach_uart(self.modem_uart, modem)
        self.rack.attach_gpio(OutputPin(p["MODEM_STATUS"], modem.status))
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


class TtlSlot(TtlReader):
    """The slot of a reader with clock and data outputs, as the classic terminal's takes cards."""

    def swipe(self, track1, track2, track3, now_us, **how):
        return super().swipe({1: track1, 2: track2, 3: track3}, now_us, **how)


class Modern(Devices):
    """What the boards with keys behind a controller have in common."""

    def wire_keys(self, seed):
        p = self.pins
        self.keys = TCA8418(p["KEY_INT"], KEYS, seed=seed)
        self.rack.attach_i2c(0, KEYS_AT, self.keys)
        self.supplied.append(self.keys)
        self.rack.attach_gpio(self.keys)
        if "KEY_RST" in p:
            self.rack.on_output(p["KEY_RST"], self.keys.reset)

    def wire_reader(self, seed):
        p = self.pins
        lines = {2: (p["CARD_CLK"], p["CARD_DATA"])}
        self.reader = TtlSlot(p["CARD_PRESENT"], lines, seed=seed)
        self.rack.attach_gpio(self.reader)


class Equipped(Modern):
    """What the mobile and the counter terminal have in common."""

    def wire_more(self, seed):
        p = self.pins
        self.buzzer = Buzzer()
        self.rack.on_pwm(p["BUZZER"], self.buzzer.pwm)
        self.tamper = TamperSwitch(p["TAMPER"], seed=seed)
        self.rack.attach_gpio(self.tamper)
        self.scanner = Scanner(seed=seed)
        self.rack.attach_uart(0, self.scanner, READER_BAUD)
        self.supplied.append(self.scanner)


class Mobile(Equipped):
    board = "SY_MPOS"
    reads_chinese = False

    def wire_display(self, seed):
        p = self.pins
        self.display = ST7789(lambda: self.rack.now_us, turn=270, inverted=True)
        self.rack.attach_spi(1, self.display, p["LCD_CS"], p["LCD_DC"], p["LCD_RST"])

    def wire_printer(self):
        self.printer = Printer(
            PrinterFont(), buffer_size=1024, flow="none", chinese=False, status="esc_v"
        )
        self.rack.attach_uart(1, self.printer)
        self.supplied.append(self.printer)

    def wire_more(self, seed):
        super().wire_more(seed)
        self.cell = Cell(charge_pin=self.pins["CHARGING"], seed=seed)
        self.rack.attach_adc(self.pins["BATTERY"], self.cell)
        self.rack.attach_gpio(self.cell)

    def make_modem(self, net, **options):
        return Quectel(net, **options)


class Counter(Equipped):
    board = "SY_COUNTER"

    def wire_display(self, seed):
        p = self.pins
        self.display = ILI9488(lambda: self.rack.now_us, mirror=True, bgr=True)
        self.rack.attach_spi(1, self.display, p["LCD_CS"], p["LCD_DC"], p["LCD_RST"])

    def wire_printer(self):
        self.printer = Printer(
            PrinterFont(),
            dots=576,
            flow="busy",
            cutter=True,
            qr=native_code,
            qr_functions=(67, 80, 81),
        )
        self.rack.attach_uart(1, self.printer)
        self.rack.attach_gpio(OutputPin(self.pins["PRINTER_BUSY"], self.printer.busy))
        self.supplied.append(self.printer)

    def wire_more(self, seed):
        super().wire_more(seed)
        p = self.pins
        self.panel = FT6336(p["TOUCH_INT"], seed=seed)
        self.rack.attach_i2c(0, 0x38, self.panel)
        self.rack.attach_gpio(self.panel)
        self.ethernet = W5500(plugged=False)
        self.rack.attach_spi(2, self.ethernet, p["ETH_CS"])
        self.supplied += [self.panel, self.ethernet]

    def make_modem(self, net, **options):
        return Modem(net, **options)


class Small(Modern):
    board = "SY_C3"
    modem_uart = 0

    def wire_display(self, seed):
        self.display = SSD1306(noise_seed=seed)
        self.rack.attach_i2c(0, 0x3C, self.display)

    def wire_printer(self):
        self.printer = Printer(PrinterFont())
        self.rack.attach_uart(1, self.printer)
        self.supplied.append(self.printer)

    def make_modem(self, net, **options):
        return Modem(net, **options)


BY_BOARD = {devices.board: devices for devices in (Classic, Mobile, Counter, Small)}


def make(board, net, **options):
    """The devices of a board, by its name. KeyError names one that there is not."""
    return BY_BOARD[board](net, **options)
