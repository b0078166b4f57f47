# A terminal without a face: journal, session, engine and a FakeHost, for tests of pay.

from fakehost import SETTINGS, TMK, FakeHost
from harness import flash

from app.host.cardstore import CardStore
from app.host.keyring import KeyRing
from app.host.link import Link
from app.host.session import Session
from app.pay import recovery, txn
from app.pay.card import Card
from app.pay.engine import Engine
from app.pay.reversal import Reversals
from app.pay.saf import Saf
from app.pay.settlement import Settlement
from app.store.flashlog import FlashLog
from app.store.journal import Journal

_META = 4  # kind of the record that holds the open batch's number (store.journal)


def device():
    return flash(512, 24)


class MemoryVault:
    """A vault in memory: what store.vault keeps in a file."""

    def __init__(self, **slots):
        self.slots = dict(slots)

    def get(self, name):
        return self.slots.get(name)

    def put(self, **slots):
        for name, data in slots.items():
            self.slots[name] = None if data is None else bytearray(data)


def card():
    return Card(bytearray(b"6225000000000014=30121010000000000"))


class Shop:
    """One power cycle of a terminal. `dev`, `vault` and `host` outlive it. `spawn`, `serial`: as
    Saf's `spawn` and `seed`; `capacity` of the journal."""

    journal_type = Journal

    def __init__(
        self, dev, host=None, vault=None, settings=SETTINGS, spawn=None, serial=1, capacity=30
    ):
        self.dev = dev
        self.host = host or FakeHost()
        self.vault = vault or MemoryVault(TMK=bytearray(TMK))
        self.settings = settings
        self.capacity = capacity
        self.stages = []
        self.journal = self.journal_type(FlashLog(dev, ready=3), self.capacity)
        self.link = Link([self.host], settings)
        self.session = Session(self.link, KeyRing(self.vault), self.journal, settings, "2")
        self.reversals = Reversals(self.journal, self.session, settings)
        self.cards = CardStore(self.vault)
        self.engine = Engine(self.journal, self.session, settings, self.reversals, self.cards)
        self.saf = Saf(self.journal, self.session, settings, self.reversals, self.engine,
                       self.cards, self.link, spawn, serial)  # fmt: skip
        self.settlement = Settlement(self.journal, self.session, settings, self.engine, self.saf,
                                     self.cards)  # fmt: skip

    def boot(self):
        self.host.connected = False
        self.host._out = []
        self.owed = recovery.recover(
            self.journal, self.session, self.reversals, self.settlement, self.saf
        )
        return self

    def reboot(self):
        """The same terminal after a power cut."""
        return Shop(self.dev, self.host, self.vault).boot()

    def stage(self, name):
        self.stages.append(name)

    def idle(self):
        """Between customers: erase what is to be erased."""
        while self.journal.needs_housekeeping() and self.journal.housekeep():
            pass

    async def sale(self, amount=1234, pin=b"123456"):
        self.idle()
        c = card()
        try:
            return await self.engine.sale(
                amount, c, bytearray(pin) if pin else None, "01", self.stage
            )
        finally:
            c.wipe()

    async def void(self, trace):
        c = card()
        try:
            original = self.engine.find_voidable(trace)
            return await self.engine.void(original, c, bytearray(b"123456"), "01", self.stage)
        finally:
            c.wipe()

    async def settle(self):
        s = await self.settlement.run("01", self.stage)
        self.settlement.close(s)
        return s

    def states(self):
        return [txn.NAMES[self.journal.state(i)] for i in range(len(self.journal))]

    def on_flash(self):
        """States as a terminal that boots now would read them, before it puts anything right."""
        j = self.read_again()
        return [txn.NAMES[j.state(i)] for i in range(len(j))]

    def read_again(self):
        """The Journal that a terminal would read from the flash now."""
        j = Journal(FlashLog(self.dev, ready=3), self.capacity)
        j._log.mount(j._replay, (_META, j._note_live))
        return j

    def books_agree(self):
        """What the host booked as taken is what the journal says, transaction by transaction."""
        j = self.journal
        mine = {}
        for i in range(len(j)):
            if j.state(i) in txn.COUNTED:
                mine[j.batch, j.trace(i)] = j.amount(i)
        theirs = {k: e[1] for k, e in self.host.booked.items()
                  if k[0] == j.batch and e[2] in ("approved", "voided")}  # fmt: skip
        return mine == theirs


def new_shop():
    _, dev = device()
    return Shop(dev).boot()
