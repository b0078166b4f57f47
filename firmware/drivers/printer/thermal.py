# A thermal printer on a UART: the async face of job.Job.

import asyncio

from micropython import const

from ..flag import Flag
from . import FAULT, UNKNOWN, profiles
from .document import Document
from .job import Job

# UART.write blocks the whole processor when more is written than the transmit buffer holds; and
# what has been written cannot be held back any more when the printer says stop.
_WRITE = const(128)
_XON = const(0x11)
_XOFF = const(0x13)
_LOOK_MS = const(5)  # between two looks at a printer that holds us up


class Thermal:
    """`uart` initialised with txbuf and rxbuf of at least 256 bytes at `baud` bit/s; `clock`:
    ticks, diff, add; `charset`: see document.py; `profile`: one of profiles.get(name); `qr`(bytes)
    -> (size, bits), see document.py; `busy`: an input Pin, high while the printer's buffer is full
    (profiles with flow BUSY, None: not wired)."""

    def __init__(self, uart, baud, clock, charset, profile, qr=None, busy=None):
        self._uart = uart
        self._baud = baud
        self._clock = clock
        self._profile = profile
        self._document = Document(profile, charset, qr)
        self._busy = busy if profile.flow == profiles.BUSY else None
        self._xonxoff = profile.flow == profiles.XONXOFF
        self._held = False  # XOFF has come
        # After a stop at three quarters of its buffer the printer still takes a quarter.
        self._piece = min(_WRITE, profile.buffer // 16)
        self.columns = profile.columns
        self._reader = asyncio.StreamReader(uart)
        self._lock = asyncio.Lock()
        self._answered = Flag()
        self._job = None
        self._faulted = True  # the first job starts with a clean printer, too
        self._stale = False  # an answer is owed
        self._torn = True  # a strip was begun and not sent to its end
        self.bytes_sent = 0

    @property
    def profile(self):
        return self._profile

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("printer", self.run),)

    async def run(self):
        """Owner task of the UART's receive side."""
        while True:
            data = await self._reader.read(32)
            for b in data:
                if self._xonxoff and b in (_XON, _XOFF):
                    # Nothing but XON lets the bytes flow again, no status and no noise.
                    self._held = b == _XOFF
                elif self._job is not None:
                    self._job.feed(b, self._clock.ticks())
            self._answered.set()

    async def print(self, lines):
        """Print a document; JobResult. One job at a time; a cancelled job ends where it is."""
        async with self._lock:
            if self._torn:
                if len(self._profile.status) == 1:
                    # Asked in the order of the bytes: a printer that stands still would not get
                    # past what fills the command up.
                    result = await self._run(self._job_for(None))
                    if result.status == FAULT:
                        return result
                await self._fill_up()
            clear = self._document.clear() if self._faulted else None
            job = self._job_for(self._document.strips(lines), clear)
            self._faulted = True  # until it is known to have ended well: also when it is cancelled
            result = await self._run(job)
            self._faulted = result.status != "ok"
            return result

    def selftest(self):
        """The document of this printer's self-test page, for print()."""
        from . import selftest

        return selftest.document(self._profile)

    async def status(self):
        """JobResult of an empty job: OK when the printer could print now."""
        async with self._lock:
            return await self._run(self._job_for(None))

    def _job_for(self, strips, clear=None):
        return Job(strips, self._clock, self._profile, self._baud, clear, self._stale)

    async def _run(self, job):
        # What has come until now answers nothing of this job: the owner task reads it first.
        self._job = None
        await asyncio.sleep_ms(1)
        self._job = job
        self._stale = True  # until the job has ended: also when it is cancelled
        try:
            while True:
                self._answered.clear()
                data = job.poll(self._clock.ticks())
                if data is None:
                    break
                if data:
                    await self._send(job, data)
                left = job.left_ms(self._clock.ticks())
                if left:
                    await self._answered.wait_ms(left)
        finally:
            self._job = None
        self._stale = job.result.status == UNKNOWN
        if self._stale:
            self._held = False  # an XON that got lost must not stop the next job, too
        return job.result

    async def _fill_up(self):
        """What is left of a command would swallow the questions: white dots complete it."""
        white = bytes(self._piece)
        for _ in range(self._document.limit // len(white) + 1):
            if self._stopped():
                return
            await self._write(white)
        self._torn = False

    def _stopped(self):
        return self._held or (self._busy is not None and self._busy.value() == 1)

    async def _send(self, job, data):
        paced = job.paced
        self._torn = self._torn or paced
        view = memoryview(data)
        i = 0
        n = len(view)
        while i < n:
            while paced and self._stopped():
                left = job.left_ms(self._clock.ticks())
                if not left:
                    job.stuck()
                    return
                await asyncio.sleep_ms(min(left, _LOOK_MS))
            piece = view[i : i + self._piece]
            i += self._piece
            if paced and i >= n:
                # Before it is: the answer may be here while we still wait for the wire.
                job.sent(self._clock.ticks())
                self._torn = False
            await self._write(piece)

    async def _write(self, piece):
        self._uart.write(piece)
        self.bytes_sent += len(piece)
        # as long as the wire needs: the next piece then finds the transmit buffer empty
        await asyncio.sleep_ms(len(piece) * 10_000 // self._baud + 1)
