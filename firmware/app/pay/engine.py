# The engine: performs what the transaction table says, in an order that survives a power cut at
# any instant.
#
#   connect -> sign in if needed -> reversals that are owed
#   -> INTENT durable -> send -> OUTCOME durable -> result
#
# Never touches the screen or the printer. Who calls it shows the result; by then it is durable.

import asyncio

from ..host import cup
from ..host.keyring import KeyFault, PinError
from ..host.session import BadMac, NoAnswer, NotSent, SignInError
from ..kernel import clock, log
from ..store.flashlog import FlashError, LogFull
from ..store.journal import JournalFull
from ..store.records import RecordError, Txn
from . import settlement, txn
from .types import (
    AMOUNT,
    BATCH_DIFFERS,
    CARD_DIFFERS,
    CONNECTING,
    FLASH,
    FULL,
    KEYS,
    NO_HOST,
    NO_MASTER_KEY,
    NOT_FOUND,
    NOT_VOIDABLE,
    REVERSAL_OWED,
    REVERSING,
    SENDING,
    SETTLE_FIRST,
    SIGN_IN_FAILED,
    SIGNING_IN,
    UNKNOWN_RESULT,
    UNREADABLE,
    Refused,
    Result,
)


def apply(journal, session, t, event):
    """Perform what the table says for Txn `t` and `event`. FlashError, LogFull when a commit
    fails."""
    state, actions = txn.step(t.state, event)
    t.state = state
    for action in actions:
        if action in txn.REASONS:
            t.reason = action
        elif action == txn.WRITE_OUTCOME:
            journal.finish(t)
        elif action == txn.WRITE_INTENT:
            journal.begin(t)
        elif action == txn.COUNT_TRY:
            t.tries += 1
        elif action == txn.NOTE_PRINTED:
            t.printed = True
        elif action == txn.WRITE_MARK:
            journal.mark(t)
        elif action == txn.SIGN_OFF:
            session.sign_off()


