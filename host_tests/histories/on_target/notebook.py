# The cashier's notebook: what was asked for, and what the terminal then showed; and the judgement
# of terminal and host by it.
#
# Every sale has an amount of its own, so that the host's books can be read without knowing how the
# terminal numbers.

from watch import DUPLICATED, LOST, OPEN, UNEXPLAINED

from app.host import cup
from app.pay import txn

APPROVED = "approved"
OFFLINE = "approved offline"
REFUSED = "refused"
UNKNOWN = "unknown"
# None: the power went before anything was shown

GOOD = (APPROVED, OFFLINE)
_REFUSALS = 3  # so often the host must have refused what is parked


class Request:
    """A sale or a void that somebody asked for. `of` is the sale that a void is for."""

    def __init__(self, amount, of=None):
        self.amount = amount
        self.of = of
        self.shown = None
        self.trace = 0
        self.epoch = -1
        self.receipts = 0
        self.card = 0  # number of the card that was swiped
        self.voids = []

    @property
    def name(self):
        return "%s of %d" % ("void" if self.of else "sale", self.amount)


class Notebook:
    """`tell(class, text)` takes a finding."""

    def __init__(self, tell):
        self.tell = tell
        self.sales = {}  # amount: Request
        self.planted = set()  # amounts that were put into the host's books by hand
        self.given_up = set()  # (epoch, trace) on a supervisor's exception report
        self.voids = 0

    def sale(self, amount):
        r = self.sales[amount] = Request(amount)
        return r

    def void(self, of):
        r = Request(of.amount, of)
        of.voids.append(r)
        self.voids += 1
        return r

    def show(self, r, shown, trace, epoch):
        r.shown = shown
        if trace:
            r.trace, r.epoch = trace, epoch

    def receipt(self, record, epoch):
        """A receipt came out: whoever reads it knows that the transaction was approved."""
        sale = self.sales.get(record.amount)
        if sale is None:
            self.tell(UNEXPLAINED, "a receipt of %d that nobody asked for" % record.amount)
            return
        r = sale
        if record.kind == cup.VOID:
            r = self._void_of(sale, record.trace)
            if r is None:
                self.tell(UNEXPLAINED, "a receipt of a void of %d" % record.amount)
                return
        r.receipts += 1
        if r.shown is None:
            self.show(r, OFFLINE if record.kind == cup.OFFLINE else APPROVED, record.trace, epoch)
        elif r.shown not in GOOD:
            self.tell(UNEXPLAINED, "%s was shown %s and has a receipt" % (r.name, r.shown))

    def _void_of(self, sale, trace):
        """The void with that trace number, else the latest of which nothing was shown."""
        for v in sale.voids:
            if v.trace == trace:
                return v
        for v in reversed(sale.voids):
            if v.shown is None:
                return v
        return None

    def voidable(self, epoch):
        """Sales of the open batch of which the cashier holds a receipt."""
        return [r for r in self.sales.values()
                if r.shown in GOOD and r.epoch == epoch and r.trace
                and not any(v.shown in GOOD for v in r.voids)]  # fmt: skip

    # ---- judgement ------------------------------------------------------------------------------

    def judge_now(self, watch):
        """At any moment: what was shown of the open batch is what the journal says."""
        for r in self.sales.values():
            if r.shown not in GOOD or r.epoch != watch.epoch:
                continue
            seen = watch.known.get(r.trace)
            state = txn.DRAFT if seen is None else seen.state
            if state not in txn.RECEIPT + (txn.CANCELLED, txn.EXPIRED):
                self.tell(LOST, "%s, shown %s, is %s" % (r.name, r.shown, txn.NAMES[state]))
            void = any(v.shown in GOOD for v in r.voids)
            if void and state not in (txn.VOIDED, txn.CANCELLED):
                self.tell(LOST, "void of %d, shown, is %s" % (r.amount, txn.NAMES[state]))

    def judge(self, watch, host):
        """At the end, when everything that was owed is done."""
        records = watch.records()
        by_amount = {}
        for seen in records:
            by_amount.setdefault(seen.amount, []).append(seen)
            if seen.state in OPEN:
                self.tell(LOST, "%s at the end" % seen.name)
            if seen.amount not in self.sales:
                self.tell(UNEXPLAINED, "%s of %d" % (seen.name, seen.amount))
        standing = self._standing(host)
        for r in self.sales.values():
            self._judge_sale(r, by_amount.get(r.amount, ()), standing.get(r.amount, 0), host)
        for seen in records:
            self._judge_record(seen, by_amount[seen.amount], host)
        for text in host.violations:
            self.tell(UNEXPLAINED, "host: " + text)

    def _standing(self, host):
        """{amount: how often it was charged}; the sum is the host's net."""
        out = {}
        net = 0
        for key, entry in host.booked.items():
            if entry[0] == "void" or entry[2] != "approved":
                continue
            net += entry[1]
            out[entry[1]] = out.get(entry[1], 0) + 1
            if entry[1] not in self.sales and entry[1] not in self.planted:
                self.tell(UNEXPLAINED, "the host has %d/%d of %d" % (key + (entry[1],)))
        if net != host.net():
            self.tell(UNEXPLAINED, "net %d is not the sum %d" % (host.net(), net))
        return out

    def _given_up(self, seen):
        return (seen.epoch, seen.trace) in self.given_up

    def _wanted(self, r, seen):
        """How often sale `r` may be charged: (least, most), by what was shown; where nothing was,
        by the journal's records `seen`."""
        counted = sum(1 for s in seen if s.kind in cup.DEBITS and s.state in (
            txn.APPROVED, txn.UPLOADED))  # fmt: skip
        if any(s.state == txn.EXPIRED for s in seen):
            return 0, 1  # a supervisor has given it, or a void of it, up
        if r.shown is None:
            return counted, counted
        if r.shown not in GOOD:
            return 0, 0
        if any(v.shown in GOOD for v in r.voids):
            return 0, 0
        if any(v.shown is None for v in r.voids):
            return min(counted, 1), min(counted, 1)
        if any(s.state == txn.REJECTED for s in seen):
            return 0, 0
        return 1, 1

    def _judge_sale(self, r, seen, stands, host):
        least, most = self._wanted(r, seen)
        voids = "".join(", void shown %s" % v.shown for v in r.voids)
        what = "%s, shown %s%s, charged %d times" % (r.name, r.shown, voids, stands)
        if most > 1:
            self.tell(DUPLICATED, "%s: %d times in the journal" % (r.name, most))
        if stands < least:
            self.tell(LOST, what)
        elif stands > most:
            self.tell(DUPLICATED, what)
        if r.shown in GOOD and not any(s.kind in cup.DEBITS and s.state in (
                txn.RECEIPT + (txn.CANCELLED, txn.EXPIRED)) for s in seen):  # fmt: skip
            self.tell(LOST, "%s, shown %s, journal has %s" % (
                r.name, r.shown, [s.name for s in seen]))  # fmt: skip

    def _judge_record(self, seen, same_amount, host):
        """One record against the host's entry of the same number (I2)."""
        if seen.state == txn.EXPIRED:
            if not self._given_up(seen):
                self.tell(UNEXPLAINED, "%s is on no exception report" % seen.name)
            return
        if any(s.state == txn.EXPIRED for s in same_amount):
            return
        entry = host.booked.get((seen.batch, seen.trace))
        has = wants = "nothing"
        if entry is not None and entry[1] == seen.amount and entry[2] in ("approved", "voided"):
            has = entry[2]
        if seen.state in txn.COUNTED:
            wants = "voided" if seen.state == txn.VOIDED else "approved"
        if has != wants:
            less = has == "nothing" or has == "voided"
            self.tell(LOST if less else DUPLICATED, "%s, host has %s" % (seen.name, has))
        if seen.state == txn.REJECTED:
            if host.refused.get((seen.batch, seen.trace), 0) < _REFUSALS:
                self.tell(UNEXPLAINED, "%s without %d refusals" % (seen.name, _REFUSALS))
