# The open batch for the technician: tech.journal.summary(), tech.journal.export(). Only looks.

import asyncio

from ..host import cup
from ..pay import txn
from . import journal as _journal
from .context import TechError
from .result import Result

COUNT = 5  # records of a page: some 2.5 KB of text, beside as much for the values
COUNT_MAX = 20

_KINDS = {cup.SALE: "sale", cup.VOID: "void", cup.OFFLINE: "offline sale"}
# What of a journal record goes out as it is. Not the sealed card, not its expiry; the card number
# is masked in the journal itself.
_FIELDS = (
    "batch", "trace", "amount", "operator", "pan_masked", "entry_mode", "pin_entered",
    "original_trace", "response_code", "reason", "rrn", "auth_code", "host_date", "host_time",
    "settle_date", "org", "printed", "tries", "refusals",
)  # fmt: skip


def summary(ctx):
    """Count and amount by state, what is owed, what cannot be read."""
    found = _journal.summary(ctx.journal())
    return Result(found.data, repr(found).split("\n"))


async def export(ctx, first=0, count=COUNT):
    """A page of the open batch, oldest first: {"batch", "records", "next", "total"}. `first`:
    place of the first record, from 0; at most `count` (1 to COUNT_MAX) records; next: place of the
    page after it, None when there is none. Pages belong together when their batch is the same:
    what is sold meanwhile comes at the end. Amounts in fen."""
    for n, least, most in ((first, 0, 0xFFFF), (count, 1, COUNT_MAX)):
        if not isinstance(n, int) or isinstance(n, bool) or not least <= n <= most:
            raise TechError("export(first from 0, count 1 to %d)" % COUNT_MAX)
    j = ctx.journal()
    batch = j.batch
    out = []
    for i in range(first, first + count):
        if i >= len(j):
            break
        out.append(_plain(j, i))
        await asyncio.sleep_ms(0)  # others live meanwhile
        if j.batch != batch:
            raise TechError("the batch was settled meanwhile: begin again")
    after = first + len(out)
    data = {"batch": batch, "records": out, "next": after if after < len(j) else None,
            "total": len(j)}  # fmt: skip
    return Result(data)


def _plain(j, i):
    before = j.unreadable
    t = j.load_whatever(i)
    record = {name: getattr(t, name) for name in _FIELDS}
    record["kind"] = _KINDS.get(t.kind, t.kind)
    record["state"] = txn.NAMES[t.state]
    record["when"] = "%04d-%02d-%02d %02d:%02d:%02d" % tuple(t.when)
    record["readable"] = j.unreadable == before
    j.unreadable = before  # that somebody has looked is no new damage
    return record
