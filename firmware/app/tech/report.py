# tech.report(): everything that the workshop asks for, in one JSON. No number of a card, no key,
# no password: it is made from what the other commands may show.

import os

from ..kernel import log
from . import books, parameters, selftest, status
from .network import net_status
from .result import Result

FORMAT = 1
_LOG = 40  # last lines
_QUICK = ("memory", "clock", "vfs", "keys", "crypto")  # quick ones; the others are dated


def partitions():
    """[{"label", "type", "subtype", "address", "size", "encrypted"}] of the flash, by address."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_APP) + Partition.find(Partition.TYPE_DATA)
    rows = [p.info() for p in found]
    rows.sort(key=lambda row: row[2])
    return [
        {"label": row[4], "type": row[0], "subtype": row[1], "address": row[2], "size": row[3],
         "encrypted": row[5]}
        for row in rows
    ]  # fmt: skip


def _use(ctx):
    """What of the areas is in use."""
    import board

    out = {}
    try:
        s = os.statvfs(board.DATA)
        out["vfs"] = {"size": s[1] * s[2], "free": s[0] * s[3]}
        flash = ctx.journal().flash
        out["journal"] = {"blocks": flash.blocks, "erased": flash.ready_blocks(),
                          "room": flash.room()}  # fmt: skip
    except OSError as e:
        out["error"] = e.args[0] if e.args else 0
    return out


async def report(ctx):
    """A dict; .json() is what support wants to have."""
    health = getattr(ctx.terminal, "health", None)
    results = (await selftest.selftest(ctx, *_QUICK)).data["results"]
    data = {
        "format": FORMAT,
        "made": status.stamp(),
        "status": status.status(ctx).data,
        "version": status.version(ctx).data,
        "counters": status.counters(ctx).data,
        "partitions": partitions(),
        "use": _use(ctx),
        "settings": parameters.list_(ctx).data,
        "selftest": results,
        "daily_selftest": {
            name: list(found) for name, found in (health.results if health else {}).items()
        },
        "journal": books.summary(ctx).data,
        "network": net_status(ctx).data if ctx.terminal is not None else None,
        "log": log.lines()[-_LOG:],
    }
    return Result(data)
