# Status lamps (LEDs): one task gives each of them its pattern.

import asyncio

from micropython import const

# Patterns: times [ms] on, off, on, off ...; repeated. STEADY is one without an end.
OFF = ()
STEADY = (0,)
SLOW = (1000, 1000)
FAST = (200, 200)
FLASH = (50, 1950)
TWICE = (80, 120, 80, 1720)

_FOREVER = const(1 << 28)
_SLICE_MS = const(40)  # a pattern that is set meanwhile begins on time


class Lamps:
    """`pins`: {name: output pin}; `active`: level that lights; `clock`: ticks(), diff(), add()."""

    def __init__(self, pins, clock, active=1):
        self._pins = pins
        self._clock = clock
        self._active = active
        self._patterns = {}
        self._step = {}
        self._due = {}
        self._wake = asyncio.Event()
        for name in pins:
            self._patterns[name] = OFF
            self._light(name, False)

    def _light(self, name, on):
        self._pins[name](self._active if on else 1 - self._active)

    def set(self, name, pattern):
        """Give a lamp its pattern; one that it has already goes on undisturbed."""
        if self._patterns[name] == pattern:
            return
        self._patterns[name] = pattern
        self._step[name] = 0
        self._due[name] = self._clock.ticks()
        self._light(name, bool(pattern))
        if len(pattern) < 2:
            del self._due[name]
        else:
            self._due[name] = self._clock.add(self._due[name], pattern[0])
        self._wake.set()

    def pattern(self, name):
        return self._patterns[name]

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("lamps", self.run),)

    async def run(self):
        try:
            while True:
                self._wake.clear()
                left = self._turn()
                if left == _FOREVER:
                    await self._wake.wait()
                else:
                    await asyncio.sleep_ms(min(left, _SLICE_MS))
        finally:
            for name in self._pins:
                self._light(name, self._patterns[name] == STEADY)

    def _turn(self):
        """Switch what is due; ms until the next one is."""
        now = self._clock.ticks()
        least = _FOREVER
        for name, due in self._due.items():
            left = self._clock.diff(due, now)
            if left <= 0:
                pattern = self._patterns[name]
                step = (self._step[name] + 1) % len(pattern)
                self._step[name] = step
                self._light(name, not step & 1)
                left = max(1, left + pattern[step])  # a late loop does not shift the rhythm
                self._due[name] = self._clock.add(now, left)
            least = min(least, left)
        return least
