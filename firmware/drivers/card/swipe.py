# What every stripe reader hands over, and the tray where it lies until it is taken.

import asyncio

# Reasons why a swipe cannot be used; the screen has a text for each.
GOOD = "good"
UNREADABLE = "unreadable"  # the reader says so, or a check failed
INCOMPLETE = "incomplete"  # the stripe or the message broke off
NO_TRACK2 = "no_track2"

# Details for the technician; they say nothing of the card.
MODULE = "module"  # the reader module's own error mark
PARITY = "parity"
LRC = "lrc"
CHARACTER = "character"  # outside of the track's set
LONG = "long"  # more characters than a track holds
SHORT = "short"  # broke off before its check character
NO_START = "no_start"  # no start sentinel
BLANK = "blank"  # only zeros: no stripe, or nothing written on it
NOISE = "noise"  # too few bits for a track, or more than any card holds


class Swipe:
    """`reason` GOOD: track2 is a bytearray of ASCII ('=' as separator), track3 one or None. Else
    both are None, and `detail` says what was wrong ("" where nothing was). wipe() when done."""

    def __init__(self, reason, track2=None, track3=None, detail=""):
        self.reason = reason
        self.track2 = track2
        self.track3 = track3
        self.detail = detail

    def wipe(self):
        for t in (self.track2, self.track3):
            if t is not None:
                wipe(t)


def wipe(buf):
    """Zeros all over a bytearray."""
    for i in range(len(buf)):
        buf[i] = 0


class Tray:
    """Holds one Swipe: a newer one replaces one that nobody took, which is wiped."""

    def __init__(self):
        self._swipe = None
        self._event = asyncio.Event()

    def _put(self, swipe):
        if self._swipe is not None:
            self._swipe.wipe()
        self._swipe = swipe
        self._event.set()

    def flush(self):
        """Forget a swipe that was not taken."""
        if self._swipe is not None:
            self._swipe.wipe()
            self._swipe = None
        self._event.clear()

    async def get(self):
        """The next Swipe. One reader only; the swipe is then the caller's to wipe."""
        while self._swipe is None:
            self._event.clear()
            await self._event.wait()
        swipe = self._swipe
        self._swipe = None
        return swipe
