# The ESP32 port's `machine` module over the simulated board: same names, arguments and refusals.
#
# What the ESP32 port lacks does not exist here. Pins, UART, SPI and I2C reach device models
# through bus.current. Numbering as on the board's chip (target.py); the REPL is on USB.

import errno
import io
import time

import bus
import target
import wires
from bus import HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET  # noqa: F401  the port has them

DEEPSLEEP_RESET = 4


def reset():
    bus.current.reset(HARD_RESET)


def soft_reset():
    bus.current.reset(SOFT_RESET)


def reset_cause():
    return bus.current.reset_cause


def unique_id():
    """6 bytes, the MAC address in eFuse; here from SHOUYIN_SERIAL (12 hex digits)."""
    return bytes.fromhex(wires.setting("SERIAL") or "7cdfa1020304")


def freq(hz=None):
    if hz is None:
        return target.MHZ[-1] * 1_000_000
    if hz % 1_000_000 or hz // 1_000_000 not in target.MHZ:
        raise ValueError("frequency must be one of %s MHz" % (target.MHZ,))


def idle():
    bus.current.spend(10)


def disable_irq():
    return 0


def enable_irq(state):
    pass


def _pin_number(pin):
    return pin._id if isinstance(pin, Pin) else pin


class _PinIRQ:
    def __init__(self, pin):
        self._pin = pin

    def __call__(self):
        self._pin._fire()

    def trigger(self, trigger=None):
        if trigger is not None:
            self._pin._trigger(trigger)
        return self._pin._irq_trigger

    def flags(self):
        return 0


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    class board:
        """Names of pins.csv, filled below."""

    class cpu:
        pass

    _pins = {}  # one object per GPIO, as in the port

    def __new__(cls, id, *args, **kwargs):
        if isinstance(id, Pin):
            id = id._id
        elif isinstance(id, str):
            pin = getattr(cls.board, id, None)
            if pin is None:
                raise ValueError("invalid pin")
            id = pin._id
        if not isinstance(id, int) or not target.has_pin(id):
            raise ValueError("invalid pin")
        self = cls._pins.get(id)
        if self is None:
            self = super().__new__(cls)
            self._id = id
            self._mode = 0
            self._pull = 0
            self._out = 0
            self._handler = None
            self._irq_trigger = 0
            cls._pins[id] = self
        return self

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self._configure(mode, pull, value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self._configure(mode, pull, value)

    def _configure(self, mode, pull, value):
        if mode == -1 and pull == -1 and value is None:
            return
        if mode not in (-1, None, self.IN, self.OUT, self.OPEN_DRAIN):
            raise ValueError("invalid pin mode")
        if value is not None:
            self._out = 1 if value else 0
        if mode not in (-1, None):
            self._mode = mode
        if pull != -1:
            self._pull = pull or 0
        bus.current.pin_config(self._id, self._mode, self._pull, self._out)

    def value(self, x=None):
        if x is None:
            if self._mode == self.OUT:
                return self._out
            return bus.current.pin_level(self._id)
        self._out = 1 if x else 0
        bus.current.pin_set(self._id, self._out)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self._out)

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, *, wake=None):
        self._handler = handler
        self._trigger(trigger if handler else 0)
        return _PinIRQ(self)

    def _trigger(self, trigger):
        self._irq_trigger = trigger
        bus.current.irq_sinks[self._id] = self._fire
        bus.current.pin_irq(self._id, trigger)

    def _fire(self):
        if self._handler:
            self._handler(self)

    def __repr__(self):
        return "Pin(%d)" % self._id


def _load_pin_names():
    for line in wires.table("pins.csv").split("\n"):
        line = line.strip()
        if line and not line.startswith("#"):
            name, gpio = line.split(",")[:2]
            setattr(Pin.board, name, Pin(int(gpio[4:])))


_load_pin_names()


