# The rack: everything that is soldered to the terminal's processor, as device models on wires.
#
# Owns simulated time, the levels of the pins and the list of attached devices. It is what a
# board's bus (boards/unix/bus.py: in the same process or over a socket) talks to: pins, UART, SPI
# and I2C go in, bytes and pin interrupts come out. Sans-I/O: no socket, no clock, no thread. Runs
# on CPython and on MicroPython.

from .wire import Wire

# Pin interrupt triggers, as machine.Pin.IRQ_RISING / IRQ_FALLING of the ESP32 port.
IRQ_RISING = 1
IRQ_FALLING = 2

# machine.Pin modes and pulls of the ESP32 port.
MODE_IN = 1
MODE_OUT = 3
MODE_OPEN_DRAIN = 7
PULL_DOWN = 1
PULL_UP = 2

ENODEV = 19

# Answer of i2c_transfer() while a device holds SDA low: no transfer can begin.
TIMEOUT = -1


class _Pin:
    def __init__(self):
        self.mode = 0
        self.pull = 0
        self.out = 0
        self.irq = 0  # triggers that the terminal wants to hear of
        self.last = 1  # level at the last look, for edges

    def driven(self):
        """0 or 1 when the terminal drives the pin, None when it floats."""
        if self.mode == MODE_OUT:
            return self.out
        if self.mode == MODE_OPEN_DRAIN and not self.out:
            return 0
        return None


