# Settlement: the batch's totals against the host's, as steps that are written down, so that a
# power cut at any instant is made good at the next boot.
#
#   SENT      the totals are about to be sent; sending them again does no harm
#   ANSWERED  the host's verdict is known; balanced: the batch closes next (one commit)
#   CLOSED    the batch is closed: this note may never close another one, not even when the host
#             hands out the same number again. The slip is printed from here, also much later
#
# Without batch upload: when the host's totals differ, the batch stays open and nothing is cleared.

import struct

from micropython import const

from ..host import cup
from ..host.iso8583 import FormatError
from ..host.session import NoAnswer, NotSent
from ..kernel import clock, log
from ..store.flashlog import FlashError, LogFull
from . import txn
from .types import (
    CONNECTING,
    EMPTY,
    FLASH,
    NO_HOST,
    SETTLE_REFUSED,
    SETTLE_UNKNOWN,
    SETTLING,
    Refused,
    Result,
)

NOTE = const(1)  # journal note
_REFUSED = const(0)  # the host has compared nothing
_SENT = const(1)
_ANSWERED = const(2)
_CLOSED = const(3)
_VERSION = const(1)

# Verdict of the host on a block of F48
BALANCED = const(1)
UNBALANCED = const(2)
ERROR = const(3)

# version, step, batch, trace, verdict, slip printed, operator, when (y-2000 m d h m s),
# own debit amount count credit amount count, host's the same
_FORMAT = "<BBIIBB2s6sQHQHQHQH"


class Settled:
    """One settlement. `own` and `host`: (debit amount, debit count, credit amount, credit count),
    amounts in fen."""

    def __init__(self):
        self.step = 0
        self.batch = 0
        self.trace = 0
        self.verdict = 0
        self.printed = False
        self.operator = "01"
        self.when = (2000, 1, 1, 0, 0, 0)
        self.own = (0, 0, 0, 0)
        self.host = (0, 0, 0, 0)

    @property
    def balanced(self):
        return self.verdict == BALANCED

    @property
    def to_be_closed(self):
        return self.step == _ANSWERED and self.balanced

    def encode(self):
        y = self.when[0]
        return struct.pack(_FORMAT, _VERSION, self.step, self.batch, self.trace, self.verdict,
                           1 if self.printed else 0, self.operator.encode(),
                           bytes((max(0, y - 2000),) + tuple(self.when[1:])),
                           *(self.own + self.host))  # fmt: skip


def decode(data):
    """Settled from the bytes of the note, None when there are none, or of another version."""
    if not data or data[0] != _VERSION or len(data) < struct.calcsize(_FORMAT):
        return None
    v = struct.unpack(_FORMAT, data)
    s = Settled()
    _, s.step, s.batch, s.trace, s.verdict, printed, operator, when = v[:8]
    s.printed = bool(printed)
    s.operator = bytes(operator).decode()
    s.when = (when[0] + 2000,) + tuple(when[1:])
    s.own, s.host = v[8:12], v[12:16]
    return s


def unfinished(journal):
    """Whether a settlement is under way: totals of the open batch were sent and no answer came
    (the host may have closed the batch; settling again tells, it answers the same again), or the
    balanced batch could not be closed here. Until it is finished nothing may be booked."""
    s = decode(journal.get_note(NOTE))
    if s is None:
        return False
    return s.to_be_closed or (s.step == _SENT and s.batch == journal.batch)


def totals(journal):
    """{kind: (count, amount)} of what counts in the open batch."""
    out = {cup.SALE: [0, 0], cup.VOID: [0, 0]}
    for i in range(len(journal)):
        if journal.state(i) in txn.COUNTED:
            entry = out[journal.kind(i)]
            entry[0] += 1
            entry[1] += journal.amount(i)
    return {k: tuple(v) for k, v in out.items()}


