# Batch upload (host-protocol 2.6): after totals that differ, the host gets every record of the
# batch; after equal ones only the message that ends it.
#
# Order: online sales and voids (eight to a message), then the offline sales, each as its advice
# was, then the end with the number of records. How far it has come is in a note that is written
# before each message: after a power cut the same message goes out again with the
# same number, marked as a repeat.

from ..host import cup
from ..host.cardstore import CardStoreError
from ..host.session import NoAnswer
from ..kernel import log
from . import txn
from .types import SETTLE_REFUSED, Refused, Result

_WRONG_NUMBER = "79"  # the host has counted other records than we have sent


class BatchUpload:
    """`save(settled)` makes settled.sent, up_trace and anew durable: records sent, number of the
    message on its way (0: none), whether this is not the first run."""

    def __init__(self, journal, session, settings, cards, save):
        self._journal = journal
        self._session = session
        self._settings = settings
        self._cards = cards
        self._save = save

    def _records(self, offline):
        """Indexes of the records that count, online or offline ones."""
        journal = self._journal
        for i in range(len(journal)):
            if journal.state(i) in txn.COUNTED and (journal.kind(i) == cup.OFFLINE) == offline:
                yield i

    async def run(self, s, sign_in):
        """Send what Settled `s` still lacks, and the end. NoAnswer, Refused, NotSent when it broke
        off: it goes on from there."""
        if not s.balanced:
            await self._details(s, sign_in)
            await self._notices(s, sign_in)
        if not s.balanced or self._settings["settle_end"]:
            await self._end(s, sign_in)

    async def _details(self, s, sign_in):
        done = 0
        group = []
        for i in self._records(False):
            done += 1
            if done <= s.sent:
                continue
            group.append(i)
            if len(group) == cup.DETAILS_MAX:
                await self._group(s, group, sign_in)
                group = []
        if group:
            await self._group(s, group, sign_in)

    async def _group(self, s, group, sign_in):
        entries = [self._entry(i) for i in group]
        f48 = cup.details(entries)
        try:
            await self._exchange(s, cup.UPLOAD_DETAILS, {48: f48}, sign_in)
        finally:
            for _, pan, _ in entries:
                _wipe(pan)
            _wipe(f48)
        s.sent += len(group)

    def _entry(self, i):
        """(trace, PAN as a bytearray, amount). A number that was not kept, or cannot be read, is
        sent as zeros: the record must not be missing for that."""
        t = self._journal.load_whatever(i)
        pan = self._pan(t)
        if not pan and t.original_trace:  # a void without the card
            original = self._journal.find(t.original_trace)
            if original >= 0:
                pan = self._pan(self._journal.load_whatever(original))
        return t.trace, pan, t.amount

    def _pan(self, t):
        try:
            return self._cards.open(t)[0]
        except CardStoreError as e:
            log.warning("trace %d: card %s", t.trace, e.args[0])
            return bytearray()

    async def _notices(self, s, sign_in):
        done = sum(1 for _ in self._records(False))
        for i in self._records(True):
            done += 1
            if done <= s.sent:
                continue
            t = self._journal.load_whatever(i)
            pan = self._pan(t)
            try:
                fields = cup.advice(t, self._settings, self._session.reader, pan)
                await self._exchange(s, None, fields, sign_in)
            finally:
                _wipe(pan)
            s.sent += 1

    async def _end(self, s, sign_in):
        message = cup.UPLOAD_END_BALANCED if s.balanced else cup.UPLOAD_END_UNBALANCED
        await self._exchange(s, message, {48: "%04d" % (0 if s.balanced else s.sent)}, sign_in)

    async def _exchange(self, s, message, fields, sign_in):
        """Send one message until it is answered. `message` of cup, None for a notice, which has
        its own number."""
        # A notice keeps its number, also in another run; details get a new one there.
        repeat = s.up_trace != 0 or (s.anew and message is None)
        if not s.up_trace:
            s.up_trace = self._journal.take_trace() if message else int(fields[11])
            self._save(s)
        mti = "0320"
        if message:
            mti, head = cup.management(message, s.batch, self._settings, None, s.up_trace)
            fields.update(head)
        why = ""
        for _ in range(self._settings["reversal_tries"]):
            await self._session.connect()
            try:
                answer = await self._session.exchange(mti, fields, False, repeat)
            except NoAnswer as e:
                why = e.args[0]
                repeat = True
                await self._session.disconnect()
                continue
            if answer.code in ("00", cup.DUPLICATE):
                s.up_trace = 0
                self._journal.tidy()
                return
            self._refused(s, answer.code)
            await sign_in()
            repeat = True
        raise NoAnswer(why)

    def _refused(self, s, code):
        """What the host has against a message. Returns when a sign-in may help."""
        log.warning("upload refused: %s", code)
        if code in cup.SIGN_IN_AGAIN:
            self._session.sign_off()
            return
        if code == _WRONG_NUMBER:
            # From the beginning: what the host knows it knows once only.
            s.sent = s.up_trace = 0
            s.anew = True
            self._save(s)
        raise Refused(Result(why=SETTLE_REFUSED, code=code))


def _wipe(buf):
    for i in range(len(buf)):
        buf[i] = 0
