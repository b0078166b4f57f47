# Modem and network for the technician: tech.modem.status(), tech.modem.trace(), tech.net.status(),
# tech.net.ping(). They need the running terminal: it alone brings a modem up.

import asyncio

from ..kernel import clock
from .context import TechError
from .devices import free, need_free
from .result import Result

_CONNECT_MS = 30_000
_SECONDS_MAX = 300
_KEPT = 64  # lines of a trace
_PORTS = (1, 65535)


def _bearers(ctx):
    if ctx.terminal is None:
        raise TechError("the terminal is stopped: start it first")
    return [d for d in getattr(ctx.terminal, "drivers", ()) if hasattr(d, "signal")]


def _modem(ctx):
    for b in _bearers(ctx):
        if hasattr(b, "at"):
            return b
    raise TechError("no modem here")


def last4(number):
    """A device's or card's number as it may be shown: its last four digits."""
    return None if number is None else "*" * max(0, len(number) - 4) + number[-4:]


# ---- modem --------------------------------------------------------------------------------------


async def modem_status(ctx):
    """State, signal, SIM, operator; what it says of itself while nobody is served."""
    m = _modem(ctx)
    data = {"name": m.name, "ready": m.ready, "reason": m.reason, "signal": m.signal,
            "restarts": m.restarts, "bytes_sent": m.at.bytes_sent,
            "bytes_received": m.at.bytes_received}  # fmt: skip
    if not free(ctx):
        return Result(data)
    try:
        data["answers"] = await m.at.ping(2000)
        data["operator"] = await m.operator() if data["answers"] else None
    except asyncio.TimeoutError:
        data["answers"] = False
    if data["answers"]:
        found = await m.identity()
        for name in ("maker", "model", "revision"):
            data[name] = found[name]
        data["imei"], data["iccid"] = last4(found["imei"]), last4(found["iccid"])
    return Result(data)


# Commands whose arguments are secrets: SIM PIN and password, password of the data service.
_SECRET = ("AT+CPIN=", "AT+CPWD=", "AT+CLCK=", "AT+CGAUTH=", "AT+SPIC=")
_APN = "AT+QICSGP="  # context, kind, APN, user, password ...
_PLAIN = " ,.:;+-*/=?\"'()#&_%"
_RUN = 7  # so many hexadecimal digits in a row may be a part of somebody's number


def blot(text):
    """A line of the dialogue as it may be shown: without PIN and password; no run of seven or more
    digits; and nothing that looks like the bytes of a message."""
    for start in _SECRET:
        if text.startswith(start):
            return start + "***"
    if text.startswith(_APN):
        return ",".join(text.split(",")[:3]) + ",***"
    for c in text:
        if not (c.isdigit() or c.isalpha() and ord(c) < 128 or c in _PLAIN):
            return "(%d characters)" % len(text)
    out = run = ""
    for c in text + "\n":
        if c in "0123456789abcdefABCDEF":
            run += c
            continue
        out += "*" * len(run) if len(run) >= _RUN else run
        out += c
        run = ""
    return out[:-1]


async def modem_trace(ctx, seconds=30):
    """The dialogue with the modem for so long, line by line and at the end the last 64 lines. Data
    of connections are counted, never shown."""
    if not isinstance(seconds, int) or not 1 <= seconds <= _SECONDS_MAX:
        raise TechError("modem.trace(seconds): 1 to %d" % _SECONDS_MAX)
    at = _modem(ctx).at
    if at.trace is not None:
        raise TechError("a trace is running already")
    kept = []
    began = clock.ticks()

    def note(mark, what):
        what = blot(what) if isinstance(what, str) else "(%d bytes)" % what
        line = "%7d %s %s" % (clock.diff(clock.ticks(), began), mark, what)
        if len(kept) == _KEPT:
            kept.pop(0)
        kept.append(line)
        ctx.say(line)

    at.trace = note
    try:
        await asyncio.sleep_ms(seconds * 1000)
    finally:
        at.trace = None
    return Result(list(kept), ["%d lines" % len(kept)])


# ---- network ------------------------------------------------------------------------------------


def net_status(ctx):
    """The bearers in their order, and where the host is."""
    bearers = []
    for b in _bearers(ctx):
        entry = {"name": b.name, "ready": b.ready, "reason": b.reason, "signal": b.signal}
        if hasattr(b, "addresses") and b.ready:
            entry["address"] = b.addresses()[0]
        bearers.append(entry)
    settings = ctx.settings()
    return Result(
        {"bearers": bearers, "host": settings["host"], "port": settings["port"],
         "reason": ctx.app.network_reason() if ctx.app is not None else None}
    )  # fmt: skip


async def net_ping(ctx, host=None):
    """Without `host` the acquirer's echo test; with "name" or "name:port" how long a connection
    takes. {"answered", "ms", "detail"}."""
    _bearers(ctx)
    if ctx.app is None:
        raise TechError("the terminal cannot trade: see tech.status()")
    need_free(ctx)
    began = clock.ticks()
    if host is None:
        result = await ctx.app.engine.echo(lambda stage: ctx.say(stage))
        answered, detail, via = result.approved, result.why or result.code, "echo test"
    else:
        name, port = _address(ctx, host)
        answered, detail, via = await _connect(ctx, name, port)
    ms = clock.diff(clock.ticks(), began)
    data = {"answered": answered, "ms": ms, "detail": detail, "via": via}
    text = "answer in %d ms (%s)" % (ms, via) if answered else "no answer: %s (%s)" % (detail, via)
    return Result(data, [text])


def _address(ctx, host):
    name, colon, port = host.partition(":") if isinstance(host, str) else ("", "", "")
    if colon and not port.isdigit():
        raise TechError("net.ping(host): a name, or name:port")
    port = int(port) if colon else ctx.settings()["port"]
    if not name or not _PORTS[0] <= port <= _PORTS[1]:
        raise TechError("net.ping(host): a name, or name:port")
    return name, port


async def _connect(ctx, name, port):
    """(whether, why not, the bearer's name). In a turn of the engine: the bearer has one user."""
    async with ctx.app.engine.turn:
        why, via = "no bearer is ready", "-"
        for b in _bearers(ctx):
            if not b.ready:
                continue
            via = b.name
            try:
                await b.connect(name, port, _CONNECT_MS)
                return True, "", via
            except asyncio.TimeoutError:
                why = "timeout"
            except OSError as e:
                why = b.reason or "error %d" % (e.args[0] if e.args else 0)
            finally:
                await b.close()
        return False, why, via
