# Any Python beside the running terminal, for development builds: the only place with exec().
#
#   import tech; terminal, app          the running terminal and its services
#   press("1", "0", "ENTER")            keys, one after the other
#   print(screen())                     what is on the glass
#
# Names stay until a soft reset. Code runs in the event loop: the terminal stands still meanwhile,
# and its watchdog bites after 8 s. Ctrl-C interrupts it.

import asyncio
import io
import sys

import micropython

import tech
from app.kernel.supervisor import ONESHOT

_BETWEEN_MS = 120  # a finger
_CTRL_C = 3


class Repl:
    """`context`: tech.context.Context of the running terminal. `write`: callable(bytes)."""

    def __init__(self, context, write):
        self._terminal = context.terminal
        self._write = write
        tech.attach(context)
        self.names = {
            "__name__": "__main__",
            "__repl_print__": self._show,
            "print": self._print,
            "press": self._press,
            "screen": self._screen,
            "terminal": context.terminal,
            "app": context.app,
        }

    def run(self, data, friendly):
        """Run bytes; a traceback, "" when all went well. In a line (`friendly`) the value of an
        expression is shown."""
        try:
            code = compile(data.decode(), "<stdin>", "single" if friendly else "exec")
            micropython.kbd_intr(_CTRL_C)
            try:
                exec(code, self.names)
            finally:
                micropython.kbd_intr(-1)
        except (Exception, KeyboardInterrupt, SystemExit) as e:  # noqa: BLE001  as at any prompt
            text = io.StringIO()
            sys.print_exception(e, text)
            return text.getvalue().replace("\n", "\r\n")
        return ""

    # ---- names ----------------------------------------------------------------------------------

    def _print(self, *args, sep=" ", end="\n", file=None):
        if file is not None:
            print(*args, sep=sep, end=end, file=file)
            return
        self._write((sep.join(str(a) for a in args) + end).replace("\n", "\r\n").encode())

    def _show(self, value):
        if value is not None:
            self._print(repr(value))

    def _press(self, *keys):
        async def pressing():
            for key in keys:
                self._terminal.inputs.put(("key", key))
                await asyncio.sleep_ms(_BETWEEN_MS)

        self._terminal.supervisor.spawn("pressing", pressing, ONESHOT)

    def _screen(self):
        return "\n".join(self._terminal.ui.visible())
