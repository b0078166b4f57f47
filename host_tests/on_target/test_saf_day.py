# F12: a day of 24 hours on a line that takes 10 seconds for a round trip and loses three messages
# in ten, 500 transactions: in the end the books agree to the fen.

import asyncio
import os
import time

from fakehost import SETTINGS, FakeHost
from harness import Rng, rounds, seed
from shop import Shop, device

from app.host import cup
from app.pay import txn, types
from app.pay.card import Card
from app.pay.types import Refused

TRANSACTIONS = 500
DAY_MS = 86_400_000
ROUND_TRIP_MS = 10_000
LOSS = 30  # per cent of connections, of requests and of answers
BATCH = 24  # records at which the cashier settles: the journal of the tests holds 30

RULES = {
    "response_timeout_s": 30, "connect_timeout_s": 15, "connect_tries": 2,
    "reversal_policy": "offline", "settle_end": 1, "offline_count_max": 20,
    "offline_total_max": 500_000,
}  # fmt: skip


class BadLine(FakeHost):
    """The acquirer behind a line that loses what it is given."""

    rtt_ms = ROUND_TRIP_MS

    def __init__(self, rng):
        FakeHost.__init__(self)
        self.seen = None
        self.rng = rng
        self.lost = 0
        self.schedule = self.lose

    def _loses(self):
        lost = self.rng.below(100) < LOSS
        self.lost += lost
        return lost

    def lose(self, mti, kind, key):
        if self._loses():
            return "lost"
        return "no answer" if self._loses() else ""

    async def connect(self, host, port, timeout_ms):
        if self._loses():
            await asyncio.sleep_ms(timeout_ms)
            raise asyncio.TimeoutError()
        await FakeHost.connect(self, host, port, timeout_ms)


class Day:
    """What the cashier was told: {(batch, trace): fen} of what stands."""

    def __init__(self, rng):
        _, dev = device()
        self.rng = rng
        self.shop = Shop(dev, BadLine(rng)).boot()
        self.shop.saf._spawn = lambda factory: asyncio.create_task(factory())
        self.told = {}
        self.counts = {}
        self.taken = self.settled = 0  # fen, of the batches that are closed

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def take(self, result):
        """Note what the screen would have said."""
        if not result.approved:
            self.count(result.why or result.code)
            return
        t = result.txn
        key = t.batch, t.trace
        if t.state == txn.CANCELLED:
            self.count("cancelled")
            self.told.pop(key)
            return
        assert key not in self.told, key
        self.count("offline" if t.kind == cup.OFFLINE else ("", "sale", "void")[t.kind])
        if t.kind == cup.VOID:
            self.told.pop((t.batch, t.original_trace))
        else:
            self.told[key] = t.amount

    async def sale(self):
        pan = (b"6225000000000014", b"6224242900000113")[self.rng.below(2)]
        card = Card(bytearray(pan + b"=30121010000012345000"))
        amount = 1 + self.rng.below(20_000)
        self.take(await self.shop.engine.sale(amount, card, None, "01", self.shop.stage))
        card.wipe()

    def may_be_voided(self, i):
        state = self.shop.journal.state(i)
        sale = self.shop.journal.kind(i) in cup.DEBITS
        return sale and state in (txn.APPROVED, txn.UPLOADED, txn.STORED, txn.UPLOADING)

    async def void(self):
        journal = self.shop.journal
        found = [i for i in range(len(journal)) if self.may_be_voided(i)]
        if not found:
            return await self.sale()
        original = self.shop.engine.find_voidable(journal.trace(self.rng.choice(found)))
        self.take(await self.shop.engine.void(original, None, None, "01", self.shop.stage))

    async def settle(self):
        """Until the batch is closed: minutes may lie between two tries, in which the terminal
        erases what is to be erased."""
        while True:
            try:
                s = await self.shop.settle()
                break
            except Refused as e:
                self.count("settlement: " + e.args[0].why)
                assert e.args[0].why != types.FLASH, self.counts
                await asyncio.sleep_ms(60_000)
                self.shop.idle()
        assert s.balanced and not s.forced, (s.own, s.host)
        assert s.own == self.shop.host.totals(s.batch)
        self.reconcile(s)

    def reconcile(self, s):
        """What the cashier was told of a batch is what the acquirer holds, one by one; then both
        can be forgotten, for the sake of the memory."""
        host = self.shop.host
        assert {(b, trace): fen for b, trace, _, fen in host.standing()} == self.told
        assert {key[0] for key in self.told} <= {s.batch}
        self.taken += sum(self.told.values())
        self.settled += s.own[0] - s.own[2]
        self.told = {}
        host.forget(s.batch)

    async def run(self, transactions):
        shop = self.shop
        rounds = asyncio.create_task(shop.saf.run())
        start = time.ticks_ms()
        for n in range(transactions):
            shop.idle()
            shop.stages.clear()
            due = DAY_MS * n // TRANSACTIONS
            left = due - time.ticks_diff(time.ticks_ms(), start)
            if left > 0:
                await asyncio.sleep_ms(left)
            await (self.void() if self.rng.below(10) == 0 else self.sale())
            if len(shop.journal) >= BATCH:
                await self.settle()
        await self.settle()
        rounds.cancel()
        return time.ticks_diff(time.ticks_ms(), start)


async def test_f12_a_day_of_500_transactions_on_a_line_that_loses_three_in_ten():
    for name, value in RULES.items():
        SETTINGS[name] = value
    day = Day(Rng(seed(int.from_bytes(os.urandom(4), "little"))))
    n = rounds(TRANSACTIONS)
    took_ms = await day.run(n)
    host = day.shop.host
    print(day.counts, host.lost, "messages lost,", took_ms // 60_000, "minutes")
    assert day.taken == day.settled == host.net()
    assert not host.violation_count, host.violations
    assert took_ms > DAY_MS * (n - 1) // TRANSACTIONS
    if n == TRANSACTIONS:
        assert day.counts[types.UNKNOWN_RESULT] > 30 and day.counts["offline"] > 30, day.counts
