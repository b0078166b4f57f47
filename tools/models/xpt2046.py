"""XPT2046 (ADS7846) resistive touch controller with its panel.

Owns the control byte, the 16-clock conversion, PENIRQ, and the panel as resistors. Must not: share
tables or code with any driver.

Pressure is not a number but follows from the resistance of the contact: with the Y plate's upper
end driven and the X plate's lower end grounded, current runs through a part of the Y plate, the
contact, and a part of the X plate; Z1 and Z2 are what is measured on both sides of the contact
(data sheet, "Pressure measurement"; TI SBAA155).

Wiring: rack.attach_spi(unit, panel, cs); rack.attach_gpio(panel) for PENIRQ.

Faults: bounce, noise, a plate that has not settled after the switch, light touch, PENIRQ glitches,
a broken wire on MISO (`dead`: all ones, `silent`: all zeros).
"""

from . import XorShift

_RX_OHM = 400
_RY_OHM = 400
_FULL = 4095


class XPT2046:
    """`irq_pin` of the processor (None: not wired); `noise` [LSB, each way]; `bounce_us`: shortest
    and longest time the contact chatters; `unsettled` [LSB]: error of the first conversion of an
    axis."""

    def __init__(self, irq_pin=None, noise=4, bounce_us=(500, 5000), unsettled=150, seed=1):
        self.irq_pin = irq_pin
        self.noise = noise
        self.bounce_us = bounce_us
        self.unsettled = unsettled
        self.errors = []
        self.conversions = 0
        self.dead = False
        self.silent = False
        self.now_us = 0
        self._chance = XorShift(seed)
        self._closed = False
        self._edges = []  # times at which the contact toggles
        self._glitches = []  # (from_us, to_us) of PENIRQ
        self._x = 0
        self._y = 0
        self._ohm = 300
        self._power_down = 0
        self._plate = None  # what was converted last: X, Y or None

    # --- what people and the world do -----------------------------------------------------------

    def touch(self, x, y, now_us, ohm=300):
        """Press at raw (x, y); `ohm`: resistance of the contact (some 300 firm, thousands
        light)."""
        self.advance(now_us)
        pressed = self._closed ^ bool(len(self._edges) & 1)
        self._x, self._y, self._ohm = x, y, ohm
        if not pressed:
            self._chatter(now_us)

    def lift(self, now_us):
        self.advance(now_us)
        if self._closed ^ bool(len(self._edges) & 1):
            self._chatter(now_us)

    def _chatter(self, now_us):
        """An odd number of edges, so that the contact ends where it was meant to."""
        least, most = self.bounce_us
        length = least + self._chance.below(max(1, most - least)) if most else 0
        edges = [now_us]
        for _ in range(2 * self._chance.below(4) if length else 0):
            edges.append(now_us + 1 + self._chance.below(length))
        self._edges = sorted(edges) if not self._edges else self._edges + sorted(edges)
        self.advance(now_us)

    def glitch(self, from_us, to_us):
        """PENIRQ is low though nothing touches (a cable beside the modem's antenna)."""
        self._glitches.append((from_us, to_us))

    # --- time and PENIRQ ------------------------------------------------------------------------

    def advance(self, now_us):
        self.now_us = max(self.now_us, now_us)
        while self._edges and self._edges[0] <= now_us:
            self._closed = not self._closed
            self._edges.pop(0)

    def next_due(self):
        due = self._edges[0] if self._edges else None
        for span in self._glitches:
            for t in span:
                if t > self.now_us and (due is None or t < due):
                    due = t
        return due

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        if self.irq_pin is None:
            return {}
        self.advance(now_us)
        low = self._closed and not self._power_down
        for start, end in self._glitches:
            low = low or start <= now_us < end
        return {self.irq_pin: 0 if low else 1}

    # --- conversions ----------------------------------------------------------------------------

    def begin(self, now_us):
        self.advance(now_us)
        return True

    def _noisy(self, value):
        if self.noise:
            value += self._chance.below(2 * self.noise + 1) - self.noise
        return min(_FULL, max(0, value))

    def _position(self, value, plate):
        if not self._closed:
            # The sensed plate hangs in the air.
            value = self._chance.below(_FULL + 1)
        else:
            # A light contact loads the plate: what is read moves to its middle.
            value += (_FULL // 2 - value) * min(self._ohm, 8000) // 16000
        if plate != self._plate and self.unsettled:
            value += self.unsettled
        self._plate = plate
        return self._noisy(value)

    def _convert(self, control):
        self.conversions += 1
        self._power_down = control & 3
        channel = control >> 4 & 7
        if control & 0x0C:
            self.errors.append("control 0x%02x: not 12 bit, differential" % control)
            return 0
        if channel == 5:
            return self._position(self._x, "x")
        if channel == 1:
            return self._position(self._y, "y")
        if channel not in (3, 4):
            self.errors.append("control 0x%02x: no such input on the board" % control)
            return 0
        self._plate = None
        if not self._closed:
            return 0 if channel == 3 else _FULL
        above = _RY_OHM * (_FULL - self._y) // _FULL
        below = _RX_OHM * self._x // _FULL
        total = max(1, above + self._ohm + below)
        part = below if channel == 3 else below + self._ohm
        return self._noisy(_FULL * part // total)

    def spi_transfer(self, data, dc):
        """-> what is on MISO while `data` is clocked in; 8 clocks of control, then busy, 12 bits,
        3 zeros."""
        if self.dead:
            return b"\xff" * len(data)
        out = bytearray(len(data) + 2)
        free = 0
        for i, b in enumerate(data):
            if b & 0x80 and i >= free:
                word = self._convert(b) << 3
                out[i + 1] = word >> 8
                out[i + 2] = word & 0xFF
                free = i + 2
        if self.silent:
            return bytes(len(data))
        return bytes(out[: len(data)])

    def spi_write(self, data, dc):
        self.spi_transfer(data, dc)
