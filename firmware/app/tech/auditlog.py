# The audit log for the technician.
#
#   tech.audit.last(n)     the newest events
#   tech.audit.verify()    whether the chain holds, and its newest number and hash

import asyncio
import binascii

from .context import TechError
from .result import Result

_MOST = 200


def _log(ctx):
    log = getattr(ctx.terminal, "audit", None)
    if log is None:
        from .service import opened_audit

        log = opened_audit()
    return log


async def last(ctx, n=20):
    """The newest n events (at most 200), oldest first."""
    if not isinstance(n, int) or not 0 < n <= _MOST:
        raise TechError("n: 1 to %d" % _MOST)
    found = _log(ctx).last(n)
    for _ in found.run():
        await asyncio.sleep_ms(0)
    rows = [
        {"number": e.number, "when": "%04d-%02d-%02d %02d:%02d:%02d" % e.when, "event": e.name,
         "who": e.who, "detail": e.detail} for e in found.found
    ]  # fmt: skip
    lines = ["%(number)6d %(when)s %(event)-15s %(who)-4s %(detail)s" % row for row in rows]
    return Result(rows, lines or ["no events"])


async def verify(ctx):
    """Walk the whole chain, while the terminal goes on."""
    log = _log(ctx)
    before = log.number
    check = log.check()
    for _ in check.run():
        await asyncio.sleep_ms(0)
    head = log.head()
    data = {
        "holds": not check.broken and check.last >= before, "events": check.events,
        "first": check.first, "last": check.last, "broken_at": check.broken, "why": check.why,
        "lost": log.lost, "hash": binascii.hexlify(head[4:]).decode(), "number": log.number,
    }  # fmt: skip
    if data["holds"]:
        line = "the chain holds: %d events, %d to %d" % (check.events, check.first, check.last)
    else:
        line = "THE CHAIN IS BROKEN at event %d: %s" % (check.broken, check.why)
    return Result(data, [line, "newest: %d %s" % (log.number, data["hash"])])
