# The calendar over a power cut: machine.RTC while the processor runs, a clock chip while it does
# not. Has the face of machine.RTC, so that app.kernel.clock.use_rtc() takes it.
#
# Nothing here raises because of the chip: a terminal must sell with a broken clock, too. What
# could not be written to the chip is written again until it is.

import asyncio

from micropython import const

from . import NO_ANSWER
from .bcd import check, seconds

OK = "ok"
FAULT = "fault"
UNKNOWN = "unknown"

_TRIES = const(3)
_AGAIN_S = const(5)
# The processor's own clock drifts by seconds a day; the chip's by a minute a year.
_COMPARE_S = const(3600)


class Keeper:
    """`chip`: DS3231 or PCF8563; `rtc`: machine.RTC. `status` of the chip's time OK, FAULT (with
    `reason`) or UNKNOWN; `pending`: a time that the chip does not have yet."""

    def __init__(self, chip, rtc):
        self._chip = chip
        self._rtc = rtc
        self._left_s = _COMPARE_S  # until run() does something
        self.pending = False
        self.status = UNKNOWN
        self.reason = ""

    def load(self):
        """Take the time from the chip at start; whether it could be trusted. At most three
        transfers."""
        for _ in range(_TRIES):
            reason, t = self._read()
            if not reason:
                self._rtc.datetime(t)
                return True
            if reason != NO_ANSWER:
                break
        return False

    def _read(self):
        """(reason, time) of the chip; status says the same."""
        try:
            reason, t = self._chip.read()
        except OSError:
            reason, t = NO_ANSWER, None
        self.status, self.reason = FAULT if reason else OK, reason
        return reason, t

    def datetime(self, t=None):
        """As machine.RTC.datetime(): (year, month, day, weekday, hour, minute, second,
        microsecond). Setting takes up to 2 ms. ValueError for what is no time of 2000 to 2099."""
        if t is None:
            return self._rtc.datetime()
        if check(t):
            raise ValueError("time")
        self._rtc.datetime(t)
        self.pending = True
        self._store()
        return None

    def _store(self):
        """Write the present time to the chip."""
        try:
            reason = self._chip.write(self._rtc.datetime())
        except OSError:
            reason = NO_ANSWER
        self.status, self.reason = FAULT if reason else OK, reason
        self.pending = bool(reason)
        self._left_s = _AGAIN_S if reason else _COMPARE_S

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("rtc", self.run),)

    async def run(self):
        while True:
            await asyncio.sleep_ms(1000)
            self._left_s -= 1
            if self._left_s > 0:
                continue
            self._left_s = _COMPARE_S
            if self.pending:
                self._store()
            else:
                self._compare()

    def _compare(self):
        """Let the processor's clock follow the chip's."""
        reason, t = self._read()
        if not reason and abs(seconds(t) - seconds(self._rtc.datetime())) > 1:
            self._rtc.datetime(t)
