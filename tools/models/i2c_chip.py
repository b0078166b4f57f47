"""What small chips on I2C have in common: a register pointer, and a bus that fails.

Owns the register pointer of a transfer and the schedule of bus faults. Must not: know what a
register means.

Faults are a schedule in absolute time: fault(kind, from_us, to_us). Kinds:

nack    the chip does not acknowledge its address
cut     the chip acknowledges some bytes of a write and then no more (their number from the seed)
stuck   it holds SDA low: no transfer can begin on that bus

storm() makes a schedule from the seed. `transfers` counts what was acknowledged.
"""

from . import XorShift

KINDS = ("nack", "cut", "stuck")


class I2cChip:
    """Registers behind a pointer. A subclass has peek(register), poke(register, value),
    advance(now_us) and may have latch(), called at the start of each transfer."""

    def __init__(self, seed=1):
        self.chance = XorShift(seed)
        self.now_us = 0
        self.powered = True
        self.transfers = 0
        self.errors = []
        self.faults = []
        self._at = 0
        self._cut = False

    def fault(self, kind, from_us, to_us):
        """Let the bus fail in a span of time."""
        if kind not in KINDS:
            raise ValueError("no such fault: " + kind)
        self.faults.append((kind, from_us, to_us))

    def storm(self, n, from_us, to_us, longest_us, kinds=KINDS):
        """n faults of random kinds and lengths (at most longest_us) between two times."""
        for _ in range(n):
            start = from_us + self.chance.below(max(1, to_us - from_us))
            length = 1 + self.chance.below(longest_us)
            self.fault(kinds[self.chance.below(len(kinds))], start, start + length)

    def _failing(self, kind, now_us):
        for name, start, end in self.faults:
            if name == kind and start <= now_us < end:
                return True
        return False

    # --- the bus --------------------------------------------------------------------------------

    def holds_sda(self, now_us):
        return self._failing("stuck", now_us)

    def begin(self, now_us):
        """A transfer to this chip begins -> whether its address is acknowledged."""
        self.now_us = max(self.now_us, now_us)
        self.advance(self.now_us)
        if not self.powered or self._failing("nack", now_us):
            return False
        self._cut = self._failing("cut", now_us)
        self.transfers += 1
        self.latch()
        return True

    def write(self, data):
        """-> how many bytes were acknowledged; the first one is the register."""
        n = len(data)
        if self._cut and n > 1:
            n = 1 + self.chance.below(n - 1)
        self._at = data[0]
        for b in data[1:n]:
            self.poke(self._at, b)
            self._at = (self._at + 1) & 0xFF
        return n

    def read(self, n):
        out = bytearray()
        for _ in range(n):
            out.append(self.peek(self._at) & 0xFF)
            self._at = (self._at + 1) & 0xFF
        return bytes(out)

    def latch(self):
        pass