class Engine:
    """`busy` is set while a request is under way: housekeeping then keeps away from the flash."""

    def __init__(self, journal, session, settings, reversals):
        self.journal = journal
        self.session = session
        self.reversals = reversals
        self._settings = settings
        self.lock = asyncio.Lock()  # one request, settlement or sign-in at a time

    @property
    def busy(self):
        return self.lock.locked()

    # ---- what the flows call --------------------------------------------------------------------

    async def sale(self, amount, card, pin, operator, stage):
        """A sale of `amount` fen. `card`: Card; `pin`: bytearray of ASCII digits or None;
        stage(name) tells what is going on. Card and PIN stay the caller's to wipe."""
        if not 0 < amount <= self._settings["amount_max"]:
            return Result(why=AMOUNT)
        t = Txn(cup.SALE, amount)
        return await self._run(t, card, pin, operator, stage)

    def find_voidable(self, trace):
        """The journal record of the sale with that voucher number. Refused when it cannot be
        voided."""
        i = self.journal.find(trace)
        if i < 0:
            raise Refused(Result(why=NOT_FOUND))
        if self.journal.kind(i) != cup.SALE or self.journal.state(i) != txn.APPROVED:
            raise Refused(Result(why=NOT_VOIDABLE))
        try:
            return self.journal.load(i)
        except (FlashError, RecordError) as e:
            log.exception("load", e)
            raise Refused(Result(why=UNREADABLE))

    async def void(self, original, card, pin, operator, stage):
        """Void the sale `original` (from find_voidable), whole amount. `card` None: without the
        card."""
        if card is not None and card.masked() != original.pan_masked:
            return Result(why=CARD_DIFFERS)
        t = Txn(cup.VOID, original.amount)
        t.original_trace = original.trace
        t.original_rrn = original.rrn
        t.original_auth = original.auth_code
        t.pan_masked = original.pan_masked
        t.expiry = original.expiry
        t.other_trace = original.trace
        t.other_state, _ = txn.step(txn.APPROVED, txn.VOID_APPROVED)
        return await self._run(t, card, pin, operator, stage)

    async def sign_in(self, operator, stage):
        """Sign in now. Result.approved says whether it worked."""
        async with self.lock:
            try:
                stage(CONNECTING)
                await self._sign_in(operator, stage)
                return Result(approved=True)
            except NotSent as e:
                return Result(why=NO_HOST, detail=e.args[0])
            except Refused as e:
                return e.args[0]
            except (FlashError, LogFull) as e:
                return _flash_fault("sign-in", e)
            finally:
                await self.session.disconnect()

    async def echo(self, stage):
        """Echo test: Result.approved when the host answered."""
        async with self.lock:
            try:
                stage(CONNECTING)
                await self.session.connect()
                return Result(approved=await self.session.echo())
            except (NotSent, NoAnswer) as e:
                return Result(why=NO_HOST, detail=e.args[0])
            finally:
                await self.session.disconnect()

    # ---- one request ----------------------------------------------------------------------------

    async def _run(self, t, card, pin, operator, stage):
        async with self.lock:
            if settlement.unfinished(self.journal):
                return Result(why=SETTLE_FIRST)
            # Known from the sign-in that still holds; after a settlement the next one tells anew.
            if self.session.batch_differs and self.journal.signed_on:
                return Result(why=BATCH_DIFFERS)
            again = _same_request(t)
            try:
                stage(CONNECTING)
                await self.session.connect()
                result = await self._attempt(t, card, pin, operator, stage)
                if result.code in cup.SIGN_IN_AGAIN and result.txn.state == txn.DECLINED:
                    # The keys or the batch did not fit and nothing was booked: sign in and try
                    # once more.
                    self.session.sign_off()
                    result = await self._attempt(again, card, pin, operator, stage)
                return result
            except NotSent as e:
                return Result(why=NO_HOST, detail=e.args[0])
            except Refused as e:
                return e.args[0]
            except (FlashError, LogFull) as e:
                # A number, a sign-in or a mark could not be written. Had the request been sent,
                # _exchange() has left it as unknown: it is reversed.
                return _flash_fault("request", e)
            finally:
                await self.session.disconnect()

    def _counted(self, kind):
        """Transactions of `kind` that count in the open batch."""
        journal = self.journal
        return sum(
            1
            for i in range(len(journal))
            if journal.kind(i) == kind and journal.state(i) in txn.COUNTED
        )

    async def _attempt(self, t, card, pin, operator, stage):
        await self.make_ready(operator, stage)
        await self.session.connect()  # the host may have closed after the sign-in or the reversal
        t.operator = operator
        t.when = clock.now()
        t.pin_entered = pin is not None
        t.entry_mode = cup.entry_mode(cup.ENTRY_SWIPE if card is not None else 0, pin is not None)
        if card is not None:
            t.pan_masked = card.masked()
            t.expiry = card.expiry
        if len(self.journal) >= cup.COUNT_MAX and self._counted(t.kind) >= cup.COUNT_MAX:
            raise Refused(Result(why=FULL))
        try:
            apply(self.journal, self.session, t, txn.BEGIN)
        except JournalFull:
            raise Refused(Result(why=FULL))
        except (FlashError, LogFull) as e:
            raise Refused(_flash_fault("intent", e))
        stage(SENDING)
        return await self._exchange(t, card, pin)

    async def make_ready(self, operator, stage, settling=False):
        """Signed in, and no reversal owed. Refused, NotSent otherwise. `settling`: the host may be
        in another batch; settling ours is the way out."""
        if not self.journal.signed_on or not self.session.keys.has_working_keys():
            await self._sign_in(operator, stage, settling)
        if self.reversals.pending():
            stage(REVERSING)
            if not await self.reversals.drain(lambda: self._sign_in(operator, stage, True)):
                raise Refused(Result(why=REVERSAL_OWED))

    async def _sign_in(self, operator, stage, any_batch=False):
        await self.session.connect()  # the host may have closed after its last answer
        stage(SIGNING_IN)
        try:
            if not await self.session.sign_in(operator) and not any_batch:
                raise Refused(Result(why=BATCH_DIFFERS))
        except SignInError as e:
            if e.args[0] == "no master key":
                raise Refused(Result(why=NO_MASTER_KEY))
            raise Refused(Result(why=SIGN_IN_FAILED, code=e.args[1], detail=e.args[0]))
        except NoAnswer as e:
            raise NotSent(e.args[0])

    async def _exchange(self, t, card, pin):
        """Send the request of `t`, whose intent is durable, and make its outcome durable."""
        mti = cup.TYPES[t.kind][0]
        event = txn.NOT_SENT
        code = ""
        why = NO_HOST
        try:
            fields = self._request(t, card, pin)
            event = txn.NO_ANSWER
            try:
                answer = await self.session.exchange(mti, fields, True)
            finally:
                _wipe_sensitive(fields)
            code = answer.code
            event = txn.APPROVE if code in cup.APPROVED else txn.DECLINE
            _take_answer(t, answer.fields)
        except NotSent as e:
            log.error("trace %d not sent: %s", t.trace, e.args[0])
            event = txn.NOT_SENT
        except (KeyFault, PinError) as e:
            log.error("trace %d not sent: %s", t.trace, e.args[-1])
            self.session.sign_off()  # new keys may help
            why = KEYS
        except NoAnswer as e:
            log.warning("trace %d no answer: %s", t.trace, e.args[0])
        except BadMac:
            event = txn.BAD_MAC
        finally:
            # Also on the way out of a cancellation or an unforeseen error: what was sent is never
            # forgotten.
            event = self._finish(t, event)
        if event == txn.NOT_SENT:
            return Result(why=why, record=t)
        if event in (txn.NO_ANSWER, txn.BAD_MAC, txn.FAULT):
            return Result(why=UNKNOWN_RESULT, record=t)
        return Result(approved=event == txn.APPROVE, code=code, record=t)

    def _finish(self, t, event):
        """Write the outcome; the event that really counts then. An approval that could not be
        written is none: it is reversed (I1: durable before "approved" is shown)."""
        if event != txn.APPROVE:
            t.other_trace = 0  # only an approved void changes its original
        try:
            apply(self.journal, self.session, t, event)
            return event
        except (FlashError, LogFull) as e:
            log.exception("outcome", e)
        if event in (txn.DECLINE, txn.NOT_SENT):
            return event  # after a power cut it is reversed for nothing, which does no harm
        t.state, t.reason, t.other_trace = txn.UNKNOWN, txn.REASON_96, 0
        self.journal.overrule(t)
        return txn.FAULT

    def _request(self, t, card, pin):
        """Fields of the request, with card data and PIN block. The PAN for the PIN block is the
        card's."""
        fields = cup.financial(t.kind, t, self._settings, self.session.reader)
        if card is not None:
            encrypted = self._settings["key_mode"] == cup.TRACK_ENCRYPTED
            fields[35] = self._track(card.track2, encrypted)
            if card.track3 is not None:
                fields[36] = self._track(card.track3, encrypted)
            if pin is not None:
                fields[26] = "12"
                fields[52] = self.session.keys.pin_block(pin, card.pan)
            f53 = cup.f53(pin is not None, encrypted)
            if f53 is not None:
                fields[53] = f53
        return fields

    def _track(self, track, encrypted):
        copy = bytearray(track)
        if not encrypted:
            return copy
        out = self.session.keys.encrypt_track(copy)
        if out is not copy:
            for i in range(len(copy)):
                copy[i] = 0
        return out


