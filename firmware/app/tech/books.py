# The open batch for the technician: tech.journal.summary(), tech.journal.export(). Only looks.

import asyncio
import json

from ..host import cup
from ..pay import txn
from . import journal as _journal
from .result import Result

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


async def export(ctx, stream=True):
    """Every record of the open batch, oldest first: a line of JSON each, by ctx.say (then how many
    there were), or as a list. Amounts in fen."""
    j = ctx.journal()
    out = []
    n = i = 0
    while i < len(j):
        record = _plain(j, i)
        if stream:
            ctx.say(json.dumps(record))
        else:
            out.append(record)
        n += 1
        i += 1
        await asyncio.sleep_ms(0)  # others live meanwhile
    if not stream:
        return Result(out)
    return Result({"batch": j.batch, "records": n})


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
