# TFT controllers on 4-line SPI: ST7789 (240x320), ST7796 and ILI9488 (320x480).
#
# Sources: data sheets Sitronix ST7789V and ST7796S, Ilitek ILI9488: system function command table,
# "Address control" (MADCTL), "Display data format" of the 4-line serial interface, "Reset timing",
# SLPIN and SLPOUT. All three: 5 ms after reset, sleep in or sleep out before the next command, 120
# ms between sleep in and sleep out; the memory can be written while asleep and is not cleared by
# reset. ILI9488 takes no 16-bit pixels on a serial interface, only 18-bit ones.
#
# What a glass needs beyond the controllers' defaults (gamma, voltages: its maker's values) is the
# board's to say: `extra`.

import time

from micropython import const

from .colour import PALETTE, TILE, Colour
from .light import shine

_SLEEP_IN = const(0x10)
_SLEEP_OUT = const(0x11)
_INVERT_OFF = const(0x20)
_INVERT_ON = const(0x21)
_DISPLAY_OFF = const(0x28)
_DISPLAY_ON = const(0x29)
_COLUMNS = const(0x2A)
_PAGES = const(0x2B)
_WRITE = const(0x2C)
_ADDRESS_MODE = const(0x36)
_PIXEL_FORMAT = const(0x3A)

_SWAP = const(0x20)  # MV
_MIRROR_X = const(0x40)  # MX
_MIRROR_Y = const(0x80)  # MY
_BGR = const(0x08)

# One more than the data sheets: a count of milliseconds may begin at the end of one.
_SETTLE_MS = const(6)
_SLEEP_MS = const(121)


