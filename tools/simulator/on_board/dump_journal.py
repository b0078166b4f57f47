# Runs on the simulated board (on a COPY of a flash image): prints the open batch's journal as
# JSON, for the bench to compare with the acquirer's ledger.

import json

import board
from app.pay import settlement, txn
from app.store.flashlog import FlashLog
from app.store.journal import Journal

journal = Journal(FlashLog(board.journal_partition()), board.CAPS["journal"])
journal.recover()
rows = []
for i in range(len(journal)):
    t = journal.load(i)
    rows.append(
        {
            "trace": t.trace,
            "kind": t.kind,
            "amount": t.amount,
            "state": txn.NAMES[t.state],
            "rc": t.response_code,
            "original": t.original_trace,
            "printed": t.printed,
        }
    )
last = settlement.decode(journal.get_note(settlement.NOTE))
print(
    json.dumps(
        {
            "batch": journal.batch,
            "next_trace": journal.next_trace,
            "unreadable": journal.unreadable,
            "transactions": rows,
            "settled": None
            if last is None
            else {
                "batch": last.batch,
                "verdict": last.verdict,
                "own": last.own,
                "host": last.host,
            },
        }
    )
)
