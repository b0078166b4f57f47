"""A buzzer or a lamp, as somebody who listens or looks would describe it.

Owns the record of what sounded or lit: `tones`, a list of [start_us, length_us, Hz], and the one
that goes on. An active buzzer and a lamp have one tone, written as ACTIVE.

Wiring: rack.on_pwm(pin, buzzer.pwm) for a passive buzzer, rack.on_output(pin, buzzer.level) for an
active one or a lamp.
"""

ACTIVE = -1


class Buzzer:
    """`active`: the level that sounds or lights."""

    def __init__(self, active=1):
        self.active = active
        self.tones = []
        self._hz = 0
        self._since = 0

    def _now(self, hz, now_us):
        if hz == self._hz:
            return
        if self._hz and now_us > self._since:
            self.tones.append([self._since, now_us - self._since, self._hz])
        self._hz = hz
        self._since = now_us

    def pwm(self, freq, duty, now_us):
        # A duty of nothing or of everything moves no membrane.
        self._now(freq if 0 < duty < 65535 else 0, now_us)

    def level(self, level, now_us):
        self._now(ACTIVE if level == self.active else 0, now_us)

    def sounding(self):
        return self._hz != 0

    def heard(self):
        """[(Hz, length in whole ms)], without the pauses."""
        return [(hz, (us + 500) // 1000) for _, us, hz in self.tones]

    def rhythm(self):
        """Times between the changes [ms], beginning with a tone."""
        out = []
        end = None
        for start, us, _ in self.tones:
            if end is not None:
                out.append((start - end + 500) // 1000)
            out.append((us + 500) // 1000)
            end = start + us
        return out
