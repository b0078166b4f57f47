# Magnetic-stripe readers with decoded clock and data outputs (F2F decoder chip, TTL level).
#
# Lines, all active low and high at rest: CARD PRESENT falls after some 14 flux reversals and rises
# 150 ms after the last one; for each track a STROBE that falls once a bit and DATA that is low for
# a one and valid while STROBE is low, 25 to 50 % of the bit's time, or a fixed 32-40 us on some
# decoders (MagTek 99875148 "I/O Interface for TTL Magnetic Stripe Readers", section 2, figure 2-3;
# ID TECH, "Magnetic output signal descriptions"). Either way the card goes, the bits come in the
# order in which they pass the head.
#
# Tracks (ISO/IEC 7811-2 and -6): zeros, start sentinel, data, end sentinel, LRC, zeros. Track 1
# has 210 bits an inch and characters of 6 bits, tracks 2 and 3 75 and 210 bits an inch and
# characters of 4 bits; least significant bit first, then odd parity. The LRC makes the number of
# ones even in each column of all characters, itself and both sentinels included, without the
# parity bits.
#
# WHAT THIS NEEDS. Track 2 at 40 inches a second is 3,000 interrupts a second, tracks 1 and 3
# 8,400 each. MicroPython runs the handler of a pin between two byte codes, not in the interrupt:
# on the ESP32 it is queued, at most 8 deep, and must run before STROBE rises, 80 us after its
# edge in the fastest swipe. While something else holds the interpreter for longer (garbage
# collection, an erase of flash, a viper function) bits are lost or read wrongly: parity and LRC
# then see it, and the swipe is UNREADABLE. So: no printing and no erase while a card is awaited,
# only track 2 wired where that is enough, and a decoder with pulses of 25-50 %. Where that does
# not hold, take a reader module with a UART (magstripe.py).

import asyncio

import micropython
from micropython import const

from .swipe import (
    BLANK,
    CHARACTER,
    GOOD,
    INCOMPLETE,
    LONG,
    LRC,
    NO_START,
    NO_TRACK2,
    NOISE,
    PARITY,
    SHORT,
    UNREADABLE,
    Swipe,
    Tray,
    wipe,
)

# track: (bits of a character without parity, ASCII of value 0, start sentinel, end sentinel,
# longest data, bytes of bits that a whole card fills, with room for a slow start)
_TRACKS = {
    1: (6, 0x20, 0x05, 0x1F, 76, 112),
    2: (4, 0x30, 0x0B, 0x0F, 37, 48),
    3: (4, 0x30, 0x0B, 0x0F, 104, 112),
}
_LEADING = const(5)  # zeros before a start sentinel
_ONES = const(8)  # places behind zeros that are looked at in each direction: bounds the work
_FEWEST = const(40)  # bits of the shortest stripe
_LOOK_MS = const(50)
# No bit for that long ends a swipe when CARD PRESENT does not: 10 bits at the slowest hand.
_PAUSE_MS = const(300)

_OK = const(0)
# How far a try came, in what it failed: the worse, the less it tells.
_FAILED = (GOOD, LRC, LONG, CHARACTER, PARITY, SHORT, NO_START)
_F_LRC = const(1)
_F_LONG = const(2)
_F_CHARACTER = const(3)
_F_PARITY = const(4)
_F_SHORT = const(5)
_F_START = const(6)
_EQUALS = const(13)  # the only value above 9 that tracks 2 and 3 may hold between the sentinels


@micropython.viper
def _find(bits: ptr8, at: int, step: int, n: int, zeros: int) -> int:
    # The first one from `at` on that stands behind 5 zeros (`zeros` of them are behind `at`
    # already), in the direction of `step`; -1: there is none.
    while at >= 0 and at < n:
        if (int(bits[at >> 3]) >> (7 - (at & 7))) & 1:
            if zeros >= 5:
                return at
            zeros = 0
        else:
            zeros += 1
        at += step
    return -1


@micropython.viper
def _char(bits: ptr8, at: int, step: int, n: int, width: int) -> int:
    # The character of `width` bits and its parity bit from bit `at` on; step -1: backwards. -1:
    # the bits end; -2: even parity.
    last = at + step * width
    if last < 0 or last >= n:
        return -1
    value = 0
    ones = 0
    for i in range(width + 1):
        k = at + step * i
        if (int(bits[k >> 3]) >> (7 - (k & 7))) & 1:
            ones += 1
            if i < width:
                value |= 1 << i
    return value if ones & 1 else -2


def _try(bits, at, step, n, entry, out):
    """(how it failed or _OK, characters of data) of the track whose start sentinel is at `at`. The
    data lie in `out` as ASCII."""
    width, offset, start, end, longest, _ = entry
    check = start
    at += step * (width + 1)
    count = 0
    while True:
        value = _char(bits, at, step, n, width)
        if value < 0:
            return _F_SHORT if value == -1 else _F_PARITY, count
        at += step * (width + 1)
        check ^= value
        if value == end:
            break
        if count == longest:
            return _F_LONG, count
        if width == 4 and value > 9 and value != _EQUALS:
            return _F_CHARACTER, count
        out[count] = offset + value
        count += 1
    value = _char(bits, at, step, n, width)
    if value < 0:
        return _F_SHORT if value == -1 else _F_PARITY, count
    if value != check:
        return _F_LRC, count
    # Zeros follow. Where a bit was lost among zeros all characters behind it may slip and still
    # have good parity; the rest of the true LRC then stands here.
    at += step * (width + 1)
    behind = _find(bits, at, step, n, _LEADING)
    if behind >= 0 and abs(behind - at) <= width:
        return _F_LRC, count
    return (_OK, count) if count else (_F_SHORT, 0)


