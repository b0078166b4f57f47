# Settlement: the batch's totals against the host's, as steps that are written down, so that a
# power cut at any instant is made good at the next boot or the next try.
#
#   SENT       the totals are about to be sent; sending them again does no harm
#   UPLOADING  the host's verdict is known; records (after a difference) and the end are being sent
#   ENDED      nothing is left to be sent: the batch closes next (one commit)
#   CLOSED     the batch is closed: this note may never close another one, not even when the host
#              hands out the same number again. The slip is printed from here, also much later
#
# ANSWERED was written by firmware without batch upload: balanced, it closes; otherwise the totals
# are sent anew. REFUSED is left where the host compared nothing, or calls it an error.

import struct

from micropython import const

from ..host import cup
from ..host.cardstore import CardStoreError
from ..host.iso8583 import FormatError
from ..host.session import NoAnswer, NotSent
from ..kernel import clock, log
from ..store.flashlog import FlashError, LogFull
from . import txn
from .steps import apply
from .types import (
    CLOSE_BY_FORCE,
    CONNECTING,
    EMPTY,
    FLASH,
    NEWER,
    NO_HOST,
    SETTLE_REFUSED,
    SETTLE_UNKNOWN,
    SETTLING,
    UPLOAD_OWED,
    UPLOADING,
    Refused,
    Result,
)

NOTE = const(1)  # journal note
_EXPLAIN_NOTE = const(3)  # the records from which a difference may come
# of an upload: batch, records sent, number of the message on its way, begun anew
_PROGRESS_NOTE = const(4)
_PROGRESS = "<IHIB"
_REFUSED = const(0)  # the host has compared nothing
_SENT = const(1)
_ANSWERED = const(2)
_CLOSED = const(3)
_UPLOADING = const(4)
_ENDED = const(5)
_VERSION = const(1)

# Verdict of the host on a block of F48
BALANCED = const(1)
UNBALANCED = const(2)
ERROR = const(3)

# version, step, batch, trace, verdict, slip printed, operator, when (y-2000 m d h m s),
# own debit amount count credit amount count, host's the same
_FORMAT = "<BBIIBB2s6sQHQHQHQH"
# behind it, not looked at by older firmware: closed by a supervisor, number of rows
_MORE = "<BB"
# a row: what, count, net amount, length of the label; the label
_ROW = "<BHqB"
_LINE = "<IBQB"


class Settled:
    """One settlement. `own` and `host`: (debit amount, debit count, credit amount, credit count),
    amounts in fen; `rows` as pay.totals.rows(); `sent`, `up_trace`, `anew`: see pay.upload."""

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
        self.sent = 0
        self.up_trace = 0
        self.anew = False
        self.forced = False  # closed by a supervisor, without the host's consent
        self.rows = []

    @property
    def balanced(self):
        return self.verdict == BALANCED

    @property
    def closed(self):
        return self.step == _CLOSED

    @property
    def ended(self):
        return self.step == _ENDED

    @property
    def to_be_closed(self):
        return self.step == _ENDED or (self.step == _ANSWERED and self.balanced)

    def encode(self):
        y = self.when[0]
        out = struct.pack(_FORMAT, _VERSION, self.step, self.batch, self.trace, self.verdict,
                          1 if self.printed else 0, self.operator.encode(),
                          bytes((max(0, y - 2000),) + tuple(self.when[1:])),
                          *(self.own + self.host))  # fmt: skip
        out += struct.pack(_MORE, 1 if self.forced else 0, len(self.rows))
        for what, label, count, amount in self.rows:
            text = label.encode()
            out += struct.pack(_ROW, what, count, amount, len(text)) + text
        return out


def _rows(data, at, n):
    out = []
    for _ in range(n):
        what, count, amount, length = struct.unpack_from(_ROW, data, at)
        at += struct.calcsize(_ROW)
        out.append((what, data[at : at + length].decode(), count, amount))
        at += length
    return out


def decode(data):
    """Settled from the bytes of the note, None when there are none, or of another version."""
    if not data or data[0] != _VERSION or len(data) < struct.calcsize(_FORMAT):
        return None
    v = struct.unpack_from(_FORMAT, data, 0)
    s = Settled()
    _, s.step, s.batch, s.trace, s.verdict, printed, operator, when = v[:8]
    s.printed = bool(printed)
    s.operator = bytes(operator).decode()
    s.when = (when[0] + 2000,) + tuple(when[1:])
    s.own, s.host = v[8:12], v[12:16]
    at = struct.calcsize(_FORMAT)
    if len(data) >= at + struct.calcsize(_MORE):
        forced, n = struct.unpack_from(_MORE, data, at)
        s.forced = bool(forced)
        s.rows = _rows(data, at + struct.calcsize(_MORE), n)
    return s


