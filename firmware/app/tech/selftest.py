# tech.selftest(): every part of the terminal once, pass, fail or skip, with a reason and how long
# it took. What would disturb somebody who is served is refused; what only reads always runs.

import asyncio
import gc
import os

import board
import bootstate

from ..host.keyring import KeyFault, KeyRing
from ..kernel import clock
from . import checks, devices
from .checks import FAIL, PASS, SKIP
from .context import TechError
from .result import Result

_READ = 0  # only reads
_DEVICE = 1  # moves something that a cashier may be using
_PATTERN = 2048  # bytes of memory that are written and read back
_FREE_MIN = 8192
_VFS_FREE_MIN = 8192
_SLEEP_MS = 200
_TEMPERATURES = (-20, 85)
_SLICE_MS = 5
_HEALTH = ("firmware", "keys", "crypto", "flash")


# ---- what only reads ----------------------------------------------------------------------------


async def _pause():
    await asyncio.sleep_ms(_SLICE_MS)


def _memory(ctx):
    gc.collect()
    free = gc.mem_free()
    try:
        buf = bytearray(_PATTERN)
    except MemoryError:
        return FAIL, "no %d bytes in one piece" % _PATTERN
    for value in (0x55, 0xAA):
        for i in range(_PATTERN):
            buf[i] = value
        if buf.count(bytes((value,))) != _PATTERN:
            return FAIL, "what was written does not come back"
    return PASS if free >= _FREE_MIN else FAIL, "%d bytes free" % free


async def _clock(ctx):
    began = clock.ticks()
    await asyncio.sleep_ms(_SLEEP_MS)
    ms = clock.diff(clock.ticks(), began)
    if not _SLEEP_MS - 5 <= ms <= 10 * _SLEEP_MS:
        return FAIL, "%d ms became %d" % (_SLEEP_MS, ms)
    if not clock.is_set():
        return SKIP, "calendar not set yet"
    return PASS, "%04d-%02d-%02d %02d:%02d:%02d" % clock.now()


def _vfs(ctx):
    if bootstate.vfs_problem:
        return FAIL, bootstate.vfs_problem
    path = board.DATA + "/selftest.tmp"
    data = bytes(range(64)) * 2
    try:
        with open(path, "wb") as f:
            f.write(data)
        with open(path, "rb") as f:
            same = f.read() == data
        os.remove(path)
        s = os.statvfs(board.DATA)
    except OSError as e:
        return FAIL, "error %d" % (e.args[0] if e.args else 0)
    free = s[0] * s[3]
    if not same or free < _VFS_FREE_MIN:
        return FAIL, "%d bytes free" % free if same else "what was written does not come back"
    return PASS, "%d bytes free" % free


async def _flash(ctx):
    known = getattr(getattr(ctx.terminal, "health", None), "known", 0)
    return (await checks.journal(ctx.journal(), _pause, known))[:2]


def _keys(ctx):
    """The key store, and the check value of every key, computed now."""
    vault = ctx.vault()
    status, reason = checks.keys(vault)
    if status == FAIL:
        return status, reason
    try:
        values = KeyRing(vault).check_values()
    except KeyFault as e:
        return FAIL, "%s %s" % e.args
    return PASS, " ".join(["%s %s" % (name, values[name]) for name in sorted(values)]) or reason


def _crypto(ctx):
    return checks.crypto()


async def _firmware(ctx):
    return await checks.firmware(_pause)


def _temperature(ctx):
    import esp32

    if hasattr(esp32, "mcu_temperature"):
        value = esp32.mcu_temperature()
    elif hasattr(esp32, "raw_temperature"):  # the first ESP32 counts in Fahrenheit
        value = (esp32.raw_temperature() - 32) * 5 // 9
    else:
        return SKIP, "no sensor"
    inside = _TEMPERATURES[0] <= value <= _TEMPERATURES[1]
    return PASS if inside else FAIL, "%d degrees" % value


def _battery(ctx):
    b = getattr(ctx.terminal, "battery", None)
    if b is None:
        return SKIP, "none fitted"
    if b.reason:
        return FAIL, b.reason
    if b.percent is None:
        return SKIP, "not measured yet"
    return PASS, "%d %%, %d mV" % (b.percent, b.mv)


