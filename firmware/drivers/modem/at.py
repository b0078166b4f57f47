# AT command channel: one reader task, one command at a time, unsolicited lines anywhere between.
#
# Three layers: Lines cuts the byte stream (pure), Command knows what belongs to a reply (pure),
# Channel does the I/O. Nobody ever "waits for OK in the stream": every line goes to the running
# command or to the table of unsolicited codes, and binary data are taken by their announced
# length, whatever bytes they hold.

import asyncio

from micropython import const

from ..flag import Flag
from .reply import announced, numbers

_LINE_MAX = const(256)
_READ = const(256)  # bytes taken from the UART at a time
_ORPHAN_MS = const(1000)  # how long the end of an abandoned command is waited for
DATA_MAX = const(1024)  # binary data of one reply
_AMONG_MAX = const(320)  # what may have come among them
_END = b"\r\nOK\r\n"

# Lines that end a command. ERROR lines with a reason are kept as the reason.
_OKS = ("OK", "SEND OK")
_ERRORS = ("ERROR", "+CME ERROR", "+CMS ERROR", "SEND FAIL")
# Information before a bare ERROR that says more than it does.
_DETAILS = ("+IP ERROR", "+CIPERROR")


class AtError(Exception):
    """The modem refused. args: (reason,)"""


class Lines:
    """Cuts a byte stream into lines and announced binary data. Pure.

    sink.line(str), sink.prompt(), sink.data(n) with the data in `raw[:n]` (n is None: something
    came among them and they are lost), sink.unsolicited(str) -> bool. `announce`: see
    reply.announced.
    """

    def __init__(self, sink, announce):
        self._sink = sink
        self.announce = announce
        self._line = bytearray()
        self.raw = bytearray(DATA_MAX + _AMONG_MAX)
        self._need = 0  # length of the data that are coming, 0: none
        self._got = 0
        self.overlong = 0

    def reset(self):
        self._line = bytearray()
        self._need = 0

    def feed(self, data, n=None):
        """Take the first n bytes of `data` (None: all)."""
        view = memoryview(data)
        n = len(data) if n is None else n
        at = 0
        while at < n:
            if self._need:
                at += self._take(view[at:n])
            else:
                self._byte(data[at])
                at += 1

    def _byte(self, b):
        if b == 13:
            return  # lines end with CR LF; announced data begin right behind the LF
        line = self._line
        if b == 10:
            if line:
                self._line = bytearray()
                self._complete(line)
        elif not line and not 32 < b < 127:
            pass  # spaces, noise of a start or of another baud rate
        elif b == 62 and not line:  # ">" at the beginning of a line is the prompt
            self._sink.prompt()
        elif len(line) < _LINE_MAX:
            line.append(b)
        else:
            self.overlong += 1
            self._line = bytearray()

    def _complete(self, line):
        try:
            text = line.decode().rstrip()
        except UnicodeError:
            text = "".join([chr(b) if 32 <= b < 127 else "?" for b in line])
        if self.announce is not None:
            n = announced(text, self.announce)
            if 0 < n <= DATA_MAX:
                self._need = n
                self._got = 0
        self._sink.line(text)

    # ---- binary data ----------------------------------------------------------------------------

    def _take(self, view):
        """Bytes used of view: the data, and the CR LF behind them that proves that they are the
        data and nothing else."""
        got, end = self._got, self._need + 2
        if got < end:
            n = min(end - got, len(view))
            self.raw[got : got + n] = view[:n]
            self._got = got + n
            if self._got == end and self.raw[end - 2] == 13 and self.raw[end - 1] == 10:
                self._done(end - 2)
            return n
        # Longer than announced: something has come among them. It ends with the reply.
        self.raw[got] = view[0]
        self._got = got = got + 1
        if view[0] == 10 and self.raw[got - 6 : got] == _END:
            self._mend(got - 6)
            self._sink.line("OK")
        elif got == len(self.raw):
            self._done(None)
        return 1

    def _done(self, n):
        self._need = 0
        self._sink.data(n)

    def _mend(self, end):
        """Take the line out that came among the data, when there is just one place for it."""
        raw, n = self.raw, self._need
        if raw[end - 2] == 13 and raw[end - 1] == 10:
            end -= 2
        extra = end - n
        place = None
        for i in range(n + 1 if extra > 4 else 0):
            if raw[i] == 13 and raw[i + extra - 1] == 10 and self._is_line(i, i + extra):
                if place is not None:
                    place = None
                    break
                place = i
        if place is None:
            self._done(None)
            return
        text = raw[place + 2 : place + extra - 2].decode()
        raw[place:n] = raw[place + extra : n + extra]
        self._done(n)
        self._sink.line(text)

    def _is_line(self, start, end):
        line = self.raw[start + 2 : end - 2]
        if self.raw[start + 1] != 10 or self.raw[end - 2] != 13:
            return False
        for b in line:
            if not 32 <= b < 127:
                return False
        return self._sink.unsolicited(line.decode())