def _starts(bits, n, step, entry):
    """Yield the places of start sentinels behind zeros, in the direction of `step`."""
    at = 0 if step > 0 else n - 1
    zeros = _LEADING  # the reader has swallowed the first ones
    for _ in range(_ONES):
        at = _find(bits, at, step, n, zeros)
        if at < 0:
            return
        if _char(bits, at, step, n, entry[0]) == entry[2]:
            yield at
        zeros = 0
        at += step


def decode(number, bits, n):
    """(GOOD, bytearray of ASCII between the sentinels) or (detail, None) from bits[:n] (MSB of the
    first byte came first) of track `number`, in whichever direction the card went."""
    entry = _TRACKS[number]
    if _find(bits, 0, 1, n, _LEADING) < 0:
        return BLANK, None
    out = bytearray(entry[4])
    worst, furthest = _F_START, -1
    try:
        for step in (1, -1):
            for at in _starts(bits, n, step, entry):
                failed, count = _try(bits, at, step, n, entry, out)
                if failed == _OK:
                    return GOOD, bytearray(memoryview(out)[:count])
                if count > furthest:
                    worst, furthest = failed, count
    finally:
        wipe(out)
    if worst == _F_START and n < _FEWEST:
        return NOISE, None
    return _FAILED[worst], None


def judge(results):
    """Swipe of {track: (detail, data)}; data that it does not hold are wiped."""
    detail2, track2 = results[2]
    _, track3 = results.get(3, (BLANK, None))
    if 1 in results and results[1][1] is not None:
        wipe(results[1][1])
    if detail2 == GOOD:
        return Swipe(GOOD, track2, track3)
    if track3 is not None:
        wipe(track3)
    if detail2 == BLANK:
        return Swipe(NO_TRACK2, detail=BLANK)
    return Swipe(INCOMPLETE if detail2 == SHORT else UNREADABLE, detail=detail2)


class Line:
    """Collects the bits of one track. `strobe` and `data`: input pins."""

    def __init__(self, number, strobe, data):
        self.number = number
        self.n = 0
        self.bits = bytearray(_TRACKS[number][5])
        self._room = len(self.bits) * 8
        self._strobe = strobe
        self._data = data
        self.on_strobe = self._sample  # a bound method is made anew at every look-up

    def listen(self, on):
        if on:
            self._strobe.irq(self.on_strobe, self._strobe.IRQ_FALLING)
        else:
            self._strobe.irq(None)

    def _sample(self, _pin):
        # Runs once a bit: allocates nothing.
        n = self.n
        if n < self._room:
            if not self._data():
                self.bits[n >> 3] |= 0x80 >> (n & 7)
            self.n = n + 1

    def clear(self):
        wipe(self.bits)
        self.n = 0


class TtlStripe(Tray):
    """`present`: input pin of CARD PRESENT; `lines`: tuple of (track, strobe pin, data pin), of
    which track 2 must be one; pins are inputs, with pull-ups where the reader's outputs are open
    collector. `clock`: ticks(), diff(). `.noise` counts bits that came without a card."""

    def __init__(self, present, lines, clock):
        super().__init__()
        self._present = present
        self._lines = tuple([Line(*line) for line in lines])
        if 2 not in [line.number for line in self._lines]:
            raise ValueError("track 2 must be wired")
        self._clock = clock
        self._moved = asyncio.ThreadSafeFlag()
        self._seen = False
        self.on_present = self._edge
        self.noise = 0

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("card", self.run),)

    def _edge(self, _pin):
        # Allocates nothing, as _sample.
        self._moved.set()

    def _bits(self):
        total = 0
        for line in self._lines:
            total += line.n
        return total

    async def run(self):
        """Owner task: waits for cards and decodes what they leave behind."""
        for line in self._lines:
            line.clear()
            line.listen(True)
        self._present.irq(self.on_present, self._present.IRQ_FALLING | self._present.IRQ_RISING)
        try:
            while True:
                await self._collect()
                await self._decode()
        finally:
            self._present.irq(None)
            for line in self._lines:
                line.listen(False)
                line.clear()

    async def _collect(self):
        """Until a card has passed. An edge of CARD PRESENT may be missed: its level is looked at,
        too, and a line that stays low does not hold the swipe back."""
        ticks, diff = self._clock.ticks, self._clock.diff
        self._seen = False
        last = self._bits()
        quiet = ticks()
        while True:
            try:
                await asyncio.wait_for_ms(self._moved.wait(), _LOOK_MS)
            except asyncio.TimeoutError:
                pass
            n = self._bits()
            if n != last:
                last = n
                quiet = ticks()
            low = not self._present()
            if low:
                self._seen = True
            elif self._seen:
                return
            if n and diff(ticks(), quiet) >= _PAUSE_MS:
                if self._seen:
                    return
                self.noise += n  # strobes without a card: nobody swiped anything
                for line in self._lines:
                    line.clear()
                last = 0

    async def _decode(self):
        results = {}
        for line in self._lines:
            results[line.number] = decode(line.number, line.bits, line.n)
            line.clear()
            await asyncio.sleep_ms(0)
        self._put(judge(results))
