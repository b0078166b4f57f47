"""TFT controllers ST7789, ST7796 and ILI9488 with their glass, seen from the 4-line SPI.

Owns: what the controller does with every command and data byte, and what the glass then shows.
Must not: share a table with any driver.

Sources: data sheets Sitronix ST7789V and ST7796S, Ilitek ILI9488: command lists, "Address
control" (MADCTL), "Display data format", "Reset timing", SLPIN, SLPOUT. README.md says what is not
modelled.

What is deliberately hard on a driver:
  * memory holds seeded noise at power-on and is not cleared by any reset;
  * the pixel format decides how many bytes make a pixel: with a wrong one the picture is garbage.
    After reset it is 18 bit. ILI9488 takes 3 bytes on SPI whatever COLMOD says;
  * commands within 5 ms of reset, SLPIN or SLPOUT, the two within 120 ms of each other, and DISPON
    within 120 ms of SLPOUT are errors; within 120 ms of SLPOUT the glass stays dark;
  * a smaller glass shows a part of the memory only (`glass`, `offset`), may be mounted turned or
    mirrored, have blue for red and need inversion;
  * pixels beyond the window's end, a window beyond the memory, half a pixel, unknown commands and
    wrong numbers of parameters go to `.errors`.

A pixel takes one byte here (the number of its colour), so that a 320 x 480 memory fits into the
heap of a test. The bytes lie as the host addressed them and are turned when a picture is looked
at.
"""

from models import XorShift, tft_commands

_MY, _MX, _MV, _BGR = 0x80, 0x40, 0x20, 0x08
_MAX_ERRORS = 200
_SETTLE_US = 5_000
_SLEEP_US = 120_000
_RESET_LOW_US = 10


class Picture:
    """What the glass shows: width, height, numbers (one byte a pixel, row by row) of colours
    [(red, green, blue)]."""

    def __init__(self, width, height, numbers, colours):
        self.width = width
        self.height = height
        self.numbers = numbers
        self.colours = colours

    def __len__(self):
        return len(self.numbers)

    def pixel(self, x, y):
        return self.colours[self.numbers[y * self.width + x]]


