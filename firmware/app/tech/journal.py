# The journal for the technician at the REPL:
#
#   from app.tech import journal
#   journal.summary()              count and amount by state, what is owed, what cannot be read
#   journal.summary().data         the same as a dict, for json.dumps()
#
# Only looks: nothing is written, no card number is shown. While the terminal runs, give it the
# terminal's own journal: summary(terminal.journal).

import board

from ..pay import totals, txn
from ..store.flashlog import FlashLog
from ..store.journal import Journal
from ..text.money import yuan

_OWED = (txn.SENDING, txn.UNKNOWN) + txn.OWED_UPLOAD


class Summary:
    """`data`: batch, next_trace, signed_on, capacity, unreadable, newer, states {name: {count,
    amount_fen}}, owed {count, amount_fen}."""

    def __init__(self, data):
        self.data = data

    def __repr__(self):
        d = self.data
        lines = [
            "batch %06d, next trace %06d, %s" % (
                d["batch"], d["next_trace"], "signed on" if d["signed_on"] else "not signed on"
            )
        ]  # fmt: skip
        for name, entry in sorted(d["states"].items()):
            lines.append("%-10s %5d %16s" % (name, entry["count"], yuan(entry["amount_fen"])))
        owed = d["owed"]
        lines.append("%-10s %5d %16s" % ("owed", owed["count"], yuan(owed["amount_fen"])))
        lines.append("%d of %d places used" % (d["used"], d["capacity"]))
        if d["unreadable"]:
            lines.append("%d RECORDS CANNOT BE READ" % d["unreadable"])
        if d["newer"]:
            lines.append("%d records of newer firmware: update before settling" % d["newer"])
        return "\n".join(lines)


def summary(journal=None):
    """Summary of the open batch. FlashError, OSError when the flash cannot be read at all."""
    if journal is None:
        journal = Journal(FlashLog(board.journal_partition()), board.CAPS["journal"])
        journal.recover(None, False)
    states = {}
    owed = {"count": 0, "amount_fen": 0}
    for state, count, amount in totals.by_state(journal):
        states[txn.NAMES[state]] = {"count": count, "amount_fen": amount}
        if state in _OWED:
            owed["count"] += count
            owed["amount_fen"] += amount
    return Summary(
        {
            "batch": journal.batch,
            "next_trace": journal.next_trace,
            "signed_on": journal.signed_on,
            "capacity": journal.capacity,
            "used": len(journal),
            "states": states,
            "owed": owed,
            "unreadable": journal.unreadable + journal.damaged(),
            "newer": journal.newer(),
        }
    )
