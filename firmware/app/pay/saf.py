# Store and forward: approves sales while the host is away, within the acquirer's rules, and brings
# everything that is owed to the host.
#
# The queue is the journal itself. Its classes, in this order, each oldest first:
#
#   reversal  a request whose outcome is not known (pay.reversal); nothing overtakes it
#   advice    a sale that the terminal approved; sent with its own key until the host answers
#   notice    the terminal's status, when the host asked for it
#
# Works in rounds of a few messages: after an online transaction, when the link is back, and then
# again, further and further apart while it fails. Whoever serves a customer interrupts a round at
# any await; what was sent is counted before, so that it goes out again marked as a repeat.

import asyncio
import struct

from ..host import cup
from ..host.cardstore import CardStoreError
from ..host.session import BadMac, NoAnswer, NotSent
from ..kernel import clock, log
from ..store.flashlog import FlashError, LogFull
from ..store.journal import JournalFull
from ..store.records import REFUSALS_MAX, RecordError, Txn
from . import limits, txn, types
from .retry import PROBE_MS, Retry
from .steps import apply, count_send, take_answer
from .types import Refused, Result

_AGE_NOTE = 2  # journal note: operating time, while something is outstanding
_AGE_EVERY_S = 3600
_GAP_MS = 5000  # between two rounds that went well
_LOOK_MS = 1000


def _quiet(stage):
    pass