def _flash_fault(where, e):
    log.exception(where, e)
    return Result(why=FLASH)


def _same_request(t):
    """A new Txn that asks for what `t`, not yet sent, asks for: made before, because an attempt
    changes its Txn."""
    again = Txn(t.kind, t.amount)
    for name in ("original_trace", "original_rrn", "original_auth", "pan_masked", "expiry",
                 "other_trace", "other_state"):  # fmt: skip
        setattr(again, name, getattr(t, name))
    return again


def _wipe_sensitive(fields):
    for number in (35, 36):
        value = fields.pop(number, None)
        if value is not None:
            for i in range(len(value)):
                value[i] = 0
    fields.pop(52, None)


def _take_answer(t, fields):
    """What the journal keeps of an answer."""
    t.response_code = fields.get(39, "")
    t.rrn = fields.get(37, "")
    t.auth_code = fields.get(38, "").strip()
    t.host_time = fields.get(12, "")
    t.host_date = fields.get(13, "")
    t.settle_date = fields.get(15, "")
    parties = fields.get(44, b"")
    t.issuer = _text(parties[:11])
    t.acquirer = _text(parties[11:22])
    t.org = _text(fields.get(63, b"")[:3])


def _text(data):
    """str of the printable ASCII in `data`."""
    return "".join(chr(c) for c in data if 32 <= c < 127).strip()
