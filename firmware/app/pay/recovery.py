# What a boot finds in the journal, and what is owed because of it. Knows it from the last record
# alone.

from ..kernel import log
from . import txn
from .steps import apply


class Owed:
    """reversals: (count, amount) or None; receipts: indexes of approved transactions whose
    merchant receipt is not on paper; unreadable: records that are damaged or could not be
    understood."""

    def __init__(self):
        self.interrupted = 0
        self.reversals = None
        self.receipts = []
        self.unreadable = 0


def recover(journal, session, reversals, settlement, saf, pulse=None):
    """Read the journal and put right what a power cut left behind. Returns Owed. `pulse` is called
    all along (a watchdog's feed); FlashError, LogFull."""
    journal.recover(pulse)
    owed = Owed()
    for i in range(len(journal)):
        if journal.state(i) == txn.SENDING:
            # The request may or may not have reached the host: nobody knows, so it is taken back.
            t = journal.load_whatever(i)
            apply(journal, session, t, txn.POWER_CUT)
            owed.interrupted += 1
    settlement.recover()
    saf.recover()
    owed.reversals = reversals.pending()
    owed.receipts = [
        i
        for i in range(len(journal))
        if journal.state(i) in txn.RECEIPT and not journal.printed(i)
    ]
    owed.unreadable = journal.unreadable + journal.newer() + journal.damaged()
    log.info(
        "journal: %d transactions, batch %d, %d interrupted",
        len(journal),
        journal.batch,
        owed.interrupted,
    )
    return owed
