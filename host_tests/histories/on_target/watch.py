# What is looked at while a shop's day runs: the journal after every step, and every request in the
# instant in which its first byte goes out.
#
# Judges the terminal by the contract (store-and-forward, I1 to I10) and by the table of states
# alone; what the host has booked is judged in notebook.

from app.pay import txn
from app.store.journal import Journal
from app.store.records import FORGETTABLE

LOST, DUPLICATED, UNEXPLAINED = "lost", "duplicated", "unexplained"

# A record that is left behind in one of these is money that nobody looks after any more.
OPEN = (txn.SENDING, txn.UNKNOWN) + txn.OWED_UPLOAD

# Request: (states its record may be in when the first byte goes out, whether the send is counted)
_SENT_AS = {
    "020": ((txn.SENDING,), False),
    "022": ((txn.UPLOADING,), True),
    "040": ((txn.UNKNOWN,), True),
}


def _reach():
    """{state: set of the states that may be seen next}: by one event or by several."""
    out = {}
    for state in range(len(txn.NAMES)):
        found = {state}
        while True:
            more = {to for at, _, to, _ in txn.TABLE if at in found} - found
            if not more:
                break
            found |= more
        out[state] = found
    return out


REACH = _reach()


class WatchedJournal(Journal):
    """Tells `watch` when the batch is about to change, and what could not be written."""

    watch = None

    def close_batch(self):
        self.watch.before_turn(self)
        Journal.close_batch(self)
        self.watch.turned(self)

    def set_signed_on(self, on, batch=0):
        self.watch.before_turn(self)
        taken = Journal.set_signed_on(self, on, batch)
        self.watch.turned(self)
        return taken

    def overrule(self, t):
        self.watch.overruled.add(t.trace)
        Journal.overrule(self, t)


class Seen:
    """A journal record as it was last seen."""

    def __init__(self, epoch, batch, trace, kind, amount, state, born_s):
        self.epoch = epoch
        self.batch = batch
        self.trace = trace
        self.kind = kind
        self.amount = amount
        self.state = state
        self.born_s = born_s

    @property
    def name(self):
        return "%d/%d %s" % (self.batch, self.trace, txn.NAMES[self.state])


