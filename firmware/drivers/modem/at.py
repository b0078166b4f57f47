# AT command channel: one reader task, one command at a time, unsolicited lines anywhere between.
#
# Three layers: Lines cuts the byte stream (pure), Command knows what belongs to a reply (pure),
# Channel does the I/O. Nobody ever "waits for OK in the stream": every line goes to the running
# command or to the table of unsolicited codes, and binary data are taken by their announced
# length, whatever bytes they hold.

import asyncio

from micropython import const

_LINE_MAX = const(256)

# A line that ends a command. ERROR lines with a reason are kept as the reason.
_FINAL_OK = "OK"
_FINAL_ERRORS = ("ERROR", "+CME ERROR", "+CMS ERROR")


class AtError(Exception):
    """The modem refused. args: (reason,)"""


class Lines:
    """Cuts a byte stream into lines and announced binary data. Pure.

    sink.line(str), sink.prompt(), sink.data(bytearray). `announce` is a prefix whose last-but-one
    number is the length of binary data that follow its line (+CIPRXGET: 2,link,LENGTH,rest).
    """

    def __init__(self, sink, announce):
        self._sink = sink
        self._announce = announce
        self._line = bytearray()
        self._raw = None
        self._need = 0
        self.overlong = 0

    def reset(self):
        self._line = bytearray()
        self._raw = None

    def feed(self, data):
        at = 0
        n = len(data)
        while at < n:
            if self._raw is not None:
                take = min(self._need - len(self._raw), n - at)
                self._raw += data[at : at + take]
                at += take
                if len(self._raw) == self._need:
                    raw, self._raw = self._raw, None
                    self._sink.data(raw)
                continue
            self._byte(data[at])
            at += 1

    def _byte(self, b):
        if b == 13:
            return  # lines end with CR LF; announced data begin right behind the LF
        if b == 10:
            if self._line:
                line, self._line = self._line, bytearray()
                self._complete(line)
        elif b == 62 and not self._line:  # ">" at the beginning of a line is the prompt
            self._sink.prompt()
        elif len(self._line) < _LINE_MAX:
            self._line.append(b)
        else:
            self.overlong += 1
            self._line = bytearray()

    def _complete(self, line):
        try:
            text = line.decode()
        except UnicodeError:
            text = "".join(chr(b) if 32 <= b < 127 else "?" for b in line)
        if text.startswith(self._announce):
            self._need = announced(text)
            if self._need > 0:
                self._sink.line(text)
                self._raw = bytearray()
                return
        self._sink.line(text)


def numbers(text):
    """The comma-separated integers behind the first ':' of a line; -1 where there is none."""
    out = []
    for part in text[text.find(":") + 1 :].split(","):
        part = part.strip()
        try:
            out.append(int(part))
        except ValueError:
            out.append(-1)
    return out


def announced(text):
    """Length of the data behind `+CIPRXGET: 2,link,length,rest`; 0 when the line is not one, or
    absurd."""
    n = numbers(text)
    return n[2] if len(n) == 4 and 0 < n[2] <= 1500 else 0


class Command:
    """What belongs to one command's reply. `prefix`: information lines that are its own, though
    they look like unsolicited ones; `result`: a prefix that must come besides OK for the command
    to be complete."""

    def __init__(self, text, prefix=None, result=None, payload=None):
        self.text = text
        self.prefix = prefix
        self.result = result
        self.payload = payload
        self.lines = []
        self.data = None
        self.result_line = None
        self.error = None
        self._final = False
        self.done = asyncio.Event()

    def _check(self):
        if self.error is not None or (
            self._final and (self.result is None or self.result_line is not None)
        ):
            self.done.set()

    def line(self, text):
        """Take a line; False when it is not this command's."""
        if text == _FINAL_OK:
            self._final = True
        elif text.startswith(_FINAL_ERRORS):
            # A module that reports a failure as "+CIPOPEN: 0,4" and then ERROR means the first.
            self.error = self.result_line or text
        elif text.startswith(("+IP ERROR", "+CIPERROR")):
            self.lines.append(text)
        elif self.result is not None and text.startswith(self.result):
            self.result_line = text
        elif self.prefix is not None and text.startswith(self.prefix):
            self.lines.append(text)
        elif text == self.text:
            pass  # echo
        elif text[0] in "+*" or text.isupper():
            return False
        else:
            self.lines.append(text)
        self._check()
        return True

    def fail(self, reason):
        self.error = reason
        self.done.set()


class Channel:
    """`uart`: rxbuf >= 2048, txbuf >= 1536 bytes (a payload is written in one go, from the
    reader). `urcs`: callable (line) for every line that belongs to no command."""

    def __init__(self, uart, urcs, announce):
        self._uart = uart
        self._urcs = urcs
        self._reader = asyncio.StreamReader(uart)
        self._lines = Lines(self, announce)
        self._lock = asyncio.Lock()
        self._command = None
        self._lost = False  # a command was left unfinished: its late reply may still come
        self._owed = 0  # bytes that the modem will ask for, for a send that was given up
        self.heard = 0  # lines received, ever
        self.bytes_sent = 0

    async def run(self):
        while True:
            self._lines.feed(await self._reader.read(256))

    # ---- from Lines -----------------------------------------------------------------------------

    def line(self, text):
        self.heard += 1
        if self._command is None or self._command.done.is_set() or not self._command.line(text):
            self._urcs(text)

    def prompt(self):
        c = self._command
        if c is not None and c.payload is not None:
            # Here and not in the task that waits: if it is cancelled, the modem must not take what
            # comes next for its data.
            self._write(c.payload)
            c.payload = None
        elif self._owed:
            # Whoever wanted to send has given up; the modem insists on its bytes.
            self._write(bytes(self._owed))
            self._owed = 0

    def data(self, raw):
        if self._command is not None:
            self._command.data = raw

    # ---- commands -------------------------------------------------------------------------------

    def _write(self, data):
        self._uart.write(data)
        self.bytes_sent += len(data)

    def interrupted(self, reason):
        """The modem restarted: nothing that was asked will be answered."""
        self._lines.reset()
        if self._command is not None:
            self._command.fail(reason)

    async def command(self, text, timeout_ms, prefix=None, result=None, payload=None):
        """Run one command; returns it complete. AtError when the modem refuses,
        asyncio.TimeoutError."""
        async with self._lock:
            if self._lost:
                await self._resync()
            return await self._run(Command(text, prefix, result, payload), timeout_ms)

    async def _run(self, c, timeout_ms):
        self._command = c
        self._lost = True
        try:
            self._write(c.text.encode() + b"\r")
            await asyncio.wait_for_ms(c.done.wait(), timeout_ms)
            self._lost = False
        finally:
            self._command = None
            if self._lost and c.payload is not None:
                self._owed = len(c.payload)
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
        """A command was abandoned and its reply may still come: ask AT until two answers came in a
        row."""
        good = 0
        for _ in range(12):
            good = good + 1 if await self._ping(500) else 0
            if good == 2:
                return
        self._lost = True
        raise asyncio.TimeoutError()
