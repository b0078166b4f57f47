# A random day of a shop, from its seed alone: what customers, cashier, network, host and power do.
#
# Every seed is a whole day: it ends when everything is well again, and is then judged.

import machine
from day import Day, what
from fakehost import SETTINGS
from harness import Rng
from watch import UNEXPLAINED

from app.kernel import clock

# Blocks, and transactions in a batch: small enough for the ring to turn round within the day.
_FLASH = ((14, 12), (16, 16), (20, 20), (24, 30), (32, 30), (40, 40))
_TORN = (0, 0.25, 0.5, 0.75, 1, "random")

# How often what happens.
STEPS = (
    (30, "sale"), (10, "sale_without_link"), (4, "declined"), (12, "void"), (9, "link"),
    (8, "rest"), (5, "drain"), (4, "upload_now"), (6, "settle"), (2, "sign_in"), (6, "reboot"),
    (4, "calendar"), (4, "paper"), (3, "host_keys"), (3, "requirement"), (8, "housekeeping"),
    (1, "plant"), (2, "long_rest"), (2, "batch_number"),
)  # fmt: skip
_WEIGHT = sum(w for w, _ in STEPS)

# Faults of the host and of the way to it, by kind of request. Only what a host may do: an answer
# that claims what is not so (a refusal of what it has booked) would make the books themselves
# wrong.
_WAY = ("lost", "cut before", "cut after", "no answer", "late", "twice", "wrong trace", "garbage")
_BUSY = ("code 96", "code 91", "sign in")
_MONEY = _WAY + _BUSY + ("wrong mac", "A0")
FAULTS = {
    "sale": _MONEY + ("code 05", "code 51"),
    "void": _MONEY + ("code 05",),
    "offline": _MONEY,
    "reversal": _MONEY + ("code 30",),
    "settlement": _WAY + _BUSY + ("code 95",),
    "upload_details": _WAY + _BUSY,
    "upload_notice": _WAY + _BUSY,
    "upload_end": _WAY + _BUSY + ("code 79",),
    "sign_in": _WAY + ("code 91",),
    "status": _WAY,
}
_REFUSED = "code 12"  # for an advice that is not booked


def settings_of(rng):
    """The acquirer's parameters, other ones each day."""
    s = dict(SETTINGS)
    s["reversal_policy"] = rng.choice(("block", "offline"))
    s["reversal_tries"] = 1 + rng.below(3)
    s["settle_end"] = rng.below(2)
    s["offline_count_max"] = rng.choice((0, 3, 5, 10, 20))
    s["offline_txn_max"] = rng.choice((5_000, 20_000, 100_000))
    s["offline_total_max"] = rng.choice((10_000, 50_000, 1_000_000))
    s["offline_age_max_h"] = rng.choice((1, 2, 24))
    s["uploads_per_round"] = 1 + rng.below(6)
    s["connect_tries"] = 1 + rng.below(2)
    return s


