# A tamper switch: normally closed to ground, the pin pulled up. Open means: the case is open, or
# the wire was cut.
#
# An opening of 40 ms or more is noticed within 100 ms and stays noticed until reset(); what is
# shorter is bounce or noise and is counted. The interrupt handler measures how long it was open,
# so that an opening that ends before the task runs counts too; one that begins and ends while the
# processor erases flash (80 ms) may be seen as noise only. What happens without power is not seen:
# that needs a clock chip with a tamper input of its own (PCF85263A, RV-3028), which keeps the time
# of the event on its battery; DS3231 and PCF8563 have none.

import asyncio

from micropython import const

_OPEN_MS = const(40)
_LOOK_MS = const(20)
_OPEN = const(1)


class Tamper:
    """`pin`: input with pull-up; `clock`: ticks(), diff(). `tampered` is latched; `since`: ticks
    of the beginning of the opening that did it; `noise`: openings that were too short."""

    def __init__(self, pin, clock):
        self._pin = pin
        self._clock = clock
        self._event = asyncio.Event()
        self._is_open = False
        self._opened = 0  # ticks
        self._long = False  # an opening that ended was long enough
        self.tampered = False
        self.since = 0
        self.noise = 0

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("tamper", self.run),)

    async def wait(self):
        """Until the switch was opened (at once when it was). One waiter only."""
        while not self.tampered:
            self._event.clear()
            await self._event.wait()

    def reset(self):
        """Forget an opening, once the case is closed again. False while it is open."""
        if self._pin() == _OPEN:
            return False
        self._long = False
        self.tampered = False
        return True

    async def run(self):
        pin = self._pin
        pin.irq(self._edge, pin.IRQ_RISING | pin.IRQ_FALLING)
        try:
            while True:
                self._edge(pin)  # also when no edge came
                self._judge()
                await asyncio.sleep_ms(_LOOK_MS)
        finally:
            pin.irq(None)

    def _edge(self, pin):
        """Interrupt handler; allocates nothing."""
        now = self._clock.ticks()
        if pin() == _OPEN:
            if not self._is_open:
                self._is_open = True
                self._opened = now
        elif self._is_open:
            self._is_open = False
            if self._clock.diff(now, self._opened) >= _OPEN_MS:
                self._long = True
            elif not self.tampered:
                self.noise += 1

    def _judge(self):
        if self.tampered:
            return
        if self._long or (
            self._is_open and self._clock.diff(self._clock.ticks(), self._opened) >= _OPEN_MS
        ):
            self.tampered = True
            self.since = self._opened
            self._event.set()
