# A keypad on the rack and a finger for it: shared by the tests of keypads.

import asyncio
import time

import bus
from machine import I2C, Pin

from app.kernel import clock

ROWS = (1, 2, 42, 41, 40)
COLS = (4, 5, 6, 7)
NAMES = tuple("%d%d" % (r, c) for r in range(5) for c in range(4))
MAP = tuple(tuple("%d%d" % (r, c) for c in range(4)) for r in range(5))
INT, RESET = 15, 16


class Bench:
    """`events`: [(pressed, name, ticks, ticks at which it was read)], `kinds`: [(kind, name)] of
    drivers that tell the kind."""

    def __init__(self, model, driver):
        self.model = model
        self.driver = driver
        self.events = []
        self.kinds = []
        self.tasks = []

    def run(self, read=True):
        for _, task in self.driver.tasks():
            self.tasks.append(asyncio.create_task(task()))
        if read:
            self.read()

    def read(self):
        self.tasks.append(asyncio.create_task(self._read()))

    async def _read(self):
        while True:
            if hasattr(self.driver, "next"):
                kind, name, ticks = await self.driver.next()
                self.kinds.append((kind, name))
                if kind > 2:
                    continue
                pressed = kind != 0
            else:
                pressed, name, ticks = await self.driver.get()
            self.events.append((pressed, name, ticks, time.ticks_ms()))

    async def close(self):
        """Before another board is made: what the tasks leave behind must be done on this one."""
        for task in self.tasks:
            task.cancel()
        await asyncio.sleep_ms(1)

    def do(self, action, *args):
        """A method of the model, now."""
        bus.current._advance()
        getattr(self.model, action)(*args)
        bus.current.rack.poke()

    def press(self, name):
        self.do("press", name, bus.current.now_us())

    def release(self, name):
        self.do("release", name, bus.current.now_us())

    async def tap(self, name, down_ms=60, up_ms=60):
        self.press(name)
        await asyncio.sleep_ms(down_ms)
        self.release(name)
        await asyncio.sleep_ms(up_ms)

    def seen(self):
        return [event[:2] for event in self.events]

    def presses(self):
        return [event[1] for event in self.events if event[0]]


def board():
    """A new simulated board."""
    bus.use(bus.LocalBus())
    Pin._pins.clear()
    return bus.current.rack


def matrix(make=None, options=None, **model):
    """A Bench with keys on GPIO. make(rows, cols, layout, clock, **options): our driver, if not
    said otherwise."""
    from models.keymatrix import KeyMatrix

    if make is None:
        from drivers.keypad.matrix import Matrix as make
    rack = board()
    keys = KeyMatrix(ROWS, COLS, MAP, **model)
    rack.attach_gpio(keys)
    rows = [Pin(n, Pin.IN, Pin.PULL_UP) for n in ROWS]
    cols = [Pin(n, Pin.OPEN_DRAIN, value=1) for n in COLS]
    return Bench(keys, make(rows, cols, NAMES, clock, **(options or {})))


def controller(make=None, options=None, reset=False, freq=400_000, **model):
    """A Bench with keys behind a TCA8418. make(i2c, int_pin, 5, 4, layout, clock, **options)."""
    from models import tca8418

    if make is None:
        from drivers.keypad.tca8418 import TCA8418 as make
    rack = board()
    chip = tca8418.TCA8418(INT, MAP, **model)
    rack.attach_i2c(0, tca8418.ADDRESS, chip)
    rack.attach_gpio(chip)
    options = dict(options or {})
    if reset:
        rack.on_output(RESET, chip.reset)
        options["reset"] = Pin(RESET, Pin.OUT, value=1)
    i2c = I2C(0, freq=freq, timeout=2000)
    pin = Pin(INT, Pin.IN, Pin.PULL_UP)
    bench = Bench(chip, make(i2c, pin, 5, 4, NAMES, clock, **options))
    fire = pin._fire

    def hear():
        if chip.missed:
            chip.missed -= 1
        else:
            fire()

    pin._fire = hear
    return bench


class SmallClock:
    """Milliseconds for tests under heap_lock(). The simulated time is Python, with numbers that
    are no small integers on 32 bits; a port's is C."""

    def __init__(self):
        self.now = 1000

    def ticks(self):
        return self.now

    def diff(self, a, b):
        return a - b

    def add(self, a, ms):
        return a + ms

    def sleep_us(self, us):
        pass
