"""The tamper switch of a case: normally closed to ground.

Owns the contact, its bounce and the spikes that a long wire picks up.

Wiring: rack.attach_gpio(switch).
"""

from . import XorShift


class TamperSwitch:
    """`pin` of the processor; `bounce_us`: longest time of chatter."""

    def __init__(self, pin, bounce_us=3000, seed=1):
        self.pin = pin
        self.bounce_us = bounce_us
        self.cut = False  # the wire is cut: open for ever
        self._chance = XorShift(seed)
        self._open = False
        self._edges = []
        self._spikes = []
        self._now = 0

    def _move(self, to_open, now_us):
        self.advance(now_us)
        if (self._open ^ bool(len(self._edges) & 1)) == to_open:
            return
        edges = [now_us]
        if self.bounce_us:
            for _ in range(2 * self._chance.below(4)):
                edges.append(now_us + 1 + self._chance.below(self.bounce_us))
        self._edges = sorted(self._edges + edges)
        self.advance(now_us)

    def open(self, now_us):
        self._move(True, now_us)

    def close(self, now_us):
        self._move(False, now_us)

    def spike(self, from_us, length_us):
        self._spikes.append((from_us, from_us + length_us))

    def advance(self, now_us):
        self._now = max(self._now, now_us)
        while self._edges and self._edges[0] <= now_us:
            self._open = not self._open
            self._edges.pop(0)
        self._spikes = [s for s in self._spikes if s[1] >= self._now]

    def next_due(self):
        due = self._edges[0] if self._edges else None
        for span in self._spikes:
            for t in span:
                if t > self._now and (due is None or t < due):
                    due = t
        return due

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        high = self._open or self.cut
        for start, end in self._spikes:
            high = high or start <= now_us < end
        return {self.pin: 1 if high else 0}
