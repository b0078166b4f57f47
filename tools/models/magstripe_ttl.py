"""Magnetic-stripe reader with decoded clock and data outputs (F2F decoder), and the card in it.

Owns: the levels of CARD PRESENT, STROBE and DATA for a card that passes the head, good or bad.
Must not: know how a driver decodes. Its bits come from ISO/IEC 7811 and 7813 text alone.

THE STRIPE (ISO/IEC 7811-2, -6). Card 3.375 inch long. Recording density: track 1 and 3 210 bits
an inch, track 2 75. The centre of the first bit of the start sentinel lies 0.293 inch from the
card's edge; everything before it and after the LRC is zeros.

    track 1: 7 bits a character: 6 bits of (ASCII - 20 hex), least significant first, odd parity;
             start sentinel '%', end sentinel '?'
    track 2, 3: 5 bits: 4 bits of (ASCII - 30 hex), least significant first, odd parity;
             start sentinel ';', end sentinel '?'
    LRC: one more character behind the end sentinel: every column of data bits has an even number
    of ones over all characters from the start sentinel to the LRC; its own parity bit is odd
    parity of the LRC.

THE LINES, all active low, high at rest. Sources: MagTek 99875148, figure 2-3 and its notes: DATA
is low for a one, valid 1 us before STROBE falls and while it is low; STROBE is low for 25 .. 50 %
of the bit; CARD PRESENT falls after 14 flux reversals (those bits are not given out), and rises
150 ms after the last. ID TECH: STROBE 40 us wide whatever the speed (pulse_us=40 here). After
STROBE has risen DATA means nothing: here it goes high, so that whoever looks late reads zeros.

A card swiped backwards gives the same bits in the opposite order. What goes wrong, as arguments of
swipe(): speed, its change along the card, jitter of each bit, a worn stripe (flux reversals that
are not seen: a one is read as zero, or a bit is not given out), bits left out at chosen places, a
card that stops or is pulled out part of the way, a blank stripe, CARD PRESENT that never comes or
never ends; strobes without a card: spikes().
"""

from array import array

from models import XorShift

CARD_INCH = 3.375
_START_INCH = 0.293
_BPI = {1: 210, 2: 75, 3: 210}
_HIDDEN_BITS = 14  # flux reversals before CARD PRESENT
_HOLD_US = 150000
_NONE = 2  # in place of a bit: no strobe comes


def _character(value, width):
    bits = [value >> i & 1 for i in range(width)]
    return bits + [1 - sum(bits) % 2]


def track_bits(track, text):
    """-> list of 0 and 1 from the start sentinel to the LRC. text: data without sentinels."""
    width, offset, start = (6, 0x20, "%") if track == 1 else (4, 0x30, ";")
    bits = []
    columns = [0] * width
    for ch in start + text + "?":
        value = ord(ch) - offset
        if not 0 <= value < 1 << width:
            raise ValueError(f"track {track}: character 0x{ord(ch):02x}")
        for i in range(width):
            columns[i] += value >> i & 1
        bits += _character(value, width)
    lrc = 0
    for i in range(width):
        lrc |= (columns[i] % 2) << i
    return bits + _character(lrc, width)


def stripe(track, text):
    """-> bytearray of 0 and 1, a byte a bit cell of a track over the whole card. text None: zeros
    only."""
    cells = bytearray(int(CARD_INCH * _BPI[track]))
    if text is None:
        return cells
    at = int(_START_INCH * _BPI[track])
    bits = track_bits(track, text)
    if at + len(bits) > len(cells):
        raise ValueError(f"track {track}: {len(text)} characters do not fit on a card")
    for bit in bits:
        cells[at] = bit
        at += 1
    return cells


