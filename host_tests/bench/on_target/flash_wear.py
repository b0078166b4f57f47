# What a sale costs in flash, all in, and what a boot has to read: our journal beside two shapes
# over littlefs, on the same NOR model and with the same records. Prints one JSON object a result.
#
# Ours does what the terminal does: the commits are those of the transaction table (pay.txn), the
# cards are sealed, the settlement is pay.settlement with a host that agrees. A day is DAY sales
# and a settlement, on the ring of the classic board, which has come round before anything is
# counted. What ours commits (not what it copies forward) is recorded, and the two littlefs shapes
# get the same bytes.
#
#   online    intent, outcome, receipt printed
#   offline   stored, receipt printed; then, the network is back: send counted, uploaded
#   repeated  the same when the first answer was lost: five commits

import asyncio
import gc
import json
import sys

import vfs

from app.host import cup
from app.host.cardstore import CardStore
from app.pay import settlement, txn
from app.pay.card import Card
from app.pay.steps import apply, take_answer
from app.store.flashlog import FlashLog
from app.store.journal import Journal
from app.store.records import Txn
from models.nor import BlockDevice, NorFlash, RamStorage

gc.threshold(1 << 18)  # a heap full of garbage has no room in one piece

BLOCK = 4096
BLOCKS = 256  # boards/unix/partitions.csv
BATCH = int(sys.argv[1])
DAY = min(BATCH, cup.COUNT_MAX)  # what a settlement can tell
SENDS = {"online": 0, "offline": 1, "repeated": 2}  # of an advice
WARM_UP = 6  # days until the ring has come round
CHUNK = 512  # bytes that a littlefs shape reads at once

ANSWER = {
    12: "093000", 13: "1123", 15: "1123", 37: "093000000002", 38: "100002", 39: "00",
    44: b"03010000   03025840   ", 63: b"CUP",
}  # fmt: skip
SETTINGS = {"settle_end": 1, "reversal_tries": 3, "tid": "58402001", "mid": "302440380621100"}


_storage = RamStorage(BLOCK * BLOCKS)
_BLANK = b"\xff" * BLOCK


def flash():
    """(NorFlash, BlockDevice), erased, in the place of the last one."""
    for b in range(BLOCKS):
        _storage.data[b * BLOCK : (b + 1) * BLOCK] = _BLANK
    nor = NorFlash(_storage, BLOCK * BLOCKS, BLOCK)
    return nor, BlockDevice(nor, 0, BLOCKS)


def progress(*words):
    gc.collect()
    print("progress", *words)


# ---- ours ---------------------------------------------------------------------------------------


class MemoryVault:
    """The vault is a file of littlefs: its write once a day counts elsewhere."""

    slots = None

    def get(self, name):
        return (self.slots or {}).get(name)

    def put(self, **slots):
        self.slots = {name: bytearray(data) for name, data in slots.items()}


class AgreeingHost:
    """Session, engine and store-and-forward as the settlement needs them: the host has the same
    totals, and nothing is owed."""

    reader = "2"
    turn = None

    async def __aenter__(self):
        pass

    async def __aexit__(self, *error):
        pass

    async def connect(self):
        pass

    disconnect = connect

    async def make_ready(self, *how):
        pass

    def outstanding(self):
        return 0, 0

    async def exchange(self, mti, fields, with_mac, repeat=False):
        if mti == "0500":
            totals = fields[48][:30] + "1"
            self.fields = {48: totals + "0" * 31}
        else:
            self.fields = {39: "00"}
        self.code = self.fields.get(39, "")
        return self


class Ours:
    """store/journal over store/flashlog, and those in pay who write to it."""

    name = "journal"
    sales = DAY

    def __init__(self):
        self.nor, self.dev = flash()
        self.log = FlashLog(self.dev)
        self.journal = Journal(self.log, 1000)
        self.journal.recover()
        self.cards = CardStore(MemoryVault())
        host = AgreeingHost()
        host.turn = host
        self.settlement = settlement.Settlement(
            self.journal, host, SETTINGS, host, host, self.cards
        )
        self.paid = 0  # erases while a customer waits
        self.stream = None  # [(number of the sale, -1 for none; bytes)], while it is recorded
        self._number = -1
        self._append = self.log.append
        self.log.append = self._record

    def _record(self, kind, payload, spare=False):
        if self.stream is not None and not spare:
            self.stream.append((self._number, bytes(payload)))
        return self._append(kind, payload, spare)

    def _seal(self, t):
        return self.cards.seal(t, Card(bytearray(b"6225000000000014=30121010000000000")))

    def _begin(self, kind, event):
        t = Txn(kind, 1234)
        t.entry_mode = 21 if kind == cup.SALE else 22
        t.when = (2026, 11, 23, 9, 30, 0)
        t.pan_masked, t.expiry = "622500******0014", "3012"
        t.begins = txn.STORED if kind == cup.OFFLINE else t.begins
        apply(self.journal, None, t, event, self._seal)
        return t

    def idle(self):
        self._number = -1
        while self.journal.needs_housekeeping() and self.journal.housekeep():
            pass

    def online(self, n):
        self._number = n
        before = self.nor.erases
        t = self._begin(cup.SALE, txn.BEGIN)
        take_answer(t, ANSWER)
        apply(self.journal, None, t, txn.APPROVE)
        apply(self.journal, None, t, txn.PRINT_DONE)
        self.paid += self.nor.erases - before
        self.idle()

    def offline(self, n):
        self._number = n
        before = self.nor.erases
        t = self._begin(cup.OFFLINE, txn.STORE)
        apply(self.journal, None, t, txn.PRINT_DONE)
        self.paid += self.nor.erases - before
        self.idle()

    def upload(self, n, sends):
        """Nobody waits for it: pay.saf tidies up in between."""
        self._number = n
        t = self.journal.load(n)
        for _ in range(sends):
            apply(self.journal, None, t, txn.UPLOAD_SENDING)
        take_answer(t, ANSWER)
        apply(self.journal, None, t, txn.UPLOAD_DONE)
        self._number = -1
        self.journal.tidy()

    def settle(self):
        self._number = -1
        # As in the morning: the number of the sign-in, and that it went well.
        self.journal.take_trace(signed_on=False)
        self.journal.set_signed_on(True)
        s = asyncio.run(self.settlement.run("01", lambda stage: None))
        assert s.balanced and s.own[1] == len(self.journal), s.own
        self.settlement.close(s)
        self.settlement.slip_printed(s)
        self.idle()

    def day(self, what):
        sell = self.online if what == "online" else self.offline
        for n in range(DAY):
            sell(n)
        sends = SENDS[what]
        if sends:
            for n in range(DAY):
                self.upload(n, sends)
        self.settle()

    def boot(self):
        """(reads, bytes read) of a boot."""
        reads, size = self.nor.reads, self.nor.read_bytes
        journal = Journal(FlashLog(self.dev), 1000)
        journal.recover()
        assert len(journal) == len(self.journal) and not journal.unreadable
        return self.nor.reads - reads, self.nor.read_bytes - size