class UART(io.IOBase):
    """As ports/esp32/machine_uart.c: ring buffers of rxbuf and txbuf bytes (default 256, at least
    129), read() returns None when nothing is there, bytes that arrive at a full rxbuf are lost,
    and write() BLOCKS until all bytes are in the transmit buffer: a write of more than fits there
    stops the whole loop."""

    INV_RX = 4
    INV_TX = 32
    INV_RTS = 64
    INV_CTS = 8
    RTS = 1
    CTS = 2
    IRQ_RX = 1
    IRQ_RXIDLE = 4096
    IRQ_BREAK = 2

    _FIFO = 128

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **options):
        if not 0 <= id < target.UARTS:
            raise ValueError("UART(%d) doesn't exist" % id)
        self._id = id
        self._rx = bytearray()
        self._rxbuf = 256
        self._txbuf = 256
        self._sent_us = 0  # when everything written so far will have left
        self.init(baudrate, bits, parity, stop, **options)

    def init(self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, rts=None,
             cts=None, txbuf=None, rxbuf=None, timeout=0, timeout_char=0, invert=0,
             flow=0):  # fmt: skip
        if bits not in (5, 6, 7, 8) or stop not in (1, 2):
            raise ValueError("invalid data or stop bits")
        if (rxbuf is not None and rxbuf <= self._FIFO) or (txbuf and txbuf <= self._FIFO):
            raise ValueError("UART buffer must be longer than the hardware FIFO of 128 bytes")
        if rxbuf is not None:
            self._rxbuf = rxbuf
        if txbuf is not None:
            self._txbuf = txbuf
        self._byte_us = 10_000_000 / baudrate
        bus.current.uart_config(self._id, baudrate)
        bus.current.uart_sinks[self._id] = self._arrived

    def deinit(self):
        bus.current.uart_sinks.pop(self._id, None)

    def _arrived(self, data):
        room = self._rxbuf - len(self._rx)
        if room > 0:
            self._rx += data[:room]

    def any(self):
        return len(self._rx)

    def read(self, nbytes=-1):
        if not self._rx or nbytes == 0:
            return None if nbytes else b""
        n = len(self._rx) if nbytes < 0 else min(nbytes, len(self._rx))
        out = bytes(self._rx[:n])
        self._rx = self._rx[n:]
        return out

    def readinto(self, buf, nbytes=None):
        n = min(len(self._rx), len(buf) if nbytes is None else nbytes)
        if not n:
            return None
        buf[:n] = self._rx[:n]
        self._rx = self._rx[n:]
        return n

    def readline(self):
        end = self._rx.find(b"\n")
        return self.read(end + 1 if end >= 0 else -1)

    def _waiting(self):
        """Bytes written that have not left yet."""
        left = self._sent_us - bus.current.now_us()
        return int(left / self._byte_us) if left > 0 else 0

    def write(self, buf):
        n = len(buf)
        over = self._waiting() + n - max(self._txbuf, self._FIFO)
        if over > 0:
            bus.current.spend(int(over * self._byte_us) + 1)
        now = bus.current.now_us()
        self._sent_us = max(self._sent_us, now) + n * self._byte_us
        bus.current.uart_tx(self._id, buf)
        return n

    def txdone(self):
        return self._sent_us <= bus.current.now_us()

    def flush(self):
        left = self._sent_us - bus.current.now_us()
        if left > 0:
            bus.current.spend(int(left) + 1)

    def sendbreak(self):
        self.flush()
        bus.current.spend(int(self._byte_us * 1.3))

    def ioctl(self, request, arg):
        if request == 3:  # MP_STREAM_POLL; the port says writable always
            return (arg & 1 if self._rx else 0) | arg & 4
        return -1