class _Passage:
    """What the lines of one track do while a card passes: four changes a bit, made when they are
    due (a list of them would fill the memory of a small machine)."""

    def __init__(self, strobe, data, start_us, pulse_us):
        self.strobe = strobe
        self.data = data
        self.start_us = start_us
        self.pulse_us = pulse_us
        self.bits = bytearray()  # 0, 1, or _NONE
        self.times = array("i")  # us from start_us to the beginning of each bit
        self.pulses = array("i")
        self._i = 0
        self._phase = 0

    def add(self, bit, at, width):
        self.bits.append(bit)
        self.times.append(at)
        self.pulses.append(self.pulse_us or width // 3)

    def due(self):
        while self._i < len(self.bits) and self.bits[self._i] == _NONE:
            self._i += 1
        if self._i >= len(self.bits):
            return None
        at = self.start_us + self.times[self._i]
        if self._phase >= 2:
            at += self.pulses[self._i]
        return at + self._phase % 2 + self._phase // 2

    def step(self, levels):
        bit = self.bits[self._i]
        if self._phase == 0:
            levels[self.data] = 1 - bit
        elif self._phase == 1:
            levels[self.strobe] = 0
        elif self._phase == 2:
            levels[self.strobe] = 1
        else:
            levels[self.data] = 1
        self._phase = (self._phase + 1) % 4
        if not self._phase:
            self._i += 1


class TtlReader:
    """present: pin of CARD PRESENT. lines: {track: (strobe pin, data pin)}. pulse_us: width of
    STROBE; None: a third of the bit. Attach with rack.attach_gpio(), and rack.poke() after
    swipe()."""

    def __init__(self, present, lines, pulse_us=None, seed=1):
        self.present = present
        self.lines = dict(lines)
        self.pulse_us = pulse_us
        self.fault_present = None  # or a level at which CARD PRESENT is stuck
        self.swipes = 0
        self._rng = XorShift(seed)
        self._levels = {present: 1}
        for strobe, data in self.lines.values():
            self._levels[strobe] = 1
            self._levels[data] = 1
        self._passages = []
        self._presence = []  # (us, level) of CARD PRESENT, ascending

    # --- pin model ------------------------------------------------------------------------------

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        self.advance(now_us)
        out = dict(self._levels)
        if self.fault_present is not None:
            out[self.present] = self.fault_present
        return out

    def next_due(self):
        due = self._presence[0][0] if self._presence else None
        for passage in self._passages:
            at = passage.due()
            if at is not None and (due is None or at < due):
                due = at
        return due

    def advance(self, now_us):
        while self._presence and self._presence[0][0] <= now_us:
            self._levels[self.present] = self._presence.pop(0)[1]
        over = False
        for passage in self._passages:
            due = passage.due()
            while due is not None and due <= now_us:
                passage.step(self._levels)
                due = passage.due()
            over = over or due is None
        if over:
            self._passages = [p for p in self._passages if p.due() is not None]

    # --- the counter ----------------------------------------------------------------------------

    def swipe(
        self,
        texts,
        now_us,
        speed_ips=15.0,
        speed_end=None,
        jitter=0.0,
        backwards=False,
        worn=0.0,
        missing=(),
        until=1.0,
    ):
        """A card goes through the slot from now_us on.

        texts: {track: data without sentinels, or None for zeros}; tracks that are not wired are
        ignored. speed_ips: inches a second when it comes, speed_end when it leaves (None: the
        same). jitter: share of a bit by which it may be late. worn: probability that a bit is
        damaged. missing: (track, bit number from the start sentinel) not given out. until: share
        of the card that passes; then it is pulled back out of the head, unseen.
        -> absolute us at which CARD PRESENT rises.
        """
        self.advance(now_us)
        last = 0
        first = None
        for track, (strobe, data) in self.lines.items():
            bits = stripe(track, texts.get(track))
            self._damage(bits, track, missing, worn)
            n = len(bits)
            passage = _Passage(strobe, data, now_us, self.pulse_us)
            at = 0.0
            for i in range(int(n * until)):
                part = i / n
                if speed_end is None:
                    width = 1000000 / (_BPI[track] * speed_ips)
                else:
                    width = 1000000 / (_BPI[track] * (speed_ips + (speed_end - speed_ips) * part))
                late = width * jitter * self._rng.below(1001) / 1000 if jitter else 0
                if i >= _HIDDEN_BITS:
                    bit = bits[n - 1 - i] if backwards else bits[i]
                    passage.add(bit, int(at + late), int(width))
                at += width
            if len(passage.times):
                self._passages.append(passage)
                if first is None or passage.times[0] < first:
                    first = passage.times[0]
            last = max(last, int(at))
        if first is not None:
            self._presence.append((now_us + first - 1, 0))
            self._presence.append((now_us + last + _HOLD_US, 1))
        self.swipes += 1
        return now_us + last + _HOLD_US

    def _damage(self, bits, track, missing, worn):
        """What wear and chance make of the bits."""
        lead = int(_START_INCH * _BPI[track])
        for i in range(len(bits)):
            if (track, i - lead) in missing:
                bits[i] = _NONE
            elif worn and self._rng.chance(worn):
                bits[i] = _NONE if self._rng.below(2) else 1 - bits[i]

    def spikes(self, n, now_us, track=2, every_us=700):
        """Strobes without a card: a motor or a telephone beside the cable."""
        self.advance(now_us)
        strobe, data = self.lines[track]
        passage = _Passage(strobe, data, now_us + 1, 40)
        for i in range(n):
            passage.add(self._rng.below(2), i * every_us, 120)
        self._passages.append(passage)
