"""FocalTech FT6336 capacitive touch controller.

Owns registers 0x00 to 0xAF, the interrupt line in both modes, report frames of 10 ms, and fingers
that touch badly. Must not: share tables or code with any driver.

Wiring: rack.attach_i2c(unit, 0x38, panel); rack.attach_gpio(panel) for the interrupt line;
rack.on_output(pin, panel.reset_line) for the reset line.

Faults: flicker (frames without a point after a press and after a lift), ghosts (points that
nobody made), misreports (one frame elsewhere), two fingers, brown-out (registers at their reset
values, 300 ms without an answer), and those of I2cChip.
"""

from .i2c_chip import I2cChip

FRAME_US = 10000
BOOT_US = 300000
PULSE_US = 300

# Register: value after a reset (application note, register map)
_DEFAULTS = {
    0x00: 0x00,  # device mode
    0x80: 22,  # threshold
    0x86: 0x01,  # goes to monitor mode by itself
    0x88: 0x0A,  # period in active mode
    0xA3: 0x64,  # cipher: FT6336
    0xA4: 0x01,  # interrupt mode: trigger
    0xA5: 0x00,
    0xA6: 0x10,  # firmware
    0xA8: 0x11,  # vendor
}
_WRITABLE = (0x00, 0x80, 0x86, 0x87, 0x88, 0x89, 0xA4, 0xA5)


class FT6336(I2cChip):
    """`int_pin` of the processor (None: not wired); `flicker_us`: how long contact is unsteady at
    press and lift."""

    def __init__(self, int_pin=None, width=320, height=480, flicker_us=0, seed=1):
        super().__init__(seed)
        self.int_pin = int_pin
        self.width = width
        self.height = height
        self.flicker_us = flicker_us
        self.resets = 0
        self._fingers = []  # [(x, y)]
        self._pressed_us = None
        self._lifted_us = None
        self._ghosts = []  # (from_us, to_us, x, y)
        self._strays = []  # (at_us, x, y)
        self._frame_us = 0  # the next report
        self._points = []  # of the last report
        self._event = 0
        self._held_in_reset = False
        self._ready_us = 0
        self._registers = dict(_DEFAULTS)

    # --- what people and the world do -----------------------------------------------------------

    def touch(self, x, y, now_us):
        """A finger lies at (x, y), now or still."""
        self.advance(now_us)
        if not self._fingers:
            self._pressed_us = now_us
        self._fingers = [(x, y)]

    def second(self, x, y, now_us):
        """Another finger beside the first."""
        self.advance(now_us)
        self._fingers = self._fingers[:1] + [(x, y)]

    def lift(self, now_us, first=False):
        """All fingers go, or the first of two."""
        self.advance(now_us)
        self._fingers = self._fingers[1:] if first else []
        if not self._fingers:
            self._lifted_us = now_us

    def ghost(self, x, y, from_us, to_us):
        """The chip reports a point that nobody made (water, noise of a charger)."""
        self._ghosts.append((from_us, to_us, x, y))

    def stray(self, x, y, at_us):
        """The first report after at_us that has a point has it elsewhere."""
        self._strays.append((at_us, x, y))

    def brown_out(self, now_us):
        """The supply dips: settings are gone, the firmware starts anew."""
        self.advance(now_us)
        self._registers = dict(_DEFAULTS)
        self._points = []
        self._ready_us = now_us + BOOT_US
        self._frame_us = self._ready_us
        self.resets += 1

    def power(self, on, now_us):
        """The supply comes or goes."""
        if not on:
            self.brown_out(now_us)

    def reset_line(self, level, now_us):
        if not level:
            self._held_in_reset = True
        elif self._held_in_reset:
            self._held_in_reset = False
            self.brown_out(now_us)

    # --- reports --------------------------------------------------------------------------------

    def _seen(self, now_us):
        points = list(self._fingers)
        for since in (self._pressed_us, self._lifted_us):
            if since is not None and now_us - since < self.flicker_us and self.chance.below(2):
                points = []
        if not points:
            for start, end, x, y in self._ghosts:
                if start <= now_us < end:
                    points = [(x, y)]
        if points and self._strays and self._strays[0][0] <= now_us:
            _, x, y = self._strays.pop(0)
            points = [(x, y)]
        return points

    def _busy(self):
        if self._fingers or self._points:
            return True
        for _, end, _, _ in self._ghosts:
            if end > self._frame_us:
                return True
        return False

    def advance(self, now_us):
        self.now_us = max(self.now_us, now_us)
        while self._frame_us <= now_us:
            if not self._busy():
                # Nothing to report: the next frame that matters is not there yet.
                behind = now_us - self._frame_us
                self._frame_us += (behind // FRAME_US + 1) * FRAME_US
                return
            before = bool(self._points)
            self._points = self._seen(self._frame_us)
            self._event = 2 if before else 0
            self._frame_us += FRAME_US

    def next_due(self):
        if self._held_in_reset:
            return None
        if self._busy():
            if self._registers[0xA4] and self._points:
                end = self._frame_us - FRAME_US + PULSE_US
                if end > self.now_us:
                    return end
            return max(self._frame_us, self.now_us + 1)
        return None

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        if self.int_pin is None:
            return {}
        self.advance(now_us)
        low = bool(self._points) and not self._held_in_reset and now_us >= self._ready_us
        if low and self._registers[0xA4]:
            low = now_us < self._frame_us - FRAME_US + PULSE_US
        return {self.int_pin: 0 if low else 1}

    # --- registers ------------------------------------------------------------------------------

    def begin(self, now_us):
        if self._held_in_reset or now_us < self._ready_us:
            return False
        return super().begin(now_us)

    def peek(self, at):
        if 0x02 <= at <= 0x0E:
            if at == 0x02:
                return len(self._points)
            n, field = divmod(at - 0x03, 6)
            if n >= len(self._points):
                return 0xFF  # as the chip: no event, id 15
            x, y = self._points[n]
            return (self._event << 6 | x >> 8, x & 0xFF, n << 4 | y >> 8, y & 0xFF, 0, 0x10)[field]
        return self._registers.get(at, 0)

    def poke(self, at, value):
        if at in _WRITABLE:
            self._registers[at] = value
        else:
            self.errors.append("write to register 0x%02x" % at)
