# The engine: performs what the transaction table says, in an order that survives a power cut at
# any instant.
#
#   connect -> sign in if needed -> reversals that are owed
#   -> INTENT durable -> send -> OUTCOME durable -> result
#
# Never touches the screen or the printer. Who calls it shows the result; by then it is durable.

import asyncio

from ..host import cup
from ..host.cardstore import CardStoreError
from ..host.keyring import KeyFault, PinError
from ..host.session import BadMac, NoAnswer, NotSent, SignInError
from ..kernel import clock, log
from ..store.flashlog import FlashError, LogFull
from ..store.journal import JournalFull
from ..store.records import RecordError, Txn
from . import limits, settlement, txn
from .steps import apply, take_answer
from .types import (
    AMOUNT,
    BATCH_DIFFERS,
    CARD_DIFFERS,
    CONNECTING,
    FLASH,
    FULL,
    KEYS,
    LOCKED,
    NO_HOST,
    NO_MASTER_KEY,
    NOT_FOUND,
    NOT_VOIDABLE,
    OFFLINE_SIGN_IN,
    REVERSAL_OWED,
    REVERSING,
    SENDING,
    SETTLE_FIRST,
    SIGN_IN_FAILED,
    SIGNING_IN,
    UNKNOWN_RESULT,
    UNREADABLE,
    UPLOAD_FIRST,
    UPLOADING,
    Refused,
    Result,
)

# What a void may be for: an offline sale that was not sent yet is taken back without the host.
_VOIDABLE = (txn.APPROVED, txn.UPLOADED) + txn.OWED_UPLOAD


class Turn:
    """The engine's lock for whoever serves somebody: a round of uploads gives way. async with."""

    def __init__(self, engine):
        self._engine = engine

    async def __aenter__(self):
        if self._engine.saf is not None:
            self._engine.saf.interrupt()
        await self._engine.lock.acquire()

    async def __aexit__(self, *error):
        self._engine.lock.release()


