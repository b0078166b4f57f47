"""The rack's end of the bus protocol (models/frames.py): frames from the board act on the rack.

Sans-I/O: bytes in, bytes out. Used in virtual time (the board is the master of time) and in real
time.
"""

import struct

from models import frames
from models.rack import TIMEOUT

# A board that starts may stop for longer: controllers are reset, the port's own drivers of radio
# and Ethernet block.
START_US = 2_000_000


class BoardGone(Exception):
    """The board said something that no board says."""


class BusPort:
    """`reset_cause`: what machine.reset_cause() shall say; `epoch_s`: calendar time [s since 1970]
    at rack time 0; `clock`: callable for the real time [us], None in virtual time."""

    def __init__(self, rack, clock, reset_cause, epoch_s):
        self.rack = rack
        self._clock = clock
        # (free, used, largest free block, allocated so far) of the board's heap in bytes, after a
        # collection, once it was asked for
        self.memory = None
        self.instructions = 0  # executed until the latest wait, on a board that counts them
        # virtual time of the longest pass of the board's event loop, once it has started
        self.longest_us = 0
        self._started_us = rack.now_us
        self.longest_at_us = 0  # when it ended
        self.on_log = lambda text: None
        self._cause = reset_cause
        self._epoch_s = epoch_s
        self._in = bytearray()
        self.out = bytearray()
        self.waiting = None  # rack time [us] until which the board waits, None: it works
        self.reset_wanted = None  # cause, once the board has reset itself
        self.greeted = False

    # ---- from the board -------------------------------------------------------------------------

    def feed(self, data):
        """Take bytes from the board; complete frames are acted on."""
        self._in += data
        while len(self._in) >= 8:
            op, unit, n, t = struct.unpack_from("<BBHI", self._in)
            if len(self._in) < 8 + n:
                return
            payload = bytes(self._in[8 : 8 + n])
            del self._in[: 8 + n]
            self._catch_up(t)
            self._act(op, unit, payload)

    def _catch_up(self, t):
        """Let the rack's time reach the board's (its clock comes as the low 32 bits)."""
        if self._clock is not None:
            self.rack.advance(self._clock())
            return
        now = self.rack.now_us
        ahead = (t - now) & 0xFFFFFFFF
        if ahead < 0x80000000:
            self.rack.advance(now + ahead)

    def _act(self, op, unit, data):
        rack = self.rack
        if op == frames.WAIT:
            self.waiting, self.instructions, longest = struct.unpack("<QQI", data)
            if longest > self.longest_us and rack.now_us > self._started_us + START_US:
                self.longest_us, self.longest_at_us = longest, rack.now_us
        elif op == frames.PIN_SET:
            rack.pin_set(unit, data[0])
        elif op == frames.PIN_SAMPLE:
            levels = rack.levels()
            self._reply(b"".join(bytes(pair) for pair in sorted(levels.items())))
        elif op == frames.SPI_WRITE:
            rack.spi_write(unit, data)
        elif op == frames.UART_TX:
            rack.uart_tx(unit, data)
        elif op == frames.WDT_FEED:
            rack.wdt_feed()
        else:
            self._act_rarely(op, unit, data)

    def _act_rarely(self, op, unit, data):
        rack = self.rack
        if op == frames.HELLO:
            if data[0] != frames.PROTOCOL:
                raise BoardGone(
                    f"the board speaks protocol {data[0]}, the bench {frames.PROTOCOL}"
                )
            self.greeted = True
            welcome = struct.pack(
                "<BBQq", self._clock is None, self._cause, rack.now_us, self._epoch_s
            )
            self._frame(frames.WELCOME, 0, welcome)
        elif op == frames.PIN_CONFIG:
            rack.pin_config(unit, *data)
        elif op == frames.PIN_IRQ:
            rack.pin_irq(unit, data[0])
        elif op == frames.UART_CONFIG:
            rack.uart_config(unit, struct.unpack("<I", data)[0])
        elif op == frames.SPI_TRANSFER:
            self._reply(rack.spi_transfer(unit, data))
        elif op == frames.I2C_TRANSFER:
            address, n = struct.unpack_from("<BH", data)
            got = rack.i2c_transfer(unit, address, data[3:], n)
            if got == TIMEOUT:
                self._reply(b"\x02")
            else:
                self._reply(b"\x00" if got is None else b"\x01" + got)
        elif op == frames.I2C_SCAN:
            self._reply(bytes(rack.i2c_addresses(unit)))
        elif op == frames.ADC_READ:
            self._reply(struct.pack("<I", rack.adc_read(unit)))
        elif op == frames.PWM:
            rack.pwm(unit, *struct.unpack("<IH", data))
        elif op == frames.CELSIUS:
            self._reply(struct.pack("<b", rack.celsius))
        elif op == frames.WDT_START:
            rack.wdt_start(struct.unpack("<I", data)[0])
        elif op == frames.MEMORY:
            self.memory = struct.unpack("<IIII", data)
        elif op == frames.LOG:
            self.on_log(data.decode(errors="replace"))
        elif op == frames.RESET:
            self.reset_wanted = data[0]
        else:
            raise BoardGone(f"frame 0x{op:02x} from the board")

    # ---- to the board ---------------------------------------------------------------------------

    def _frame(self, op, unit, payload):
        self.out += struct.pack("<BBH", op, unit, len(payload)) + payload

    def _reply(self, payload):
        self.push_events()
        self._frame(frames.REPLY, 0, payload)

    def push_events(self):
        """Turn what the terminal must hear of into frames."""
        for kind, unit, value in self.rack.take_events():
            if kind == "uart":
                self._frame(frames.UART_RX, unit, value)
            else:
                self._frame(frames.IRQ, unit, bytes([value]))

    def ask_memory(self):
        """Ask the board to collect garbage and tell its heap; `memory` is set when it has
        answered."""
        self.memory = None
        self._frame(frames.ASK_MEMORY, 0, b"")

    def wake(self):
        """End the board's wait now (virtual time)."""
        self.push_events()
        self._frame(frames.WAKE, 0, struct.pack("<Q", self.rack.now_us))
        self.waiting = None

    def take_output(self):
        out = bytes(self.out)
        self.out.clear()
        return out
