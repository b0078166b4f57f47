# A touch panel: one task that samples a controller and tells what fingers do.
#
# While nothing touches, it looks at the controller's interrupt line every 5 ms, and asks the
# controller itself every 100 ms in case the wire is broken; no edge that could be missed is waited
# for. While something touches it samples every 10 ms. A controller that does not answer, or has
# forgotten its settings, is started again, after longer and longer pauses; a contact that it had
# is void.

import asyncio

from micropython import const

from . import CANCEL, DOWN, FAULT, MOVE, NO_ANSWER, OK, STUCK, UNKNOWN, UP, WRONG_CHIP
from .calibration import check
from .contact import CONTACT, DOUBT, Contact

_SAMPLE_MS = const(10)
_IDLE_MS = const(5)
_ASK = const(20)  # looks at the line, then the controller is asked
_HEALTH_MS = const(1000)
# So many bus errors running: the controller is started again.
_ERRORS = const(3)
_RETRY_MS = const(50)
_RETRY_MOST_MS = const(2000)
# Samples that are looked at after a start: what touches in the second half of them is no finger.
_FIRST_LOOK = const(8)
# What lies so far beside the screen is its edge; further away nobody can have touched.
_MARGIN = const(12)

_QUEUE = const(16)
# By what Contact.feed() answers: NOTHING, IS_DOWN, HAS_MOVED, IS_UP, IS_VOID
_KINDS = ("", DOWN, MOVE, UP, CANCEL)


class Events:
    """A bounded queue. A full one takes no new contact (`lost` counts those), but always the end
    of one whose DOWN it took; of several MOVE in a row the last one stays."""

    def __init__(self):
        self._events = [None] * _QUEUE  # type: list
        self._at = 0
        self._n = 0
        self._open = False  # a DOWN was taken whose end is still to come
        self._event = asyncio.Event()
        self.lost = 0

    def put(self, kind, x, y, ticks):
        if kind == DOWN:
            self._open = self._n <= _QUEUE - 3  # room for its MOVE and its end
            if not self._open:
                self.lost += 1
        if not self._open:
            return
        if kind != DOWN and kind != MOVE:
            self._open = False
        if kind == MOVE:
            last = (self._at + self._n - 1) % _QUEUE
            if self._n and self._events[last][0] == MOVE:
                self._events[last] = (kind, x, y, ticks)
                return
            if self._n == _QUEUE - 1:
                return  # the last place is the end's
        self._events[(self._at + self._n) % _QUEUE] = (kind, x, y, ticks)
        self._n += 1
        self._event.set()

    async def get(self):
        """The next (kind, x, y, ticks). One reader only."""
        while not self._n:
            self._event.clear()
            await self._event.wait()
        event = self._events[self._at]
        self._events[self._at] = None
        self._at = (self._at + 1) % _QUEUE
        self._n -= 1
        return event


