# A diode-less key matrix on GPIO: rows read through pull-ups, columns open drain.
#
# While no key is down all columns are driven low and a falling row wakes the scanner (an
# interrupt, and a look every 200 ms in case it was missed); while a key is down the columns are
# driven one after the other every 5 ms. Debounce: a contact has changed when 4 of the latest 5
# scans say so (15-25 ms): one bad sample, from bounce or from noise on a long cable, costs 5 ms
# and decides nothing. With three keys on the corners of a rectangle the fourth seems closed too:
# such a scan is not believed.

import asyncio
import time

from micropython import const

from .events import Keypad

_SCAN_MS = const(5)
_REST_MS = const(10)  # between scans while only ignored keys are down
_LOOK_MS = const(200)
_START_SCANS = const(8)
_SETTLE_US = const(50)  # of a line behind its pull-up


def key_down(row, col):
    """Whether the key between two pins (input with pull-up, open drain) is down, before there is a
    driver: three looks, all of which must say so."""
    col(0)
    down = True
    for _ in range(3):
        time.sleep_us(_SETTLE_US)
        down = down and not row()
    col(1)
    return down


def has_ghost(closed, n_rows, n_cols):
    """Whether the contacts in `closed` (bit row * n_cols + col) hold a rectangle's corners: one of
    the four may be no key at all."""
    full = (1 << n_cols) - 1
    for a in range(n_rows - 1):
        row_a = closed >> (a * n_cols) & full
        if row_a & (row_a - 1) == 0:
            continue  # fewer than two keys in this row
        for b in range(a + 1, n_rows):
            both = row_a & (closed >> (b * n_cols))
            if both & (both - 1):
                return True
    return False


class Debounce:
    """n-of-m filter over scans, for all contacts at once; pure, and allocates nothing: a contact
    changes when `agree` of its latest `window` samples differ from what it was. .down: what it is;
    .since: ticks of the first sample that differed, by contact; .moving: contacts with such a
    sample in the window."""

    def __init__(self, keys, window=5, agree=4):
        if not 1 <= agree <= window <= 7:
            raise ValueError("n of m")
        self.down = 0
        self.since = [0] * keys
        self.moving = 0
        self._history = [0] * window
        self._at = 0
        # Each contact has a counter of three bits, one in each of three integers. It starts at
        # 8 - agree, so that the one that makes it `agree` carries out of the top.
        full = (1 << keys) - 1
        self._start0 = full if (8 - agree) & 1 else 0
        self._start1 = full if (8 - agree) & 2 else 0
        self._start2 = full if (8 - agree) & 4 else 0

    def feed(self, closed, now=0):
        """`closed`: bits of the scan that was made at `now`. Returns the bits that changed for
        sure (look at .down)."""
        history = self._history
        down = self.down
        history[self._at] = closed
        self._at += 1
        if self._at == len(history):
            self._at = 0
        if closed == down and not self.moving:
            return 0  # most scans: a key is held, nothing moves
        c0, c1, c2 = self._start0, self._start1, self._start2
        differs = changed = 0
        for sample in history:
            d = sample ^ down
            differs |= d
            carry = c0 & d
            c0 ^= d
            d = c1 & carry
            c1 ^= carry
            changed |= c2 & d
            c2 ^= d
        self._begin(differs & ~self.moving, now)
        if changed:
            self.down = down = down ^ changed
            # What was before the change says nothing about the next one.
            for i in range(len(history)):
                history[i] = history[i] & ~changed | down & changed
        self.moving = differs & ~changed
        return changed

    def _begin(self, bits, now):
        i = 0
        while bits:
            if bits & 1:
                self.since[i] = now
            bits >>= 1
            i += 1


class Matrix(Keypad):
    """`rows`: input pins with pull-ups; `cols`: open-drain output pins; `layout`: a tuple of at
    most 30 key names, row by row (None where no key sits). `settle_us`: a driven column needs time
    to pull the row lines through the key, and these to rise again against the pull-up: three times
    pull-up times capacitance (45 kOhm and 100 pF: 10 us with the input's threshold; a metre of
    cable: 30 us or more, circuitpython#7621). `window`, `agree`: see Debounce. `options`: see
    Keypad. .ghosts: scans that were not believed."""

    def __init__(self, rows, cols, layout, clock, settle_us=10, window=5, agree=4, **options):
        if len(layout) != len(rows) * len(cols):
            raise ValueError("layout does not fit the matrix")
        Keypad.__init__(self, layout, clock, **options)
        self._rows = rows
        self._cols = cols
        self._settle_us = settle_us
        self._filter = Debounce(len(layout), window, agree)
        self._wake = asyncio.ThreadSafeFlag()
        self.ghosts = 0

    # ---- scanning, without waiting --------------------------------------------------------------

    def scan(self):
        """Bits of the contacts that are closed now; about 100 us."""
        closed = 0
        cols, rows = self._cols, self._rows
        width = len(cols)
        for c in cols:
            c(1)
        for i in range(width):
            cols[i](0)
            time.sleep_us(self._settle_us)
            for j in range(len(rows)):
                if not rows[j]():
                    closed |= 1 << (j * width + i)
            cols[i](1)
        return closed

    def step(self, closed, now):
        """What the scan of `now` means: ghosts, debounce, events. Allocates nothing but the names
        of a key that gets stuck."""
        if has_ghost(closed, len(self._rows), len(self._cols)):
            self.ghosts += 1
            self.poll(now, 0)
            return
        self.poll(now, closed)
        changed = self._filter.feed(closed, now)
        i = 0
        while changed:
            if changed & 1:
                down = bool(self._filter.down >> i & 1)
                self.change(i, down, self._filter.since[i])
            changed >>= 1
            i += 1

    def _watch(self):
        """All columns low: any key pulls its row down."""
        for c in self._cols:
            c(0)
        time.sleep_us(self._settle_us)

    def _any_row_low(self):
        for r in self._rows:
            if not r():
                return True
        return False

    # ---- the owner task -------------------------------------------------------------------------

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("keypad", self.run),)

    async def run(self):
        await self._find_stuck()
        for r in self._rows:
            r.irq(self._woken, r.IRQ_FALLING)
        try:
            while True:
                self._watch()
                while not self._any_row_low():
                    await self._wait()
                await self._follow()
        finally:
            for r in self._rows:
                r.irq(None)

    def _woken(self, pin):
        self._wake.set()

    async def _wait(self):
        try:
            await asyncio.wait_for_ms(self._wake.wait(), _LOOK_MS)
        except asyncio.TimeoutError:
            pass

    async def _find_stuck(self):
        """Keys that are down at start are stuck, or something lies on them. Here a ghost counts:
        which of the four is none cannot be told, and none of them was pressed."""
        self.release_all(self._clock.ticks())
        for _ in range(_START_SCANS):
            now = self._clock.ticks()
            self._filter.feed(self.scan(), now)
            await asyncio.sleep_ms(_SCAN_MS)
        self.ignore(self._filter.down, self._clock.ticks())

    async def _follow(self):
        """Scan until no key is down any more."""
        f = self._filter
        while True:
            now = self._clock.ticks()
            closed = self.scan()
            self.step(closed, now)
            still = closed == f.down and not f.moving and not self._queue.waiting()
            if still and not f.down:
                return
            rest = still and f.down == self._ignored
            await asyncio.sleep_ms(self.next_ms(now, _REST_MS if rest else _SCAN_MS))