class Watch:
    """`tell(class, text)` takes a finding; `now_s()` operating time; `rng` decides when the flash
    is read again (that costs as much as half a sale)."""

    flash_every = 8  # of so many requests one is looked up in the flash

    def __init__(self, tell, now_s, rng):
        self.tell = tell
        self.now_s = now_s
        self.rng = rng
        self.epoch = 0  # counts batches: their numbers may come again
        self.batch = 1
        self.known = {}  # trace: Seen, of the open batch
        self.past = []  # Seen of all batches before
        self.overruled = set()
        self.shop = None
        self._order = []
        self._turning = False
        self._refused_before = {}

    # ---- the journal ----------------------------------------------------------------------------

    def records(self):
        """Every Seen of the day."""
        return self.past + [self.known[trace] for trace in self._order]

    def states(self):
        return " ".join(self.known[trace].name for trace in self._order)

    def scan(self, journal):
        """Compare the journal with what was seen before: states move along the table only, nothing
        goes, nothing changes places (I2, I9, I10)."""
        if journal.batch != self.batch:
            if not self._turning:
                self.tell(UNEXPLAINED, "batch %d became %d" % (self.batch, journal.batch))
            self._end_of_batch(journal.batch)
        self._turning = False
        known = self.known
        for i in range(len(journal)):
            trace, state = journal.trace(i), journal.state(i)
            seen = known.get(trace)
            if seen is None:
                seen = self._new(journal, i, trace)
            elif seen.kind != journal.kind(i) or seen.amount != journal.amount(i):
                self.tell(UNEXPLAINED, "%s became another transaction" % seen.name)
            if state != seen.state:
                if state not in REACH[seen.state]:
                    self.tell(UNEXPLAINED, "%s went to %s" % (seen.name, txn.NAMES[state]))
                seen.state = state
        self._compare_order(journal)

    def _new(self, journal, i, trace):
        seen = Seen(self.epoch, self.batch, trace, journal.kind(i), journal.amount(i), txn.DRAFT,
                    self.now_s())  # fmt: skip
        self.known[trace] = seen
        self._order.append(trace)
        return seen

    def _compare_order(self, journal):
        n = len(journal)
        traces = [journal.trace(i) for i in range(n)]
        if traces == self._order:
            return
        gone = [t for t in self._order if t not in traces]
        if gone:
            for trace in gone:
                self.tell(LOST, "%s left the journal" % self.known.pop(trace).name)
        elif len(set(traces)) != n:
            self.tell(UNEXPLAINED, "a trace number was given twice")
        else:
            self.tell(UNEXPLAINED, "order was %s, is %s" % (self._order, traces))
        self._order = [t for t in traces if t in self.known]

    def before_turn(self, journal):
        self.scan(journal)
        self._turning = True

    def turned(self, journal):
        """After a commit that may have changed the batch."""
        if journal.batch != self.batch or (self._order and not len(journal)):
            self._end_of_batch(journal.batch)
        self._turning = False

    def _end_of_batch(self, batch):
        for trace in self._order:
            seen = self.known[trace]
            if seen.state in OPEN:
                self.tell(LOST, "%s when its batch was closed" % seen.name)
            self.past.append(seen)
        self.known = {}
        self.overruled = set()
        self._order = []
        self.epoch += 1
        self.batch = batch

    def may_be_forgotten(self):
        """Whether nothing of the open batch counts, is owed or was refused."""
        return all(s.state in FORGETTABLE for s in self.known.values())

    # ---- requests -------------------------------------------------------------------------------

    def first_byte(self, mti, trace):
        """The first byte of a request goes out."""
        journal = self.shop.journal
        head = mti[:3]
        if head not in _SENT_AS:
            if head == "050":
                self._nothing_owed(journal, mti, OPEN)
            return
        states, counted = _SENT_AS[head]
        i = journal.find(trace)
        if i < 0 or journal.state(i) not in states:
            self.tell(UNEXPLAINED, "I1: %s of %d is sent without a record of it" % (mti, trace))
            return
        if head != "040":
            self._nothing_owed(journal, mti, (txn.UNKNOWN,))
        if head == "022":
            for k in range(i):
                if journal.state(k) == txn.STORED:
                    self.tell(UNEXPLAINED, "I6: %d overtakes %d" % (trace, journal.trace(k)))
        if not self.rng.below(self.flash_every):
            self._on_flash(mti, trace, states, counted)

    def _nothing_owed(self, journal, mti, states):
        for k in range(len(journal)):
            if journal.state(k) in states:
                self.tell(UNEXPLAINED, "I5: %s goes out while %d is %s" % (
                    mti, journal.trace(k), txn.NAMES[journal.state(k)]))  # fmt: skip

    def _on_flash(self, mti, trace, states, counted):
        if trace in self.overruled:
            return
        journal = self.shop.read_again()
        i = journal.find(trace)
        if i < 0 or journal.state(i) not in states or (counted and not journal.tries(i)):
            self.tell(UNEXPLAINED, "I1: %s of %d is sent and not in the flash" % (mti, trace))

    def approval_on_flash(self, trace, always=False):
        """An approval of that trace number is about to be shown."""
        if trace in self.overruled or (self.rng.below(self.flash_every) and not always):
            return
        journal = self.shop.read_again()
        i = journal.find(trace)
        if i < 0 or journal.state(i) not in txn.RECEIPT + (txn.CANCELLED,):
            self.tell(UNEXPLAINED, "I1: %d is shown approved and not in the flash" % trace)

    # ---- limits ---------------------------------------------------------------------------------

    def outstanding(self):
        """(count, amount, age of the oldest in operating seconds) as of the last scan."""
        owed = [self.known[t] for t in self._order if self.known[t].state in txn.OWED_UPLOAD]
        age = self.now_s() - owed[0].born_s if owed else 0
        return len(owed), sum(s.amount for s in owed), age
