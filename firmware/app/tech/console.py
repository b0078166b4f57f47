# The service console: lines for people, and the raw mode in which tools send blocks.
#
# Speaks as MicroPython's own prompt does (shared/runtime/pyexec.c), so that mpremote and pyserial
# scripts work beside the running terminal: Ctrl-A raw mode, Ctrl-B lines, Ctrl-C clears or
# cancels, Ctrl-D runs the block. Ctrl-D with nothing before it ends the technician's session and
# is answered like a soft reboot; the terminal runs on. feed() takes bytes, any bytes, and a task
# of its own works on them, so that Ctrl-C is seen while a command runs.

import asyncio

from micropython import const

import flavour

from ..kernel import log
from ..kernel.supervisor import RESTART
from ..version import VERSION
from .task import Runner

_A, _B, _C, _D, _E = const(1), const(2), const(3), const(4), const(5)
_BS, _TAB, _LF, _CR, _ESC, _DEL = const(8), const(9), const(10), const(13), const(27), const(127)

PROMPT = b">>> "
_MORE = b"... "
_RAW = b"raw REPL; CTRL-B to exit\r\n>"
_REBOOT = b"MPY: soft reboot\r\n"
_LINE_MAX = const(512)
_BLOCK_MAX = 8192 if flavour.DEV else 1024
_QUEUE_MAX = const(1024)  # bytes that wait while a command runs
_PIECE = const(48)  # bytes written at once: 4 ms at 115200 baud
_PIECE_MS = const(5)
_LOOK_MS = const(5000)  # a session that ends by itself is noticed within
_TOO_LONG = b"\x07"
_HIDDEN = (b"unlock(", b"password(")  # what follows is typed unseen


def _secret(line):
    """Whether what follows is a password; the grammar allows blanks before the parenthesis."""
    squeezed = bytes(line).replace(b" ", b"")
    return any(word in squeezed for word in _HIDDEN)


