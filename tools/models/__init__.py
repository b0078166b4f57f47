"""Device models of the Shouyin terminal: sans-I/O, for CPython >= 3.10 and MicroPython 1.29.

Owns: nothing but the random source that the models share.
Must not: import a model (a test that needs one model must not pay the memory of all of them).

Time is an absolute integer of microseconds (`now_us`) that only the caller advances.
"""


class XorShift:
    """Marsaglia's xorshift32 (J. Stat. Software 8/14, 2003; triple 13, 17, 5).

    Python's and MicroPython's `random` give different sequences for one seed; a failing run
    must be repeatable on both, hence an own generator.
    """

    def __init__(self, seed):
        # State 0 would stay 0 for ever; the multiplier spreads small seeds over all 32 bits.
        self._x = (seed * 2654435761 + 0x9E3779B9) & 0xFFFFFFFF or 0x1234567

    def next(self):
        """-> int, 1 .. 2**32 - 1."""
        x = self._x
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self._x = x
        return x

    def below(self, n):
        """-> int, 0 .. n - 1. The upper bits are used: xorshift's lowest bits are its weakest."""
        return (self.next() >> 8) % n

    def chance(self, p):
        """-> bool, True with probability p (0.0 .. 1.0), to a millionth."""
        return self.below(1000000) < int(p * 1000000)

    def take(self, n):
        """-> bytes, n random bytes."""
        return bytes([self.below(256) for _ in range(n)])
