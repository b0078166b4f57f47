# What the simulated processor's pins are wired to, and the clock it lives by.
#
# Owns the link to the rack of device models (tools/models/rack.py): in this process (LocalBus, for
# tests inside MicroPython) or in another one over a socket (RemoteBus). Time is virtual (it passes
# only while the firmware waits, so runs are repeatable and hours cost milliseconds) or real.
# Firmware never imports this module: it sees machine, esp32, network, time and board only.

import gc
import struct

import utime
import wires

from models import frames

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
SOFT_RESET = 5

I2C_TIMEOUT = -1  # answer of i2c_transfer(), as models.rack.TIMEOUT

# What one pass of the event loop is taken to cost in virtual time: a task that polls in a tight
# loop must see time pass, or it would wait for ever.
_PASS_US = 20

_FRAME_MAX = 4096
_SAMPLE_US = 100


class BoardReset(BaseException):
    """The processor was reset (LocalBus only: another process is simply killed). args: (cause,)"""


class Bus:
    """Common part: the clock and the sinks for what comes in from the devices."""

    def __init__(self):
        self.counter = None  # of instructions, on a board that can count them
        self.virtual = True
        self.reset_cause = PWRON_RESET
        self.epoch_s = (
            946_684_800  # calendar [s since 1970] at now_us() == 0: an ESP32 wakes up in 2000
        )
        self.uart_sinks = {}  # unit -> callable(bytes)
        self.irq_sinks = {}  # pin -> callable()
        self.timers = []  # objects with due_us and fire()
        self._now = 0
        self._real_start = 0
        self._dispatching = False
        self.longest_us = 0  # the longest pass of the event loop
        self._pass_us = None  # when the running pass began

    def now_us(self):
        if self.virtual:
            return self._now
        return utime.ticks_diff(utime.ticks_us(), self._real_start) + self._now

    def start_real(self, now_us):
        self.virtual = False
        self._now = now_us
        self._real_start = utime.ticks_us()

    def spend(self, us):
        """The processor is busy for `us` microseconds (time.sleep_us, a blocking write)."""
        if self.virtual:
            self._now += us
        else:
            utime.sleep_us(us)

    def pass_begins(self):
        """The event loop gives the processor to tasks."""
        self._pass_us = self._now

    def pass_ends(self):
        """All tasks that could go on have done so: nobody was kept waiting for longer than
        this."""
        if self._pass_us is not None:
            self.longest_us = max(self.longest_us, self._now - self._pass_us)

    def event(self, kind, unit, value):
        if kind == "uart":
            sink = self.uart_sinks.get(unit)
            if sink:
                sink(value)
        else:
            sink = self.irq_sinks.get(unit)
            if sink:
                sink()

    def run_timers(self):
        now = self.now_us()
        for t in list(self.timers):
            if t.due_us <= now and t in self.timers:
                t.fire(now)

    def limit(self, until_us):
        """until_us, or the due time of a timer that comes first."""
        for t in self.timers:
            if t.due_us < until_us:
                until_us = t.due_us
        return until_us

    def spin(self):
        """One pass of the event loop without waiting."""
        if self.virtual:
            self._now += _PASS_US
        self.run_timers()


