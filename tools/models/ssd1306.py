"""SSD1306 OLED controller with a 128 x 64 glass, on 4-wire SPI and on I2C.

Owns: what the controller does with every command and data byte, and what the glass then shows.
Must not: share a table with any driver.

Source: Solomon Systech SSD1306 rev. 1.1, chapter 8 "Functional block descriptions" (I2C and SPI
interfaces, GDDRAM, reset), chapter 9 "Command table", chapter 10 "Command descriptions",
application note "Charge pump". What is not modelled is in README.md.

What is deliberately hard on a driver:
  * display RAM holds seeded noise at power-on and is not cleared by reset;
  * the glass lights up only with display on (0xAF) and the charge pump on (0x8D 0x14; the modules
    have no other source);
  * the COM lines are wired alternately: with the sequential setting (0xDA 0x02) the rows are mixed
    up; a multiplex ratio below 64 leaves rows dark; display offset and start line shift;
  * in page addressing mode the column counter runs over to the start of the same page;
  * ram_columns=132 is an SH1106: no addressing modes, the glass begins at its column 2;
  * undefined bytes, commands without their parameters and writes during reset go to `.errors`.
"""

from models import XorShift

WIDTH = 128
HEIGHT = 64
_MAX_ERRORS = 200

# Number of parameter bytes by opcode (command table).
_PARAMETERS = {
    0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0x81: 1, 0x8D: 1, 0xA3: 2,
    0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1,
}  # fmt: skip
_PLAIN = {0x2E, 0x2F, 0xE3}


