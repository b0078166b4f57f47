"""Diode-less key matrix: rows read through pull-ups, columns driven low one at a time or all.

Owns: contacts (with bounce), the network they form, the settling of the row lines.
Must not: know key meanings or debounce anything: that is the firmware's work.

Electrical model. Every row and every column line is a node; every closed contact joins two nodes.
A row reads 0 when its node is joined, over any chain of closed contacts, to a line that is driven
low; otherwise the pull-up wins and it reads 1. So three keys on the corners of a rectangle close
the fourth by themselves, as on the real board. A net driven high and low at the same time (two
columns driven push-pull, two keys of one row) is counted in `.contention` and reads 0.

Settling. After the driven levels change, the rows keep their former levels for settle_us: the
line's capacitance against the pull-up (circuitpython#7621 scanned without waiting and saw ghosts).
The model sees a change when it is told: call drive() or levels() with the moment's time whenever
the firmware writes a column; levels() itself also counts as such a moment if `driven` is new.

Bounce. A press or a release chatters for a seeded random time within bounce_us = (shortest,
longest), (500, 8000) by default, (0, 0) for ideal contacts; the last edge leaves the contact as it
is meant to be.

Faults come by a schedule [(at_us, kind, ...)], see schedule(); faults() makes one from a seed.
Noise is a row of pulses in time, not a chance at each look: it is the same however often the
firmware looks. A pulse turns one row line round, open or driven.
"""

from models import XorShift


