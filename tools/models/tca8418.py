"""TCA8418 key controller with its keys: scans a diode-less matrix, reports over I2C and INT.

Source: TI SCPS215G. Section numbers below are that data sheet's.

8.3.1, 8.6.2.4  A FIFO of 10 key events; bit 7 press, bits 6..0 key number = row * 10 + column + 1
                (rows 0..7, columns 0..9). Reading KEY_EVENT_A takes the oldest one out and lowers
                the count in KEY_LCK_EC[3:0]; KEY_EVENT_B..J show the rest and take nothing.
8.3.1.4         Full: OVR_FLOW_INT; the new event is lost (OVR_FLOW_M = 0) or pushes the first out.
8.3.5           INT (open drain, low = pending) follows the enabled bits of INT_STAT. K_INT cannot
                be cleared before the FIFO is empty: no new edge until then. With INT_CFG = 1 an
                attempt lifts INT for 50 us.
8.4.1           All registers are 0 after power-on: no pin belongs to the keypad, INT is silent.
8.6.2.1         AI: the register pointer moves on with each byte.
6.9             Debounce, here `debounce_us` after the contact has come to rest.

The matrix is one network, as on the board: three closed contacts on the corners of a rectangle
close the fourth, and the chip reports it like any key, in the order of its scan (TI E2E 194786).

Not modelled: key lock, unlock, GPI events, GPIO, CAD: writing their registers is noted in
.unsupported. Contact bounce is over within the debounce time.
"""

from models import XorShift

ADDRESS = 0x34

CFG, INT_STAT, KEY_LCK_EC, KEY_EVENT_A, KEY_EVENT_J = 0x01, 0x02, 0x03, 0x04, 0x0D
KP_GPIO1, KP_GPIO3 = 0x1D, 0x1F
DEBOUNCE_DIS1, DEBOUNCE_DIS3 = 0x29, 0x2B
LAST = 0x2E

AI, OVR_FLOW_M, INT_CFG, OVR_FLOW_IEN, KE_IEN = 0x80, 0x20, 0x10, 0x08, 0x01
K_INT, OVR_FLOW_INT = 0x01, 0x08

DEPTH = 10
PULSE_US = 50


def faults(seed, span_us):
    """-> a schedule for TCA8418.schedule(): missing acknowledges, a mute chip, brown-outs, presses
    from nowhere, within span_us."""
    rng = XorShift(seed)
    out = []
    for kind, most in (("nack", 3), ("mute", 400_000), ("brownout", 0), ("storm", 7)):
        at = rng.below(span_us)
        out.append((at, kind, 1 + rng.below(most)) if most else (at, kind))
    return sorted(out, key=lambda fault: fault[0])


