"""Batch upload after a settlement that did not balance: details, notices, the end.

Each check and action takes an Exchange, as in money.py. An upload books no money: every record is
remembered once, with what the books say to it, so that the difference can be found. The end 202
closes the batch as a balanced settlement does.
"""

import re
from typing import NamedTuple

from . import messages
from .exchange import Declined

MATCH, MISSING, DIFFERS = "match", "missing", "differs"

# An entry of F48 (host-protocol.md 2.6): card flag 00 (domestic), trace, PAN, amount.
_ENTRY = re.compile(
    r"00(?P<stan>(?!0{6})[0-9]{6})0+(?P<pan>[1-9][0-9]{12,18})(?P<fen>(?!0{12})[0-9]{12})"
)
_ENTRY_SIZE = 40
ENTRIES_MAX = 8


class Record(NamedTuple):
    """A transaction as the terminal uploads it. `auth_code`: None where it is not told."""

    stan: int
    pan: str
    amount_fen: int
    auth_code: "str | None" = None

    def __repr__(self):
        return f"Record({self.stan:06d})"


# What a record of each message can be, among the kinds of the books.
_KINDS = {"upload_details": frozenset(("sale", "void")), "upload_notice": frozenset(("offline",))}


def details_readable(x):
    """30: F48 is not a count of 1 to 8 and so many entries, each of another trace."""
    text = x.fields[48]
    count, entries = int(text[:2]), text[2:]
    if not 1 <= count <= ENTRIES_MAX or len(entries) != count * _ENTRY_SIZE:
        raise Declined("30", "F48: count and entries")
    for at in range(0, len(entries), _ENTRY_SIZE):
        found = _ENTRY.fullmatch(entries[at : at + _ENTRY_SIZE])
        if not found:
            raise Declined("30", f"F48: entry {at // _ENTRY_SIZE + 1}")
        x.records.append(Record(int(found["stan"]), found["pan"], int(found["fen"])))
    if len({record.stan for record in x.records}) != count:
        raise Declined("30", "F48: a trace twice")


def notice_readable(x):
    """The record of a notice; its form was checked by the table of its fields."""
    x.records.append(Record(x.stan, x.fields[2], x.amount_fen, x.fields[38]))


def not_contradicting(x):
    """94: a record was uploaded before with another amount, card or kind."""
    for record in x.records:
        before = x.ledger.upload(x.terminal.tid, x.batch, record.stan)
        now = (x.request.name, record.amount_fen, x.ledger.pan_hash(record.pan))
        if before and now != (before["kind"], before["amount_fen"], before["pan_hash"]):
            raise Declined("94", f"{record.stan:06d} was uploaded with other contents")


def remember(x):
    """Keep every record that is new, with what the books say to it."""
    tid = x.terminal.tid
    for record in x.records:
        if x.ledger.upload(tid, x.batch, record.stan) is None:
            x.ledger.add_upload(
                tid=tid,
                batch=x.batch,
                stan=record.stan,
                kind=x.request.name,
                amount_fen=record.amount_fen,
                pan_hash=x.ledger.pan_hash(record.pan),
                verdict=_verdict(x, record),
                created_at=x.timestamp,
            )


def _verdict(x, record):
    booked = x.ledger.transaction(x.terminal.tid, x.batch, record.stan)
    if booked is None or booked.state != "approved" or booked.kind not in _KINDS[x.request.name]:
        return MISSING
    same = (
        booked.amount_fen == record.amount_fen
        and booked.pan_hash == x.ledger.pan_hash(record.pan)
        and record.auth_code in (None, booked.auth_code)
    )
    return MATCH if same else DIFFERS


def end(x):
    """End of an upload: 202 after an unbalanced settlement, 207 after a balanced one."""
    _ENDS[messages.selector(x.message)](x, int(x.fields[48]))


def _end_unbalanced(x, told):
    """79 unless all records told of are here; then the batch closes, if it is still open."""
    if told != x.ledger.upload_count(x.terminal.tid, x.batch):
        raise Declined("79", "number of records")
    if x.batch == x.terminal.batch:
        x.ledger.close_batch(x.terminal.tid, x.batch, "upload", x.timestamp)
        x.booked = True
    else:
        x.note = "closed before"


def _end_balanced(x, told):
    """79 unless there was nothing to upload: a settlement closed the batch, or it is empty."""
    if told:
        raise Declined("79", "number of records")
    if x.batch == x.terminal.batch:
        totals = x.ledger.batch_totals(x.terminal.tid, x.batch)
        if totals.debit_count or totals.credit_count:
            raise Declined("79", "no settlement closed the batch")
    elif x.ledger.closing(x.terminal.tid, x.batch)["reason"] != "settlement":
        raise Declined("79", "an upload closed the batch")


_ENDS = {"202": _end_unbalanced, "207": _end_balanced}