class Saf:
    """`cards` host.cardstore.CardStore, `link` host.link.Link, `spawn(factory)` starts a task and
    returns what has cancel() (None: rounds run in the task itself and cannot be interrupted);
    `seed` differs from terminal to terminal."""

    def __init__(self, journal, session, settings, reversals, engine, cards, link, spawn, seed):
        self._journal = journal
        self._session = session
        self._settings = settings
        self._reversals = reversals
        self._engine = engine
        self._cards = cards
        self._link = link
        self._spawn = spawn
        self._retry = Retry(seed)
        self._due = clock.ticks()
        self._was_ready = False
        self._round_task = None
        self._ended = asyncio.Event()
        self._age_base = 0
        self._age_noted = 0
        self._held = False
        self.operator = "01"
        engine.saf = self

    # ---- what is owed ---------------------------------------------------------------------------

    def outstanding(self):
        """(count, amount in fen) of the offline sales that the host does not have yet."""
        count = amount = 0
        for i in range(len(self._journal)):
            if self._journal.state(i) in txn.OWED_UPLOAD:
                count += 1
                amount += self._journal.amount(i)
        return count, amount

    def owes(self):
        """Whether anything is to be sent."""
        if self._session.status_wanted:
            return True
        journal = self._journal
        return any(
            journal.state(i) == txn.UNKNOWN or journal.state(i) in txn.OWED_UPLOAD
            for i in range(len(journal))
        )

    def _operating_s(self):
        return self._age_base + clock.uptime_s()

    def _oldest_s(self):
        """Operating seconds since the oldest outstanding sale was approved. Time without power
        does not count, nor does the calendar."""
        for i in range(len(self._journal)):
            if self._journal.state(i) in txn.OWED_UPLOAD:
                stored = self._journal.load_whatever(i).stored_s
                return max(0, self._operating_s() - stored)
        return 0

    def recover(self):
        """After a boot: operating time goes on where the records leave off."""
        note = self._journal.get_note(_AGE_NOTE)
        base = struct.unpack("<I", note)[0] if note and len(note) == 4 else 0
        for i in range(len(self._journal) - 1, -1, -1):
            if self._journal.state(i) in txn.OWED_UPLOAD:
                base = max(base, self._journal.load_whatever(i).stored_s)
                break
        self._age_base = base - clock.uptime_s()
        self._age_noted = base
        if not len(self._journal):
            try:
                self._cards.renew(self._journal.batch)
            except CardStoreError:
                log.error("cards of the old batch are kept for now")

    # ---- approving ------------------------------------------------------------------------------

    def approve(self, amount, card, operator):
        """Approve a sale without the host, if the rules allow it: one commit, then Result. Sends
        nothing."""
        count, total = self.outstanding()
        why = limits.refusal(self._settings, amount, card, count, total, self._oldest_s())
        if why is not None:
            return Result(why=why)
        if limits.full(self._journal, cup.OFFLINE):
            return Result(why=types.FULL)
        t = Txn(cup.OFFLINE, amount)
        t.begins = txn.STORED
        t.stored_s = self._operating_s()
        t.operator = operator
        t.when = clock.now()
        t.entry_mode = cup.entry_mode(cup.ENTRY_SWIPE, False)
        t.pan_masked = card.masked()
        t.expiry = card.expiry
        try:
            self._journal.begin(t, lambda t: self._cards.seal(t, card))
        except JournalFull:
            return Result(why=types.FULL)
        except CardStoreError:
            return Result(why=types.OFFLINE_KEYS)
        except (FlashError, LogFull) as e:
            log.exception("offline sale", e)
            return Result(why=types.FLASH)
        t.auth_code = cup.offline_code(t.trace)
        log.info("trace %d approved offline", t.trace)
        return Result(approved=True, code="00", record=t)

    def take_back(self, i):
        """Void of an offline sale of which nothing was sent yet: nobody need ever know. Result.
        FlashError, LogFull."""
        t = self._journal.load_whatever(i)
        apply(self._journal, self._session, t, txn.CANCEL)
        t.auth_code = cup.offline_code(t.trace)
        return Result(approved=True, code="00", record=t)

    # ---- sending --------------------------------------------------------------------------------

    async def upload(self, sign_in, most=0, last_trace=0):
        """Send advices, oldest first: at most `most` (0: all), none behind `last_trace` (0: all).
        True when none is left to be sent. The session must be connected, signed in, and no
        reversal owed. NotSent, NoAnswer, Refused when it broke off."""
        sent = 0
        for i in range(len(self._journal)):
            if self._journal.state(i) not in txn.OWED_UPLOAD:
                continue
            if most and sent == most:
                return False
            sent += 1
            await self._upload(i, sign_in)
            if not most:
                self._journal.tidy()  # the cashier waits anyway, and it may be a thousand of them
            if last_trace and self._journal.trace(i) == last_trace:
                break
        return not self.outstanding()[0]

    async def _upload(self, i, sign_in):
        t = self._journal.load_whatever(i)
        try:
            pan, t.expiry = self._cards.open(t)
        except CardStoreError as e:
            log.error("trace %d: card %s", t.trace, e.args[0])
            self._note(t, txn.PARK)
            return
        try:
            code = await self._send(t, pan)
            if code in cup.SIGN_IN_AGAIN:
                self._session.sign_off()
                await sign_in()
                code = await self._send(t, pan)
        finally:
            for k in range(len(pan)):
                pan[k] = 0
        if code in cup.APPROVED or code == cup.DUPLICATE:
            self._accepted(t, code)
        elif code in cup.TEMPORARY or code in cup.OF_TERMINAL or code in cup.SIGN_IN_AGAIN:
            raise NoAnswer("host " + code)
        else:
            self._refused(t, code)

    async def _send(self, t, pan):
        """One send of the advice; the host's code."""
        await self._session.connect()
        repeat = count_send(self._journal, self._session, t, txn.UPLOAD_SENDING)
        fields = cup.advice(t, self._settings, self._session.reader, pan)
        try:
            answer = await self._session.exchange("0220", fields, True, repeat)
        except BadMac:
            self._session.sign_off()
            raise NoAnswer("mac")
        take_answer(t, answer.fields)
        return answer.code

    def _accepted(self, t, code):
        if not t.auth_code:
            t.auth_code = cup.offline_code(t.trace)
        self._retry.reset()
        log.info("trace %d uploaded, rc %s", t.trace, code)
        self._note(t, txn.UPLOAD_DONE)

    def _refused(self, t, code):
        log.warning("trace %d refused: %s", t.trace, code)
        last = t.refusals + 1 >= REFUSALS_MAX
        self._note(t, txn.PARK if last else txn.UPLOAD_REFUSED)

    def _note(self, t, event):
        """A flash that takes no more must not keep the others from being sent (I11): after a power
        cut this one is sent again, as a repeat."""
        try:
            apply(self._journal, self._session, t, event)
        except (FlashError, LogFull) as e:
            log.exception("upload", e)
            self._journal.overrule(t)

    async def _send_status(self):
        """What the host asked for: device flags, each "there" (host-protocol 2.7)."""
        mti, fields = cup.management(cup.STATUS, self._journal.batch, self._settings)
        fields[62] = b"011021031041051"
        answer = await self._session.exchange(mti, fields, False)
        if answer.code not in cup.TEMPORARY:
            self._session.status_wanted = False

    # ---- rounds ---------------------------------------------------------------------------------

    async def run(self):
        """Task: sends what is owed while nobody is served."""
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            self._note_age()
            if self._is_due():
                await self._start_round()

    def _is_due(self):
        ready = self._link.ready()
        if ready and not self._was_ready:
            self._retry.reset()
            self._due = clock.add(clock.ticks(), self._retry.next())
            self._retry.reset()
        self._was_ready = ready
        if (
            not ready
            or self._held
            or self._engine.busy
            or clock.diff(self._due, clock.ticks()) > 0
        ):
            return False
        return self.owes()

    def kick(self):
        """An online transaction went through: the link works, a round is due."""
        self._retry.reset()
        self._due = clock.ticks()

    def later(self):
        """A request failed: not at once again."""
        self._due = clock.add(clock.ticks(), self._retry.next())

    def interrupt(self):
        """A customer is there: end the round that is under way."""
        if self._round_task is not None:
            self._round_task.cancel()
            self._ended.set()  # one that is cancelled before it has begun does not say so itself

    def hold(self, on):
        """No rounds while a supervisor gives up what is owed: what is on the paper that he signs
        must not be sent all the same, the acquirer would book it twice."""
        self._held = on
        if on:
            self.interrupt()

    async def _start_round(self):
        if self._spawn is None:
            await self._round()
            return
        self._ended.clear()
        self._round_task = self._spawn(self._round)
        await self._ended.wait()

    async def _round(self):
        try:
            async with self._engine.lock:
                try:
                    await self.round()
                finally:
                    await self._session.disconnect()
        finally:
            self._round_task = None
            self._ended.set()

    async def round(self):
        """One round, for whoever holds the engine's lock; True when nothing is owed any more."""
        most = self._settings["uploads_per_round"]
        try:
            done = await self._everything(most, 1)
            self._retry.reset()
            self._due = clock.add(clock.ticks(), _GAP_MS)
            return done
        except NotSent as e:
            log.info("round: %s", e.args[0])
            self._due = clock.add(clock.ticks(), self._retry.next(PROBE_MS))
        except (NoAnswer, Refused) as e:
            log.info("round: %s", getattr(e.args[0], "why", e.args[0]))
            self._due = clock.add(clock.ticks(), self._retry.next())
        except (FlashError, LogFull, RecordError) as e:
            log.exception("round", e)
            self._due = clock.add(clock.ticks(), self._retry.next())
        return False

    async def _everything(self, most, tries, stage=_quiet):
        """Reversals, advices, notices; True when nothing is left."""

        async def sign_in():
            await self._engine.sign_in_now(self.operator, stage, True)

        stage(types.CONNECTING)
        await self._session.connect()
        await self._engine.make_ready(self.operator, stage, True, tries)
        stage(types.UPLOADING)
        done = await self.upload(sign_in, most)
        if self._session.status_wanted:
            await self._session.connect()
            await self._send_status()
        return done

    async def upload_now(self, operator, stage):
        """Everything that is owed, while the cashier waits. Result.approved: nothing is left."""
        self.operator = operator
        async with self._engine.turn:
            try:
                return Result(approved=await self._everything(0, 0, stage), why=types.UPLOAD_OWED)
            except NotSent as e:
                return Result(why=types.NO_HOST, detail=e.args[0])
            except NoAnswer as e:
                return Result(why=types.UPLOAD_OWED, detail=e.args[0])
            except Refused as e:
                return e.args[0]
            except (FlashError, LogFull, RecordError) as e:
                log.exception("upload", e)
                return Result(why=types.FLASH)
            finally:
                await self._session.disconnect()

    def _note_age(self):
        now = self._operating_s()
        if now - self._age_noted < _AGE_EVERY_S or not self.outstanding()[0]:
            return
        self._age_noted = now
        try:
            self._journal.put_note(_AGE_NOTE, struct.pack("<I", now))
        except (FlashError, LogFull) as e:
            log.exception("age", e)
