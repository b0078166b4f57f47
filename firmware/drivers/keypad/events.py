# What all keypads have in common: contacts that changed become events in a bounded queue.
#
# A driver finds out which contacts changed (change()) and lets time pass (poll()); everything else
# is here: long press and repeat by rule, stuck keys, the queue, PIN mode. Nothing in change() and
# poll() waits or allocates.

import asyncio

from micropython import const

# Kinds of events
RELEASED = 0
PRESSED = 1
REPEAT = 2  # the key is still down; counts as a press
LONG = 3  # the key has been down for the time of its rule; told once
STUCK = 4  # down for so long that nobody can mean it; ignored until it is let go

TONE_KEY = 0  # of every key that `tones` does not name, and of every key in PIN mode

# Bits of small integers on a 32-bit board: more would allocate.
MAX_KEYS = 30

# Between two looks a key counts as held for no longer than this: while the loop stood still it may
# have been let go.
_GAP_MS = const(50)
# PIN mode: the grid on which events come out, wider than any difference between two keys' scans.
_RASTER_MS = const(20)
_POLL_MS = const(20)
_NAMELESS = const(255)


class EventQueue:
    """`size` events, oldest first, without allocation. A press is let in only with room for its
    release: who was told of the one will be told of the other. What finds no room is counted in
    .lost. Events put while .closed stay invisible until show()."""

    def __init__(self, size):
        self._kind = bytearray(size)
        self._key = bytearray(size)
        self._ticks = [0] * size
        self._size = size
        self._at = 0
        self._n = 0
        self._owed = 0  # releases for which room is kept
        self.ready = 0  # events that take() may give
        self.closed = False
        self.lost = 0

    def put(self, kind, key, ticks):
        """Whether there was room. `key`: 0..255; `ticks` [ms]: when it happened."""
        need = 2 if kind == PRESSED else 0 if kind == RELEASED else 1
        if self._n + self._owed + need > self._size:
            self.lost += 1
            return False
        if kind == PRESSED:
            self._owed += 1
        elif kind == RELEASED:
            self._owed -= 1
        at = self._at + self._n
        if at >= self._size:
            at -= self._size
        self._kind[at] = kind
        self._key[at] = key
        self._ticks[at] = ticks
        self._n += 1
        if not self.closed:
            self.ready = self._n
        return True

    def waiting(self):
        """How many events are not to be seen yet."""
        return self._n - self.ready

    def show(self, ticks):
        """Let everything be seen, as if it had happened at `ticks`. How many presses were among
        them."""
        presses = 0
        for i in range(self.ready, self._n):
            at = (self._at + i) % self._size
            self._ticks[at] = ticks
            if self._kind[at] == PRESSED:
                presses += 1
        self.ready = self._n
        return presses

    def take(self):
        """(kind, key, ticks) of the oldest event; only while .ready. Its place is wiped."""
        at = self._at
        event = self._kind[at], self._key[at], self._ticks[at]
        self._kind[at] = self._key[at] = self._ticks[at] = 0
        self._at = (at + 1) % self._size
        self._n -= 1
        self.ready -= 1
        return event