class TFT(Colour):
    """`spi` initialised at `baudrate` bit/s (mode 0 or 3), `cs`, `dc`, `reset` output pins.

    How the glass is mounted: `swap` exchanges rows and columns (landscape), `mirror_x`, `mirror_y`
    its columns and rows, `bgr` red and blue, `invert` all colours (IPS). `offset`: where in the
    controller's memory the picture's left upper corner lies, `size` its (width, height) when the
    glass is smaller than the memory; both as mounted. `light`: machine.PWM, machine.Pin or None.
    `extra`: commands of the glass's maker, a tuple of bytes, each a command and its parameters.

    While the loop runs the bus is used by the owner task only, and between slices it is free (cs
    high): a touch controller may share it if it leaves the bus as it found it.
    """

    memory = (240, 320)  # columns and rows
    depth = 2
    pixel_format = 0x55

    def __init__(
        self, spi, cs, dc, reset, baudrate, swap=False, mirror_x=False, mirror_y=False, bgr=False,
        invert=False, offset=(0, 0), size=None, light=None, extra=(), palette=PALETTE,
    ):  # fmt: skip
        width, height = self.memory
        if swap:
            width, height = height, width
        if size is not None:
            width, height = size
        Colour.__init__(self, width, height, self.depth, baudrate, palette, light)
        self._spi = spi
        self._cs = cs
        self._dc = dc
        self._reset = reset
        self._mode = (
            (_SWAP if swap else 0)
            | (_MIRROR_X if mirror_x else 0)
            | (_MIRROR_Y if mirror_y else 0)
            | (_BGR if bgr else 0)
        )
        self._invert = invert
        self._x, self._y = offset
        self._extra = extra
        self._byte = bytearray(1)
        self._range = bytearray(4)
        self._on = self._wanted_on = True
        self._asleep = self._wanted_asleep = False
        self._dark = False  # light off for the sleep
        self._changed_at = None  # ticks of the latest sleep in or out, None: long ago

    def start(self):
        """Reset and switch on; takes about 300 ms. The glass is blank, then the light goes on."""
        self._cs(1)
        shine(self._light, 0)
        self._reset(0)
        time.sleep_us(20)
        self._reset(1)
        time.sleep_ms(_SLEEP_MS)
        self._command(_SLEEP_OUT)
        time.sleep_ms(_SLEEP_MS)
        self._command(_PIXEL_FORMAT, bytes((self.pixel_format,)))
        self._command(_ADDRESS_MODE, bytes((self._mode,)))
        self._command(_INVERT_ON if self._invert else _INVERT_OFF)
        for command in self._extra:
            self._command(command[0], command[1:])
        self._on = self._wanted_on = True
        self._asleep = self._wanted_asleep = self._dark = False
        self._changed_at = None
        self.fb.fill(0)
        self.forget()
        self.flush()
        self._command(_DISPLAY_ON)
        self.backlight(self._level)

    def power(self, on):
        """Off: the glass is blank and the memory keeps its content."""
        self._wanted_on = bool(on)
        self._wanted.set()

    def sleep(self):
        """Light off, controller asleep. It is drawn and sent as before."""
        self._wanted_asleep = True
        self._dark = True
        shine(self._light, 0)
        self._wanted.set()

    def wake(self):
        """The light comes back when the controller is awake, 120 ms later."""
        self._wanted_asleep = False
        self._wanted.set()

    def _command(self, command, parameters=b""):
        self._byte[0] = command
        self._cs(0)
        self._dc(0)
        self._spi.write(self._byte)
        if parameters:
            self._dc(1)
            self._spi.write(parameters)
        self._cs(1)
        self.bytes_sent += 1 + len(parameters)

    def poll_refresh(self):
        """Do one thing: a change of state, or a slice. Milliseconds until the next call, None when
        there is nothing left."""
        left = 0
        if self._changed_at is not None:
            since = time.ticks_diff(time.ticks_ms(), self._changed_at)
            if since < _SETTLE_MS:
                return _SETTLE_MS - since
            left = _SLEEP_MS - since
            if left <= 0:
                left = 0
                self._changed_at = None
        if self._dark and not (left or self._asleep or self._wanted_asleep):
            self._dark = False
            shine(self._light, self._level)
        if self._on != self._wanted_on:
            self._on = self._wanted_on
            self._command(_DISPLAY_ON if self._on else _DISPLAY_OFF)
        if self._asleep != self._wanted_asleep and not left:
            self._asleep = self._wanted_asleep
            self._command(_SLEEP_IN if self._asleep else _SLEEP_OUT)
            self._changed_at = time.ticks_ms()
            return _SETTLE_MS
        if self._slice():
            return 0
        return left or None

    def backlight(self, level):
        """0 (dark) to 100; while asleep, for later."""
        if self._dark:
            shine(None, level)
            self._level = level
        else:
            Colour.backlight(self, level)

    def _set_range(self, command, first, last):
        spi, dc, numbers = self._spi, self._dc, self._range
        self._byte[0] = command
        dc(0)
        spi.write(self._byte)
        numbers[0] = first >> 8
        numbers[1] = first & 0xFF
        numbers[2] = last >> 8
        numbers[3] = last & 0xFF
        dc(1)
        spi.write(numbers)

    def _send_tiles(self, row, first, n):
        # In threes at most: the compiler makes a tuple of four.
        spi, buffer, expand = self._spi, self.buffer, self._expand
        table, line, piece = self._table, self._line, self._lines[n]
        stride = self._stride
        x = first * TILE + self._x
        y = row * TILE + self._y
        self._cs(0)
        self._set_range(_COLUMNS, x, x + n * TILE - 1)
        self._set_range(_PAGES, y, y + TILE - 1)
        self._byte[0] = _WRITE
        self._dc(0)
        spi.write(self._byte)
        self._dc(1)
        at = row * TILE * stride + first * (TILE // 2)
        for _ in range(TILE):
            expand(buffer, at, n * (TILE // 2), table, line)  # type: ignore[arg-type]
            spi.write(piece)
            at += stride
        self._cs(1)
        self.bytes_sent += 11 + TILE * len(piece)


class ST7789(TFT):
    """240x320."""


class ST7796(TFT):
    """320x480."""

    memory = (320, 480)


class ILI9488(TFT):
    """320x480, three bytes a pixel."""

    memory = (320, 480)
    depth = 3
    pixel_format = 0x66
