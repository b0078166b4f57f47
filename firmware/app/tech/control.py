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


def served(ctx):
    """What keeps the terminal from being stopped now, None when nothing does."""
    app = ctx.app
    if app is None:
        return None
    if app.engine.busy:
        return "the terminal is sending or settling"
    if app.operator is not None and not isinstance(ctx.terminal.ui.screen, Idle):
        return "somebody is being served"
    return None


def _soon(ctx, action, what):
    """Do it when nobody is served. TechError when it is about to be done already."""
    try:
        ctx.terminal.supervisor.spawn(what, lambda: _then(ctx, action, what), ONESHOT)
    except ValueError:
        raise TechError("it is about to %s already" % what)


def _may(ctx):
    if ctx.terminal is None:
        raise TechError("the terminal is stopped")
    why = served(ctx)
    if why is not None:
        raise TechError("not now: " + why)


async def _then(ctx, action, what):
    await asyncio.sleep_ms(_SOON_MS)
    while served(ctx) is not None:  # somebody was quicker
        await asyncio.sleep_ms(_SOON_MS)
    log.warning("%s by the technician", what)
    action()


def reboot(ctx):
    """Start anew, as soon as nobody is served. TechError while somebody is."""
    _may(ctx)
    _soon(ctx, machine.reset, "reboot")
    return Result({"reboot": True}, ["starting anew"])


def stop(ctx):
    """End the event loop, to MicroPython's own prompt; development only. TechError while somebody
    is served."""
    if not flavour.DEV:
        raise TechError("a release cannot be stopped: tech.reboot()")
    _may(ctx)
    _soon(ctx, ctx.terminal.stop, "stop")
    return Result({"stop": True}, ["stopping"])