class TFT:
    """clock: callable, simulated time [us], None: timing is not judged. glass: (columns, rows) of
    the glass, offset: its first column and row in the memory. turn: degrees clockwise by which the
    glass is mounted, mirror: its columns run the other way. bgr: the glass has blue where others
    have red; inverted: it needs INVON. memory: a bytearray to use (columns * rows)."""

    columns, rows = 240, 320
    serial_16bit = True
    extended = {}  # commands beyond the common ones
    locked = {}  # those that must be unlocked first

    def __init__(
        self,
        clock=None,
        glass=None,
        offset=(0, 0),
        turn=0,
        mirror=False,
        bgr=False,
        inverted=False,
        noise_seed=7789,
        memory=None,
    ):
        self.clock = clock
        self.glass = glass or (self.columns, self.rows)
        self.offset = offset
        self.turn = turn
        self.mirror = mirror
        self.bgr = bgr
        self.inverted = inverted
        self._ram = bytearray(self.columns * self.rows) if memory is None else memory
        self._seed = noise_seed
        self.errors = []
        self.error_count = 0
        self.data_bytes = 0
        self.command_bytes = 0
        self.version = 0
        self._in_reset = False
        self._low_at = None
        self._noise()
        self._defaults()
        self._changed_at = None  # SLPIN or SLPOUT
        self._quiet_until = None  # no command before

    def _noise(self):
        random = XorShift(self._seed)
        self._seed += 1
        block = bytes([b & 63 for b in random.take(509)])
        for at in range(0, len(self._ram), 509):
            self._ram[at : at + 509] = block[: len(self._ram) - at]
        # Number of a colour -> (r, g, b), and back from what came over the wire.
        self._colours = [
            (random.below(256), random.below(256), random.below(256)) for _ in range(64)
        ]
        self._numbers = {}
        self._order = 0  # MADCTL under which the bytes of the memory lie
        self._untouched = True

    def _defaults(self):
        """ "Reset table": what hardware and software reset restore."""
        self.asleep = True
        self.display_on = False
        self.inverse = False
        self.madctl = 0
        self.colmod = 0x66
        self.unlocked = set()
        self.window = [0, self.columns - 1, 0, self.rows - 1]
        self._opcode = None
        self._parameters = bytearray()
        self._part = b""
        self._x = self._y = 0
        self._full = False

    # --- wires ----------------------------------------------------------------------------------

    def _now(self):
        return 0 if self.clock is None else self.clock()

    def reset(self, level):
        """RESX. Low: registers to their defaults, the interface is dead until it is high again."""
        if not level and not self._in_reset:
            self._low_at = self._now()
            self._defaults()
            self.version += 1
        elif level and self._in_reset:
            if self.clock is not None and self._now() - self._low_at < _RESET_LOW_US:
                self._error("reset pulse too short")
            self._quiet_until = self._now() + _SETTLE_US
            self._changed_at = None
        self._in_reset = not level

    def power(self, on, now_us=0):
        """Supply. Off loses memory and registers."""
        self._defaults()
        self._changed_at = None
        self._quiet_until = None
        if not on:
            self._noise()
        self.version += 1

    def spi_write(self, data, dc):
        """Bytes clocked in while selected. dc: 0 commands, 1 parameters and pixels."""
        if self._in_reset:
            self._error(f"{len(data)} bytes while in reset")
        elif not dc:
            for byte in data:
                self._command(byte)
        elif self._opcode in (0x2C, 0x3C):
            self._pixels(data)
        else:
            for byte in data:
                self._parameter(byte)

    # --- what can be seen -----------------------------------------------------------------------

    def visible(self):
        """-> bool: the glass shows anything at all."""
        if self.asleep or not self.display_on:
            return False
        if self.clock is None or self._changed_at is None:
            return True
        return self._now() - self._changed_at >= _SLEEP_US

    def size(self):
        """(width, height) of the picture as mounted."""
        w, h = self.glass
        return (h, w) if self.turn in (90, 270) else (w, h)

    def _address(self, x, y):
        """Place in _ram of the picture's pixel x, y."""
        w, h = self.glass
        if self.turn == 90:
            x, y = y, h - 1 - x
        elif self.turn == 180:
            x, y = w - 1 - x, h - 1 - y
        elif self.turn == 270:
            x, y = w - 1 - y, x
        column = self.offset[0] + (w - 1 - x if self.mirror else x)
        row = self.offset[1] + y
        # "Address control": MX and MY mirror what the host's counters reach, MV exchanges them.
        if self._order & _MX:
            column = self.columns - 1 - column
        if self._order & _MY:
            row = self.rows - 1 - row
        if self._order & _MV:
            return column * self.rows + row
        return row * self.columns + column

    def line(self, y):
        """Numbers of the colours in row y of the picture, one byte a pixel. colours() says what
        they are."""
        width = self.size()[0]
        start = self._address(0, y)
        step = self._address(1, y) - start
        if step == 1:
            return bytes(self._ram[start : start + width])
        return bytes([self._ram[start + step * x] for x in range(width)])

    def colours(self):
        """[(red, green, blue)] of the numbers in line(), 0-255, as the glass shows them."""
        swap = bool(self.madctl & _BGR) != self.bgr
        flip = 0xFF if self.inverse != self.inverted else 0
        out = []
        for r, g, b in self._colours:
            if swap:
                r, b = b, r
            out.append((r ^ flip, g ^ flip, b ^ flip))
        return out

    def pixel(self, x, y):
        """(red, green, blue); black where nothing is shown."""
        if not self.visible():
            return (0, 0, 0)
        return self.colours()[self._ram[self._address(x, y)]]

    def pixels(self):
        """-> Picture, as mounted."""
        width, height = self.size()
        if not self.visible():
            return Picture(width, height, bytes(width * height), [(0, 0, 0)])
        numbers = b"".join([self.line(y) for y in range(height)])
        return Picture(width, height, numbers, self.colours())

    # --- bytes ----------------------------------------------------------------------------------

    def _error(self, text):
        self.error_count += 1
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(text)

    def _command(self, byte):
        self.command_bytes += 1
        self._finish()
        if self.clock is not None and self._quiet_until is not None:
            if self._now() < self._quiet_until:
                self._error(f"command 0x{byte:02x} too soon")
            else:
                self._quiet_until = None
        if byte in self.locked and len(self.unlocked) < 2:
            self._error(f"command 0x{byte:02x} is locked")
        count = tft_commands.COMMON.get(byte, self.extended.get(byte, self.locked.get(byte)))
        if count is None:
            self._error(f"unknown command 0x{byte:02x}")
            return
        self._opcode = byte
        self._parameters = bytearray()
        if byte == 0x2C:
            self._x, _, self._y, _ = self.window
            self._full = False
        elif count == 0:
            self._opcode = None
            self._act(byte)

    def _finish(self):
        """A command begins: the one before it must be complete."""
        if self._part:
            self._error("half a pixel")
            self._part = b""
        if self._opcode not in (None, 0x2C, 0x3C):
            self._error(f"command 0x{self._opcode:02x} without its parameters")
        self._opcode = None

    def _parameter(self, byte):
        opcode = self._opcode
        if opcode is None:
            self._error(f"parameter 0x{byte:02x} without a command")
            return
        self._parameters.append(byte)
        count = tft_commands.COMMON.get(opcode, self.extended.get(opcode, self.locked.get(opcode)))
        if len(self._parameters) == count:
            self._opcode = None
            self._set(opcode, bytes(self._parameters))

    # --- commands -------------------------------------------------------------------------------

    def _act(self, opcode):
        """A command without parameters."""
        now = self._now()
        if opcode == 0x01:
            asleep = self.asleep
            self._defaults()
            self._quiet_until = now + (_SETTLE_US if asleep else _SLEEP_US)
        elif opcode in (0x10, 0x11):
            since = None if self._changed_at is None else now - self._changed_at
            if self.clock is not None and since is not None and since < _SLEEP_US:
                self._error("SLPIN or SLPOUT %d ms after the other" % (since // 1000))
            self.asleep = opcode == 0x10
            self._changed_at = now
            self._quiet_until = now + _SETTLE_US
        elif opcode in (0x20, 0x21):
            self.inverse = opcode == 0x21
        elif opcode in (0x28, 0x29):
            if opcode == 0x29 and self.clock is not None and self._changed_at is not None:
                if not self.asleep and now - self._changed_at < _SLEEP_US:
                    self._error("DISPON within 120 ms of SLPOUT")
            self.display_on = opcode == 0x29
        elif opcode in (0x12, 0x38, 0x39, 0x22, 0x23):
            if opcode != 0x38:
                self._error(f"command 0x{opcode:02x} is not modelled")
        self.version += 1

    def _set(self, opcode, p):
        """A command with its parameters."""
        if opcode in (0x2A, 0x2B):
            self._range(opcode, p[0] << 8 | p[1], p[2] << 8 | p[3])
        elif opcode == 0x36:
            if p[0] & 0x03:
                self._error(f"MADCTL 0x{p[0]:02x}")
            if p[0] & 0x14:
                self._error("the other order of refresh (ML, MH) is not modelled")
            self.madctl = p[0]
        elif opcode == 0x3A:
            if p[0] & 7 not in (5, 6) or not self.serial_16bit and p[0] & 7 == 5:
                self._error(f"pixel format 0x{p[0]:02x}")
            self.colmod = p[0]
        elif opcode == 0xF0 and p[0] in (0xC3, 0x96):
            self.unlocked.add(p[0])
        elif opcode in (0x30, 0x33, 0x37):
            self._error(f"command 0x{opcode:02x} is not modelled")
        self.version += 1

    def _range(self, opcode, first, last):
        most = self.rows if bool(self.madctl & _MV) == (opcode == 0x2A) else self.columns
        if not first <= last < most:
            self._error(f"window 0x{opcode:02x} {first} to {last} of {most}")
            return
        at = 0 if opcode == 0x2A else 2
        self.window[at : at + 2] = [first, last]

    # --- pixels ---------------------------------------------------------------------------------

    def _pixels(self, data):
        self.data_bytes += len(data)
        size = 2 if self.colmod & 7 == 5 and self.serial_16bit else 3
        if self._part:
            data = self._part + bytes(data)
        n = len(data) // size
        self._part = bytes(data[n * size :])
        if (self._order ^ self.madctl) & (_MX | _MY | _MV):
            self._turn()
        self._untouched = False
        numbers = self._numbered(data, n, size)
        x0, x1, y0, y1 = self.window
        stride = self.rows if self._order & _MV else self.columns
        at = 0
        while at < n:
            if self._full:
                self._error(f"{n - at} pixels beyond the window")
                break
            m = min(n - at, x1 + 1 - self._x)
            place = self._y * stride + self._x
            new = numbers[at : at + m]
            if self._ram[place : place + m] != new:
                self._ram[place : place + m] = new
                self.version += 1
            at += m
            self._x += m
            if self._x > x1:
                self._x = x0
                self._y += 1
                if self._y > y1:
                    self._y = y0
                    self._full = True

    def _numbered(self, data, n, size):
        """The colour numbers of n pixels of `size` bytes."""
        numbers = self._numbers
        out = bytearray(n)
        if size == 2:
            for i in range(n):
                wire = data[2 * i] << 8 | data[2 * i + 1]
                k = numbers.get(wire)
                out[i] = self._number(wire, 2) if k is None else k
        else:
            for i in range(n):
                wire = 0x1000000 | data[3 * i] << 16 | data[3 * i + 1] << 8 | data[3 * i + 2]
                k = numbers.get(wire)
                out[i] = self._number(wire, 3) if k is None else k
        return out

    def _number(self, wire, size):
        """The number of a colour that is new."""
        if size == 2:
            r, g, b = wire >> 11, wire >> 5 & 63, wire & 31
            colour = (r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2)
        else:
            r, g, b = wire >> 18 & 63, wire >> 10 & 63, wire >> 2 & 63
            colour = (r << 2 | r >> 4, g << 2 | g >> 4, b << 2 | b >> 4)
        if len(self._colours) == 256:
            self._error("more than 256 colours")
            return 255
        self._colours.append(colour)
        self._numbers[wire] = len(self._colours) - 1
        return len(self._colours) - 1

    def _turn(self):
        """Lay the memory's bytes as the host addresses them now."""
        old, before = self._order, self._ram
        self._order = new = self.madctl & (_MX | _MY | _MV)
        if self._untouched:
            return  # noise, whichever way it lies
        after = bytearray(len(before))
        width = self.rows if new & _MV else self.columns
        for at in range(len(after)):
            x, y = at % width, at // width
            column, row = (y, x) if new & _MV else (x, y)
            if (old ^ new) & _MX:
                column = self.columns - 1 - column
            if (old ^ new) & _MY:
                row = self.rows - 1 - row
            if old & _MV:
                after[at] = before[column * self.rows + row]
            else:
                after[at] = before[row * self.columns + column]
        self._ram = after


class ST7789(TFT):
    extended = tft_commands.ST7789


class ST7796(TFT):
    columns, rows = 320, 480
    extended = tft_commands.ST7796
    locked = tft_commands.ST7796_LOCKED


class ILI9488(TFT):
    columns, rows = 320, 480
    serial_16bit = False
    extended = tft_commands.ILI9488