class Keypad:
    """Base of the drivers.

    `layout`: tuple of key names, None where no key sits; a key's index is its place there.
    `clock`: ticks(), diff(a, b), add(a, ms). `rules`: {name: (long_ms, first_ms, every_ms)}: LONG
    after long_ms, REPEAT after first_ms and then every every_ms; 0: not at all. A key without a
    rule has neither, and no key has while another one is down. `stuck_ms`: down for longer is
    stuck. `click(tone)` is called at every press, `tones`: {name: tone}.

    .lost: events that found the queue full. .stuck: names of the keys that are ignored now because
    they were down at start or for too long ("?" for one that got stuck in PIN mode).
    """

    def __init__(
        self, layout, clock, rules=None, queue=16, stuck_ms=30_000, click=None, tones=None
    ):
        n = len(layout)
        if n > MAX_KEYS:
            raise ValueError("more than 30 keys")
        self._layout = layout
        self._clock = clock
        rules = rules or {}
        for name in rules:
            if name not in layout:
                raise ValueError("a rule for a key that is not there")
        self._rules = tuple([rules.get(name) for name in layout])
        self._stuck_ms = stuck_ms
        self._click = click
        tones = tones or {}
        self._tones = tuple([tones.get(name, TONE_KEY) for name in layout])
        self._queue = EventQueue(queue)
        self._event = asyncio.Event()
        self._held = [0] * n  # ms for which the key was seen down
        self._next = [0] * n  # value of _held at which it repeats
        self._down = 0  # bits of the keys that are down
        self._told = 0  # whose press is in the queue or was read
        self._ignored = 0  # that are stuck
        self._hidden = 0  # of these, those that must not be named
        self._plain = 0  # to which no rule applies any more until they are let go
        self._longed = 0  # whose LONG was told
        self._fresh = 0  # that were pressed after the latest poll()
        self._polled = clock.ticks()
        self._pin = False
        self._raster = 0  # ticks at which PIN mode began
        self._due = 0  # ticks at which what waits in PIN mode comes out
        self._name_stuck()

    def __repr__(self):
        return "<keypad, %d lost, %d stuck>" % (self.lost, len(self.stuck))

    @property
    def lost(self):
        return self._queue.lost

    @property
    def names(self):
        """Names of the keys that there are, in the order of the layout."""
        return [name for name in self._layout if name is not None]

    # ---- for the owner task ---------------------------------------------------------------------

    def change(self, i, pressed, ticks):
        """Key `i` went down or up at `ticks`."""
        if self._layout[i] is None:
            return
        bit = 1 << i
        if pressed:
            others = self._down & ~self._ignored
            if others:
                self._plain |= others | bit
            self._down |= bit
            self._fresh |= bit
            self._longed &= ~bit
            self._held[i] = 0
            rule = self._rules[i]
            self._next[i] = rule[1] if rule else 0
            if self._put(PRESSED, i, ticks):
                self._told |= bit
        elif self._down & bit:
            self._down &= ~bit
            self._plain &= ~bit
            if self._ignored & bit:
                self._ignored &= ~bit
                self._hidden &= ~bit
                self._name_stuck()
            elif self._told & bit:
                self._told &= ~bit
                self._put(RELEASED, i, ticks)
            else:
                self._queue.lost += 1  # as its press

    def poll(self, now, seen=-1):
        """Let time pass; every 20 ms while a key is down. `seen`: bits of the keys whose contact
        is closed at `now`."""
        dt = self._clock.diff(now, self._polled)
        self._polled = now
        if dt > _GAP_MS:
            dt = _GAP_MS
        down = self._down & ~self._ignored & ~self._fresh & seen
        self._fresh = 0
        i = 0
        while down:
            if down & 1:
                self._hold(i, dt, now)
            down >>= 1
            i += 1
        if self._queue.waiting() and self._clock.diff(now, self._due) >= 0:
            self._show()

    def ignore(self, bits, now):
        """These keys are down and nobody pressed them: they were so at start."""
        self._down |= bits
        i = 0
        while bits:
            if bits & 1 and self._layout[i] is not None:
                self._stick(i, now)
            bits >>= 1
            i += 1

    def release_all(self, now):
        """Nothing is known of the keys any more: what was told pressed is told released."""
        for i in range(len(self._layout)):
            if self._told >> i & 1:
                self._put(RELEASED, i, now)
        self._down = self._told = self._plain = 0
        if self._ignored:
            self._ignored = self._hidden = 0
            self._name_stuck()

    def next_ms(self, now, most):
        """How long the owner may sleep: at most `most` ms."""
        if self._queue.waiting():
            return max(0, min(most, self._clock.diff(self._due, now)))
        if self._down & ~self._ignored:
            return min(most, _POLL_MS)
        return most

    def _hold(self, i, dt, now):
        bit = 1 << i
        held = self._held[i] + dt
        self._held[i] = held
        if held >= self._stuck_ms:
            self._stick(i, now)
            return
        rule = self._rules[i]
        if rule is None or self._pin or self._plain & bit or not self._told & bit:
            return
        if rule[0] and held >= rule[0] and not self._longed & bit:
            self._longed |= bit
            self._put(LONG, i, now)
        if rule[2] and held >= self._next[i]:
            # From now on, not from when it was due: a slow reader gets no burst.
            self._next[i] = held + rule[2]
            self._put(REPEAT, i, now)

    def _stick(self, i, now):
        bit = 1 << i
        self._ignored |= bit
        if self._told & bit:
            self._told &= ~bit
            self._put(RELEASED, i, now)
        if self._pin:
            self._hidden |= bit
        self._put(STUCK, _NAMELESS if self._pin else i, now)
        self._name_stuck()

    def _name_stuck(self):
        names = []
        for i, name in enumerate(self._layout):
            if self._ignored >> i & 1:
                names.append("?" if self._hidden >> i & 1 else name)
        self.stuck = tuple(names)

    def _put(self, kind, key, ticks):
        waiting = self._queue.waiting()
        if not self._queue.put(kind, key, ticks):
            return False
        if self._pin:
            if not waiting:
                clock = self._clock
                now = clock.ticks()
                into = clock.diff(now, self._raster) % _RASTER_MS
                self._due = clock.add(now, _RASTER_MS - into)
            return True
        if kind == PRESSED and self._click is not None:
            self._click(self._tones[key])
        self._event.set()
        return True

    def _show(self):
        presses = self._queue.show(self._due)
        if self._click is not None:
            for _ in range(presses):
                self._click(TONE_KEY)
        self._event.set()

    # ---- for the application --------------------------------------------------------------------

    def pin_mode(self, on):
        """While a PIN is entered every key looks and sounds the same: events, their time stamps
        and clicks lie on a grid of 20 ms, there is one tone, no LONG and no REPEAT, and a key that
        gets stuck has no name. Keys that are down now repeat no more, either."""
        self._plain |= self._down
        if on and not self._pin:
            self._raster = self._clock.ticks()
        elif not on and self._queue.waiting():
            self._due = self._clock.ticks()
            self._show()
        self._pin = bool(on)
        self._queue.closed = self._pin

    async def next(self):
        """The next (kind, key name, ticks), of all kinds; `ticks`: when the contact was seen to
        change, however late it is read. STUCK has the name None in PIN mode. One reader only."""
        while not self._queue.ready:
            self._event.clear()
            await self._event.wait()
        kind, key, ticks = self._queue.take()
        return kind, None if key == _NAMELESS else self._layout[key], ticks

    async def get(self):
        """The next (pressed, key name, ticks): presses, repeats (True) and releases (False). One
        reader only."""
        while True:
            kind, name, ticks = await self.next()
            if kind <= REPEAT:
                return kind != RELEASED, name, ticks
