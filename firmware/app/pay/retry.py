# When to try again: twice as long after each failure, from 2 s to 300 s, and a little different in
# every terminal, so that a fleet does not come back in step.

from micropython import const

FIRST_MS = const(2000)
MOST_MS = const(300_000)
PROBE_MS = const(120_000)  # the host cannot be reached: look again after this at the latest
_JITTER = const(20)  # per cent, either way


class Retry:
    """`seed`: a number that differs from terminal to terminal."""

    def __init__(self, seed):
        self._x = (seed * 69069 + 1) & 0x3FFFFFFF  # small on a 32-bit processor too
        self._pause = FIRST_MS

    def reset(self):
        """The link is up again, or something went through."""
        self._pause = FIRST_MS

    def next(self, most=MOST_MS):
        """Milliseconds until the next try; the one after that will be twice as far."""
        pause = min(self._pause, most)
        self._pause = min(self._pause * 2, MOST_MS)
        self._x = (self._x * 1103 + 12345) & 0x7FFFF
        per_cent = 100 - _JITTER + self._x % (2 * _JITTER + 1)
        return pause * per_cent // 100
