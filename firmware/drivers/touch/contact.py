# What a finger does, out of samples of which some are wrong. Pure: no clock, no bus, no memory.
#
# A contact is believed after `agree` samples running that lie close together; its end after as
# many samples without contact. One sample far away from the contact is an outlier; when the next
# ones agree with it, the contact has jumped, as no finger can (two fingers, water, noise), and is
# void until nothing touches the panel any more.

from micropython import const

# What a sample says
NONE = const(0)
CONTACT = const(1)
DOUBT = const(2)  # not to be used: noise, light touch, a bus error

# What feed() answers
NOTHING = const(0)
IS_DOWN = const(1)
HAS_MOVED = const(2)
IS_UP = const(3)
IS_VOID = const(4)

_IDLE = const(0)
_HELD = const(1)
_VOID = const(2)

# A finger moves at most so far between two samples 10 ms apart (8 m/s on a panel of 6 dots/mm
# would be 480; people reach a fifth).
_JUMP = const(80)
# Smaller movements are the panel's noise.
_STEP = const(3)
# So many samples in a row that say nothing end a contact.
_DOUBTS = const(20)


class Contact:
    """`agree`: samples that must say the same; `jump`, `step` [dots of the screen]; `stuck_ms`: a
    contact of that length is none. After feed(): x, y, stuck, ghosts (contacts not believed)."""

    def __init__(self, agree=3, jump=_JUMP, step=_STEP, stuck_ms=30_000):
        self._agree = agree
        self._jump = jump
        self._step = step
        self._stuck_ms = stuck_ms
        self.x = 0
        self.y = 0
        self.stuck = False
        self.ghosts = 0
        self._state = _IDLE
        self._near_x = 0  # where the last samples were
        self._near_y = 0
        self._count = 0  # samples that agree there
        self._none = 0  # samples without contact
        self._doubts = 0
        self._since = 0  # ms that the contact lasts

    def held(self):
        """Whether a DOWN was told whose UP or CANCEL is still to come."""
        return self._state == _HELD

    def quiet(self):
        """Whether nothing touches the panel, nor has begun to."""
        return self._state == _IDLE and not self._count

    def void(self):
        """Whatever touches the panel now is no press. IS_VOID when a DOWN was told, else
        NOTHING."""
        held = self._state == _HELD
        if self._state == _IDLE:
            self._since = 0
        self._state = _VOID
        self._none = 0
        return IS_VOID if held else NOTHING

    def drop(self):
        """The controller was lost: begin anew. IS_VOID when a DOWN was told, else NOTHING."""
        held = self._state == _HELD
        self._state = _IDLE
        self._count = 0
        self._none = 0
        self._doubts = 0
        return IS_VOID if held else NOTHING

    def feed(self, what, x, y, ms):
        """A sample: NONE, CONTACT or DOUBT at (x, y) on the screen, `ms` after the last one."""
        if self._state != _IDLE:
            self._since += ms
        if what == DOUBT:
            self._doubts += 1
            if self._state == _HELD and self._doubts >= _DOUBTS:
                return self.void()
            return NOTHING
        self._doubts = 0
        if what == NONE:
            return self._nothing_there()
        self._none = 0
        if self._state == _IDLE:
            return self._begins(x, y)
        if self._since >= self._stuck_ms:
            self.stuck = True
            return self.void()
        if self._state == _VOID:
            return NOTHING
        return self._goes_on(x, y)

    def _nothing_there(self):
        if self._state == _IDLE:
            if self._count:
                self.ghosts += 1
            self._count = 0
            return NOTHING
        self._none += 1
        if self._none < self._agree:
            return NOTHING
        held = self._state == _HELD
        self._state = _IDLE
        self._count = 0
        self.stuck = False
        return IS_UP if held else NOTHING

    def _is_near(self, x, y):
        """Whether the sample agrees with the ones before; counts it."""
        near = abs(x - self._near_x) <= self._jump and abs(y - self._near_y) <= self._jump
        self._count = self._count + 1 if near and self._count else 1
        self._near_x = x
        self._near_y = y
        return self._count >= self._agree

    def _begins(self, x, y):
        if not self._is_near(x, y):
            return NOTHING
        self._state = _HELD
        self._since = 0
        self._count = 0
        self._none = 0
        self.x = x
        self.y = y
        return IS_DOWN

    def _goes_on(self, x, y):
        dx = abs(x - self.x)
        dy = abs(y - self.y)
        if dx > self._jump or dy > self._jump:
            if self._is_near(x, y):
                self.ghosts += 1
                return self.void()
            return NOTHING
        self._count = 0
        if dx < self._step and dy < self._step:
            return NOTHING
        self.x = x
        self.y = y
        return HAS_MOVED
