# SSD1306 (also SH1106 with column=2): 128x64 mono OLED on 4-line SPI or on I2C.
#
# Source: Solomon Systech SSD1306 rev. 1.1, table 9-1 "Command table", 8.1.5 "I2C interface", 8.9
# "Power ON and OFF sequence", application note "Charge pump regulator" and its figure "Software
# initialization flow". Page addressing mode, whose bytes are those of the ST7567.
#
# On I2C a whole picture takes 25 ms at 400 kHz: there the owner task sends it in sections. An
# OLED that does not answer is asked again every second, set up anew and painted in full.

import time

from micropython import const

from .mono import Mono, MonoSPI, _changed
from .refresh import Refresh

_WIDTH = const(128)
_DISPLAY_OFF = const(0xAE)
_DISPLAY_ON = const(0xAF)
_SEGMENTS = const(0xA0)  # | 1: column 127 is segment 0
_ROWS_UP = const(0xC0)
_ROWS_DOWN = const(0xC8)
_CONTRAST = const(0x81)
_CHARGE_PUMP = const(0x8D)
_PUMP_ON = const(0x14)
_PUMP_OFF = const(0x10)
_PAGE = const(0xB0)
_COLUMN_HIGH = const(0x10)

_SETUP = (
    const(0xAE),  # display off
    const(0xA8), const(0x3F),  # multiplex ratio: 64 rows
    const(0xD3), const(0x00),  # display offset
    const(0x40),  # start line 0
    const(0xDA), const(0x12),  # COM pins: alternative, as 64-row glass is wired
    const(0xA4),  # show the RAM
    const(0xA6),  # not inverse
    const(0xD5), const(0x80),  # clock: no divider, default frequency
    const(0xD9), const(0xF1),  # pre-charge 1, discharge 15: with the charge pump
    const(0xDB), const(0x20),  # VCOMH about 0.77 VCC
    const(0x20), const(0x02),  # page addressing mode
    const(0x2E),  # no scrolling
    const(0x8D), const(0x14),  # charge pump on
)  # fmt: skip

_DATA = const(0x40)  # control byte: data until the stop
_RETRY_MS = const(1000)
_SLICE_US = const(4000)

NO_ANSWER = "no answer"


class _Panel:
    """What both interfaces have in common, over _send(command). The last of the base classes: the
    interface's own _send() comes first."""

    _seg_reverse = True
    _com_reverse = True
    _contrast = 0x7F

    def _send(self, command):
        raise NotImplementedError

    def _set_up(self):
        """The bytes of the set-up, all commands."""
        return bytes(_SETUP) + bytes(
            (
                _SEGMENTS | (1 if self._seg_reverse else 0),
                _ROWS_DOWN if self._com_reverse else _ROWS_UP,
                _CONTRAST,
                self._contrast,
            )
        )

    def contrast(self, level):
        """0 (dim) to 100."""
        if not 0 <= level <= 100:
            raise ValueError("contrast is 0 to 100")
        self._contrast = level * 255 // 100
        self._send(_CONTRAST)
        self._send(self._contrast)

    def sleep(self):
        self._send(_DISPLAY_OFF)
        self._send(_CHARGE_PUMP)
        self._send(_PUMP_OFF)

    def wake(self):
        self._send(_CHARGE_PUMP)
        self._send(_PUMP_ON)
        self._send(_DISPLAY_ON)


def _pulse(reset):
    """Reset pulse (at least 3 us low); a module without the line resets itself at power-on."""
    if reset is not None:
        reset(0)
        time.sleep_us(10)
        reset(1)
        time.sleep_us(10)