class Rack:
    """Devices around the processor, and the time they live in.

    `now_us` is absolute simulated time [us]. `events` collects what the terminal must hear of, in
    order: ("uart", unit, bytes) and ("irq", pin, level); the bus takes them with take_events().
    """

    def __init__(self):
        self.now_us = 0
        self.events = []
        self.wires = {}
        self._spi = {}  # unit -> list of (device, cs, dc, reset) pins
        self._i2c = {}  # unit -> {address: device}
        self._gpio = []  # models with levels(driven, now_us)
        self._others = []  # anything else that lives in this time
        self._pins = {}
        self._driven_now = None  # what _driven() found, until a pin changes
        self._watched = []  # pins with an interrupt
        self._outputs = {}  # pin -> callback(level, now_us): power keys, resets, buzzers
        self._resets = {}  # reset pin -> device with reset(level)
        self._adc = {}  # pin -> source with microvolts(now_us)
        self._pwm = {}  # pin -> callback(freq, duty_u16, now_us)
        self.celsius = 35  # the processor's own temperature
        self.wdt_due_us = None
        self.wdt_timeout_us = 0

    # ---- building -------------------------------------------------------------------------------

    def attach_uart(self, unit, device, baud=115200):
        """Wire a UART peer to UART `unit` at `baud` bit/s."""
        self.wires[unit] = Wire(device, baud)

    def attach_spi(self, unit, device, cs, dc=None, reset=None):
        """Wire an SPI device: selected by low `cs`; `dc` and `reset` are pin numbers or None."""
        self._spi.setdefault(unit, []).append((device, cs, dc))
        if reset is not None:
            self._resets[reset] = device

    def attach_i2c(self, unit, address, device):
        """Wire an I2C device with write(data) -> acked bytes (fewer than sent, or False at the
        address: not acknowledged) and read(n) -> bytes. It may have begin(now_us) -> whether it
        acknowledges its address, called before each transfer, and holds_sda(now_us)."""
        self._i2c.setdefault(unit, {})[address] = device

    def attach_gpio(self, model):
        """Wire a model with drive({pin: 0/1/None}, now_us), levels(the same, now_us) -> {pin:
        level}, next_due() (a level changes by itself only then, or when poke() is called after
        something was done to the model) and advance(now_us)."""
        self._gpio.append(model)

    def attach(self, model):
        """Let something else live in the rack's time: next_due() and advance(now_us), as a
        network."""
        self._others.append(model)

    def on_output(self, pin, callback):
        """callback(level, now_us) at each change of an output pin (power key, buzzer)."""
        self._outputs[pin] = callback

    def attach_adc(self, pin, source):
        """Wire a source with microvolts(now_us) -> int to an analogue input."""
        self._adc[pin] = source

    def on_pwm(self, pin, callback):
        """callback(frequency [Hz], duty of 65535, now_us) at each change of a PWM output;
        frequency 0: it is not driven any more."""
        self._pwm[pin] = callback

    # ---- time -----------------------------------------------------------------------------------

    def next_due(self):
        """Absolute time [us] of the next thing that happens without the terminal, or None."""
        due = self.wdt_due_us
        for wire in self.wires.values():
            t = wire.next_due()
            if t is not None and (due is None or t < due):
                due = t
        for models in (self._gpio, self._others):
            for model in models:
                t = model.next_due()
                if t is not None and (due is None or t < due):
                    due = t
        return due

    def advance(self, until_us, stop_on_event=False):
        """Let time pass until `until_us`, or until the terminal has something to hear of."""
        while True:
            due = self.next_due()
            if due is None or due > until_us:
                break
            if due > self.now_us:
                self.now_us = due
            self._step()
            if self.watchdog_expired() or (stop_on_event and self.events):
                return
        if until_us > self.now_us:
            self.now_us = until_us

    def _step(self):
        now = self.now_us
        for model in self._others:
            model.advance(now)
        look = False
        for model in self._gpio:
            due = model.next_due()
            if due is not None and due <= now:
                model.advance(now)
                look = True
        for unit, wire in self.wires.items():
            data = wire.advance(now)
            if data:
                self.events.append(("uart", unit, data))
        if look:
            self._look_at_pins()

    def poke(self):
        """Call after something was done to a model from outside (a key pressed, a card swiped)."""
        self._step()
        self._look_at_pins()

    def take_events(self):
        events = self.events
        self.events = []
        return events

    # ---- pins -----------------------------------------------------------------------------------

    def _pin(self, pin):
        p = self._pins.get(pin)
        if p is None:
            p = self._pins[pin] = _Pin()
            self._driven_now = None
        return p

    def pin_config(self, pin, mode, pull, level):
        """Mode and pull as machine.Pin; level is the initial output level (ignored for inputs)."""
        p = self._pin(pin)
        p.mode = mode
        p.pull = pull
        self._driven_now = None
        self.pin_set(pin, level)

    def pin_set(self, pin, level):
        p = self._pin(pin)
        changed = p.out != level
        p.out = level
        self._driven_now = None
        if p.mode in (MODE_OUT, MODE_OPEN_DRAIN):
            if pin in self._resets:
                self._resets[pin].reset(level)
            if changed and pin in self._outputs:
                self._outputs[pin](level, self.now_us)
            for model in self._gpio:
                model.drive(self._driven(), self.now_us)
            self._look_at_pins()

    def pin_irq(self, pin, trigger):
        """Report edges of `pin`: an OR of IRQ_RISING and IRQ_FALLING, 0 for none."""
        p = self._pin(pin)
        p.irq = trigger
        p.last = self.levels().get(pin, 0)
        self._watched = [n for n, q in self._pins.items() if q.irq]

    def _driven(self):
        if self._driven_now is None:
            self._driven_now = {n: p.driven() for n, p in self._pins.items()}
        return self._driven_now

    def levels(self):
        """{pin: level} of all configured pins, as the processor reads them now."""
        driven = self._driven()
        out = {}
        for n, p in self._pins.items():
            level = driven[n]
            if level is None:
                level = 0 if p.pull == PULL_DOWN else 1 if p.pull == PULL_UP else 0
            out[n] = level
        for model in self._gpio:
            for n, level in model.levels(driven, self.now_us).items():
                if n in out and driven.get(n) is None:
                    out[n] = level
        return out

    def _look_at_pins(self):
        if not self._watched:
            return
        levels = self.levels()
        for n in self._watched:
            p = self._pins[n]
            level = levels[n]
            if level != p.last:
                p.last = level
                if p.irq & (IRQ_RISING if level else IRQ_FALLING):
                    self.events.append(("irq", n, level))

    # ---- buses ----------------------------------------------------------------------------------

    def uart_config(self, unit, baud):
        if unit in self.wires:
            self.wires[unit].configure(baud)

    def uart_tx(self, unit, data):
        if unit in self.wires:
            self.wires[unit].send(data, self.now_us)

    def _selected(self, unit):
        for device, cs, dc in self._spi.get(unit, ()):
            if not self._pin(cs).out:
                yield device, self._pin(dc).out if dc is not None else 0

    def spi_write(self, unit, data):
        for device, dc in self._selected(unit):
            device.spi_write(data, dc)

    def spi_transfer(self, unit, data):
        """Full duplex: bytes on MISO while `data` goes out; 0xff where no device answers."""
        for device, dc in self._selected(unit):
            if hasattr(device, "spi_transfer"):
                return device.spi_transfer(data, dc)
            device.spi_write(data, dc)
        return b"\xff" * len(data)

    def i2c_transfer(self, unit, address, data, n):
        """Write `data`, then read n bytes; None when something was not acknowledged, TIMEOUT while
        a device holds SDA low."""
        devices = self._i2c.get(unit, {})
        for other in devices.values():
            if hasattr(other, "holds_sda") and other.holds_sda(self.now_us):
                return TIMEOUT
        device = devices.get(address)
        if device is None:
            return None
        if hasattr(device, "begin") and not device.begin(self.now_us):
            return None
        if data:
            acked = device.write(data)
            if acked is not None and acked < len(data):
                return None
        return device.read(n) if n else b""

    def i2c_addresses(self, unit):
        return sorted(self._i2c.get(unit, ()))

    # ---- analogue -------------------------------------------------------------------------------

    def adc_read(self, pin):
        """Voltage at the pin [uV]; an input that hangs in the air reads 0 here."""
        source = self._adc.get(pin)
        return 0 if source is None else max(0, source.microvolts(self.now_us))

    def pwm(self, pin, freq, duty):
        if pin in self._pwm:
            self._pwm[pin](freq, duty, self.now_us)

    # ---- watchdog and power ---------------------------------------------------------------------

    def wdt_start(self, timeout_ms):
        self.wdt_timeout_us = timeout_ms * 1000
        self.wdt_feed()

    def wdt_feed(self):
        if self.wdt_timeout_us:
            self.wdt_due_us = self.now_us + self.wdt_timeout_us

    def watchdog_expired(self):
        return self.wdt_due_us is not None and self.now_us >= self.wdt_due_us

    def processor_reset(self):
        """The processor was reset or lost power: its outputs float, its interrupts are gone."""
        for callback in self._pwm.values():
            callback(0, 0, self.now_us)
        self._pins = {}
        self._driven_now = None
        self._watched = []
        self.events = []
        self.wdt_due_us = None
        self.wdt_timeout_us = 0
        for wire in self.wires.values():
            wire.reset()
