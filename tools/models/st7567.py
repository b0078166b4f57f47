"""ST7567 dot-matrix LCD controller with a 128 x 64 glass, seen from its 4-line serial interface.

Owns: what the controller does with every command and data byte, and what the glass then shows.
Must not: share a table with any driver. Write-only: the serial interface cannot read
(ST7567 data sheet, "Microprocessor interface": SPI-4 is write only).

Source: Sitronix ST7567 data sheet ver. 1.4, "Instruction table", "Instruction description",
"Reset circuit" (what the hardware and what the software reset restore) and "Power ON flow". What
could be checked against other public sources, and what not, is in README.md.

What is deliberately hard on a driver:
  * display RAM holds seeded noise at power-on (the RAM is not cleared by any reset);
  * 132 RAM columns stand behind 128 glass columns, so that with ADC reverse (0xA1) the glass shows
    columns 131 .. 4: whoever writes from column 0 is off by four;
  * the column counter stops at 131 and does not touch the page (further data are an error here);
  * the glass is dark only while booster, regulator and follower are all on (0x2F), the display is
    on (0xAF) and the chip is not asleep (0xAE + 0xA5);
  * bytes that the table does not define, a page above 8, a column above 131 and a two-byte command
    without its second byte go to `.errors`.
"""

from models import XorShift

WIDTH = 128
HEIGHT = 64
_COLUMNS = 132
_PAGES = 9  # page 8 holds the icon line, one bit high, not part of this glass
_VREF_MV = 2100
_POWER_ALL = 7  # VB (booster) | VR (regulator) | VF (follower)
_MAX_ERRORS = 200