def unfinished(journal):
    """Whether a settlement is under way: totals of the open batch were sent and no answer came
    (the host may have closed the batch; settling again tells, it answers the same again), or
    records are still to be uploaded, or the batch could not be closed here. Until it is finished
    nothing may be booked."""
    s = decode(journal.get_note(NOTE))
    if s is None or s.step == _CLOSED:
        return False
    return s.to_be_closed or (s.step in (_SENT, _UPLOADING) and s.batch == journal.batch)


def unconfirmed(journal):
    """Whether the open batch's number is a guess: the last batch was closed without the host's
    consent, and nobody has asked the host since. An advice of a batch that the host does not have
    would never be taken."""
    s = decode(journal.get_note(NOTE))
    return s is not None and s.forced and s.step == _CLOSED and not journal.signed_on


class Settlement:
    """`cards` host.cardstore.CardStore; `saf` pay.saf.Saf."""

    def __init__(self, journal, session, settings, engine, saf, cards):
        self._journal = journal
        self._session = session
        self._settings = settings
        self._engine = engine
        self._saf = saf
        self._cards = cards

    def _save(self, s):
        self._journal.put_note(NOTE, s.encode())

    def _save_progress(self, s):
        # A note of its own: it is written for each message, and small.
        data = struct.pack(_PROGRESS, s.batch, s.sent, s.up_trace, 1 if s.anew else 0)
        self._journal.put_note(_PROGRESS_NOTE, data)

    def last(self):
        """The latest Settled, None when there was none."""
        s = decode(self._journal.get_note(NOTE))
        if s is not None and s.step == _UPLOADING:
            batch, sent, trace, anew = struct.unpack(
                _PROGRESS, self._journal.get_note(_PROGRESS_NOTE) or bytes(11)
            )
            if batch == s.batch:
                s.sent, s.up_trace, s.anew = sent, trace, bool(anew)
        return s

    def unfinished(self):
        return unfinished(self._journal)

    def slip_owed(self):
        """The latest Settled if its slip is still to be printed."""
        s = self.last()
        return s if s is not None and s.step in (_ANSWERED, _CLOSED) and not s.printed else None

    def slip_printed(self, s):
        s.printed = True
        self._save(s)

    def explanation(self, s):
        """[(trace, kind, amount, why)] for the difference that Settled `s` found: why is a number
        of pay.totals. Empty when there was none."""
        data = self._journal.get_note(_EXPLAIN_NOTE)
        if s.balanced or not data or len(data) < 4 or struct.unpack_from("<I", data)[0] != s.batch:
            return []
        size = struct.calcsize(_LINE)
        return [struct.unpack_from(_LINE, data, at) for at in range(4, len(data), size)]

    def recover(self):
        """After a power cut: a batch that was through with the host is closed now. True if that
        was owed."""
        s = self.last()
        if s is None or not s.to_be_closed:
            return False
        log.info("batch %d was settled before the power cut", s.batch)
        self.close(s)
        return True

    def close(self, s):
        """Close the batch of Settled `s`, unless that was done, and retire the note. Must be
        complete before a sign-in may adopt a batch number. FlashError, LogFull."""
        if s.batch == self._journal.batch:
            self._journal.close_batch()
        s.step = _CLOSED
        self._save(s)
        try:
            self._cards.renew(self._journal.batch)
        except CardStoreError:
            log.error("cards of the old batch are kept for now")

    async def run(self, operator, stage):
        """Settle the open batch, as far as the host has a part in it; a Settled that is `ended`
        and has to be closed by close(). Refused when that cannot be done now: what was done so far
        is not done again."""
        async with self._engine.turn:
            try:
                last = self.last()
                if last is not None and last.to_be_closed:
                    return last  # it could not be closed the first time
                resume = last is not None and last.step == _UPLOADING
                resume = resume and last.batch == self._journal.batch
                self._check_not_empty()
                if self._journal.newer():
                    raise Refused(Result(why=NEWER))
                await self._send_what_is_owed(operator, stage)
                if not resume:
                    self._check_not_empty()  # a sign-in may have brought another batch
                stage(SETTLING)
                if resume:
                    s = last
                else:
                    # The host may have closed the batch then: until it says what became of the
                    # totals, no refusal frees the terminal.
                    lost = last is not None and last.step == _SENT
                    lost = lost and last.batch == self._journal.batch
                    s = await self._settle(operator, stage, _SENT if lost else _REFUSED)
                if s.step == _UPLOADING:
                    stage(UPLOADING)
                    await self._finish(s, operator, stage)
                return s
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

    def _check_not_empty(self):
        # Totals of nothing that went out without an answer must be settled all the same.
        if not len(self._journal) and not self.unfinished():
            raise Refused(Result(why=EMPTY))

    async def _send_what_is_owed(self, operator, stage):
        """Reversals, then advices: the host's totals lack them as long as they are here."""

        async def sign_in():
            await self._engine.sign_in_now(operator, stage, True)

        stage(CONNECTING)
        await self._session.connect()
        await self._engine.make_ready(operator, stage, True)
        if self._saf.outstanding()[0]:
            stage(UPLOADING)
            try:
                done = await self._saf.upload(sign_in)
            except NoAnswer:
                done = False
            if not done:
                raise Refused(Result(why=UPLOAD_OWED))

    async def _settle(self, operator, stage, refused):
        """Exchange the totals; once more after a sign-in when the host asks for one. `refused`:
        the step that a refusal leaves."""
        for attempt in (1, 2):
            await self._session.connect()
            s, answer = await self._exchange(operator)
            code = answer.fields.get(39, "00")
            if code in ("00", cup.UNBALANCED):
                break
            # Most hosts send no F39 here; one that does, and refuses, has compared nothing.
            s.step = refused
            self._save(s)
            if code not in cup.SIGN_IN_AGAIN or attempt == 2:
                raise Refused(Result(why=SETTLE_REFUSED, code=code))
            self._session.sign_off()
            await self._engine.make_ready(operator, stage, True)
        await self._judge(s, code, answer.fields, refused)
        return s

    async def _exchange(self, operator):
        """(Settled, answer): the totals are sent, and written down before that."""
        s = await self._begin(operator)
        s.trace = self._journal.take_trace()
        mti, fields = cup.management(cup.SETTLE, s.batch, self._settings, operator, s.trace)
        fields[48] = cup.totals(*s.own)
        fields[49] = cup.CURRENCY
        self._save(s)
        return s, await self._session.exchange(mti, fields, False)

    async def _begin(self, operator):
        from . import totals  # once a day: not in memory before

        s = Settled()
        s.step = _SENT
        s.batch = self._journal.batch
        s.operator = operator
        s.when = clock.now()
        s.own = totals.for_host(self._journal)
        s.rows = await totals.rows(self._journal)
        return s

    async def _judge(self, s, code, fields, refused):
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
        if s.verdict == UNBALANCED:
            from . import totals

            lines = await totals.explain(self._journal, s.own, s.host)
            data = struct.pack("<I", s.batch)
            for line in lines:
                data += struct.pack(_LINE, *line)
            self._journal.put_note(_EXPLAIN_NOTE, data)
        self._save_progress(s)  # none yet; before the step that looks at it
        s.step = _UPLOADING if s.verdict in (BALANCED, UNBALANCED) else refused
        self._save(s)
        if s.step != _UPLOADING:
            raise Refused(Result(why=SETTLE_REFUSED))

    async def _finish(self, s, operator, stage):
        async def sign_in():
            await self._engine.make_ready(operator, stage, True)

        from .upload import BatchUpload

        upload = BatchUpload(
            self._journal, self._session, self._settings, self._cards, self._save_progress
        )
        await upload.run(s, sign_in)
        s.step = _ENDED
        self._save(s)

    # ---- a supervisor's way out -----------------------------------------------------------------

    def given_up(self):
        """Indexes of what override() would give up: reversals and uploads that are still owed."""
        states = (txn.UNKNOWN,) + txn.OWED_UPLOAD
        return [i for i in range(len(self._journal)) if self._journal.state(i) in states]

    async def override(self, operator, why):
        """A supervisor closes the batch, after the exception report is on paper. What is owed is
        given up; where the host would not settle (`why` of the refusal), its consent too. Settled
        that is ended, or None when the settlement can now be run again."""
        async with self._engine.turn:
            try:
                for i in self.given_up():
                    t = self._journal.load_whatever(i)
                    apply(self._journal, self._session, t, txn.GIVE_UP)
                s = self.last()
                if why not in CLOSE_BY_FORCE:
                    return None
                if s is None or s.batch != self._journal.batch or s.step == _CLOSED:
                    s = await self._begin(operator)
                s.forced = True
                s.step = _ENDED
                self._save(s)
                return s
            except (FlashError, LogFull) as e:
                log.exception("override", e)
                raise Refused(Result(why=FLASH))
