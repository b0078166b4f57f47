# The devices as a technician's command gets them: those of the running terminal while nobody is
# served, or made for the moment when it is stopped.

import asyncio

import board
import bootstate

from ..kernel import clock
from ..ui.screens import Idle
from .context import TechError


def free(ctx):
    """Whether no flow and no request would be disturbed: the screen is the idle screen, or nobody
    has signed on."""
    app = ctx.app
    if app is None:
        return True
    if app.engine.busy:
        return False
    return app.operator is None or isinstance(app.ui.screen, Idle)


def need_free(ctx):
    """TechError while somebody is served."""
    if not free(ctx):
        raise TechError("not now: somebody is being served")


def _printer():
    from ..text import qr
    from ..text.font import Font
    from ..text.gb18030 import Encoder

    return board.make_printer(clock, Encoder(Font(board.ASSETS + "/font16.bin")), qr.encode)


_MAKE = {"printer": _printer, "keypad": lambda: board.make_keypad(clock)}


class Borrowed:
    """async with: the device `name` (keypad, printer, display). TechError when it cannot be had
    now."""

    def __init__(self, ctx, name):
        self._ctx = ctx
        self._name = name
        self._tasks = []

    async def __aenter__(self):
        need_free(self._ctx)
        name, t = self._name, self._ctx.terminal
        if name == "display":
            found = bootstate.display
        elif t is not None:
            found = getattr(t, name, None)
        else:
            found = await self._made()
        if found is None:
            raise TechError("no %s here" % name)
        return found

    async def _made(self):
        """A stopped terminal has no supervisor: the device's tasks live as long as the command."""
        try:
            device = _MAKE[self._name]()
        except (OSError, RuntimeError, ValueError) as e:
            raise TechError("%s: %s" % (self._name, type(e).__name__))
        self._tasks = [asyncio.create_task(task()) for _, task in device.tasks()]
        await asyncio.sleep_ms(100)  # a keypad first looks for keys that are stuck
        return device

    async def __aexit__(self, *error):
        for task in self._tasks:
            task.cancel()
        await asyncio.sleep_ms(0)
