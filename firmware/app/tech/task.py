# Runs what was typed at the service console: the release's grammar, in development anything.
#
# One command at a time, as a supervised task that can be cancelled. What it prints goes out while
# it runs; what goes wrong comes back as a line of text without secrets.

import asyncio

import flavour

from ..kernel.supervisor import ONESHOT
from ..store.flashlog import FlashError, LogFull
from ..store.operators import OperatorError
from ..store.settings import SettingsError
from ..store.vault import VaultError
from . import commands, grammar
from .context import Context, TechError
from .session import Session

_SAID_MAX = 2048  # bytes of progress lines that wait
_TIDY_MS = 10

# What commands raise on purpose: their arguments are words for the technician.
_OURS = (TechError, SettingsError, OperatorError, VaultError, FlashError, LogFull)
# A wrong call, a wrong value, a device or file that is not there: the kind is told, no argument.
_OTHERS = (TypeError, ValueError, KeyError, IndexError, AttributeError, MemoryError, RuntimeError)


class Runner:
    """`terminal`: root.Terminal. `write`: callable(bytes). `context`: what commands get."""

    def __init__(self, terminal, write):
        self._terminal = terminal
        self._write = write
        self.context = context = Context(terminal, None, self._say)
        context.session = Session(context)
        self.busy = False
        self._entry = None
        self._cancelled = False
        self._event = asyncio.Event()
        self._said = []
        self._waiting = 0  # bytes in _said
        self._lost = 0
        self._dev = None

    def forget(self):
        """A soft reset: names that were made in development are gone."""
        self._dev = None

    def cancel(self):
        """End the command that runs, or what it has to show, if one does."""
        self._cancelled = True
        if self._entry is not None and self._entry.running():
            self._entry.task.cancel()
            self._event.set()

    def _say(self, text):
        if self._waiting + len(text) > _SAID_MAX:
            self._lost += 1
            return
        self._said.append(text)
        self._waiting += len(text)
        self._event.set()

    async def _flush(self, send):
        said, lost = self._said, self._lost
        self._said, self._waiting, self._lost = [], 0, 0
        for text in said:
            await send(text.encode() + b"\r\n")
        if lost:
            await send(b"(%d lines left out)\r\n" % lost)

    async def run(self, data, friendly, send):
        """Run the bytes `data`; `send`: async callable(bytes). What went wrong, "" for nothing."""
        try:
            statements = grammar.parse(data)
        except grammar.GrammarError as e:
            if flavour.DEV:
                return await self._as_task(self._python, (data, friendly), send)
            return "GrammarError: line %d, column %d: %s should be here; tech.help()" % (
                e.args[1], e.args[2], e.args[0],
            )  # fmt: skip
        for statement in statements:
            wrong = await self._as_task(self._command, statement, send)
            if wrong:
                return wrong
        return ""

    async def _as_task(self, work, what, send):
        """Run the coroutine work(what, outcome) as a task of its own. outcome: [what went wrong,
        (Result, whether as JSON) or None]."""
        outcome = ["", None]
        self.busy = True
        self._cancelled = False
        try:
            self._entry = entry = self._terminal.supervisor.spawn(
                "command", lambda: self._guarded(work(what, outcome), outcome), ONESHOT
            )
            while entry.running():
                if self._cancelled:
                    await asyncio.sleep_ms(_TIDY_MS)  # it may have to tidy up, or not have begun
                else:
                    await self._event.wait()
                    self._event.clear()
                await self._flush(send)
            await self._flush(send)  # what was said while the rest went out
            if self._cancelled:
                outcome[0] = "cancelled"
            elif not outcome[0] and entry.last_error:
                outcome[0] = entry.last_error  # its supervisor has logged it
            elif outcome[1] is not None and not outcome[0]:
                await self._guarded(self._show(outcome[1], send), outcome)
                if self._cancelled:
                    outcome[0] = "cancelled"
        finally:
            self.cancel()
            self.busy = False
            self._entry = None
        return outcome[0]

    async def _guarded(self, coroutine, outcome):
        try:
            await coroutine
        except _OURS as e:
            outcome[0] = "%s: %s" % (type(e).__name__, " ".join(str(a) for a in e.args))
        except OSError as e:
            number = e.args[0] if e.args and isinstance(e.args[0], int) else ""
            outcome[0] = "OSError: %s" % number
        except _OTHERS as e:
            outcome[0] = "%s: the command does not take this, or cannot work now" % (
                type(e).__name__
            )
        finally:
            self._event.set()

    async def _command(self, statement, outcome):
        path = statement.path
        if not statement.called and not commands.is_group(path):
            raise TechError("tech.%s is a command: call it with ()" % path)
        result = commands.call(self.context, path, statement.args, statement.kw)
        if hasattr(result, "send"):
            result = await result
        outcome[1] = (result, statement.json)

    async def _python(self, what, outcome):
        """Anything, in development: blocks the terminal as long as it runs."""
        import devrepl

        if self._dev is None:
            self._dev = devrepl.Repl(self.context, self._write)
        outcome[0] = self._dev.run(*what)

    async def _show(self, outcome, send):
        """Print a result, line by line."""
        result, as_json = outcome
        if result is None:
            return
        end = b"\r\n"
        if as_json:
            texts, end = result.pieces(), b""
        else:
            texts = result.lines() if hasattr(result, "lines") else (str(result),)
        for text in texts:
            await send(text.encode() + end)
            if self._cancelled:
                return
        if as_json:
            await send(b"\r\n")
