# One print job as a state machine without I/O: what to send next, what an answer means, when to
# give up.
#
#   ASKING     real-time status before anything is sent: paper, cover, errors
#   CLEARING   after a job that did not end well: what is left of it comes out, and its fence is
#              answered late; both must be over before an answer can mean this job
#   PRINTING   a strip goes out, then a fence (GS r), and the next strip only after its answer: so
#              the printer's buffer never holds more than a strip, and "printed" is something the
#              printer said
#   DOUBTING   a fence was not answered in time: real-time status tells why
#
# Time comes in as ticks [ms]; `clock` gives diff and add.

from micropython import const

from . import FAULT, NO_ANSWER, OK, UNKNOWN, JobResult, escpos

_ASKING = const(0)
_PRINTING = const(1)
_DOUBTING = const(2)
_DONE = const(3)
_CLEARING = const(4)

_STATUS_MS = const(500)
# The slowest line of dots that is believed (dense rows need several strobes), and what is added to
# every wait.
_ROW_MS = const(6)
_MARGIN_MS = const(1500)
# Left of a job that broke off: at most a strip. And how long a late answer may lag behind another.
_LEFT_ROWS = const(600)
_QUIET_MS = const(300)

_QUESTIONS = (
    (escpos.ASK_PAPER, escpos.paper_fault),
    (escpos.ASK_ERROR, escpos.error_fault),
    (escpos.ASK_OFFLINE, escpos.offline_fault),  # last: its error bit does not say which
)


class Job:
    """`strips`: list of (bytes, dot rows). `clear`: the job before did not end well. result is
    None until the job has ended."""

    def __init__(self, strips, clock, clear=False):
        self._strips = strips
        self._clear = clear and bool(strips)
        self._answered = False  # CLEARING: an answer has come
        self._clock = clock
        self._state = _ASKING
        self._question = -1  # index of the question that was asked last
        self._next = 0  # index of the next strip
        self._until = None  # ticks at which the awaited answer is overdue
        self.result = None

    def _wait(self, now, ms):
        self._until = self._clock.add(now, ms)

    def _end(self, status, reason=""):
        self._state = _DONE
        self.result = JobResult(status, reason)

    def left_ms(self, now):
        """Milliseconds until poll() must be called again at the latest."""
        return 0 if self._until is None else max(0, self._clock.diff(self._until, now))

    def poll(self, now):
        """bytes to send now, b"" when an answer is awaited, None when the job has ended."""
        if self._until is not None:
            if self._clock.diff(self._until, now) > 0:
                return b""
            self._overdue()
        self._until = None
        if self._state in (_ASKING, _DOUBTING):
            return self._ask(now)
        if self._state == _CLEARING:
            self._clear = False
            self._wait(now, _LEFT_ROWS * _ROW_MS + _MARGIN_MS)
            return escpos.CLEAR + escpos.FENCE
        if self._state == _PRINTING:
            return self._strip(now)
        return None

    def _ask(self, now):
        self._question += 1
        self._wait(now, _STATUS_MS)
        return _QUESTIONS[self._question][0]

    def _strip(self, now):
        if self._next == len(self._strips):
            self._end(OK)
            return None
        data, rows = self._strips[self._next]
        self._next += 1
        self._wait(now, rows * _ROW_MS + _MARGIN_MS)
        return data + escpos.FENCE

    def _overdue(self):
        if self._state == _CLEARING and self._answered:
            self._state = _PRINTING  # it has been quiet since the last answer
        elif self._state in (_PRINTING, _CLEARING):
            self._state = _DOUBTING
            self._question = -1
        else:
            # Silence is not "no paper": nobody knows.
            self._end(UNKNOWN, NO_ANSWER)

    def feed(self, b, now):
        """A byte came from the printer."""
        if self._state == _CLEARING and escpos.is_fence(b):
            self._answered = True
            self._wait(now, _QUIET_MS)
        elif self._state in (_PRINTING, _DOUBTING) and escpos.is_fence(b):
            self._state = _PRINTING  # late, but it came: the printer is slow, not dead
            self._until = None
        elif self._state in (_ASKING, _DOUBTING) and escpos.is_realtime(b) and self._question >= 0:
            self._judge(_QUESTIONS[self._question][1](b))

    def _judge(self, fault):
        self._until = None
        if fault is not None:
            self._end(FAULT, fault)
        elif self._question + 1 == len(_QUESTIONS):
            if self._state == _ASKING:
                self._state = _CLEARING if self._clear else _PRINTING
            else:
                # Everything is well but the fence never came: bytes were lost on the way.
                self._end(UNKNOWN, NO_ANSWER)
