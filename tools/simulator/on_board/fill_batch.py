# Runs on the simulated board: puts transactions into the open batch as a terminal would have left
# them, receipts printed. argv[1] is a JSON file with a list of groups, each {"state": a name of
# pay.txn, "count": n, "fen": amount of the first, "step": what each next one is dearer, "cards":
# [[test PAN, expiry YYMM], ...] in turn, "stored_s": operating time of offline approvals}. Prints
# the trace of each.

import json
import sys

import board
from app.crypto import seal
from app.host import cup
from app.host.cardstore import CardStore
from app.pay import txn
from app.store.flashlog import FlashLog
from app.store.journal import Journal
from app.store.records import Txn, mask_pan
from app.store.vault import Vault


class TestCard:
    """What CardStore.seal() takes of a card."""

    def __init__(self, pan, expiry):
        self.pan = bytearray(pan.encode())
        self.expiry = expiry


def draft(kind, group, n):
    """(Txn, TestCard) number n of a group, of the morning of the bench's day."""
    t = Txn(kind, group["fen"] + n * group.get("step", 0))
    t.when = (2026, 11, 23, 9, 30, n % 60)
    card = TestCard(*group["cards"][n % len(group["cards"])])
    t.pan_masked, t.expiry = mask_pan(card.pan), card.expiry
    return t, card


def as_approved_offline(t, stored_s):
    t.entry_mode = cup.entry_mode(cup.ENTRY_SWIPE, False)
    t.begins = txn.STORED
    t.stored_s = stored_s


def stored(t, journal):
    pass


def uploading(t, journal):
    t.state, t.tries = txn.UPLOADING, 1


def unknown(t, journal):
    t.state, t.reason = txn.UNKNOWN, txn.REASON_98
    journal.finish(t)


def approved(t, journal):
    t.state, t.response_code, t.rrn, t.auth_code = txn.APPROVED, "00", "093000000002", "100002"
    t.host_date, t.host_time, t.settle_date = "1123", "093000", "1123"
    t.issuer, t.acquirer, t.org = "03010000", "03025840", "CUP"
    journal.finish(t)


# state: (kind, what leads to it behind the intent)
WAYS = {
    "STORED": (cup.OFFLINE, stored),
    "UPLOADING": (cup.OFFLINE, uploading),
    "UNKNOWN": (cup.SALE, unknown),
    "APPROVED": (cup.SALE, approved),
}

vault = Vault(board.DATA + "/vault.bin", seal.Sealer(board.device_secret()))
vault.load()
cards = CardStore(vault)
journal = Journal(FlashLog(board.journal_partition()), board.CAPS["journal"])
journal.recover()
with open(sys.argv[1]) as f:
    groups = json.load(f)
for group in groups:
    kind, way = WAYS[group["state"]]
    for n in range(group["count"]):
        t, card = draft(kind, group, n)
        if kind == cup.OFFLINE:
            as_approved_offline(t, group.get("stored_s", 0))
        else:
            t.entry_mode, t.pin_entered = 21, True
        journal.begin(t, lambda t, card=card: cards.seal(t, card))
        way(t, journal)
        t.printed = t.state in txn.RECEIPT
        if t.printed or t.tries:
            journal.mark(t)
        print("trace", t.trace)
        while journal.needs_housekeeping() and journal.housekeep():
            pass