class History:
    """The day of `seed`; `say` as Day's."""

    def __init__(self, seed, say=None):
        self.seed = seed
        rng = self.rng = Rng(seed)
        self.day = Day(rng, settings_of(rng), rng.choice(_FLASH), 1 + rng.below(1000), say)
        self._fault_per_mille = rng.choice((0, 50, 150, 350))
        self._cut_per_cent = rng.choice((0, 10, 25, 50))
        self.day.host.schedule = self._fault
        self._amounts = 0

    def run(self):
        """[(class, text)]: the findings."""
        day, rng = self.day, self.rng
        day.boot()
        day.before_boot = self._perhaps_cut
        for _ in range(rng.below(3) * 20):
            self._fill()
        if rng.below(4) == 0:
            self._numbers_near_their_end()
        for _ in range(10 + rng.below(25)):
            self._perhaps_cut()
            if rng.below(5):
                self._safely(day.idle)
            if not day.host.ready and rng.below(4) == 0:
                self._link()
            getattr(self, "_" + self._draw())()
            if day.findings:
                break
        day.make_well()
        return day.judge()

    def _perhaps_cut(self):
        """The power is cut at one of the next operations of the flash."""
        rng, nor = self.rng, self.day.nor
        if rng.below(100) < self._cut_per_cent and rng.below(2):
            nor.cut_at(nor.ops + rng.below(10), rng.choice(_TORN), rng.bits())

    def _draw(self):
        at = self.rng.below(_WEIGHT)
        for weight, name in STEPS:
            at -= weight
            if at < 0:
                return name

    def _step(self, coroutine):
        cut = 0
        if self.rng.below(100) < self._cut_per_cent and self.rng.below(2):
            # Most of a sale is over after half a second, with a sign-in after one.
            cut = 1 + self.rng.below(self.rng.choice((400, 1200, 5000)))
        return self.day.run(coroutine, cut)

    def _safely(self, function):
        """Run what does not wait; the power may be cut in it too."""

        async def step():
            function()

        return self.day.run(step())

    def _numbers_near_their_end(self):
        journal = self.day.shop.journal
        journal.next_trace = 999_999 - self.rng.below(12)
        journal.take_trace()

    # ---- faults ---------------------------------------------------------------------------------

    def _fault(self, mti, kind, key):
        rng = self.rng
        often = 1 if kind in ("sale", "sign_in") else 2  # the rarer ones
        if rng.below(1000) >= self._fault_per_mille * often or kind not in FAULTS:
            return ""
        if kind == "offline" and key not in self.day.host.booked and rng.below(3) == 0:
            return _REFUSED
        fault = rng.choice(FAULTS[kind])
        self.day.note("fault of %s %d: %s", mti, key[1], fault)
        return fault

    # ---- steps ----------------------------------------------------------------------------------

    def _amount(self):
        """An amount that no other sale has; a tenth of them are above some limits."""
        self._amounts += 1
        return (self._amounts * 100 + self.rng.below(100)
                + (0 if self.rng.below(10) else 30_000))  # fmt: skip

    def _one_sale(self):
        rng = self.rng
        return self.day.sale(self._amount(), rng.below(2), rng.choice((None, b"123456")))

    def _sale(self):
        self._step(self._one_sale())

    def _sale_without_link(self):
        ready = self.day.host.ready
        self.day.host.ready = False
        self._step(self._one_sale())
        self.day.host.ready = ready

    def _declined(self):
        amount = self._amount()
        self.day.host.codes[amount] = self.rng.choice(("51", "05", "54", "14"))
        self._step(self.day.sale(amount, self.rng.below(2)))

    def _void(self):
        day, rng = self.day, self.rng
        of = day.book.voidable(day.watch.epoch)
        if not rng.below(6):  # one that may be settled, voided, or was never approved
            of = [r for r in day.book.sales.values() if r.trace and r.epoch == day.watch.epoch]
        if of:
            r = rng.choice(of)
            card = rng.choice((r.card, r.card, r.card, None, None, 1 - r.card))
            self._step(day.void(r, card))

    def _link(self):
        host = self.day.host
        host.ready = not host.ready
        if not host.ready and self.rng.below(2):
            host.hang_up()
        self.day.note("link %s", "up" if host.ready else "down")

    def _rest(self):
        self._step(self.day.rest(self.rng.choice((300, 3000, 30_000))))

    def _long_rest(self):
        async def nap():
            for _ in range(4):
                self.day.board.spend(self.rng.below(3600) * 1_000_000)
                await self.day.rest(2000)

        self.day._limit()
        self.day.board.limit_us += 4 * 3600 * 1_000_000
        self._step(nap())

    def _drain(self):
        """A round of uploads, and a customer in the middle of it, whose link is gone (F4)."""
        day, rng = self.day, self.rng

        async def step():
            day.host.ready = True
            day.shop.saf.kick()
            await day.rest(1000 + rng.below(1500))
            if rng.below(2):
                day.host.ready = False
                day.host.hang_up()
            await self._one_sale()
            await day.rest(rng.below(3000))
            day.host.ready = True

        self._step(step())

    def _upload_now(self):
        self._step(self.day.upload_now())

    def _settle(self):
        self._step(self.day.settle(self.rng.below(6) == 0))

    def _sign_in(self):
        self._step(self.day.sign_in())

    def _reboot(self):
        self.day.reboot()

    def _calendar(self):
        """The calendar jumps; nothing that counts depends on it (I9)."""
        rng = self.rng
        year = clock.now()[0]
        year = min(2065, max(2001, year + rng.choice((-10, -1, 1, 10))))
        day = rng.choice(((1, 1), (2, 28), (12, 31), (11, 23)))
        machine.RTC().datetime((year, day[0], day[1], 0, 23, 59, 55, 0))
        self.day.note("calendar: %d", year)

    def _paper(self):
        day = self.day
        day.paper = not day.paper
        day.note("paper: %s", day.paper)
        if day.paper:
            self._safely(day.print_owed)

    def _host_keys(self):
        self.day.host.change_keys(self.rng.choice(("77", "A0")))
        self.day.note("the host has other keys")

    def _requirement(self):
        self.day.host.requirement = 2 + self.rng.below(2)

    def _fill(self):
        """Something else is written, until the oldest block is wanted."""
        journal = self.day.shop.journal
        if journal.has_room():
            journal.put_note(9, bytes(self.rng.below(300)))
        journal.housekeep()

    def _housekeeping(self):
        for _ in range(1 + self.rng.below(8)):
            self._safely(self._fill)

    def _plant(self):
        """Something in the host's books that the terminal knows nothing of: the settlement will be
        unbalanced."""
        host = self.day.host
        amount = 9_000_000 + len(self.day.book.planted)
        self.day.book.planted.add(amount)
        trace = 500_000 + len(self.day.book.planted)
        host.booked[host.batch, trace] = ["sale", amount, "approved", None, 1, None]
        self.day.note("the host books %d", amount)

    def _batch_number(self):
        """The host goes on to another number, and the terminal hears of it before anything new is
        booked."""
        day, host = self.day, self.day.host
        if not day.watch.may_be_forgotten() or host.totals(host.batch) != (0, 0, 0, 0):
            return
        before = host.batch
        host.batch = before % 999_999 + 1 + self.rng.below(3)
        host.signed_in = False
        day.note("the host is in batch %d", host.batch)
        self._step(day.sign_in())
        if day.shop.journal.batch != host.batch and before not in host.closed_batches:
            host.batch = before


def one(seed, say=None):
    """(findings, History) of the day of that seed; what breaks off is a finding too."""
    history = History(seed, say)
    try:
        return history.run(), history
    except Exception as e:  # noqa: BLE001
        history.day.tell(UNEXPLAINED, "the day broke off: " + what(e, say))
        return history.day.findings, history
