# The technician's port, standard input and output: the little of the console that is always
# there. The console itself is loaded when the first byte comes.

import asyncio
import select
import sys

from ..kernel import log

_PIECE = 64  # bytes taken at once; what comes meanwhile waits in the port's own buffer
_HELD_MAX = 16  # lines of the log


class Stdio:
    """Bytes of sys.stdin and sys.stdout. Reading waits in the event loop; writing a short piece
    takes as long as the line needs."""

    def __init__(self):
        self._in = sys.stdin.buffer
        self._reader = asyncio.StreamReader(self._in)
        self._poller = select.poll()
        self._poller.register(self._in, select.POLLIN)
        self._buf = bytearray(_PIECE)

    async def read(self):
        """bytes, at least one."""
        got = await self._reader.read(1)  # more at once would wait for all of them
        buf = self._buf
        n = 0
        while got:
            buf[n] = got[0]
            n += 1
            if n == _PIECE or not self._poller.poll(0):
                break
            got = self._in.read(1)
        if not n:
            raise OSError("the console's other end is gone")
        return bytes(buf[:n])

    @staticmethod
    def write(data):
        sys.stdout.buffer.write(data)


class Port:
    """`terminal`: root.Terminal. `echo`: callable(str) for a line of the log as long as nobody has
    typed anything. `stdio`: as Stdio."""

    def __init__(self, terminal, echo, stdio=None):
        self._terminal = terminal
        self._echo = echo
        self._stdio = stdio
        self.console = None
        self._held = []
        self._left_out = 0

    async def run(self):
        """Task: hand over what is typed."""
        if self._stdio is None:
            self._stdio = Stdio()
        while True:
            data = await self._stdio.read()
            if self.console is None:
                from .console import Console

                self.console = Console(self._terminal, self._stdio.write, self.released)
            await self.console.feed(data)

    def log(self, line):
        """A line of the log. While somebody types or a tool is in the middle of an exchange it is
        held back, the last ones at least."""
        console = self.console
        if console is None:
            self._echo(line)
        elif console.engaged():
            if len(self._held) == _HELD_MAX:
                del self._held[0]
                self._left_out += 1
            self._held.append(line)
        else:
            console.aside(line)

    def released(self):
        """The console is between two exchanges."""
        held, self._held = self._held, []
        if self._left_out:
            held.insert(0, "(%d lines left out: tech.log())" % self._left_out)
            self._left_out = 0
        for line in held:
            self.console.aside(line)


def serve(terminal, echo):
    """Make the port and send the log there; its run() is the task to spawn."""
    port = Port(terminal, echo)
    log.echo = port.log
    return port
