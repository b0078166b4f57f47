"""Schedule of faults of the printer model: seeded, replayable.

Owns: what happens at which dot row, which bytes get lost on the line, what becomes of a status.
Must not: know commands; it calls the printer's own fault methods.

A schedule is data, so that a failing run can be written down and played again:

    Faults(at=((300, "paper_out", 0, 4000),))   row 300: the roll ends, a new one 4 s later
    Faults(seed=7, drop=200)                    one byte in 200 is lost, which ones says the seed
    Faults.random(seed, rows)                   one mechanical fault somewhere in so many rows

Rows count from the printer's making (Head.total_rows). A fault that ends by itself names after how
many ms; 0: it stays until the test undoes it.
"""

from models import XorShift

# Methods of the printer.
KINDS = ("paper_out", "cover", "overheat", "low_voltage", "cutter_jam", "break_down")
_ARGUMENT = {"paper_out": 0, "overheat": 75}


class Faults:
    """at: (row, kind, argument, ms) in any order. slow: the mechanism takes so many times as long,
    from row slow_from on. drop: one byte in so many is lost (0: none). lose: (number of the first
    byte, how many) that are lost. late_us, late: the first
    `late` answers to a status come so much later (late None: all). never: so many answers are
    lost, garbled: so many are falsified, each beginning with the first."""

    def __init__(
        self,
        seed=1,
        at=(),
        slow=1,
        slow_from=0,
        drop=0,
        lose=(0, 0),
        late_us=0,
        late=None,
        never=0,
        garbled=0,
    ):
        self.at = sorted(at)
        self.slow = slow
        self.slow_from = slow_from
        self.drop = drop
        self.lose = lose
        self.came = 0
        self.late_us = late_us
        self.late = late
        self.never = never
        self.garbled = garbled
        self.dropped = 0
        self.due_us = None  # when the next fault ends by itself
        self._rng = XorShift(seed)
        self._ends = []  # (us, kind), ascending

    @classmethod
    def random(cls, seed, rows, kinds=KINDS):
        """One fault of `kinds` at some row below `rows`, ended by itself after 1 to 8 s."""
        rng = XorShift(seed)
        kind = kinds[rng.below(len(kinds))]
        row = rng.below(rows)
        return cls(seed, ((row, kind, _ARGUMENT.get(kind, True), 1000 + rng.below(7000)),))

    # --- what the printer asks ------------------------------------------------------------------

    def drops(self):
        """-> whether the byte that has just come is lost."""
        self.came += 1
        if 0 <= self.came - 1 - self.lose[0] < self.lose[1]:
            self.dropped += 1
            return True
        if self.drop and not self._rng.below(self.drop):
            self.dropped += 1
            return True
        return False

    def answer(self, data):
        """-> (what becomes of a status, us that it is late)."""
        if self.never:
            self.never -= 1
            return b"", 0
        if self.garbled:
            self.garbled -= 1
            # 0xFF with a bit missing: the fixed bits of a status are wrong
            return bytes((0xFF ^ 1 << self._rng.below(4),)), 0
        if self.late is None:
            return data, self.late_us
        if self.late:
            self.late -= 1
            return data, self.late_us
        return data, 0

    def row(self, printer, row, now_us):
        """Row number `row` is on the paper."""
        if row >= self.slow_from:
            printer.head.slow = self.slow
        while self.at and self.at[0][0] <= row:
            _, kind, argument, ms = self.at.pop(0)
            getattr(printer, kind)(argument)
            if ms:
                self._ends.append((now_us + 1000 * ms, kind))
                self._ends.sort()
                self.due_us = self._ends[0][0]

    def undo(self, printer, now_us):
        """Ends what is over at now_us."""
        while self._ends and self._ends[0][0] <= now_us:
            kind = self._ends.pop(0)[1]
            self.due_us = self._ends[0][0] if self._ends else None
            if kind == "paper_out":
                printer.load_paper()
            elif kind != "overheat":
                getattr(printer, kind)(False)