class Engine:
    """`busy` is set while a request is under way: housekeeping then keeps away from the flash.
    `cards` host.cardstore.CardStore. `saf` is set by pay.saf.Saf, which knows the engine."""

    def __init__(self, journal, session, settings, reversals, cards):
        self.journal = journal
        self.session = session
        self.reversals = reversals
        self.saf = None
        self._settings = settings
        self._cards = cards
        self.lock = asyncio.Lock()  # one request, settlement, sign-in or round at a time
        self.turn = Turn(self)
        self.barred = False  # the self-test failed: no sale, no void

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
        kind, state = self.journal.kind(i), self.journal.state(i)
        if kind not in cup.DEBITS or state not in _VOIDABLE:
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
        t.pan_masked = original.pan_masked
        t.expiry = original.expiry
        return await self._run(t, card, pin, operator, stage)

    def _bind(self, t):
        """Put into the void `t` what names its original, as it stands now. Refused when that
        cannot be voided any more."""
        i = self.journal.find(t.original_trace)
        if i >= 0 and self.journal.state(i) in txn.OWED_UPLOAD:
            raise Refused(Result(why=UPLOAD_FIRST))  # the host has refused it, not for good yet
        if i < 0 or self.journal.state(i) not in (txn.APPROVED, txn.UPLOADED):
            raise Refused(Result(why=NOT_VOIDABLE))
        original = self.journal.load_whatever(i)
        t.original_rrn = original.rrn
        t.original_auth = original.auth_code
        t.other_trace = original.trace
        t.other_state, _ = txn.step(original.state, txn.VOID_APPROVED)

    async def _void_offline(self, t, operator, stage):
        """The original of the void `t` may be an offline sale that the host does not have. Result
        when that was the end of it: nothing was sent, so nothing need be; None when the void is to
        be sent, behind its original (I6)."""
        i = self.journal.find(t.original_trace)
        if i < 0 or self.journal.state(i) not in txn.OWED_UPLOAD:
            return None
        if self.journal.state(i) == txn.STORED:
            return self.saf.take_back(i)

        async def sign_in():
            await self.sign_in_now(operator, stage, True)

        stage(CONNECTING)
        await self.session.connect()
        await self.make_ready(operator, stage)
        stage(UPLOADING)
        try:
            await self.saf.upload(sign_in, 0, t.original_trace)
        except NoAnswer:
            raise Refused(Result(why=UPLOAD_FIRST))
        return None

    async def sign_in(self, operator, stage):
        """Sign in now. Result.approved says whether it worked."""
        async with self.turn:
            try:
                stage(CONNECTING)
                await self.sign_in_now(operator, stage)
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
        async with self.turn:
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
        if self.barred:
            return Result(why=LOCKED)
        async with self.turn:
            if settlement.unfinished(self.journal):
                return Result(why=SETTLE_FIRST)
            # Known from the sign-in that still holds; after a settlement the next one tells anew.
            if self.session.batch_differs and self.journal.signed_on:
                return Result(why=BATCH_DIFFERS)
            try:
                result = await self._request_once_or_twice(t, card, pin, operator, stage)
            except NotSent as e:
                result = Result(why=NO_HOST, detail=e.args[0])
            except Refused as e:
                result = e.args[0]
            except (FlashError, LogFull) as e:
                # A number, a sign-in or a mark could not be written. Had the request been sent,
                # _exchange() has left it as unknown: it is reversed.
                result = _flash_fault("request", e)
            finally:
                await self.session.disconnect()
            return self._without_host(t, card, operator, result)

    async def _request_once_or_twice(self, t, card, pin, operator, stage):
        if t.kind == cup.VOID:
            result = await self._void_offline(t, operator, stage)
            if result is not None:
                return result
            self._bind(t)
        again = _same_request(t)
        stage(CONNECTING)
        await self.session.connect()
        result = await self._attempt(t, card, pin, operator, stage)
        if result.code in cup.SIGN_IN_AGAIN and result.txn.state == txn.DECLINED:
            # The keys or the batch did not fit and nothing was booked: sign in and try once more.
            self.session.sign_off()
            result = await self._attempt(again, card, pin, operator, stage)
        return result

    def _without_host(self, t, card, operator, result):
        """`result` of a request; for a sale that never went out perhaps an approval without the
        host. When that is against the rules, the reason of the rules."""
        if result.txn is not None and result.why != UNKNOWN_RESULT:
            self.saf.kick()
        else:
            self.saf.later()
        unsent = result.why == NO_HOST or (
            # A reversal that the host will not take: by the acquirer's policy offline only.
            result.why == REVERSAL_OWED
            and self._settings["reversal_policy"] == "offline"
            and self.reversals.exhausted()
        )
        if not unsent or t.kind != cup.SALE or t.state != txn.DRAFT:
            return result
        if self._settings["offline_count_max"] and settlement.unconfirmed(self.journal):
            return Result(why=OFFLINE_SIGN_IN)
        offline = self.saf.approve(t.amount, card, operator)
        return result if offline.why == NO_HOST else offline

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
        if limits.full(self.journal, t.kind):
            raise Refused(Result(why=FULL))
        try:
            apply(self.journal, self.session, t, txn.BEGIN, self._seal(card))
        except JournalFull:
            raise Refused(Result(why=FULL))
        except (FlashError, LogFull) as e:
            raise Refused(_flash_fault("intent", e))
        stage(SENDING)
        return await self._exchange(t, card, pin)

    def _seal(self, card):
        """What Journal.begin() calls for a transaction with Card `card`. A batch upload may want
        the card's number; without it the sale is none the worse."""
        if card is None:
            return None

        def seal(t):
            try:
                return self._cards.seal(t, card)
            except CardStoreError:
                return b""

        return seal

    async def make_ready(self, operator, stage, settling=False, tries=0):
        """Signed in, and no reversal owed. Refused, NotSent otherwise. `settling`: the host may be
        in another batch; settling ours is the way out. `tries` of a reversal (0: the setting)."""
        if not self.journal.signed_on or not self.session.keys.has_working_keys():
            await self.sign_in_now(operator, stage, settling)
        if self.reversals.pending():
            stage(REVERSING)

            async def sign_in():
                await self.sign_in_now(operator, stage, True)

            if not await self.reversals.drain(sign_in, tries):
                raise Refused(Result(why=REVERSAL_OWED))

    async def sign_in_now(self, operator, stage, any_batch=False):
        """Sign in, for whoever holds the lock. Refused, NotSent. `any_batch`: also when the host
        is in another batch than we are."""
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
        if not len(self.journal):
            self._renew_cards()

    def _renew_cards(self):
        """Cards of a batch that is over can be read no more."""
        try:
            self._cards.renew(self.journal.batch)
        except CardStoreError:
            log.error("cards of the old batch are kept for now")

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
            event = txn.NOT_COMPLETED
            code = answer.code
            take_answer(t, answer.fields)
            event = txn.APPROVE if code in cup.APPROVED else txn.DECLINE
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
        if event in (txn.NO_ANSWER, txn.BAD_MAC, txn.NOT_COMPLETED, txn.FAULT):
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
