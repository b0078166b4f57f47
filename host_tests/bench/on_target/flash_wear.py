# What a transaction costs in flash: our journal beside two shapes over littlefs, on the same NOR
# model and with the same records. Prints one JSON object a shape.
#
# A transaction is three commits: intent, outcome, receipt printed. Every batch ends with a
# settlement that forgets its transactions. The ring is small, so that it comes round many times.

import gc
import json
import sys

import vfs

from app.pay import txn
from app.store import records
from app.store.flashlog import FlashLog
from app.store.journal import Journal
from models.nor import BlockDevice, NorFlash, RamStorage

BLOCK = 4096
BLOCKS = 64
BATCH = 250


def flash():
    nor = NorFlash(RamStorage(BLOCK * BLOCKS), BLOCK * BLOCKS, BLOCK)
    return nor, BlockDevice(nor, 0, BLOCKS)


def sale(trace):
    t = records.Txn(1, 1234)
    t.batch, t.trace, t.entry_mode, t.pin_entered = 1, trace, 21, True
    t.when = (2026, 11, 23, 9, 30, 0)
    t.pan_masked, t.expiry = "622500******0014", "3012"
    return t


def approve(t):
    t.state, t.response_code, t.rrn, t.auth_code = txn.APPROVED, "00", "093000000002", "100002"
    t.host_date, t.host_time, t.settle_date = "1123", "093000", "1123"
    t.issuer, t.acquirer, t.org = "03010000", "03025840", "CUP"
    return t


class Ours:
    """store/journal over store/flashlog."""

    name = "journal"
    warm_up = 8 * BATCH  # the ring has come round before anything is counted

    def __init__(self):
        self.nor, dev = flash()
        self.journal = Journal(FlashLog(dev), BATCH)
        self.journal.recover()
        self.paid = 0  # erases while somebody waits

    def transaction(self, n):
        before = self.nor.erases
        t = sale(n)
        self.journal.begin(t)
        self.journal.finish(approve(t))
        t.printed = True
        self.journal.mark(t)
        self.paid += self.nor.erases - before
        while self.journal.needs_housekeeping():
            self.journal.housekeep()

    def settle(self):
        self.journal.close_batch()


class Littlefs:
    """Common part: littlefs with the ESP32 port's own parameters. Everything is on the payment
    path: littlefs erases when it needs to."""

    warm_up = BATCH

    def __init__(self):
        self.nor, dev = flash()
        vfs.VfsLfs2.mkfs(dev)
        self.fs = vfs.VfsLfs2(dev)
        self.before = self.nor.erases

    @property
    def paid(self):
        return self.nor.erases - self.before

    @paid.setter
    def paid(self, value):
        self.before = self.nor.erases

    def commits(self, n):
        t = sale(n)
        yield records.encode_intent(t)
        yield records.encode_outcome(approve(t))
        t.printed = True
        yield records.encode_mark(t)


class AppendAndFlush(Littlefs):
    """One file; each commit is appended and flushed."""

    name = "littlefs, append and flush"

    def __init__(self):
        super().__init__()
        self.file = self.fs.open("journal", "ab")

    def transaction(self, n):
        for data in self.commits(n):
            self.file.write(data)
            self.file.flush()

    def settle(self):
        self.file.close()
        self.fs.remove("journal")
        self.file = self.fs.open("journal", "ab")


class FilePerTransaction(Littlefs):
    """A file for each transaction; each commit writes it anew under another name and renames."""

    name = "littlefs, one file per transaction"

    def transaction(self, n):
        whole = b""
        for data in self.commits(n):
            whole += data
            with self.fs.open("new", "wb") as f:
                f.write(whole)
            self.fs.rename("new", "t%d" % n)

    def settle(self):
        for entry in list(self.fs.ilistdir("")):
            self.fs.remove(entry[0])


def measure(shape, count):
    trace = 0
    for n in range(shape.warm_up + count):
        if n == shape.warm_up:
            shape.nor.clear_counters()
            shape.paid = 0
        trace += 1
        shape.transaction(trace)
        if trace == BATCH:
            shape.settle()
            trace = 0
        if n % 50 == 0:
            gc.collect()
            print("progress", shape.name, n + 1, shape.warm_up + count)
    nor = shape.nor
    return {
        "shape": shape.name,
        "transactions": count,
        "bytes": nor.programmed_bytes,
        "programs": nor.programs,
        "erases": nor.erases,
        "erases_paid": shape.paid,
        "wear": max(nor.block_erases),
    }


for make in (Ours, AppendAndFlush, FilePerTransaction):
    print("result", json.dumps(measure(make(), int(sys.argv[1]))))
    gc.collect()