class Console:
    """`terminal`: root.Terminal. `write`: callable(bytes). `released`: callable(), whenever an
    exchange is over and others may print."""

    def __init__(self, terminal, write, released):
        self._write = write
        self._sent = 0  # bytes since others could work
        self._released = released
        self._queue = bytearray()
        self._typed = asyncio.Event()
        self._room = asyncio.Event()
        self._raw = False
        self._line = bytearray()
        self._lines = b""  # the lines before it, in a block of Python
        self._over = False  # the line or block is longer than it may be
        self._escape = 0
        self._was_cr = False
        self._prompted = False
        self._hidden = False
        self._working = False
        self._drop = False
        self.runner = Runner(terminal, write)
        self._session = self.runner.context.session
        terminal.supervisor.spawn("console work", self._work, RESTART)

    # ---- from the port --------------------------------------------------------------------------

    async def feed(self, data):
        """Take bytes. Waits while there is no room; while a command runs, what there is no room
        for is lost, so that Ctrl-C gets through."""
        for c in data:
            if c == _C and self.runner.busy:
                self.runner.cancel()
                self._queue = bytearray()  # what was typed ahead was meant for another case
                self._drop = True
                continue
            while len(self._queue) >= _QUEUE_MAX and not self.runner.busy:
                self._room.clear()
                await self._room.wait()
            if len(self._queue) < _QUEUE_MAX:
                self._queue.append(c)
        self._typed.set()

    def engaged(self):
        """Whether anything that is printed now would garble an exchange or a typed line."""
        return self._raw or self._working or bool(self._line or self._lines or self._queue)

    def aside(self, line):
        """Print a line that is no answer; the prompt comes again."""
        data = line.encode() + b"\r\n"
        if self._prompted:
            data = b"\r" + data + PROMPT
        self._write(data)

    # ---- the task -------------------------------------------------------------------------------

    async def _work(self):
        try:
            while True:
                if not self._queue:
                    await self._wait()
                self._working = True
                await self._take()
                self._working = False
                if not self.engaged():
                    self._released()
        finally:
            self._working = False
            self.runner.cancel()

    async def _take(self):
        """Work on what has come."""
        queue, self._queue = self._queue, bytearray()
        self._room.set()
        self._drop = False
        for i, c in enumerate(queue):
            if self._raw:
                await self._raw_byte(c)
            else:
                await self._line_byte(c)
            queue[i] = 0
            if self._sent >= _PIECE:
                await self._breathe()
            if self._drop:
                return

    async def _wait(self):
        """For bytes; meanwhile the session may end by itself."""
        while not self._queue:
            self._typed.clear()
            if not self._session.unlocked():
                await self._typed.wait()
                continue
            try:
                await asyncio.wait_for_ms(self._typed.wait(), _LOOK_MS)
            except asyncio.TimeoutError:
                self._session.level()
                if not self._session.unlocked():
                    await self._leave(b"\r\nlocked: nothing was asked for 15 minutes\r\n")
                    self._released()

    async def _send(self, data):
        """Write in pieces, and let everybody else work in between."""
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            if self._sent + len(piece) > _PIECE:
                await self._breathe()
            self._put(piece)

    def _put(self, data):
        self._write(data)
        self._sent += len(data)

    async def _breathe(self):
        """Let the line take what was written, and everybody else work."""
        self._sent = 0
        await asyncio.sleep_ms(_PIECE_MS)

    def _clear(self):
        line = self._line
        for i in range(len(line)):
            line[i] = 0  # it may have held a password
        self._line = bytearray()
        self._over = self._hidden = False
        self._escape = 0

    async def _leave(self, words=b"\r\n"):
        """Back to lines."""
        self._raw = False
        self._lines = b""
        self._clear()
        await self._send(words + self._banner() + PROMPT)
        self._prompted = True

    def _banner(self):
        level = "development, " if flavour.DEV else ""
        return ("Shouyin %s %sservice console, tech.help()\r\n" % (VERSION, level)).encode()

    async def _reboot(self, prefix):
        """The session is over; the terminal runs on."""
        self._session.end("reset")
        self.runner.forget()
        await self._send(prefix + _REBOOT)

    # ---- lines ----------------------------------------------------------------------------------

    async def _line_byte(self, c):
        was_cr, self._was_cr = self._was_cr, c == _CR
        if self._escape:
            self._in_escape(c)
        elif c == _CR or (c == _LF and not was_cr):
            await self._enter()
        elif c == _A:
            self._raw = True
            self._prompted = False
            self._clear()
            await self._send(_RAW)
        elif c == _B:
            await self._leave()
        elif c == _C:
            self._lines = b""
            await self._prompt(b"\r\n")
        elif c == _D:
            if not self._line:
                await self._reboot(b"\r\n")
                await self._leave(b"")
        elif c in (_BS, _DEL):
            self._rub_out()
        elif c == _ESC:
            self._escape = 1
        elif c >= 32:
            self._insert(c)

    def _in_escape(self, c):
        """Pass over the sequences of arrow and function keys (ECMA-48: CSI, SS3)."""
        if self._escape == 1 and c in (0x5B, 0x4F):
            self._escape = 2
        elif self._escape == 1 or 0x40 <= c <= 0x7E or c < 32:
            self._escape = 0

    def _insert(self, c):
        line = self._line
        if len(line) >= _LINE_MAX:
            self._over = True
            self._put(_TOO_LONG)
            return
        line.append(c)
        self._put(b"*" if self._hidden else bytes((c,)))
        if c == 0x28 and not self._hidden:
            self._hidden = _secret(line)

    def _rub_out(self):
        line = self._line
        if not line:
            return
        while line and line[-1] & 0xC0 == 0x80:
            line[:] = line[:-1]
        line[:] = line[:-1]
        self._put(b"\x08 \x08")
        self._hidden = _secret(line)

    async def _enter(self):
        await self._send(b"\r\n")
        line, over = bytes(self._line), self._over
        self._clear()
        if over:
            await self._send(b"a line has at most 512 bytes\r\n")
        elif flavour.DEV and self._goes_on(line):
            await self._prompt(b"", _MORE)
            return
        elif line.strip() or self._lines:
            line, self._lines = self._lines + line, b""
            wrong = await self.runner.run(line, True, self._send)
            if wrong:
                await self._send(wrong.encode() + b"\r\n")
        await self._prompt(b"")

    def _goes_on(self, line):
        """Whether more lines belong to this one (development): a block ends with an empty one."""
        if not line.strip() or not (self._lines or line.rstrip().endswith(b":")):
            return False
        self._lines = (self._lines + line + b"\n")[:_BLOCK_MAX]
        return True

    async def _prompt(self, before, prompt=PROMPT):
        self._clear()
        await self._send(before + prompt)
        self._prompted = True

    # ---- raw mode -------------------------------------------------------------------------------

    async def _raw_byte(self, c):
        if c == _A:
            if self._line == b"\x05A":
                self._clear()
                await self._send(b"R\x00")  # raw paste is known, and not offered
            else:
                self._clear()
                await self._send(_RAW)
        elif c == _B:
            await self._leave()
        elif c == _C:
            self._clear()
        elif c == _D:
            await self._block()
        elif len(self._line) < _BLOCK_MAX:
            self._line.append(c)
        else:
            self._over = True

    async def _block(self):
        block, over = bytes(self._line), self._over
        self._clear()
        await self._send(b"OK")
        if not block:
            await self._reboot(b"\r\n")
            await self._send(_RAW)
            return
        if over:
            wrong = "TechError: a block has at most %d bytes" % _BLOCK_MAX
            log.warning("console: a block of more than %d bytes", _BLOCK_MAX)
        else:
            wrong = await self.runner.run(block, False, self._send)
        if wrong and not wrong.endswith("\n"):
            wrong += "\r\n"
        await self._send(b"\x04" + wrong.encode() + b"\x04>")
