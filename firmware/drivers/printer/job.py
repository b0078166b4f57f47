# One print job as a state machine without I/O: what to send next, what an answer means, when to
# give up.
#
#   QUIET      after an answer that never came: it may still come, and must not be taken for the
#              answer to the next question
#   ASKING     status before anything is sent: paper, cover, errors
#   CLEARING   after a job that did not end well: what is left of it comes out, and its fence is
#              answered late; both must be over before an answer can mean this job
#   PRINTING   a strip goes out, then a fence, and the next strip only after its answer, and not
#              before the paper can have moved so far: so the printer's buffer never holds more
#              than a strip, and "printed" is something the printer said
#   DOUBTING   a fence was not answered in time: real-time status tells why
#
# Time comes in as ticks [ms]; `clock` gives diff and add.

from micropython import const

from . import FAULT, NO_ANSWER, OK, UNKNOWN, JobResult, escpos

_QUIET = const(0)
_ASKING = const(1)
_CLEARING = const(2)
_PRINTING = const(3)
_DOUBTING = const(4)
_DONE = const(5)

_STATUS_MS = const(500)
_TRIES = const(2)  # of each question
_PATIENCE = const(1)  # how often a printer that says all is well may be waited for again
# The slowest row of dots that is believed (dense rows need several strobes), and what is added to
# every wait.
_ROW_MS = const(6)
_MARGIN_MS = const(1500)
# How long a late answer may lag behind another, and how long noise is listened to.
_QUIET_MS = const(300)
_NOISE_MS = const(2000)


class Job:
    """`strips`: iterator of (bytes, dot rows), None: the status only. `clear`: (bytes, dot rows)
    that go before them when the job before did not end well, else None. `stale`: an answer is
    still owed from before. result is None until the job has ended."""

    def __init__(self, strips, clock, profile, baud, clear=None, stale=False):
        self._strips = strips
        self._clear = clear if strips is not None else None
        self._clock = clock
        self._profile = profile
        self._bytes_ms = 10_000 / baud  # of one byte on the wire
        self._question = -1  # index of the question that was asked last
        self._tries = 0
        self._rows = 0  # of the strip that is under way
        self._started = 0  # ticks at which it began
        self._ends = None  # ticks at which an answer was heard, while the paper still moves
        self._sent = False  # all of it is on its way: from now on an answer means something
        self._answered = False  # CLEARING: an answer has come
        self._before = _PRINTING  # what there are doubts of
        self._doubts = 0  # of the strip that is under way
        self._torn = False  # only a part of a strip was sent
        self._noise_until = None
        self._until = None  # ticks at which the awaited answer is overdue
        self._state = _QUIET if stale else _ASKING
        self.result = None

    @property
    def paced(self):
        """Whether what poll() returned must heed the printer's flow control (a question in real
        time does not)."""
        return self._state in (_CLEARING, _PRINTING)

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
            self._until = None
            self._overdue(now)
        if self._state == _QUIET:
            return self._listen(now)
        if self._state in (_ASKING, _DOUBTING):
            return self._ask(now)
        if self._state == _CLEARING and self._clear is not None:
            data, rows = self._clear
            self._clear = None
            return self._strip(data, rows, now)
        if self._state == _PRINTING:
            found = next(self._strips, None)
            if found is None:
                self._end(OK)
                return None
            return self._strip(found[0], found[1], now)
        return None if self._state == _DONE else b""

    def _quiet(self, now):
        """Another answer: wait for silence again, but not for ever."""
        if self._noise_until is not None and self._clock.diff(self._noise_until, now) > 0:
            self._wait(now, _QUIET_MS)

    def _listen(self, now):
        if self._noise_until is None:
            self._noise_until = self._clock.add(now, _NOISE_MS)
        self._wait(now, _QUIET_MS)
        return b""

    def _ask(self, now):
        if self._tries == 0:
            self._question += 1
        self._tries += 1
        self._wait(now, _STATUS_MS)
        return self._profile.status[self._question][0]

    def _strip(self, data, rows, now):
        self._rows = rows
        self._started = now
        self._doubts = 0
        self._sent = self._answered = False
        self._wait(now, int(len(data) * self._bytes_ms) + rows * _ROW_MS + _MARGIN_MS)
        return data

    def sent(self, now):
        """The last piece of a strip is being written."""
        self._sent = True
        self._wait(now, self._rows * _ROW_MS + _MARGIN_MS)

    def stuck(self):
        """The printer's flow control did not let all of it through in time."""
        self._torn = True

    def _overdue(self, now):
        if self._state == _QUIET:
            self._state = _ASKING
        elif self._ends is not None:
            self._ends = None  # heard, and by now the paper has moved as well
        elif self._state == _CLEARING and self._answered:
            self._state = _PRINTING  # it has been quiet since the last answer
        elif self._state in (_PRINTING, _CLEARING) and len(self._profile.status) > 1:
            self._before = self._state
            self._state = _DOUBTING
            self._question = -1
            self._tries = 0
        elif self._state == _ASKING and self._tries < _TRIES:
            self._noise_until = None
            self._state = _QUIET
        elif self._state != _DOUBTING or self._tries >= _TRIES:
            # Silence is not "no paper": nobody knows.
            self._end(UNKNOWN, NO_ANSWER)

    def feed(self, b, now):
        """A byte came from the printer."""
        state = self._state
        if state == _QUIET:
            # Whatever it answers, nobody asked for it now.
            self._quiet(now)
        elif state in (_ASKING, _DOUBTING) and self._question >= 0:
            matched, reason = escpos.judge(b, self._profile.status[self._question])
            if matched:
                self._judged(reason, now)
            elif state == _DOUBTING:
                self._fence(b, now)
        elif state in (_PRINTING, _CLEARING) and self._sent:
            self._fence(b, now)

    def _fence(self, b, now):
        matched, reason = escpos.judge(b, self._profile.fence)
        if not matched or self._torn:
            return
        if self._state == _DOUBTING:
            self._state = self._before  # late, but it came: the printer is slow, not dead
        if reason is not None:
            self._until = None
            self._end(FAULT, reason)
        elif self._state == _CLEARING:
            if not self._answered:
                self._answered = True
                self._noise_until = self._clock.add(now, _NOISE_MS)
            self._quiet(now)
        elif self._ends is None:
            self._ends = now
            # Noise may look like an answer; no printer is faster than its paper.
            least = self._clock.add(self._started, self._rows * self._profile.line_us // 1000)
            self._until = least

    def _judged(self, fault, now):
        self._until = None
        self._tries = 0
        if fault is not None:
            self._end(FAULT, fault)
        elif self._question + 1 == len(self._profile.status):
            if self._state == _ASKING:
                self._state = _PRINTING if self._clear is None else _CLEARING
                if self._strips is None:
                    self._end(OK)
            elif self._doubts < _PATIENCE and not self._torn:
                self._doubts += 1
                self._state = self._before
                self._wait(now, self._rows * _ROW_MS + _MARGIN_MS)
            else:
                # Everything is well but the fence never came: bytes were lost on the way.
                self._end(UNKNOWN, NO_ANSWER)
