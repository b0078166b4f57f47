# Runs on the simulated board (on a COPY of a flash image): prints the open batch's journal, one
# JSON object a line (the batch, then its transactions), for the bench to compare with the
# acquirer's ledger.

import json

import board
from app.pay import settlement, txn
from app.store.flashlog import FlashLog
from app.store.journal import Journal

journal = Journal(FlashLog(board.journal_partition()), board.CAPS["journal"])
journal.recover()
last = settlement.decode(journal.get_note(settlement.NOTE))
settled = last and {
    "batch": last.batch,
    "verdict": last.verdict,
    "own": last.own,
    "host": last.host,
}
head = {
    "batch": journal.batch,
    "next_trace": journal.next_trace,
    "unreadable": journal.unreadable,
    "settled": settled,
}
print("journal", json.dumps(head))
for i in range(len(journal)):
    t = journal.load(i)
    row = {
        "trace": t.trace,
        "kind": t.kind,
        "amount": t.amount,
        "state": txn.NAMES[t.state],
        "rc": t.response_code,
        "original": t.original_trace,
        "printed": t.printed,
    }
    print("journal", json.dumps(row))