class SSD1306:
    """seg_wired, com_wired: the glass is upright with 0xA1 / 0xC8 (as the usual modules, True), or
    with 0xA0 / 0xC0. ram_columns, glass_column: 132 and 2 for an SH1106."""

    def __init__(
        self, seg_wired=True, com_wired=True, ram_columns=128, glass_column=0, noise_seed=1306
    ):
        self.seg_wired = seg_wired
        self.com_wired = com_wired
        self.ram_columns = ram_columns
        self.glass_column = glass_column
        self.errors = []
        self.error_count = 0
        self.data_bytes = 0
        self.command_bytes = 0
        self.version = 0
        self._seed = noise_seed
        self._in_reset = False
        self._noise()
        self._defaults()

    def _noise(self):
        self.ram = bytearray(XorShift(self._seed).take(self.ram_columns * 8))
        self._seed += 1

    def _defaults(self):
        """Chapter 8.5 "Reset circuit" and the reset values of the command table."""
        self._pending = None  # [opcode, parameters so far]
        self.display_on = False
        self.all_on = False
        self.inverse = False
        self.seg_remap = False
        self.com_remap = False
        self.contrast = 0x7F
        self.pump = False
        self.multiplex = 63
        self.offset = 0
        self.start_line = 0
        self.alternative = True
        self.mode = 2
        self.page = 0
        self.column = 0
        self.window = [0, self.ram_columns - 1, 0, 7]

    # --- wires ----------------------------------------------------------------------------------

    def reset(self, level):
        """RES#. Low: defaults, the interface is dead until it is high again."""
        if not level and not self._in_reset:
            self._defaults()
            self.version += 1
        self._in_reset = not level

    def power(self, on, now_us=0):
        """Supply. Off loses RAM and registers."""
        self._defaults()
        if not on:
            self._noise()
        self.version += 1

    def spi_write(self, data, dc):
        """Bytes clocked in while selected. dc: 0 commands, 1 display data."""
        if self._in_reset:
            self._error(f"{len(data)} bytes while in reset")
            return
        if dc:
            self._data(data)
        else:
            for byte in data:
                self._command(byte)

    def write(self, data):
        """An I2C write behind the address: control bytes (Co, D/C#) and what they announce
        (8.1.5). Returns the number of acknowledged bytes."""
        if self._in_reset:
            self._error(f"{len(data)} bytes while in reset")
            return 0
        at = 0
        while at < len(data):
            control = data[at]
            if control & 0x3F:
                self._error(f"control byte 0x{control:02x}")
            rest = data[at + 1 : at + 2] if control & 0x80 else data[at + 1 :]
            if not rest:
                self._error("a control byte with nothing behind it")
            if control & 0x40:
                self._data(rest)
            else:
                for byte in rest:
                    self._command(byte)
            at += 1 + len(rest)
        return len(data)

    def read(self, n):
        """The status: D6 is 1 while the display is off."""
        return bytes([0 if self.display_on else 0x40]) * n

    # --- what can be seen -----------------------------------------------------------------------

    def visible(self):
        """-> bool: the glass shows anything at all."""
        return self.display_on and self.pump

    def pixels(self):
        """-> bytes, 64 rows of 16 bytes, most significant bit left, 1 = lit."""
        out = bytearray(WIDTH * HEIGHT // 8)
        if not self.visible():
            return bytes(out)
        columns = [self._ram_column(x) for x in range(WIDTH)]
        flip = 0xFF if self.inverse else 0
        for y in range(HEIGHT):
            line = self._ram_line(y)
            if line is None:
                continue
            base = (line >> 3) * self.ram_columns
            shift = line & 7
            bits = 0
            for x in range(WIDTH):
                bits = bits << 1 | self.ram[base + columns[x]] >> shift & 1
                if x & 7 == 7:
                    out[y * 16 + (x >> 3)] = 0xFF if self.all_on else bits ^ flip
                    bits = 0
        return bytes(out)

    def _ram_column(self, x):
        """RAM column behind the glass's column x from the left."""
        seg = self.glass_column + x
        if self.seg_wired:
            seg = self.ram_columns - 1 - seg
        return self.ram_columns - 1 - seg if self.seg_remap else seg

    def _ram_line(self, y):
        """RAM line behind the glass's row y from the top, None: a row that is never driven."""
        line = HEIGHT - 1 - y if self.com_wired else y
        if not self.alternative:
            # Wired alternately, driven in sequence: the first half of the lines comes out on the
            # even rows.
            line = line >> 1 if not line & 1 else 32 + (line >> 1)
        scan = self.multiplex - line if self.com_remap else line
        if not 0 <= scan <= self.multiplex:
            return None
        return (scan + self.start_line + self.offset) & 63

    # --- bytes ----------------------------------------------------------------------------------

    def _error(self, text):
        self.error_count += 1
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(text)

    def _data(self, data):
        if self._pending is not None:
            self._error(f"command 0x{self._pending[0]:02x} without its parameters")
            self._pending = None
        for byte in data:
            self.data_bytes += 1
            if self.column >= self.ram_columns:
                # Not while it is set: between its two halves it may be anything.
                self._error(f"data at column {self.column}")
                continue
            self.ram[self.page * self.ram_columns + self.column] = byte
            self._advance()
        self.version += 1

    def _advance(self):
        first, last, top, bottom = self.window
        if self.mode == 2:
            # Table 10.1.3: to the start of the page, whose pointer stays.
            self.column = (self.column + 1) % self.ram_columns
        elif self.mode == 0:
            if self.column < last:
                self.column += 1
                return
            self.column = first
            self.page = self.page + 1 if self.page < bottom else top
        else:
            if self.page < bottom:
                self.page += 1
                return
            self.page = top
            self.column = self.column + 1 if self.column < last else first

    def _command(self, byte):
        self.command_bytes += 1
        if self._pending is not None:
            self._pending.append(byte)
            if len(self._pending) > _PARAMETERS[self._pending[0]]:
                full = self._pending
                self._pending = None
                self._with_parameters(full[0], full[1:])
        elif byte in _PARAMETERS:
            self._pending = [byte]
        elif not self._simple(byte) and byte not in _PLAIN:
            self._error(f"unknown command 0x{byte:02x}")
        self.version += 1

    def _simple(self, byte):
        """A command of one byte; False when there is none such."""
        if byte < 0x20:
            if self.mode != 2:
                self._error("column by nibbles outside page addressing mode")
            if byte < 0x10:
                self.column = self.column & 0xF0 | byte & 15
            else:
                self.column = (byte & 15) << 4 | self.column & 15
        elif 0x40 <= byte <= 0x7F:
            self.start_line = byte & 0x3F
        elif 0xB0 <= byte <= 0xB7:
            if self.mode != 2:
                self._error("page start outside page addressing mode")
            self.page = byte & 7
        elif byte in (0xA0, 0xA1):
            self.seg_remap = bool(byte & 1)
        elif byte in (0xA4, 0xA5):
            self.all_on = bool(byte & 1)
        elif byte in (0xA6, 0xA7):
            self.inverse = bool(byte & 1)
        elif byte in (0xAE, 0xAF):
            self.display_on = bool(byte & 1)
        elif byte in (0xC0, 0xC8):
            self.com_remap = bool(byte & 8)
        else:
            return False
        return True

    def _with_parameters(self, opcode, p):
        if opcode == 0x20:
            if p[0] & 3 == 3:
                self._error("addressing mode 3")
            else:
                self.mode = p[0] & 3
        elif opcode in (0x21, 0x22):
            most = (self.ram_columns - 1) if opcode == 0x21 else 7
            if not p[0] <= p[1] <= most:
                self._error(f"window 0x{opcode:02x} {p[0]} to {p[1]}")
                return
            at = 0 if opcode == 0x21 else 2
            self.window[at : at + 2] = p
            if opcode == 0x21:
                self.column = p[0]
            else:
                self.page = p[0]
        elif opcode == 0x81:
            self.contrast = p[0]
        elif opcode == 0x8D:
            self.pump = bool(p[0] & 4)
        elif opcode == 0xA8:
            if p[0] & 0x3F < 15:
                self._error(f"multiplex ratio {p[0]}")
            else:
                self.multiplex = p[0] & 0x3F
        elif opcode == 0xD3:
            self.offset = p[0] & 0x3F
        elif opcode == 0xDA:
            if p[0] & 0xCF != 2:
                self._error(f"COM pins 0x{p[0]:02x}")
            if p[0] & 0x20:
                self._error("COM left/right remap is not modelled")
            self.alternative = bool(p[0] & 0x10)
        elif opcode in (0x26, 0x27, 0x29, 0x2A, 0xA3):
            self._error(f"scrolling 0x{opcode:02x} is not modelled")