def faults(seed, keys, span_us):
    """-> a schedule for KeyMatrix.schedule(): some noise, a line that settles slowly for a while,
    a key that sticks for a while, within span_us."""
    rng = XorShift(seed)
    out = []
    for kind in ("noise", "settle", "stick"):
        start = rng.below(span_us // 2)
        end = start + span_us // 8 + rng.below(span_us // 4)
        if kind == "noise":
            out.append((start, "noise", 2000 + rng.below(8000), 10 + rng.below(60)))
            out.append((end, "quiet"))
        elif kind == "settle":
            out.append((start, "settle", 6 + rng.below(20)))
            out.append((end, "settle", 5))
        else:
            key = keys[rng.below(len(keys))]
            out.append((start, "stick", key))
            out.append((end, "unstick", key))
    return sorted(out, key=lambda fault: fault[0])


class _Key:
    def __init__(self, row, col):
        self.row = row
        self.col = col
        self.closed = False
        self.held = False  # the finger
        self.stuck = None  # None, or the state the contact is stuck in
        self.edges = []  # future times at which the contact toggles, ascending


class KeyMatrix:
    """rows, cols: tuples of pin numbers. keymap[row][col]: key name or None where no key sits."""

    def __init__(self, rows, cols, keymap, bounce_us=(500, 8000), settle_us=5, seed=1):
        self.rows = tuple(rows)
        self.cols = tuple(cols)
        if len(keymap) != len(self.rows) or any(len(r) != len(self.cols) for r in keymap):
            raise ValueError("keymap does not fit the matrix")
        self.bounce_us = bounce_us
        self.settle_us = settle_us
        self.contention = 0
        self._rng = XorShift(seed)
        self._keys = {}
        for r, names in enumerate(keymap):
            for c, name in enumerate(names):
                if name is not None:
                    self._keys[name] = _Key(self.rows[r], self.cols[c])
        self._driven = {}
        self._drive_us = 0  # when the driven levels last changed
        self._settling = False  # and whether the rows have not followed yet
        self._before = {}  # row levels that were there before that change
        self._seen = None  # the dict that drive() saw last
        self._joined = None  # what _network() found, until a contact or a driven level changes
        self._bouncing = []  # keys with edges to come
        self._faults = []  # (at_us, kind, ...), ascending
        self._noise = None  # (mean gap, mean length) of pulses [us]
        self._pulse = None  # (from_us, to_us, row pin) of the present or next one
        self._pulsing = False

    # --- fingers --------------------------------------------------------------------------------

    def press(self, key, now_us):
        self._move(self._keys[key], True, now_us)

    def release(self, key, now_us):
        self._move(self._keys[key], False, now_us)

    def stick(self, key, closed=True):
        """The contact stays closed (or open) whatever the finger does."""
        self._keys[key].stuck = closed
        self._joined = None

    def unstick(self, key):
        self._keys[key].stuck = None
        self._joined = None

    # --- faults ---------------------------------------------------------------------------------

    def schedule(self, faults):
        """Let these happen: (at_us, "noise", mean gap, mean length of a pulse [us]), (at_us,
        "quiet"), (at_us, "settle", us), (at_us, "stick", key), (at_us, "open", key): stuck open,
        (at_us, "unstick", key)."""
        self._faults = sorted(self._faults + list(faults), key=lambda fault: fault[0])

    def _strike(self, at_us, kind, *what):
        if kind == "noise":
            self._noise = what
            self._next_pulse(at_us)
        elif kind == "quiet":
            self._noise = self._pulse = None
            self._pulsing = False
        elif kind == "settle":
            self.settle_us = what[0]
        elif kind == "unstick":
            self.unstick(what[0])
        elif kind in ("stick", "open"):
            self.stick(what[0], kind == "stick")
        else:
            raise ValueError(kind)

    def _next_pulse(self, after_us):
        gap, length = self._noise
        start = after_us + 1 + self._rng.below(2 * gap)
        row = self.rows[self._rng.below(len(self.rows))]
        self._pulse = (start, start + 1 + self._rng.below(2 * length), row)
        self._pulsing = False

    def _move(self, key, closed, now_us):
        self.advance(now_us)
        if key.held == closed:
            return
        key.held = closed
        # A movement during bounce: what was still to come does not happen any more.
        key.edges = []
        if key.closed == closed:
            # Mid-bounce the contact happens to be as wanted: chatter starts by leaving it.
            first = []
        else:
            first = [now_us]
        shortest, longest = self.bounce_us
        if longest:
            span = shortest + self._rng.below(longest - shortest + 1)
            pairs = 1 + self._rng.below(4)
            # An even number of toggles after the first contact, the last one at the end.
            inside = []
            for _ in range(2 * pairs - 1):
                inside.append(now_us + 1 + self._rng.below(max(1, span - 2)))
            inside.sort()
            inside.append(now_us + span)
            key.edges = first + inside
        else:
            key.edges = first
        if key.edges and key not in self._bouncing:
            self._bouncing.append(key)
        self.advance(now_us)

    # --- time -----------------------------------------------------------------------------------

    def next_due(self):
        """-> absolute us of the next bounce edge, end of settling, fault or edge of noise, or
        None."""
        due = self._drive_us + self.settle_us if self._settling else None
        if self._faults and (due is None or self._faults[0][0] < due):
            due = self._faults[0][0]
        if self._pulse:
            edge = self._pulse[1 if self._pulsing else 0]
            if due is None or edge < due:
                due = edge
        for key in self._bouncing:
            if key.edges and (due is None or key.edges[0] < due):
                due = key.edges[0]
        return due

    def advance(self, now_us):
        while self._faults and self._faults[0][0] <= now_us:
            self._strike(*self._faults.pop(0))
        while self._pulse and self._pulse[1] <= now_us:
            self._next_pulse(self._pulse[1])
        if self._pulse:
            self._pulsing = self._pulse[0] <= now_us
        if self._settling and now_us - self._drive_us >= self.settle_us:
            self._settling = False
        for key in self._bouncing[:] if self._bouncing else ():
            edges = key.edges
            while edges and edges[0] <= now_us:
                key.closed = not key.closed
                edges.pop(0)
                self._joined = None
            if not edges:
                self._bouncing.remove(key)

    # --- wires ----------------------------------------------------------------------------------

    def drive(self, driven, now_us):
        """The firmware changes its outputs now. driven: {pin: 0 | 1 | None}, None = high-Z; a dict
        that changes no more."""
        self.advance(now_us)
        if driven is self._seen:
            return
        self._seen = driven
        clean = {}
        for pin in self.rows + self.cols:
            level = driven.get(pin)
            if level is not None:
                clean[pin] = level
        if clean == self._driven:
            return
        if not self._settling:
            self._before = self._network(self._driven)
        self._joined = None
        self._driven = clean
        self._drive_us = now_us
        self._settling = self.settle_us > 0

    def levels(self, driven, now_us):
        """-> {row pin: 0 | 1} as the inputs read at now_us with these pins driven."""
        self.drive(driven, now_us)
        out = dict(self._before if self._settling else self._network(self._driven))
        if self._pulsing:
            out[self._pulse[2]] ^= 1
        return out

    def closed(self, key):
        """-> the contact's present state (for tests)."""
        key = self._keys[key]
        return key.closed if key.stuck is None else key.stuck

    def _network(self, driven):
        if self._joined is None:
            self._joined = self._join(driven)
        return self._joined

    def _join(self, driven):
        net = {}
        for pin in self.rows + self.cols:
            net[pin] = pin
        for name, key in self._keys.items():
            if self.closed(name) and net[key.row] != net[key.col]:
                old, new = net[key.row], net[key.col]
                for pin in self.rows + self.cols:
                    if net[pin] == old:
                        net[pin] = new
        low = set()
        high = set()
        for pin, level in driven.items():
            (high if level else low).add(net[pin])
        if low & high:
            self.contention += 1
        out = {}
        for pin in self.rows:
            out[pin] = 0 if net[pin] in low else 1
        return out
