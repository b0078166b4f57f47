# A buzzer: passive (PWM gives the tone) or active (a pin switches it; tones differ by rhythm).
#
# play() only notes what is wanted; one task sounds it. A key's click never cuts a message off, a
# message cuts a click off. In PIN mode every key sounds the same, whatever it does: the tone must
# not tell digits from Clear, nor a taken key from a refused one.

import asyncio

from micropython import const

# Names of patterns
KEY = "key"
FUNCTION = "function"  # a key that is no digit
REFUSED = "refused"  # a key that does nothing now
OK = "ok"
WARNING = "warning"
ERROR = "error"

_CLICK = const(0)
_MESSAGE = const(1)
_ALARM = const(2)

# name: (rank, steps of (frequency [Hz], time [ms])); 0 Hz is silence. Rhythms differ too, for
# buzzers with one tone only.
PATTERNS = {
    KEY: (_CLICK, ((2700, 30),)),
    FUNCTION: (_CLICK, ((2300, 45),)),
    REFUSED: (_CLICK, ((1200, 100),)),
    OK: (_MESSAGE, ((2000, 80), (0, 40), (2700, 160))),
    WARNING: (_MESSAGE, ((1800, 150), (0, 100), (1800, 150))),
    ERROR: (_ALARM, ((900, 300), (0, 120), (900, 300), (0, 120), (900, 300))),
}

_HALF = const(32768)
# How soon a tone gives way. (Slices, and not wait_for(): that loses a cancel() which comes in the
# moment of its time-out.)
_SLICE_MS = const(10)


class PwmVoice:
    """A passive buzzer. `pwm`: machine.PWM that nobody else shares (its frequency changes);
    `duty` of 65535: loudest at a half."""

    def __init__(self, pwm, duty=_HALF):
        self._pwm = pwm
        self._duty = duty
        pwm.duty_u16(0)

    def on(self, hz):
        self._pwm.freq(hz)
        self._pwm.duty_u16(self._duty)

    def off(self):
        self._pwm.duty_u16(0)


class PinVoice:
    """An active buzzer: it has one tone. `pin`: output; `active`: level that sounds."""

    def __init__(self, pin, active=1):
        self._pin = pin
        self._active = active
        pin(1 - active)

    def on(self, hz):
        self._pin(self._active)

    def off(self):
        self._pin(1 - self._active)


class Buzzer:
    """`voice`: PwmVoice or PinVoice; `clock`: ticks(), diff(), add()."""

    def __init__(self, voice, clock, patterns=None):
        self._voice = voice
        self._clock = clock
        self._patterns = PATTERNS if patterns is None else patterns
        self._wake = asyncio.Event()
        self._playing = None  # pattern that sounds
        self._wanted = None  # pattern to sound at once
        self._after = None  # message to sound when the present one has ended
        self._pin_mode = False
        self.failed = 0  # tones that the chip had no timer for

    def pin_mode(self, on):
        """While on, all keys click alike."""
        self._pin_mode = on

    def click(self, name=KEY):
        """The sound of a key: KEY, FUNCTION or REFUSED; in PIN mode always that of KEY."""
        self.play(KEY if self._pin_mode else name)

    def play(self, name):
        """Sound a pattern; returns at once. KeyError for a name that is none."""
        new = self._patterns[name]
        now = self._wanted or self._playing
        if now is None or new[0] > now[0] or new[0] == _CLICK == now[0]:
            self._wanted = new
            self._wake.set()
        elif new[0] != _CLICK and (self._after is None or new[0] >= self._after[0]):
            self._after = new

    def silence(self):
        """Stop whatever sounds."""
        self._wanted = None
        self._after = None
        self._voice.off()
        self._playing = None

    def busy(self):
        return self._playing is not None or self._wanted is not None

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("buzzer", self.run),)

    async def run(self):
        try:
            while True:
                if self._wanted is None and self._after is not None:
                    self._wanted = self._after
                    self._after = None
                if self._wanted is None:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                self._playing = self._wanted
                self._wanted = None
                await self._sound(self._playing[1])
                self._playing = None
        finally:
            self._playing = None
            self._voice.off()

    async def _sound(self, steps):
        """One pattern, until its end or until play() or silence() asks for something else. A step
        that the loop came late to is shorter, the pattern is not longer."""
        end = self._clock.ticks()
        for hz, ms in steps:
            end = self._clock.add(end, ms)
            left = self._clock.diff(end, self._clock.ticks())
            if left <= 0:
                continue
            if hz:
                self._start(hz)
            else:
                self._voice.off()
            while left > 0:
                await asyncio.sleep_ms(min(left, _SLICE_MS))
                if self._playing is None or self._wanted is not None:
                    self._voice.off()
                    return
                left = self._clock.diff(end, self._clock.ticks())
        self._voice.off()

    def _start(self, hz):
        try:
            self._voice.on(hz)
        except (OSError, RuntimeError, ValueError):
            # All four timers run at other frequencies: a tone is missing, nothing else.
            self.failed += 1