class Command:
    """What belongs to one command's reply. `prefix`: information lines that are its own, though
    they look like unsolicited ones; `result`: a prefix that must come besides OK for the command
    to be complete; `into`: memoryview for binary data, `length` of them afterwards; `corrupt`:
    they did not come whole."""

    def __init__(self, text, prefix=None, result=None, payload=None, into=None):
        self.text = text
        self.prefix = prefix
        self.result = result
        self.payload = payload
        self.into = into
        self.lines = []
        self.length = 0
        self.corrupt = False
        self.result_line = None
        self.error = None
        self._final = False
        self.done = Flag()

    def numbers(self):
        """Numbers of the last information line; [] when there is none."""
        return numbers(self.lines[-1]) if self.lines else []

    def _check(self):
        if self.error is not None or (
            self._final and (self.result is None or self.result_line is not None)
        ):
            self.done.set()

    def line(self, text, unsolicited):
        """Take a line; False when it is not this command's. `unsolicited`: whether it is in the
        table of those that come by themselves."""
        if self.result is not None and text.startswith(self.result):
            self.result_line = text
            self._final = self._final or text in _OKS
        elif text in _OKS:
            self._final = True
        elif text.startswith(_ERRORS):
            # A module that reports a failure as "+CIPOPEN: 0,4" and then ERROR means the first.
            self.error = self.result_line or text
        elif text.startswith(_DETAILS) or self.prefix is not None and text.startswith(self.prefix):
            self.lines.append(text)
        elif text == self.text:
            pass  # echo
        elif unsolicited or text[0] in "+*":
            return False
        elif self.prefix is None:
            self.lines.append(text)
        elif self.into is not None:
            self.corrupt = True  # behind data comes nothing but the end: what were they?
        self._check()
        return True

    def data(self, raw, n):
        if n is None or self.into is None or n > len(self.into):
            self.corrupt = True
            return
        self.into[:n] = memoryview(raw)[:n]
        self.length = n

    def fail(self, reason):
        self.error = reason
        self.done.set()


class Channel:
    """`uart`: rxbuf >= 2048, txbuf >= 1536 bytes: a payload (at most DATA_MAX) is written in one
    go, from the reader, and must not block. `urcs.take(line)`: for every line that belongs to no
    command; `urcs.known(line)`: whether it is in the table."""

    def __init__(self, uart, urcs, announce=None):
        self._uart = uart
        self._urcs = urcs
        self._reader = asyncio.StreamReader(uart)
        self._lines = Lines(self, announce)
        self._buf = bytearray(_READ)
        self._lock = asyncio.Lock()
        self._command = None
        self._lost = False  # a command was left unfinished: its late reply may still come
        self._owed = 0  # bytes that the modem will ask for, for a send that was given up
        self.heard = 0  # lines received, ever
        self.bytes_sent = 0
        self.bytes_received = 0
        # callable(mark, text, or number of bytes of data): ">" what is sent, "<" what comes. None:
        # nobody looks, and nothing is made for him.
        self.trace = None

    def announce(self, announce):
        """The form in which this kind of modem announces binary data."""
        self._lines.announce = announce

    async def run(self):
        """Reader task."""
        buf = self._buf
        while True:
            n = await self._reader.readinto(buf)
            if n:
                self.bytes_received += n
                self._lines.feed(buf, n)

    # ---- from Lines -----------------------------------------------------------------------------

    def unsolicited(self, text):
        return text[:1] in ("+", "*") or self._urcs.known(text)

    def line(self, text):
        self.heard += 1
        if self.trace is not None:
            self.trace("<", text)
        c = self._command
        if c is None or c.done.is_set() or not c.line(text, self._urcs.known(text)):
            self._urcs.take(text)

    def prompt(self):
        c = self._command
        if c is not None and c.payload is not None:
            # Here and not in the task that waits: if it is cancelled, the modem must not take what
            # comes next for its data.
            if self.trace is not None:
                self.trace(">", len(c.payload))
            self._write(c.payload)
            c.payload = None
        elif self._owed:
            # Whoever wanted to send has given up; the modem insists on its bytes.
            self._write(bytes(self._owed))
            self._owed = 0

    def data(self, n):
        if self.trace is not None:
            self.trace("<", n or 0)
        if self._command is not None:
            self._command.data(self._lines.raw, n)

    # ---- commands -------------------------------------------------------------------------------

    def _write(self, data):
        self._uart.write(data)
        self.bytes_sent += len(data)

    def interrupted(self, reason):
        """The modem restarted: nothing that was asked will be answered."""
        self._lines.reset()
        self._owed = 0
        if self._command is not None:
            self._command.fail(reason)

    async def command(self, text, timeout_ms, prefix=None, result=None, payload=None, into=None):
        """Run one command; returns it complete. AtError when the modem refuses,
        asyncio.TimeoutError timeout_ms after its turn has come."""
        async with self._lock:
            if self._lost:
                await self._resync()
            return await self._run(Command(text, prefix, result, payload, into), timeout_ms)

    async def _run(self, c, timeout_ms):
        self._command = c
        self._lost = True
        if self.trace is not None:
            self.trace(">", c.text)
        try:
            self._write(c.text.encode() + b"\r")
            if not await c.done.wait_ms(timeout_ms):
                raise asyncio.TimeoutError()
            self._lost = False
        finally:
            c.into = None
            if not self._lost:
                self._command = None
            elif c.payload is not None:
                self._owed = len(c.payload)
                c.payload = None
        if c.error is not None:
            raise AtError(c.lines[-1] if c.lines and c.lines[-1].startswith("+") else c.error)
        return c

    async def ping(self, timeout_ms):
        """Whether the modem answers AT within timeout_ms, whatever went before."""
        async with self._lock:
            return await self._ping(timeout_ms)

    async def _ping(self, timeout_ms):
        self._lines.reset()
        try:
            await self._run(Command("AT"), timeout_ms)
            return True
        except (asyncio.TimeoutError, AtError):
            return False

    async def _resync(self):
        """A command was abandoned and its reply may still come: wait for its end, or else ask AT
        until two answers came in a row. asyncio.TimeoutError after 7 s."""
        c = self._command
        if c is not None:
            if await c.done.wait_ms(_ORPHAN_MS):
                self._command = None
                self._lost = False
                return
        good = 0
        for _ in range(12):
            good = good + 1 if await self._ping(500) else 0
            if good == 2:
                return
        self._lost = True
        raise asyncio.TimeoutError()