def _network(ctx):
    if ctx.app is None:
        return SKIP, "the terminal does not run"
    reason = ctx.app.network_reason()
    return (PASS, "ready") if reason is None else (FAIL, reason)


def _modem(ctx):
    for b in getattr(ctx.terminal, "drivers", ()):
        if hasattr(b, "at"):
            if b.ready:
                return PASS, "signal %s of 4" % ("?" if b.signal is None else b.signal)
            return FAIL, b.reason
    return SKIP, "none here"


def _card(ctx):
    reader = getattr(ctx.terminal, "card_reader", None)
    if reader is None:
        return SKIP, "none here"
    fault = getattr(reader, "fault", None) or getattr(reader, "reason", None)
    return (FAIL, fault) if fault else (SKIP, "swipe a card to try it")


# ---- what moves something -----------------------------------------------------------------------


async def _keypad(ctx):
    async with devices.Borrowed(ctx, "keypad") as keys:
        fault = getattr(keys, "fault", None)
        if fault:
            return FAIL, fault
        if keys.stuck:
            return FAIL, "stuck: " + " ".join(keys.stuck)
        return PASS, "%d keys, none stuck; tech.keypad() tries each" % len(keys.names)


async def _display(ctx):
    from . import peripherals

    fault = (await peripherals.display_test(ctx)).data["fault"]
    return (FAIL, fault) if fault else (PASS, "pictures shown: look at them")


async def _printer(ctx):
    from . import peripherals

    found = (await peripherals.printer_status(ctx)).data
    return (PASS, "ready") if found["status"] == "ok" else (FAIL, found["reason"] or "unknown")


_ITEMS = (
    ("memory", _READ, "_memory"),
    ("clock", _READ, "_clock"),
    ("vfs", _READ, "_vfs"),
    ("firmware", _READ, "_firmware"),
    ("keys", _READ, "_keys"),
    ("crypto", _READ, "_crypto"),
    ("flash", _READ, "_flash"),
    ("temperature", _READ, "_temperature"),
    ("battery", _READ, "_battery"),
    ("network", _READ, "_network"),
    ("modem", _READ, "_modem"),
    ("card", _READ, "_card"),
    ("keypad", _DEVICE, "_keypad"),
    ("display", _DEVICE, "_display"),
    ("printer", _DEVICE, "_printer"),
)
NAMES = tuple([item[0] for item in _ITEMS])
READING = tuple([item[0] for item in _ITEMS if item[1] == _READ])


async def selftest(ctx, *names):
    """All items, or those named. {"passed", "locked", "results": [{"name", "status", "reason",
    "ms"}]}. A whole self-test that passes also lifts the lock of the periodic one."""
    for name in names:
        if name not in NAMES:
            raise TechError("selftest: %s is none of %s" % (name, " ".join(NAMES)))
    wanted = names or NAMES
    results = []
    done = {}
    if ctx.app is not None and not set(_HEALTH) - set(wanted):
        began = clock.ticks()
        done = dict(await ctx.terminal.health.round(_pause, True))
        done["flash"] = done.pop("journal")
        del done["keys"]  # the technician sees check values, too
        ctx.say("firmware, keys, crypto, flash: %d ms" % clock.diff(clock.ticks(), began))
    for name, kind, function in _ITEMS:
        if name in wanted:
            results.append(await _one(ctx, name, kind, function, done.get(name)))
            ctx.say(_line(results[-1]))
    code = getattr(getattr(ctx.terminal, "health", None), "code", "")
    passed = not [r for r in results if r["status"] == FAIL]
    data = {"passed": passed, "locked": code, "results": results}
    lines = [_line(r) for r in results]
    lines.append("PASSED" if passed else "FAILED")
    if code:
        lines.append("LOCKED " + code)
    return Result(data, lines)


async def _one(ctx, name, kind, function, found):
    began = clock.ticks()
    if found is None:
        if kind == _DEVICE and not devices.free(ctx):
            found = SKIP, "somebody is served"
        else:
            try:
                found = globals()[function](ctx)
                if hasattr(found, "send"):
                    found = await found
            except TechError as e:
                found = SKIP, e.args[0]
    return {"name": name, "status": found[0], "reason": found[1],
            "ms": clock.diff(clock.ticks(), began)}  # fmt: skip


def _line(r):
    return "%-12s %-5s %6d ms  %s" % (r["name"], r["status"], r["ms"], r["reason"])