# ---- littlefs -----------------------------------------------------------------------------------


class Littlefs:
    """Common part: littlefs with the ESP32 port's own parameters. Everything is on the payment
    path: littlefs erases when it needs to."""

    sales = DAY

    def __init__(self):
        self.nor, self.dev = flash()
        vfs.VfsLfs2.mkfs(self.dev)
        self.fs = vfs.VfsLfs2(self.dev)

    @property
    def paid(self):
        return self.nor.erases

    def boot(self):
        """(reads, bytes read) of mounting and of reading every record."""
        reads, size = self.nor.reads, self.nor.read_bytes
        fs = vfs.VfsLfs2(self.dev)
        buf = bytearray(CHUNK)
        for entry in fs.ilistdir(""):
            with fs.open(entry[0], "rb") as f:
                while f.readinto(buf):
                    pass
        return self.nor.reads - reads, self.nor.read_bytes - size


class AppendAndFlush(Littlefs):
    """One file; each commit is appended and flushed."""

    name = "littlefs, append and flush"

    def __init__(self):
        super().__init__()
        self.file = self.fs.open("journal", "ab")

    def commit(self, n, data):
        self.file.write(data)
        self.file.flush()

    def forget(self):
        self.file.close()  # the last use: a file must not be left to the garbage collection
        self.fs.remove("journal")


class FilePerTransaction(Littlefs):
    """A file for each transaction; each commit writes it anew under another name and renames. A
    tenth of the batch only: a file takes a block, and a directory is searched from its
    beginning."""

    sales = BATCH // 10
    name = "littlefs, one file per transaction"

    def __init__(self):
        super().__init__()
        self.whole = {}

    def commit(self, n, data):
        self.whole[n] = self.whole.get(n, b"") + data if n >= 0 else data
        with self.fs.open("new", "wb") as f:
            f.write(self.whole[n])
        self.fs.rename("new", "t%d" % n)

    def forget(self):
        self.whole = {}
        for entry in list(self.fs.ilistdir("")):
            self.fs.remove(entry[0])


# ---- measuring ----------------------------------------------------------------------------------


def wear(shape, what):
    nor = shape.nor
    return {
        "shape": shape.name, "what": what, "sales": shape.sales, "bytes": nor.programmed_bytes,
        "programs": nor.programs, "erases": nor.erases, "erases_paid": shape.paid,
        "wear": max(nor.block_erases),
    }  # fmt: skip


def tell(result):
    print("result", json.dumps(result))


def measure_ours(what):
    """A day of ours; what it committed."""
    shape = Ours()
    for n in range(WARM_UP):
        progress(shape.name, what, n + 1, WARM_UP + 1)
        shape.day(what)
    shape.nor.clear_counters()
    shape.paid = 0
    shape.stream = []
    shape.day(what)
    tell(wear(shape, what))
    stream, shape.stream = shape.stream, None
    if what == "online":
        boots_of_ours(shape)
    return stream


def tell_boot(shape, sales):
    reads, size = shape.boot()
    tell({"shape": shape.name, "what": "boot", "sales": sales, "reads": reads, "bytes": size,
          "blocks": shape.dev.count})  # fmt: skip


def boots_of_ours(shape):
    """Boots of a journal with none, half and all of a batch."""
    for n in range(BATCH):
        if n in (0, BATCH // 2):
            tell_boot(shape, n)
        shape.online(n)
    tell_boot(shape, BATCH)


def measure_peer(make, what, stream):
    """The same commits; boots at the same moments."""
    shape = make()
    boots = [0, shape.sales // 2, shape.sales] if what == "online" else []
    begun = 0
    for k, (n, data) in enumerate(stream):
        if n >= shape.sales:
            continue
        if boots and begun == boots[0] and n in (begun, -1):
            tell_boot(shape, boots.pop(0))
        begun = max(begun, n + 1)
        shape.commit(n, data)
        if k % 200 == 0:
            progress(shape.name, what, k, len(stream))
    shape.forget()
    tell(wear(shape, what))


for what in ("online", "offline", "repeated"):
    stream = measure_ours(what)
    for make in (AppendAndFlush, FilePerTransaction):
        measure_peer(make, what, stream)
