# A diode-less key matrix on GPIO: rows read through pull-ups, columns open drain.
#
# While no key is down all columns are driven low and a falling row wakes the scanner (an
# interrupt, and a look every 200 ms in case it was missed); while a key is down the columns are
# driven one after the other every 5 ms. Debounce: a contact counts as changed after it read the
# same in 4 scans running (15-20 ms). With three keys on the corners of a rectangle the fourth
# seems closed too: such a scan is not believed.

import asyncio
import time

from micropython import const

_SCAN_MS = const(5)
_STABLE = const(4)
_LOOK_MS = const(200)
_STUCK_LOOK_MS = const(20)
# A driven column needs time to pull the row lines down through the key (100 pF against the
# pull-up, with room).
_SETTLE_US = const(10)
_QUEUE = const(16)


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
    """n-of-n filter over scans; pure. feed() gives the bits that changed for sure."""

    def __init__(self, keys):
        self.down = 0
        self._count = bytearray(keys)
        self._moving = False  # some contact is on its way to change

    def feed(self, closed):
        """`closed`: bits of this scan. Returns the bits whose debounced state changed now (look at
        .down)."""
        changed = 0
        count = self._count
        differ = closed ^ self.down
        if not differ and not self._moving:
            return 0  # most scans: a key is held, nothing moves
        self._moving = bool(differ)
        for i in range(len(count)):
            if differ >> i & 1:
                count[i] += 1
                if count[i] >= _STABLE:
                    changed |= 1 << i
                    count[i] = 0
            elif count[i]:
                count[i] = 0
        self.down ^= changed
        return changed

    def settled(self):
        """Whether no contact is on its way to change."""
        for c in self._count:
            if c:
                return False
        return True


class Matrix:
    """`rows`: input pins with pull-ups; `cols`: open-drain output pins; `layout`: a tuple of key
    names, row by row (None where no key sits); `clock`: ticks()."""

    def __init__(self, rows, cols, layout, clock):
        if len(layout) != len(rows) * len(cols):
            raise ValueError("layout does not fit the matrix")
        self._rows = rows
        self._cols = cols
        self._layout = layout
        self._clock = clock
        self._filter = Debounce(len(layout))
        self._wake = asyncio.ThreadSafeFlag()
        self._events = [None] * _QUEUE
        self._at = 0
        self._n = 0
        self._event = asyncio.Event()
        self.lost = 0
        self.stuck = ()
        self._stuck_bits = 0
        self.ghosts = 0

    # ---- scanning -------------------------------------------------------------------------------

    def scan(self):
        """Bits of the contacts that are closed now; about 100 us."""
        closed = 0
        cols, rows = self._cols, self._rows
        width = len(cols)
        for c in cols:
            c(1)
        for i in range(width):
            cols[i](0)
            time.sleep_us(_SETTLE_US)
            for j in range(len(rows)):
                if not rows[j]():
                    closed |= 1 << (j * width + i)
            cols[i](1)
        return closed

    def _watch(self):
        """All columns low: any key pulls its row down."""
        for c in self._cols:
            c(0)
        time.sleep_us(_SETTLE_US)

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
                while True:
                    if not self._any_row_low():
                        self._stuck_bits = 0
                        await self._wait()
                    elif self._only_stuck():
                        # Its row is low all the time: interrupts say nothing, so look.
                        await asyncio.sleep_ms(_STUCK_LOOK_MS)
                    else:
                        break
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
        """Keys that are down in all of 8 scans at start: stuck, or something lies on them."""
        bits = -1
        for _ in range(8):
            bits &= self.scan()
            await asyncio.sleep_ms(_SCAN_MS)
        self._stuck_bits = bits
        names = []
        for i, name in enumerate(self._layout):
            if self._stuck_bits >> i & 1 and name is not None:
                names.append(name)
        self.stuck = tuple(names)

    def _only_stuck(self):
        """Whether the rows are low only because of keys that were down at start (those are
        ignored)."""
        if not self._stuck_bits:
            return False
        closed = self.scan()
        self._watch()
        self._stuck_bits &= closed  # one that was let go is a key again
        return closed == self._stuck_bits

    async def _follow(self):
        """Scan until no key is down any more."""
        quiet = 0
        while quiet < _STABLE:
            closed = self.scan() & ~self._stuck_bits
            if has_ghost(closed, len(self._rows), len(self._cols)):
                self.ghosts += 1
            else:
                self._changed(self._filter.feed(closed))
            quiet = (
                quiet + 1 if not closed and not self._filter.down and self._filter.settled() else 0
            )
            await asyncio.sleep_ms(_SCAN_MS)

    def _changed(self, bits):
        i = 0
        while bits:
            if bits & 1 and self._layout[i] is not None:
                self._put((bool(self._filter.down >> i & 1), self._layout[i], self._clock.ticks()))
            bits >>= 1
            i += 1

    # ---- the queue ------------------------------------------------------------------------------

    def _put(self, event):
        if self._n == _QUEUE:
            self.lost += 1
            return
        self._events[(self._at + self._n) % _QUEUE] = event
        self._n += 1
        self._event.set()

    async def get(self):
        """The next (pressed, key name, ticks). One reader only."""
        while not self._n:
            self._event.clear()
            await self._event.wait()
        event = self._events[self._at]
        self._events[self._at] = None
        self._at = (self._at + 1) % _QUEUE
        self._n -= 1
        return event
