# What the terminal is doing, what it consists of, what it has counted: tech.status(),
# tech.version(), tech.counters(), tech.log(). Only looks; shows no number of a card and no key.

import gc
import sys

import machine

import board
import bootstate

from ..kernel import clock
from ..kernel import log as _log
from ..pay import totals, txn
from ..store.flashlog import FlashError
from ..version import VERSION
from .context import TechError
from .result import Result

_OWED = (txn.SENDING, txn.UNKNOWN) + txn.OWED_UPLOAD
_LOG_MAX = 200


def stamp():
    """The terminal's calendar as text, None while it is not set."""
    return "%04d-%02d-%02d %02d:%02d:%02d" % clock.now() if clock.is_set() else None


def status(ctx):
    """What the terminal is doing, what is wrong, what is owed."""
    t = ctx.terminal
    data = {
        "board": board.NAME,
        "version": VERSION,
        "running": t is not None,
        "problem": getattr(t, "problem", "") or bootstate.vfs_problem or "",
        "safe_mode": bool(getattr(bootstate, "safe", False)),
        "crash": getattr(bootstate, "crash", ""),
        "reset_cause": machine.reset_cause(),
        "uptime_s": clock.uptime_s(),
        "time": stamp(),
        "memory_free": gc.mem_free(),
    }
    app = ctx.app
    if app is not None:
        data["operator"] = app.operator
        data["screen"] = type(t.ui.screen).__name__
        data["busy"] = t.engine.busy
        data["network"] = app.network_reason() or "ready"
        data["journal"] = journal(t.journal)
        data["selftest"] = lock(t)
        if app.battery is not None:
            data["battery_percent"] = app.battery.percent
    return Result(data)


def lock(t):
    """{"code", "why", "ago_s"} of the periodic self-test: "" is all well."""
    h = getattr(t, "health", None)
    if h is None:
        return {"code": "", "why": "", "ago_s": None}
    ago = None if h.last_s is None else clock.uptime_s() - h.last_s
    return {"code": h.code, "why": h.why, "ago_s": ago}


def journal(j):
    """{"batch", "transactions", "capacity", "signed_on", "owed", "owed_fen"}"""
    count = fen = 0
    for state, n, amount in totals.by_state(j):
        if state in _OWED:
            count += n
            fen += amount
    return {"batch": j.batch, "transactions": len(j), "capacity": j.capacity,
            "signed_on": j.signed_on, "owed": count, "owed_fen": fen}  # fmt: skip


def version(ctx):
    """Firmware, board, boot slots."""
    bundle = getattr(bootstate, "bundle", None)
    return Result(
        {
            "version": VERSION,
            "board": board.NAME,
            "serial": "%06X" % board.serial(),
            "micropython": ".".join([str(n) for n in sys.implementation[1][:3]]),
            "machine": getattr(sys.implementation, "_machine", ""),
            "bundle": None if bundle is None else bundle["version"],
            "bundle_counter": None if bundle is None else bundle.get("counter"),
            "bundle_refused": getattr(bootstate, "bundle_reason", ""),
            "development": _development(),
        }
    )


def _development():
    try:
        import flavour
    except ImportError:
        return False
    return bool(flavour.DEV)


# ---- counters -----------------------------------------------------------------------------------

# (object of the terminal, its counters)
_COUNTERS = (
    ("keypad", ("lost", "ghosts", "overflows")),
    ("inputs", ("lost",)),
    ("card_reader", ("lost", "noise")),
    ("printer", ("bytes_sent",)),
    ("watchdog", ("max_lag_ms",)),
    ("ui", ("draws",)),
)
_BEARER = ("restarts", "bytes_sent", "bytes_received", "heard")


def counters(ctx):
    """What has been counted since the start, and the wear of the journal's flash over its life."""
    t = ctx.terminal
    data = {"uptime_s": clock.uptime_s()}
    for name, wanted in _COUNTERS:
        _count(data, name, getattr(t, name, None), wanted)
    for b in getattr(t, "drivers", ()):
        if hasattr(b, "signal"):
            _count(data, b.name, b, _BEARER)
            _count(data, b.name, getattr(b, "at", None), _BEARER)
    supervisor = getattr(t, "supervisor", None)
    if supervisor is not None:
        data["restarted_tasks"] = {
            name: {"restarts": e.restarts, "last_error": e.last_error}
            for name, e in supervisor.tasks.items()
            if e.restarts or e.last_error
        }
    try:
        flash = ctx.journal().flash
        least, most = flash.wear()
        data["journal_flash"] = {
            "blocks": flash.blocks, "erases_least": least, "erases_most": most,
            "erases": flash.erases, "bytes_programmed": flash.programmed,
            "torn": flash.torn, "damaged": flash.damaged,
        }  # fmt: skip
    except (FlashError, OSError):
        data["journal_flash"] = "cannot be read"
    return Result(data)


def _count(data, name, thing, wanted):
    for counter in wanted:
        value = getattr(thing, counter, None)
        if value is not None:
            data.setdefault(name, {})[counter] = value


# ---- log ----------------------------------------------------------------------------------------


def log(ctx, n=20):
    """The last n lines of the log."""
    if not isinstance(n, int) or not 1 <= n <= _LOG_MAX:
        raise TechError("log(n): n is 1 to %d" % _LOG_MAX)
    lines = _log.lines()[-n:]
    return Result(lines, lines)