class SSD1306(MonoSPI, _Panel):
    """`spi` initialised (mode 0, up to 10 MHz); `cs`, `dc`, `reset` output pins. `seg_reverse`
    mirrors left-right, `com_reverse` top-bottom (the usual modules want both). `column`: RAM
    column of the left edge."""

    def __init__(self, spi, cs, dc, reset, com_reverse=True, seg_reverse=True, column=0):
        MonoSPI.__init__(self, spi, cs, dc, column, None)
        self._reset = reset
        self._com_reverse = com_reverse
        self._seg_reverse = seg_reverse

    def start(self):
        """Reset and switch on. The glass is blank."""
        self._cs(1)
        _pulse(self._reset)
        for command in self._set_up():
            self._send(command)
        self.fb.fill(0)
        self._forget()
        self.show()
        self._send(_DISPLAY_ON)


class SSD1306I2C(Refresh, Mono, _Panel):
    """`i2c` initialised at `freq` Hz (100,000 to 1,000,000); `address` 0x3C or 0x3D; `reset` an
    output pin or None. `fault`: None, or NO_ANSWER while the module does not acknowledge."""

    def __init__(
        self, i2c, address=0x3C, freq=400_000, reset=None, com_reverse=True, seg_reverse=True,
        column=0,
    ):  # fmt: skip
        Refresh.__init__(self)
        Mono.__init__(self, 1, column, None)
        self._stage[0] = _DATA
        self._i2c = i2c
        self._bus_address = address
        self._reset = reset
        self._com_reverse = com_reverse
        self._seg_reverse = seg_reverse
        self._on = True
        self._asleep = False
        self._fresh = False  # set up anew: the display is off until the picture is there
        self._command = bytearray(2)
        self._place = bytearray(4)
        # A section is what goes in one slice: a page, or a part of one on a slow bus. Nine bit
        # times a byte.
        section = _WIDTH
        while section > 8 and section * 9_000_000 // freq > _SLICE_US:
            section >>= 1
        self._section = section
        self._at = 0
        self.fault = None

    def start(self):
        """Reset and switch on. The glass is blank; without an answer `fault` says so, and the
        owner task goes on trying."""
        _pulse(self._reset)
        self.fb.fill(0)
        self.fault = NO_ANSWER
        self.flush()

    def _write(self, data):
        if self.fault is not None:
            return
        try:
            self._i2c.writeto(self._bus_address, data)
        except OSError:  # not acknowledged, or the bus is stuck: the two differ by port only
            self.fault = NO_ANSWER
            self._wanted.set()
            return
        self.bytes_sent += 1 + len(data)

    def _send(self, command):
        self._command[1] = command
        self._write(self._command)

    def power(self, on):
        """Off: the glass is dark and the RAM keeps its content."""
        self._on = on
        Mono.power(self, on)

    def sleep(self):
        self._asleep = True
        _Panel.sleep(self)

    def wake(self):
        self._asleep = False
        _Panel.wake(self)

    def _recover(self):
        """Set up anew what may have lost its power."""
        self.fault = None
        self._write(b"\x00" + self._set_up())
        self._forget()
        self._at = 0
        return self.fault is None

    def begin_refresh(self):
        self._at = 0

    def poll_refresh(self):
        """Send the next section that changed; milliseconds until the next call, None at the
        end."""
        if self.fault is not None:
            self._fresh = True
            return 0 if self._recover() else _RETRY_MS
        sections = len(self.buffer) // self._section
        while self._at < sections:
            sent = self._send_section(self._at)
            if self.fault is not None:
                return _RETRY_MS
            self._at += 1
            if sent:
                return 0
        if self._fresh:
            # The picture first, then the light.
            self._fresh = False
            if self._asleep:
                _Panel.sleep(self)
            else:
                Mono.power(self, self._on)
            return 0
        return None

    def _send_section(self, i):
        """Whether there was something to send."""
        start = i * self._section
        found = int(
            _changed(self.buffer, self._shown, start, self._section, self._stage, 1)  # type: ignore[arg-type]
        )
        if found < 0:
            return False
        column = start % _WIDTH + (found >> 3) + self._column
        place = self._place
        place[1] = _PAGE | start // _WIDTH
        place[2] = _COLUMN_HIGH | column >> 4
        place[3] = column & 15
        self._write(place)
        self._write(self._pieces[found & 7])
        return True