class Settlement:
    def __init__(self, journal, session, settings, engine):
        self._journal = journal
        self._session = session
        self._settings = settings
        self._engine = engine

    def last(self):
        """The latest Settled, None when there was none."""
        return decode(self._journal.get_note(NOTE))

    def unfinished(self):
        return unfinished(self._journal)

    def slip_owed(self):
        """The latest Settled if its slip is still to be printed."""
        s = self.last()
        return s if s is not None and s.step in (_ANSWERED, _CLOSED) and not s.printed else None

    def slip_printed(self, s):
        s.printed = True
        self._journal.put_note(NOTE, s.encode())

    def recover(self):
        """After a power cut: a batch that the host had balanced is closed now. True if that was
        owed."""
        s = self.last()
        if s is None or not s.to_be_closed:
            return False
        log.info("batch %d was balanced before the power cut", s.batch)
        self._close(s)
        return True

    def _close(self, s):
        """Close the batch of the balanced Settled `s`, unless that was done, and retire the note.
        Must be complete before a sign-in may adopt a batch number."""
        if s.batch == self._journal.batch:
            self._journal.close_batch()
        s.step = _CLOSED
        self._journal.put_note(NOTE, s.encode())

    async def run(self, operator, stage):
        """Settle the open batch; Settled. Refused when it cannot be done now: nothing has changed
        then."""
        async with self._engine.lock:
            try:
                last = self.last()
                if last is not None and last.to_be_closed:
                    self._close(last)  # the flash failed the first time
                    return last
                if not len(self._journal):
                    raise Refused(Result(why=EMPTY))
                stage(CONNECTING)
                await self._session.connect()
                await self._engine.make_ready(operator, stage, True)
                stage(SETTLING)
                return await self._settle(operator, stage)
            except NotSent as e:
                raise Refused(Result(why=NO_HOST, detail=e.args[0]))
            except NoAnswer as e:
                raise Refused(Result(why=SETTLE_UNKNOWN, detail=e.args[0]))
            except FormatError as e:
                log.error("settlement: field %d %s", e.args[0], e.args[1])
                raise Refused(Result(why=SETTLE_UNKNOWN, detail="format"))
            except (FlashError, LogFull) as e:
                log.exception("settlement", e)
                raise Refused(Result(why=FLASH))
            finally:
                await self._session.disconnect()

    async def _settle(self, operator, stage):
        """Exchange the totals; once more after a sign-in when the host asks for one."""
        for attempt in (1, 2):
            await self._session.connect()
            s, answer = await self._exchange(operator)
            code = answer.fields.get(39, "00")
            if code in ("00", cup.UNBALANCED):
                break
            # Most hosts send no F39 here; one that does, and refuses, has compared nothing.
            s.step = _REFUSED
            self._journal.put_note(NOTE, s.encode())
            if code not in cup.SIGN_IN_AGAIN or attempt == 2:
                raise Refused(Result(why=SETTLE_REFUSED, code=code))
            self._session.sign_off()
            await self._engine.make_ready(operator, stage, True)
        self._judge(s, code, answer.fields)
        if s.balanced:
            self._close(s)
        return s

    async def _exchange(self, operator):
        """(Settled, answer): the totals are sent, and written down before that."""
        own = totals(self._journal)
        s = Settled()
        s.step = _SENT
        s.batch = self._journal.batch
        s.operator = operator
        s.when = clock.now()
        s.own = (own[cup.SALE][1], own[cup.SALE][0], own[cup.VOID][1], own[cup.VOID][0])
        f48 = cup.totals(*s.own)
        s.trace = self._journal.take_trace()
        mti, fields = cup.management(cup.SETTLE, s.batch, self._settings, operator, s.trace)
        fields[48] = f48
        fields[49] = cup.CURRENCY
        self._journal.put_note(NOTE, s.encode())
        return s, await self._session.exchange(mti, fields, False)

    def _judge(self, s, code, fields):
        """Put the host's verdict into `s` and write it down."""
        if code == cup.UNBALANCED and 48 not in fields:
            s.verdict = UNBALANCED
        else:
            home, foreign = cup.parse_totals(fields.get(48, ""))
            s.host = home[:4]
            # The foreign block must be balanced too (or untouched): this terminal sends zeros.
            s.verdict = home[4] if foreign[4] in (0, BALANCED) else foreign[4]
            if code == cup.UNBALANCED and s.balanced:
                s.verdict = UNBALANCED
        s.step = _ANSWERED
        self._journal.put_note(NOTE, s.encode())
