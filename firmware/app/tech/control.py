# Stopping and starting the terminal from the service console.

import asyncio

import machine

import flavour

from ..kernel import log
from ..kernel.supervisor import ONESHOT
from ..ui.screens import Idle
from .context import TechError
from .result import Result

_SOON_MS = 500  # the answer goes out before


def _served(ctx):
    """What keeps the terminal from being stopped now, None when nothing does."""
    app = ctx.app
    if app is None:
        return None
    if app.engine.busy:
        return "the terminal is sending or settling"
    if app.operator is not None and not isinstance(ctx.terminal.ui.screen, Idle):
        return "somebody is being served"
    return None


def _may(ctx):
    if ctx.terminal is None:
        raise TechError("the terminal is stopped")
    why = _served(ctx)
    if why is not None:
        raise TechError("not now: " + why)


async def _then(ctx, action, what):
    await asyncio.sleep_ms(_SOON_MS)
    while _served(ctx) is not None:  # somebody was quicker
        await asyncio.sleep_ms(_SOON_MS)
    log.warning("%s by the technician", what)
    action()


def reboot(ctx):
    """Start anew, as soon as nobody is served. TechError while somebody is."""
    _may(ctx)
    ctx.terminal.supervisor.spawn("reboot", lambda: _then(ctx, machine.reset, "reset"), ONESHOT)
    return Result({"reboot": True}, ["starting anew"])


def stop(ctx):
    """End the event loop, to MicroPython's own prompt; development only. TechError while somebody
    is served."""
    if not flavour.DEV:
        raise TechError("a release cannot be stopped: tech.reboot()")
    _may(ctx)
    ctx.terminal.supervisor.spawn("stop", lambda: _then(ctx, ctx.terminal.stop, "stop"), ONESHOT)
    return Result({"stop": True}, ["stopping"])