class LocalBus(Bus):
    """The rack lives in this process. virtual=False lets real time pass (a REPL at the simulated
    board)."""

    def __init__(self, rack=None, virtual=True):
        super().__init__()
        if rack is None:
            from models.rack import Rack

            rack = Rack()
        self.rack = rack
        if not virtual:
            self.start_real(0)

    def _advance(self):
        self.rack.advance(self.now_us())
        if self.rack.watchdog_expired():
            raise BoardReset(WDT_RESET)

    def _deliver(self):
        for kind, unit, value in self.rack.take_events():
            self.event(kind, unit, value)

    def wait(self, until_us, streams=()):
        """Until something happens or until_us (None: for ever). Never returns before either."""
        forever = until_us is None
        until_us = self.limit(frames.FOREVER if forever else until_us)
        if self.virtual:
            if forever and self.rack.next_due() is None and until_us == frames.FOREVER:
                raise RuntimeError("deadlock: nothing will ever happen")
            self.rack.advance(self._now)
            if not self.rack.events:
                self.rack.advance(until_us, True)
            self._now = max(self._now, self.rack.now_us)
        else:
            due = self.rack.next_due()
            if due is not None and due < until_us:
                until_us = due
            ms = max(1, (until_us - self.now_us() + 999) // 1000)
            wires.wait_real(min(ms, 1000), streams)
        self._advance()
        self._deliver()
        self.run_timers()

    def pin_config(self, pin, mode, pull, level):
        self._advance()
        self.rack.pin_config(pin, mode, pull, level)

    def pin_set(self, pin, level):
        self._advance()
        self.rack.pin_set(pin, level)

    def pin_irq(self, pin, trigger):
        self.rack.pin_irq(pin, trigger)

    def pin_level(self, pin):
        self._advance()
        return self.rack.levels().get(pin, 0)

    def uart_config(self, unit, baud):
        self.rack.uart_config(unit, baud)

    def uart_tx(self, unit, data):
        self._advance()
        self.rack.uart_tx(unit, bytes(data))

    def spi_write(self, unit, data):
        self.rack.spi_write(unit, bytes(data))

    def spi_transfer(self, unit, data):
        self._advance()
        return self.rack.spi_transfer(unit, bytes(data))

    def i2c_transfer(self, unit, address, data, n):
        """bytes; None: not acknowledged; I2C_TIMEOUT: the bus is held."""
        self._advance()
        return self.rack.i2c_transfer(unit, address, bytes(data), n)

    def i2c_scan(self, unit):
        return self.rack.i2c_addresses(unit)

    def adc_read(self, pin):
        self._advance()
        return self.rack.adc_read(pin)

    def pwm(self, pin, freq, duty):
        self._advance()
        self.rack.pwm(pin, freq, duty)

    def celsius(self):
        return self.rack.celsius

    def wdt_start(self, timeout_ms):
        self._advance()
        self.rack.wdt_start(timeout_ms)

    def wdt_feed(self):
        self._advance()
        self.rack.wdt_feed()

    def reset(self, cause):
        raise BoardReset(cause)


class RemoteBus(Bus):
    """The rack lives behind a byte stream (a wires.Line); tools/models/frames.py says what is
    spoken."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        # What the bus leaves behind, the firmware must collect: little is made anew.
        self._head = bytearray(4)
        self._one = bytearray(1)
        self._sampled_us = None
        self._levels = bytearray(64)  # by pin
        self._woken = None  # payload of a WAKE that came while a REPLY was awaited
        self._replying = False
        self._late = []  # interrupts that came meanwhile
        self._send(frames.HELLO, 0, bytes([frames.PROTOCOL]))
        data = self._await(frames.WELCOME)
        virtual, self.reset_cause, now, self.epoch_s = struct.unpack("<BBQq", data)
        if virtual:
            self._now = now
        else:
            self.start_real(now)

    def _send(self, op, unit, payload=b""):
        self.line.frame(op, unit, self.now_us(), payload)

    def _recv(self, buf):
        if not self.line.recv_into(buf):
            # The bench is gone: a processor without power does nothing more.
            wires.power_off()
        return buf

    def heap(self):
        """(free, used, largest free block, allocated since the start) in bytes; 0 for what this
        interpreter does not tell."""
        return gc.mem_free(), gc.mem_alloc(), 0, 0

    def console(self, text):
        """A line for the technician, where the console itself carries the frames."""
        self._send(frames.LOG, 0, text.encode())

    def _frame(self):
        """Read one frame: events are delivered, anything else is returned as (op, payload)."""
        head = self._recv(self._head)
        op, unit, n = head[0], head[1], head[2] | head[3] << 8
        payload = bytes(self._recv(bytearray(n))) if n else b""
        if op == frames.UART_RX:
            self.event("uart", unit, payload)
        elif op == frames.IRQ:
            self._sampled_us = None  # a level has changed, and later than our clock says
            if self._replying:
                # As in a port: a handler runs when the call that is under way has ended.
                self._late.append(unit)
            else:
                self.event("irq", unit, payload[0])
        elif op == frames.ASK_MEMORY:
            gc.collect()
            self._send(frames.MEMORY, 0, struct.pack("<IIII", *self.heap()))
        else:
            return op, payload
        return None

    def _await(self, want):
        while True:
            if want == frames.WAKE and self._woken is not None:
                payload, self._woken = self._woken, None
                return payload
            got = self._frame()
            if got is not None:
                if got[0] == frames.WAKE != want:
                    # An interrupt handler asks for a level while the end of a wait is on its way.
                    self._woken = got[1]
                    continue
                if got[0] != want:
                    raise RuntimeError("bus: frame 0x%02x where 0x%02x was due" % (got[0], want))
                return got[1]

    def _reply(self):
        self._replying = True
        try:
            return self._await(frames.REPLY)
        finally:
            self._replying = False
            while self._late and not self._replying:
                self.event("irq", self._late.pop(0), 0)

    def wait(self, until_us, streams=()):
        until_us = self.limit(frames.FOREVER if until_us is None else until_us)
        if self.virtual:
            count = 0 if self.counter is None else self.counter.instructions()
            self._send(frames.WAIT, 0, struct.pack("<QQI", until_us, count, self.longest_us))
            self.longest_us = 0
            self._now = max(self._now, struct.unpack("<Q", self._await(frames.WAKE))[0])
        else:
            ms = -1
            if until_us != frames.FOREVER:
                ms = max(0, (until_us - self.now_us() + 999) // 1000)
            if not self.line.pending():
                self.line.wait_real(ms, streams)
            while self.line.pending():
                self._frame()
        self.run_timers()

    def pin_config(self, pin, mode, pull, level):
        self._sampled_us = None
        self._send(frames.PIN_CONFIG, pin, bytes([mode, pull, level]))

    def pin_set(self, pin, level):
        self._sampled_us = None
        self._one[0] = level
        self._send(frames.PIN_SET, pin, self._one)

    def pin_irq(self, pin, trigger):
        self._send(frames.PIN_IRQ, pin, bytes([trigger]))

    def pin_level(self, pin):
        # One look at all pins serves the reads of one moment (a matrix column is read row by row).
        now = self.now_us()
        if self._sampled_us is None or now - self._sampled_us > _SAMPLE_US:
            if self.counter is not None:
                self.counter.pause()
            self._send(frames.PIN_SAMPLE, 0)
            data = self._reply()
            for i in range(0, len(data), 2):
                self._levels[data[i]] = data[i + 1]
            self._sampled_us = now
            if self.counter is not None:
                self.counter.resume()
        return self._levels[pin]

    def uart_config(self, unit, baud):
        self._send(frames.UART_CONFIG, unit, struct.pack("<I", baud))

    def uart_tx(self, unit, data):
        for i in range(0, len(data), _FRAME_MAX):
            self._send(frames.UART_TX, unit, bytes(data[i : i + _FRAME_MAX]))

    def spi_write(self, unit, data):
        for i in range(0, len(data), _FRAME_MAX):
            self._send(frames.SPI_WRITE, unit, bytes(data[i : i + _FRAME_MAX]))

    def spi_transfer(self, unit, data):
        self._send(frames.SPI_TRANSFER, unit, bytes(data))
        return self._reply()

    def i2c_transfer(self, unit, address, data, n):
        self._send(frames.I2C_TRANSFER, unit, struct.pack("<BH", address, n) + bytes(data))
        reply = self._reply()
        if reply[0] == 2:
            return I2C_TIMEOUT
        return reply[1:] if reply[0] else None

    def i2c_scan(self, unit):
        self._send(frames.I2C_SCAN, unit)
        return list(self._reply())

    def adc_read(self, pin):
        self._send(frames.ADC_READ, pin)
        return struct.unpack("<I", self._reply())[0]

    def pwm(self, pin, freq, duty):
        self._send(frames.PWM, pin, struct.pack("<IH", freq, duty))

    def celsius(self):
        self._send(frames.CELSIUS, 0)
        return struct.unpack("<b", self._reply())[0]

    def wdt_start(self, timeout_ms):
        self._send(frames.WDT_START, 0, struct.pack("<I", timeout_ms))

    def wdt_feed(self):
        self._send(frames.WDT_FEED, 0)

    def reset(self, cause):
        # The bench ends this process; nothing of the firmware runs any more.
        self._send(frames.RESET, 0, bytes([cause]))
        while True:
            self._recv(self._one)


# Python here, C in a port: module -> class (None: functions of the module) -> names. The rest of
# the bus is called by these, or by the event loop, which is not counted either (loop.py).
_CHIP = (
    ("machine", "Pin", ("value", "__call__", "irq")),
    ("machine", "SPI", ("write", "readinto", "write_readinto")),
    ("machine", "UART", ("write", "read", "readinto", "any", "ioctl", "txdone")),
    ("machine", "I2C", ("readfrom", "readfrom_into", "writeto", "readfrom_mem",
                        "readfrom_mem_into", "writeto_mem")),
    ("machine", "ADC", ("read", "read_u16", "read_uv")),
    ("machine", "PWM", ("freq", "duty_u16")),
    ("machine", "WDT", ("feed",)),
    ("time", None, ("ticks_ms", "ticks_us", "ticks_add", "ticks_diff", "sleep_us", "sleep_ms",
                    "time", "localtime", "gmtime", "mktime")),
    ("vtasks", "TaskQueue", ("peek", "push", "pop", "remove")),
)  # fmt: skip


def count_instructions(counter, heap):
    """Report the work of the firmware, before it is loaded: `counter` has instructions(), pause(),
    resume() and excluded(function), a function that is not counted; heap() as RemoteBus.heap."""
    current.counter = counter
    current.heap = heap
    current.console = counter.excluded(current.console)
    for module, name, calls in _CHIP:
        owner = __import__(module)
        if name is not None:
            owner = getattr(owner, name)
        for call in calls:
            if hasattr(owner, call):
                setattr(owner, call, counter.excluded(getattr(owner, call)))


def _connect():
    line = wires.line()
    if line is not None:
        return RemoteBus(line)
    return LocalBus(virtual=wires.setting("TIME") == "virtual")


current = _connect()


def use(new):
    """Replace the bus (tests): machine and time ask `current` at every call."""
    global current
    current = new
    return new
