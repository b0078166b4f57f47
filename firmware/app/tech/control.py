# Stopping and starting the terminal from the service console.

import asyncio

import machine

import flavour

from ..kernel import log
from ..kernel.supervisor import ONESHOT
from .context import TechError
from .devices import free, need_free
from .result import Result

_SOON_MS = 500  # the answer goes out before


def _soon(ctx, action, what):
    """Do it when nobody is served. TechError when it is about to be done already."""
    try:
        ctx.terminal.supervisor.spawn(what, lambda: _then(ctx, action, what), ONESHOT)
    except ValueError:
        raise TechError("it is about to %s already" % what)


def _may(ctx):
    if ctx.terminal is None:
        raise TechError("the terminal is stopped")
    need_free(ctx)


async def _then(ctx, action, what):
    await asyncio.sleep_ms(_SOON_MS)
    while not free(ctx):  # somebody was quicker
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