class TCA8418:
    """`int_pin`: number of the processor's pin at INT. keymap[row][col]: key name or None. Wire it
    with rack.attach_i2c(unit, ADDRESS, model), rack.attach_gpio(model) and, where RESET is wired,
    rack.on_output(pin, model.reset)."""

    def __init__(self, int_pin, keymap, debounce_us=(10_000, 25_000), seed=1):
        self.int_pin = int_pin
        self.debounce_us = debounce_us
        self.errors = []
        self.unsupported = []
        self.lost = 0  # events that found the FIFO full
        self.missed = 0  # falling edges of INT that the processor is not to hear (see schedule)
        self.transfers = 0
        self._rng = XorShift(seed)
        self._places = {}
        for r, names in enumerate(keymap):
            for c, name in enumerate(names):
                if name is not None:
                    self._places[name] = (r, c)
        self._held = set()  # places under a finger
        self._stuck = {}  # place -> state in which it is stuck
        self._now = 0
        self._faults = []
        self._nacks = 0
        self._mute_until = 0
        self._level = 1  # of INT at the last look from outside
        self._power_on()

    def _power_on(self):
        self._reg = bytearray(LAST + 1)
        self._pointer = 0
        self._fifo = []
        self._known = set()  # places that were reported pressed
        self._looks = []  # times at which the debounced matrix is compared with that
        self._lift_until = 0
        self.hung = False

    # --- fingers --------------------------------------------------------------------------------

    def power(self, on, now_us):
        """The supply comes or goes: registers and FIFO are lost, what lies on the keys stays."""
        if not on:
            self._power_on()

    def press(self, key, now_us):
        self._pass(now_us)
        self._held.add(self._places[key])
        self._look_later()

    def release(self, key, now_us):
        self._pass(now_us)
        self._held.discard(self._places[key])
        self._look_later()

    def stick(self, key, closed=True):
        self._stuck[self._places[key]] = closed
        self._look_later()

    def unstick(self, key):
        self._stuck.pop(self._places[key], None)
        self._look_later()

    def _look_later(self):
        shortest, longest = self.debounce_us
        due = self._now + shortest + self._rng.below(longest - shortest + 1)
        # A contact that moves again starts its debounce anew: one look for all is enough.
        self._looks = [due]

    # --- faults ---------------------------------------------------------------------------------

    def schedule(self, faults):
        """Let these happen: (at_us, "nack", n): n transfers without acknowledge; (at_us, "mute",
        us): none for so long; (at_us, "brownout"): registers and FIFO are cleared; (at_us,
        "storm", n): n presses and releases of a key at once; (at_us, "hang"): it scans no more
        until it is reset or loses power (TI E2E 550538); (at_us, "miss", n): .missed = n, which
        whoever wires INT must honour; (at_us, "stick", key), (at_us, "unstick", key)."""
        self._faults = sorted(self._faults + list(faults), key=lambda fault: fault[0])

    def _strike(self, at_us, kind, *what):
        if kind == "nack":
            self._nacks = what[0]
        elif kind == "mute":
            self._mute_until = at_us + what[0]
        elif kind == "brownout":
            self._power_on()
        elif kind == "storm":
            places = sorted(self._places.values())
            row, col = places[self._rng.below(len(places))]
            for i in range(2 * what[0]):
                self._push(row, col, not i & 1)
        elif kind == "hang":
            self.hung = True
        elif kind == "miss":
            self.missed = what[0]
        elif kind == "stick":
            self.stick(what[0])
        elif kind == "unstick":
            self.unstick(what[0])
        else:
            raise ValueError(kind)

    def reset(self, level, now_us):
        """The RESET pin: low clears everything."""
        self._pass(now_us)
        if not level:
            self._power_on()

    # --- scanning -------------------------------------------------------------------------------

    def _closed(self):
        """Places of all contacts that seem closed among the pins that belong to the keypad."""
        reg = self._reg
        cols = reg[KP_GPIO1 + 1] | (reg[KP_GPIO3] & 3) << 8
        held = {p for p in self._held if self._stuck.get(p, True)}
        held |= {p for p, closed in self._stuck.items() if closed}
        held = {(r, c) for r, c in held if reg[KP_GPIO1] >> r & 1 and cols >> c & 1}
        # Rows and columns that are joined, over any chain of contacts: groups of both.
        groups = []
        for r, c in held:
            rows, columns = {r}, {c}
            rest = []
            for g_rows, g_cols in groups:
                if r in g_rows or c in g_cols:
                    rows |= g_rows
                    columns |= g_cols
                else:
                    rest.append((g_rows, g_cols))
            groups = rest + [(rows, columns)]
        return {(r, c) for rows, columns in groups for r in rows for c in columns}

    def _scan(self):
        closed = self._closed()
        for row, col in sorted(closed ^ self._known):
            self._push(row, col, (row, col) in closed)
        self._known = closed

    def _push(self, row, col, pressed):
        reg = self._reg
        event = row * 10 + col + 1 | (0x80 if pressed else 0)
        if len(self._fifo) == DEPTH:
            self.lost += 1
            reg[INT_STAT] |= OVR_FLOW_INT
            if not reg[CFG] & OVR_FLOW_M:
                return
            self._fifo.pop(0)
        self._fifo.append(event)
        reg[INT_STAT] |= K_INT

    # --- I2C ------------------------------------------------------------------------------------

    def begin(self, now_us):
        """-> whether the chip acknowledges its address."""
        self._pass(now_us)
        self.transfers += 1
        if self._nacks:
            self._nacks -= 1
            return False
        return now_us >= self._mute_until

    def write(self, data):
        """-> bytes acknowledged."""
        self._pointer = data[0]
        for value in data[1:]:
            self._write(self._pointer, value)
            self._step()
        return len(data)

    def read(self, n):
        """-> n bytes from the register pointer on."""
        out = bytearray(n)
        for i in range(n):
            out[i] = self._read(self._pointer)
            self._step()
        return bytes(out)

    def _step(self):
        if self._reg[CFG] & AI:
            self._pointer += 1

    def _read(self, register):
        if register == KEY_LCK_EC:
            return self._reg[register] & 0x70 | len(self._fifo)
        if register == KEY_EVENT_A:
            return self._fifo.pop(0) if self._fifo else 0
        if KEY_EVENT_A < register <= KEY_EVENT_J:
            i = register - KEY_EVENT_A
            return self._fifo[i] if i < len(self._fifo) else 0
        if not 0 < register <= LAST:
            self.errors.append("read of register 0x%02x" % register)
            return 0
        return self._reg[register]

    def _write(self, register, value):
        reg = self._reg
        if register == INT_STAT:
            reg[INT_STAT] &= ~value
            if self._fifo and value & K_INT:
                reg[INT_STAT] |= K_INT
                if reg[CFG] & INT_CFG:
                    self._lift_until = self._now + PULSE_US
        elif KEY_EVENT_A <= register <= KEY_EVENT_J or not 0 < register <= LAST:
            self.errors.append("write of register 0x%02x" % register)
        else:
            known = register == CFG or KP_GPIO1 <= register <= KP_GPIO3
            known = known or DEBOUNCE_DIS1 <= register <= DEBOUNCE_DIS3
            if value and not known:
                self.unsupported.append((register, value))
            reg[register] = value
            if KP_GPIO1 <= register <= KP_GPIO3:
                self._look_later()

    # --- INT and time ---------------------------------------------------------------------------

    def _int(self):
        reg = self._reg
        pending = reg[INT_STAT] & K_INT and reg[CFG] & KE_IEN
        pending = pending or reg[INT_STAT] & OVR_FLOW_INT and reg[CFG] & OVR_FLOW_IEN
        return 0 if pending and self._now >= self._lift_until else 1

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        self._pass(now_us)
        return {self.int_pin: self._int()}

    def next_due(self):
        """-> absolute us of the next thing that may move INT, or None."""
        if self._int() != self._level:
            return self._now  # a transfer moved it: somebody must look
        due = self._lift_until if self._lift_until > self._now else None
        for times in (self._looks, [f[0] for f in self._faults[:1]]):
            if times and (due is None or times[0] < due):
                due = times[0]
        return due

    def advance(self, now_us):
        self._pass(now_us)
        self._level = self._int()  # the rack looks at the pins now

    def _pass(self, now_us):
        self._now = max(self._now, now_us)
        while self._faults and self._faults[0][0] <= now_us:
            self._strike(*self._faults.pop(0))
        if self._looks and self._looks[0] <= now_us:
            self._looks = []
            if not self.hung:
                self._scan()
