# Runs on the simulated board: fills the journal with approved transactions (argv[1]) whose
# receipts are printed, as a day of trade does.

import sys

import board
from app.pay import txn
from app.store.flashlog import FlashLog
from app.store.journal import Journal
from app.store.records import Txn

journal = Journal(FlashLog(board.journal_partition()), board.CAPS["journal"])
journal.recover()
journal.set_signed_on(True)
for _ in range(int(sys.argv[1])):
    t = Txn(1, 1234)
    t.entry_mode, t.pin_entered, t.when = 21, True, (2026, 11, 23, 9, 30, 0)
    t.pan_masked, t.expiry = "622500******0014", "3012"
    journal.begin(t)
    t.state, t.response_code, t.rrn, t.auth_code = txn.APPROVED, "00", "093000000002", "100002"
    t.host_date, t.host_time, t.settle_date = "1123", "093000", "1123"
    t.issuer, t.acquirer, t.org = "03010000", "03025840", "CUP"
    journal.finish(t)
    t.printed = True
    journal.mark(t)
    while journal.needs_housekeeping() and journal.housekeep():
        pass