class ST7567:
    """seg_offset: first SEG line that the glass is wired to (0 on the usual modules).

    flip_x / flip_y: the glass is wired the other way round, so that 0xA1 / 0xC8 make it upright.
    v0_mv: (lowest, highest) LCD voltage at which the glass can be read, or None: not judged.
    noise_seed: RAM content at power-on.
    """

    # (first opcode, last opcode, method): one line per row of the instruction table.
    _TABLE = (
        (0x00, 0x0F, "_column_low"),
        (0x10, 0x1F, "_column_high"),
        (0x20, 0x27, "_regulation_ratio"),
        (0x28, 0x2F, "_power_control"),
        (0x40, 0x7F, "_start_line"),
        (0x81, 0x81, "_two_bytes"),
        (0xA0, 0xA1, "_seg_direction"),
        (0xA2, 0xA3, "_bias"),
        (0xA4, 0xA5, "_all_pixels"),
        (0xA6, 0xA7, "_inverse"),
        (0xAE, 0xAF, "_display"),
        (0xB0, 0xBF, "_page"),
        (0xC0, 0xCF, "_com_direction"),  # the low three bits are "don't care"
        (0xE0, 0xE0, "_rmw"),
        (0xE2, 0xE2, "_soft_reset"),
        (0xE3, 0xE3, "_nop"),
        (0xEE, 0xEE, "_rmw_end"),
        (0xF8, 0xF8, "_two_bytes"),
    )

    def __init__(self, seg_offset=0, flip_x=False, flip_y=False, v0_mv=None, noise_seed=7567):
        self.seg_offset = seg_offset
        self.flip_x = flip_x
        self.flip_y = flip_y
        self.v0_window = v0_mv
        self.ram = bytearray(XorShift(noise_seed).take(_COLUMNS * _PAGES))
        self.errors = []
        self.error_count = 0
        self.data_bytes = 0
        self.command_bytes = 0
        self.version = 0
        self._reset_low = False
        self._pending = 0  # opcode of a two-byte command that waits for its second byte
        self._shown = None
        self._shown_version = -1
        self._hard_reset()

    # --- pins -----------------------------------------------------------------------------------

    def reset(self, level):
        """RSTB. Low: registers to their defaults, the bus is dead until it is high again."""
        if not level and not self._reset_low:
            if self._pending:
                self._error(f"reset inside command 0x{self._pending:02x}")
            self._pending = 0
            was = self.visible()
            self._hard_reset()
            if was:
                self.version += 1
        self._reset_low = not level

    def spi_write(self, data, dc):
        """Bytes clocked in while selected. dc (A0): 0 commands, 1 display data."""
        if self._reset_low:
            self._error(f"{len(data)} bytes while in reset")
            return
        if dc:
            self._data(data)
            return
        for byte in data:
            self.command_bytes += 1
            self._command(byte)

    def power(self, on, now_us=0):
        """Supply. Off loses the RAM (seeded noise again at the next power-on)."""
        was = self.visible()
        if not on:
            self.ram = bytearray(XorShift(len(self.ram) + self.version).take(_COLUMNS * _PAGES))
            self._pending = 0
        self._hard_reset()
        if was:
            self.version += 1

    # --- what can be seen -----------------------------------------------------------------------

    def visible(self):
        """-> bool: the glass shows anything at all."""
        if not self.display_on or self.power_bits != _POWER_ALL:
            return False
        window = self.v0_window
        return window is None or window[0] <= self.v0_millivolt() <= window[1]

    def asleep(self):
        """-> bool: power save mode (display off and all pixels on)."""
        return bool(not self.display_on and self.all_on)

    def v0_millivolt(self):
        """LCD voltage V0 = RR x (1 - (63 - EV) / 162) x VREF (section "Set EV")."""
        ratio10 = 30 + 5 * self.ratio  # RR 3.0 .. 6.5
        return ratio10 * (162 - 63 + self.volume) * _VREF_MV // 1620

    def pixels(self):
        """-> bytes, 64 rows of 16 bytes, most significant bit left, 1 = dark."""
        if self._shown_version != self.version:
            self._shown = self._draw()
            self._shown_version = self.version
        return self._shown

    def pixel(self, x, y):
        """-> 0 or 1 (dark). x 0 .. 127 from the left, y 0 .. 63 from the top."""
        if not (0 <= x < WIDTH and 0 <= y < HEIGHT):
            raise IndexError("pixel")
        return self.pixels()[y * 16 + (x >> 3)] >> (7 - (x & 7)) & 1

    def _draw(self):
        if not self.visible():
            return bytes(WIDTH * HEIGHT // 8)
        if self.all_on:  # has priority over inverse
            return b"\xff" * (WIDTH * HEIGHT // 8)
        out = bytearray(WIDTH * HEIGHT // 8)
        ram = self.ram
        flip = 0xFF if self.inverse else 0
        columns = [self._ram_column(x) for x in range(WIDTH)]
        for y in range(HEIGHT):
            line = y if bool(self.com_reverse) == self.flip_y else HEIGHT - 1 - y
            line = (line + self.start_line) & 63
            base = (line >> 3) * _COLUMNS
            mask = 1 << (line & 7)
            at = y * 16
            bits = 0
            for x in range(WIDTH):
                bits = bits << 1 | (1 if ram[base + columns[x]] & mask else 0)
                if x & 7 == 7:
                    out[at + (x >> 3)] = bits ^ flip
                    bits = 0
        return bytes(out)

    def _ram_column(self, x):
        seg = self.seg_offset + (WIDTH - 1 - x if self.flip_x else x)
        return _COLUMNS - 1 - seg if self.seg_reverse else seg

    # --- bytes ----------------------------------------------------------------------------------

    def _error(self, text):
        self.error_count += 1
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(text)

    def _data(self, data):
        if self._pending:
            self._error(f"command 0x{self._pending:02x} without its second byte")
            self._pending = 0
        seen = self.visible()
        changed = False
        for byte in data:
            self.data_bytes += 1
            if self.page >= _PAGES or self.column >= _COLUMNS:
                self._error(f"data at page {self.page} column {self.column}")
                continue
            at = self.page * _COLUMNS + self.column
            if self.ram[at] != byte:
                self.ram[at] = byte
                changed = True
            # The counter may stand at 132 (full): data that follow have no cell.
            self.column += 1
        if changed and seen:
            self.version += 1

    def _command(self, byte):
        if self._pending:
            opcode = self._pending
            self._pending = 0
            self._second(opcode, byte)
            return
        for first, last, method in self._TABLE:
            if first <= byte <= last:
                before = self._look()
                getattr(self, method)(byte)
                if self._look() != before:
                    self.version += 1
                return
        self._error(f"unknown command 0x{byte:02x}")

    def _look(self):
        """Everything but the RAM that decides what the glass shows."""
        if not self.visible():
            return None
        return (
            self.start_line,
            self.seg_reverse,
            self.com_reverse,
            self.inverse,
            self.all_on,
            self.bias,
            self.ratio,
            self.volume,
            self.booster,
        )

    def _second(self, opcode, byte):
        before = self._look()
        if opcode == 0x81:
            if byte & 0xC0:
                self._error(f"EV 0x{byte:02x}: bits 7 and 6 must be 0")
            self.volume = byte & 0x3F
        else:
            if byte & 0xFE:
                self._error(f"booster level 0x{byte:02x}")
            self.booster = byte & 1
        if self._look() != before:
            self.version += 1

    # --- reset ----------------------------------------------------------------------------------

    def _hard_reset(self):
        self.display_on = 0
        self.inverse = 0
        self.all_on = 0
        self.seg_reverse = 0
        self.bias = 0
        self.booster = 0
        self.power_bits = 0
        self._soft_defaults()

    def _soft_defaults(self):
        # "Reset circuit": the RESET instruction restores these and leaves display on/off, inverse,
        # all-pixel, SEG direction, bias, booster and power control as they are.
        self.start_line = 0
        self.page = 0
        self.column = 0
        self.com_reverse = 0
        self.ratio = 4
        self.volume = 32
        self.rmw = None  # column to return to at END

    # --- instructions ---------------------------------------------------------------------------

    def _column_low(self, byte):
        self._set_column(self.column & 0xF0 | byte & 0x0F)

    def _column_high(self, byte):
        self._set_column((byte & 0x0F) << 4 | self.column & 0x0F)

    def _set_column(self, column):
        # No error yet: high and low nibble come one after the other in either order, and the
        # value in between may be anything. Data written out there are the error.
        self.column = column

    def _regulation_ratio(self, byte):
        self.ratio = byte & 7

    def _power_control(self, byte):
        self.power_bits = byte & 7

    def _start_line(self, byte):
        self.start_line = byte & 0x3F

    def _two_bytes(self, byte):
        self._pending = byte

    def _seg_direction(self, byte):
        self.seg_reverse = byte & 1

    def _bias(self, byte):
        self.bias = byte & 1

    def _all_pixels(self, byte):
        self.all_on = byte & 1

    def _inverse(self, byte):
        self.inverse = byte & 1

    def _display(self, byte):
        self.display_on = byte & 1

    def _page(self, byte):
        self.page = byte & 0x0F
        if self.page >= _PAGES:
            self._error(f"page {self.page}")

    def _com_direction(self, byte):
        self.com_reverse = byte >> 3 & 1

    def _rmw(self, byte):
        # Writes count up as ever; only reads, which this interface has not, would stand still.
        self.rmw = self.column

    def _rmw_end(self, byte):
        if self.rmw is None:
            self._error("END without read-modify-write")
        else:
            self.column = self.rmw
            self.rmw = None

    def _soft_reset(self, byte):
        self._soft_defaults()

    def _nop(self, byte):
        pass
