# Keypads as they are often written. Their faults are the point.

import asyncio
import time

from app.kernel import log


class NaiveMatrix:
    """A scan every `scan_ms`: each column is driven and read at once (or after `settle_us`), what
    differs from the scan before is an event. Events go into a list of the latest 16; a key that
    is down repeats after half a second, by the clock; each key has its own tone and is logged."""

    settle_us = 0
    scan_ms = 20
    repeat_ms = 0

    def __init__(self, rows, cols, layout, clock, click=None, **options):
        self._rows = rows
        self._cols = cols
        self._layout = layout
        self._clock = clock
        self._click = click
        self._down = [False] * len(layout)
        self._since = [0] * len(layout)
        self._events = []
        self.stuck = ()
        self.lost = 0

    def tasks(self):
        return (("keypad", self.run),)

    def pin_mode(self, on):
        pass

    async def run(self):
        while True:
            self._scan()
            await asyncio.sleep_ms(self.scan_ms)

    def _scan(self):
        width = len(self._cols)
        for c in self._cols:
            c(1)
        for i, c in enumerate(self._cols):
            c(0)
            if self.settle_us:
                time.sleep_us(self.settle_us)
            for j, r in enumerate(self._rows):
                self._seen(j * width + i, not r())
            c(1)

    def _seen(self, k, down):
        now = self._clock.ticks()
        if down != self._down[k]:
            self._down[k] = down
            self._since[k] = now
            self._tell(down, k)
            if down and self._click:
                self._click(400 + 25 * k)
        elif down and self.repeat_ms and self._clock.diff(now, self._since[k]) > self.repeat_ms:
            self._since[k] = now
            self._tell(True, k)

    def _tell(self, down, k):
        log.info("key %s %d", self._layout[k], down)
        self._events.append((down, self._layout[k], self._clock.ticks()))
        if len(self._events) > 16:
            self._events.pop(0)

    async def get(self):
        while not self._events:
            await asyncio.sleep_ms(1)
        return self._events.pop(0)


class NaiveSettled(NaiveMatrix):
    """It waits for the lines, at least."""

    settle_us = 10


class NaiveFast(NaiveSettled):
    """And scans as often as ours, to be quick."""

    scan_ms = 5


class NaiveSlow(NaiveSettled):
    """Scans rarely enough to jump over any bounce."""

    scan_ms = 70


class NaiveLate(NaiveSettled):
    """Looks twenty times a second: that is often enough, is it not?"""

    scan_ms = 48


class NaiveRepeat(NaiveSettled):
    repeat_ms = 500


class NaiveController:
    """TCA8418 by the edge of its interrupt: one edge, one event."""

    def __init__(self, i2c, int_pin, rows, cols, layout, clock, **options):
        self._i2c = i2c
        self._int = int_pin
        self._cols = cols
        self._layout = layout
        self._clock = clock
        self._flag = asyncio.ThreadSafeFlag()
        self._events = []
        self.lost = 0

    def tasks(self):
        return (("keypad", self.run),)

    def _write(self, register, value):
        self._i2c.writeto_mem(0x34, register, bytes((value,)))

    async def run(self):
        for register, value in ((0x1D, 0x1F), (0x1E, 0x0F), (0x1F, 0), (0x01, 0x01)):
            self._write(register, value)
        self._int.irq(lambda pin: self._flag.set(), self._int.IRQ_FALLING)
        while True:
            await self._flag.wait()
            self._fetch()
            self._write(0x02, 0x1F)

    def _fetch(self):
        event = self._i2c.readfrom_mem(0x34, 0x04, 1)[0]
        if event:
            number = (event & 0x7F) - 1
            name = self._layout[number // 10 * self._cols + number % 10]
            self._events.append((bool(event & 0x80), name, self._clock.ticks()))
        return event

    async def get(self):
        while not self._events:
            await asyncio.sleep_ms(1)
        return self._events.pop(0)


class NaiveDrain(NaiveController):
    """It empties the FIFO, by polling, and believes all of it."""

    async def run(self):
        self._int.irq(None)
        for register, value in ((0x1D, 0x1F), (0x1E, 0x0F), (0x1F, 0), (0x01, 0x01)):
            self._write(register, value)
        while True:
            while self._fetch():
                pass
            self._write(0x02, 0x1F)
            await asyncio.sleep_ms(10)
