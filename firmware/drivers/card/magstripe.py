# Magnetic-stripe reader modules on a UART that send ASCII.
#
# One message a swipe: track 1 `%...?` LRC, track 2 `;...?` LRC, track 3 `+...?` LRC, then CR LF. A
# track that could not be read is its start sentinel, `E`, `?`, without LRC; a blank one is not
# there. The LRC (ISO/IEC 7811-2) is the XOR of the characters' values from the start to the end
# sentinel; values are ASCII - 0x30 on tracks 2 and 3 (whose start sentinel on the stripe is ';',
# value 0x0b), ASCII - 0x20 on track 1. The LRC is known by its place.
#
# Owns tracks from the wire to whoever takes the swipe. Track 1 holds a name and is dropped as soon
# as it is checked.

import asyncio

from micropython import const

from .swipe import (
    BLANK,
    CHARACTER,
    GOOD,
    INCOMPLETE,
    LONG,
    LRC,
    MODULE,
    NO_TRACK2,
    NOISE,
    SHORT,
    UNREADABLE,
    Swipe,
    Tray,
    wipe,
)

_MAX = const(256)
# What belongs to one swipe comes in one go; a pause this long ends it.
_PAUSE_MS = const(100)

# start sentinel: (track, offset of the characters, value of the sentinel on the stripe, longest
# data)
_TRACKS = {
    37: (1, 0x20, 0x05, 76),
    59: (2, 0x30, 0x0B, 37),
    43: (3, 0x30, 0x0B, 104),
}
_END = const(63)
_ERROR = const(69)


def _lrc(data, start, end, offset, sentinel):
    value = sentinel
    for i in range(start, end):
        value ^= data[i] - offset
    return (value ^ (_END - offset)) & 0x3F


def _track(data, at, end, with_lrc):
    """One track at data[at]: (number, start, stop, what is wrong or "", behind). number 0 when
    there is none, -1 when the message breaks off in it."""
    entry = _TRACKS.get(data[at])
    if entry is None:
        return 0, 0, 0, "", at + 1
    number, offset, sentinel, longest = entry
    stop = at + 1
    while stop < end and data[stop] != _END:
        stop += 1
    if stop >= end:
        return -1, 0, 0, SHORT, end
    if stop == at + 2 and data[at + 1] == _ERROR:
        return number, at + 1, stop, MODULE, stop + 1
    if stop - at - 1 > longest:
        return number, at + 1, stop, LONG, stop + 1
    behind = stop + 1
    wrong = ""
    for i in range(at + 1, stop):
        if not offset <= data[i] <= offset + 0x3F or (number != 1 and data[i] > 0x3F):
            wrong = CHARACTER
    if with_lrc:
        if behind >= end:
            return -1, 0, 0, SHORT, end
        if not wrong and data[behind] - offset != _lrc(data, at + 1, stop, offset, sentinel):
            wrong = LRC
        behind += 1
    return number, at + 1, stop, wrong, behind


def parse(data, n, with_lrc=True):
    """Swipe from the message data[:n] (bytearray), without its CR LF. Whatever comes in, this
    returns a Swipe."""
    track2 = track3 = None
    wrong2 = ""
    view = memoryview(data)  # a slice would leave a copy behind that nobody can wipe
    at = 0
    while at < n:
        number, start, stop, wrong, at = _track(data, at, n, with_lrc)
        if number < 0:
            if track2 is None:
                if track3 is not None:
                    wipe(track3)
                return Swipe(INCOMPLETE, detail=wrong)
            break
        if number == 2 and track2 is None:
            if wrong:
                wrong2 = wrong
            else:
                track2 = bytearray(view[start:stop])
        elif number == 3 and not wrong and track3 is None:
            track3 = bytearray(view[start:stop])
    if track2 is not None:
        return Swipe(GOOD, track2, track3)
    if track3 is not None:
        wipe(track3)
    if wrong2:
        return Swipe(UNREADABLE, detail=wrong2)
    return Swipe(NO_TRACK2, detail=BLANK)


class MagStripe(Tray):
    """`uart` initialised with an rxbuf of at least 256 bytes; `clock`: ticks()."""

    def __init__(self, uart, clock, with_lrc=True):
        super().__init__()
        self._uart = uart
        self._clock = clock
        self._with_lrc = with_lrc
        self._reader = asyncio.StreamReader(uart)
        self._buf = bytearray(_MAX)
        self._chunk = bytearray(64)
        self._n = 0
        self._overrun = False

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("card", self.run),)

    async def run(self):
        """Owner task: collects messages. A new swipe replaces one that nobody took."""
        # Read into a buffer of ours: what read() returns stays in the heap until it is collected.
        while True:
            if self._n:
                try:
                    n = await asyncio.wait_for_ms(self._reader.readinto(self._chunk), _PAUSE_MS)  # type: int
                except asyncio.TimeoutError:
                    self._done()  # no CR LF came: judge what is there
                    continue
            else:
                n = await self._reader.readinto(self._chunk)
            for i in range(n or 0):
                b = self._chunk[i]
                self._chunk[i] = 0
                self._byte(b)

    def _feed(self, data):
        for b in data:
            self._byte(b)

    def _byte(self, b):
        # CR LF ends a message (no LRC is below 0x20). With nothing before it: a card without any
        # track.
        if b == 13 or (b == 10 and self._n):
            self._done()
        elif b == 10:
            pass
        elif self._n < _MAX:
            self._buf[self._n] = b
            self._n += 1
        else:
            self._overrun = True

    def _done(self):
        if self._overrun:
            swipe = Swipe(INCOMPLETE, detail=NOISE)
        else:
            swipe = parse(self._buf, self._n, self._with_lrc)
        for i in range(self._n):
            self._buf[i] = 0
        self._n = 0
        self._overrun = False
        self._put(swipe)
