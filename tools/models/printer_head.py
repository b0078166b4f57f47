"""Thermal head, motor, paper and temperature of the printer model.

Owns: how long a dot row takes, how warm it makes the head, what is on the paper, what is left.
Must not: know commands or bytes.

A row takes the longest of the motor's step (speed) and the strobes: the head heats at most
8 x (n1 + 1) dots at once, each strobe n2 x 10 us long and n3 x 10 us apart (ESC 7, devices.md
section 1.1: defaults 7 / 80 / 2), the heat time scaled by DC2 # (50 % + 5 % x low five bits, break
time 250 us x high three bits; Cashino CSN-A2 manual, "DC2 # n"). So a black line of 384 dots takes
6 strobes, 4.9 ms, against 2.1 ms of a normal one at 60 mm/s.

The temperature is a first-order model, not a datasheet's: a full black line warms by about 0.05 K,
the head cools with a time constant of 8 s. Continuous text never overheats; about 13 cm of solid
black does.
"""

MM_ROWS = 8
_DOTS_OF = bytearray(256)  # black dots of a byte
for _i in range(256):
    _DOTS_OF[_i] = (_i & 1) + _DOTS_OF[_i >> 1]
_COOL_US = 10000  # step of the temperature model


class Paper:
    """What was torn off: rows (48 or 72 bytes each, top first) and text lines."""

    def __init__(self, rows, lines, row_count):
        self.rows = rows
        self.lines = lines
        self.row_count = row_count

    def mm(self):
        return self.row_count // MM_ROWS

    def pbm(self):
        """-> bytes, the bitmap as a portable bitmap (P4)."""
        dots = 8 * len(self.rows[0]) if self.rows else 0
        return f"P4\n{dots} {len(self.rows)}\n".encode() + b"".join(self.rows)


class Head:
    """keep_rows: how many of the latest rows to remember (None: all, 0: none, to save memory)."""

    def __init__(
        self, speed_mm_s=60, length_mm=30000, near_end_mm=1500, ambient_c=25, keep_rows=None
    ):
        self.blank = bytes(48)  # the printer's own empty row, known by its identity
        self.slow = 1  # a worn or cold mechanism takes so many times as long
        self.total_rows = 0  # since it was made
        self.step_us = 1000000 // (speed_mm_s * MM_ROWS)
        self.rows = []
        self.row_count = 0  # rows since the last tear, also those not kept
        self.keep_rows = keep_rows
        self.rows_left = length_mm * MM_ROWS
        self.near_end_rows = near_end_mm * MM_ROWS
        self.near_end_forced = False
        self.ambient_mc = ambient_c * 1000
        self.temp_mc = self.ambient_mc
        self.hot_mc = 65000
        self.cool_mc = 60000
        self.tau_us = 8000000
        self.overheated = False
        self._cooled_us = 0
        self.default_heat()

    def default_heat(self):
        self.max_dots = 64
        self.heat_us = 800
        self.interval_us = 20
        self.density = 100
        self.break_us = 0

    # --- paper ----------------------------------------------------------------------------------

    def tear(self, lines):
        paper = Paper(self.rows, lines, self.row_count)
        self.rows = []
        self.row_count = 0
        return paper

    def paper_out(self):
        return self.rows_left <= 0

    def near_end(self):
        return self.near_end_forced or self.rows_left < self.near_end_rows

    def mm_left(self):
        return max(0, self.rows_left) // MM_ROWS

    def put(self, row, now_us):
        """The row is on the paper. The head is warmer by it."""
        rows = self.rows
        # Equal neighbours share one object: 50 bytes a row are much on a small heap.
        rows.append(rows[-1] if rows and rows[-1] == row else row)
        if self.keep_rows is not None and len(rows) > self.keep_rows:
            rows.pop(0)
        self.row_count += 1
        self.total_rows += 1
        self.rows_left -= 1
        if row is not self.blank and row != self.blank:
            self.cool(now_us)
            self.temp_mc += count_dots(row) * (self.heat_us * self.density // 100) // 6000
            if self.temp_mc >= self.hot_mc:
                self.overheated = True

    def row_us(self, row):
        """-> us that this row takes."""
        if row is self.blank:
            return self.step_us * self.slow
        dots = count_dots(row)
        strobes = (dots + self.max_dots - 1) // self.max_dots
        heat = self.heat_us * self.density // 100 + self.interval_us
        us = max(self.step_us, strobes * heat) + (self.break_us if dots else 0)
        return us * self.slow

    # --- temperature ----------------------------------------------------------------------------

    def cool(self, now_us):
        """Lets the head cool down to now_us; an overheated head may be ready again after it.

        In whole steps of _COOL_US, so that it does not matter how often this is called.
        """
        steps = (now_us - self._cooled_us) // _COOL_US
        if steps <= 0:
            return
        self._cooled_us += steps * _COOL_US
        above = self.temp_mc - self.ambient_mc
        if steps * _COOL_US > 12 * self.tau_us:
            above = 0
        while steps and above > 0:
            above -= max(1, above * _COOL_US // self.tau_us)
            steps -= 1
        self.temp_mc = self.ambient_mc + above
        if self.overheated and self.temp_mc <= self.cool_mc:
            self.overheated = False

    def heat_to(self, temp_c, now_us):
        self.cool(now_us)
        self.temp_mc = temp_c * 1000
        self.overheated = self.temp_mc >= self.hot_mc

    def next_look(self):
        """-> when an overheated head may have become cool enough, or None."""
        return self._cooled_us + _COOL_US if self.overheated else None


def count_dots(row):
    n = 0
    for byte in row:
        n += _DOTS_OF[byte]
    return n
