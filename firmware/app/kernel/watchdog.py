# One feeder for the hardware watchdog. It feeds only while every registered heartbeat is fresh and
# the event loop is not late: a terminal that shows a picture but does nothing resets itself.

import asyncio

from . import clock, log

_PERIOD_MS = 500


class Heartbeat:
    """One task's sign of life: beat() at least every `max_ms` milliseconds."""

    def __init__(self, name, max_ms):
        self.name = name
        self.max_ms = max_ms
        self.last = clock.ticks()

    def beat(self):
        self.last = clock.ticks()

    def late(self, now):
        return clock.diff(now, self.last) > self.max_ms


class Watchdog:
    """`wdt` has feed(), as machine.WDT; lag_ms is how late a 500 ms sleep may end."""

    def __init__(self, wdt, lag_ms=2000):
        self._wdt = wdt
        self._lag_ms = lag_ms
        self._hearts = []
        self.max_lag_ms = 0

    def heartbeat(self, name, max_ms):
        h = Heartbeat(name, max_ms)
        self._hearts.append(h)
        return h

    def check(self, lag_ms):
        """The name of what is wrong, or None."""
        if lag_ms > self._lag_ms:
            return "loop"
        now = clock.ticks()
        for h in self._hearts:
            if h.late(now):
                return h.name
        return None

    async def run(self):
        while True:
            start = clock.ticks()
            await asyncio.sleep_ms(_PERIOD_MS)
            lag = clock.diff(clock.ticks(), start) - _PERIOD_MS
            clock.uptime_s()
            if lag > self.max_lag_ms:
                self.max_lag_ms = lag
            wrong = self.check(lag)
            if wrong is None:
                self._wdt.feed()
            else:
                log.error("watchdog not fed: %s", wrong)