class Touch:
    """`source`: FT6336 or XPT2046; `clock`: ticks(), diff(); `width`, `height` of the screen
    [dots]; `six`: calibration (calibration.turned(), solve()), ValueError when it cannot be the
    panel's; `raw`: (width, height) of the raw coordinates."""

    def __init__(self, source, clock, width, height, six, raw=(4096, 4096), contact=None):
        self._source = source
        self._clock = clock
        self._width = width
        self._height = height
        self._raw = raw
        self._six = six
        reason = self.calibrate(six)
        if reason:
            raise ValueError(reason)
        self._contact = Contact() if contact is None else contact
        self._events = Events()
        self._measuring = None  # a list that takes raw points instead of the queue
        self._errors = 0
        self.x = 0
        self.y = 0
        self.status = UNKNOWN
        self.reason = ""
        self.restarts = 0
        self.bus_errors = 0

    # ---- what the owner asks --------------------------------------------------------------------

    @property
    def lost(self):
        return self._events.lost

    @property
    def stuck(self):
        return self._contact.stuck

    @property
    def ghosts(self):
        return self._contact.ghosts

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("touch", self.run),)

    async def get(self):
        """The next (kind, x, y, ticks); x, y on the screen. One reader only."""
        return await self._events.get()

    def calibrate(self, six):
        """Take six int; "" or the reason why they are not taken."""
        reason = check(six, self._width, self._height, self._raw[0], self._raw[1])
        if not reason:
            self._six = tuple(six)
        return reason

    async def measure(self, timeout_ms):
        """(x, y), raw, of the next contact that is held for half a second (the mean of its
        samples); None after timeout_ms. Its events are not told."""
        samples = []  # type: list
        self._end()
        self._measuring = samples
        start = self._clock.ticks()
        try:
            while self._clock.diff(self._clock.ticks(), start) < timeout_ms:
                await asyncio.sleep_ms(_SAMPLE_MS)
                if len(samples) >= 40:
                    n = len(samples) // 2  # the first half is a finger that still settles
                    x, y = 0, 0
                    for p in samples[-n:]:
                        x += p[0]
                        y += p[1]
                    return (x + n // 2) // n, (y + n // 2) // n
            return None
        finally:
            self._measuring = None
            self._end()

    def _end(self):
        """What is on the panel now is no press."""
        if not self._contact.quiet():
            self._tell(self._contact.void())

    # ---- the owner task -------------------------------------------------------------------------

    async def run(self):
        pause = _RETRY_MS
        try:
            while True:
                if await self._bring_up():
                    pause = _RETRY_MS
                    await self._first_look()
                    await self._follow()
                    self._tell(self._contact.drop())
                    self.restarts += 1
                else:
                    pause = min(2 * pause, _RETRY_MOST_MS)
                await asyncio.sleep_ms(pause)
        finally:
            self._tell(self._contact.drop())

    async def _bring_up(self):
        """Whether the controller works; `status` says the same."""
        step = 0
        try:
            while True:
                ms = self._source.bring_up(step)
                if ms <= 0:
                    break
                await asyncio.sleep_ms(ms)
                step += 1
        except OSError:
            self.status, self.reason = FAULT, NO_ANSWER
            self.bus_errors += 1
            return False
        if ms < 0:
            self.status, self.reason = FAULT, WRONG_CHIP
            return False
        self.status, self.reason = OK, ""
        self._errors = 0
        return True

    async def _first_look(self):
        """What touches from the start on is dirt, water or a broken panel until it goes away."""
        running = 0
        for _ in range(_FIRST_LOOK):
            running = running + 1 if self._look() == CONTACT else 0
            await asyncio.sleep_ms(_SAMPLE_MS)
        if running > _FIRST_LOOK // 2:
            self._contact.void()
            self._contact.stuck = not self.restarts

    async def _follow(self):
        """Sample until the controller has to be started again."""
        checked = before = self._clock.ticks()
        looks = 0
        while self._errors < _ERRORS:
            now = self._clock.ticks()
            looks += 1
            if not self._contact.quiet() or looks >= _ASK or self._source.touched():
                looks = 0
                what = self._look()
                ms = self._clock.diff(now, before)
                self._tell(self._contact.feed(what, self.x, self.y, ms))
                self._complain()
            before = now
            if self._clock.diff(now, checked) >= _HEALTH_MS:
                checked = now
                if not self._healthy():
                    return
            await asyncio.sleep_ms(_IDLE_MS if self._contact.quiet() else _SAMPLE_MS)
        self.status, self.reason = FAULT, NO_ANSWER

    def _complain(self):
        if self._contact.stuck:
            self.status, self.reason = FAULT, STUCK
        elif self.reason == STUCK:
            self.status, self.reason = OK, ""

    def _healthy(self):
        try:
            good = self._source.healthy()
        except OSError:
            self._failed()
            return True  # the samples will show whether it is dead
        if not good:
            self.status, self.reason = UNKNOWN, ""
        return good

    def _failed(self):
        self._errors += 1
        self.bus_errors += 1

    def _look(self):
        """One sample: what it is; x, y on the screen."""
        try:
            what = self._source.poll()
        except OSError:
            self._failed()
            return DOUBT
        self._errors = 0
        if what != CONTACT:
            return what
        point = self._source.point
        if self._measuring is not None and self._contact.held():
            self._measuring.append((point[0], point[1]))
        return CONTACT if self._to_screen(point[0], point[1]) else DOUBT

    def _to_screen(self, raw_x, raw_y):
        """Set x, y; False when nobody can have touched there."""
        a, b, c, d, e, f = self._six
        x = (a * raw_x + b * raw_y + c) >> 16
        y = (d * raw_x + e * raw_y + f) >> 16
        right, bottom = self._width - 1, self._height - 1
        if not (-_MARGIN <= x <= right + _MARGIN and -_MARGIN <= y <= bottom + _MARGIN):
            return False
        self.x = 0 if x < 0 else right if x > right else x
        self.y = 0 if y < 0 else bottom if y > bottom else y
        return True

    def _tell(self, what):
        if what and self._measuring is None:
            contact = self._contact
            self._events.put(_KINDS[what], contact.x, contact.y, self._clock.ticks())