class SPI:
    MSB = 0
    LSB = 1

    def __init__(self, id, baudrate=500000, *, polarity=0, phase=0, bits=8, firstbit=MSB,
                 sck=None, mosi=None, miso=None):  # fmt: skip
        if not isinstance(id, int) or not 1 <= id <= target.SPIS:
            raise ValueError("SPI(%s) doesn't exist" % id)
        self._id = id
        self._baud = baudrate
        if bits != 8 or firstbit != self.MSB:
            raise NotImplementedError("the bench wires 8 bit, MSB first")

    def init(self, baudrate=None, *, polarity=None, phase=None, bits=None, firstbit=None,
             sck=None, mosi=None, miso=None):  # fmt: skip
        if baudrate:
            self._baud = baudrate

    def deinit(self):
        pass

    def _spend(self, n):
        bus.current.spend(n * 8_000_000 // self._baud)

    def write(self, buf):
        self._spend(len(buf))
        bus.current.spi_write(self._id, buf)

    def read(self, nbytes, write=0):
        self._spend(nbytes)
        return bus.current.spi_transfer(self._id, bytes([write]) * nbytes)

    def readinto(self, buf, write=0):
        buf[:] = self.read(len(buf), write)

    def write_readinto(self, write_buf, read_buf):
        if len(write_buf) != len(read_buf):
            raise ValueError("buffers must be the same length")
        self._spend(len(write_buf))
        read_buf[:] = bus.current.spi_transfer(self._id, write_buf)


class I2C:
    def __init__(self, id, *, scl=None, sda=None, freq=400000, timeout=50000):
        if not isinstance(id, int) or not 0 <= id < target.I2CS:
            raise ValueError("I2C(%s) doesn't exist" % id)
        self._id, self._freq, self._timeout_us = id, freq, timeout

    def _transfer(self, address, data, n):
        bus.current.spend((len(data) + n + 2) * 9_000_000 // self._freq)
        out = bus.current.i2c_transfer(self._id, address, data, n)
        if out is None:
            raise OSError(19)  # ENODEV: nobody acknowledged
        if out == bus.I2C_TIMEOUT:
            bus.current.spend(self._timeout_us)
            raise OSError(errno.ETIMEDOUT)  # and the whole loop stood still
        return out

    def scan(self):
        return bus.current.i2c_scan(self._id)

    def readfrom(self, addr, nbytes, stop=True):
        return self._transfer(addr, b"", nbytes)

    def readfrom_into(self, addr, buf, stop=True):
        buf[:] = self._transfer(addr, b"", len(buf))

    def writeto(self, addr, buf, stop=True):
        self._transfer(addr, buf, 0)
        return len(buf)

    def writevto(self, addr, vector, stop=True):
        return self.writeto(addr, b"".join(vector), stop)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        return self._transfer(addr, memaddr.to_bytes(addrsize // 8, "big"), nbytes)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        buf[:] = self.readfrom_mem(addr, memaddr, len(buf), addrsize=addrsize)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self._transfer(addr, memaddr.to_bytes(addrsize // 8, "big") + bytes(buf), 0)


class WDT:
    """Task watchdog: once started it cannot be stopped; a missed feed resets the processor. As in
    the port, constructing it again re-configures it."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id)
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        bus.current.wdt_start(timeout)

    def feed(self):
        bus.current.wdt_feed()


class RTC:
    _memory = b""

    def __init__(self, id=0):
        pass

    def datetime(self, t=None):
        """(year, month, day, weekday 0-6, hour, minute, second, microsecond)"""
        if t is None:
            y, mo, d, h, mi, s, wd, _ = time.localtime()
            return (y, mo, d, wd, h, mi, s, 0)
        y, mo, d, _, h, mi, s = t[:7]
        time._set_calendar(time.mktime((y, mo, d, h, mi, s, 0, 0)))

    init = datetime

    def memory(self, data=None):
        if data is None:
            return RTC._memory
        if len(data) > 2048:
            raise ValueError("buffer too long")
        RTC._memory = bytes(data)


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **options):
        if not 0 <= id < target.TIMERS:
            raise ValueError("invalid Timer number")
        self.due_us = 0
        if options:
            self.init(**options)

    def init(
        self, *, mode=PERIODIC, period=-1, callback=None, freq=None, tick_hz=1000, hard=False
    ):
        self._mode = mode
        self._period_us = int(1_000_000 / freq) if freq else period * 1_000_000 // tick_hz
        self._callback = callback
        self.deinit()
        self.due_us = bus.current.now_us() + self._period_us
        bus.current.timers.append(self)

    def fire(self, now_us):
        if self._mode == self.PERIODIC:
            self.due_us = now_us + self._period_us
        else:
            self.deinit()
        if self._callback:
            self._callback(self)

    def deinit(self):
        if self in bus.current.timers:
            bus.current.timers.remove(self)


from analog import ADC, PWM  # noqa: E402, F401
