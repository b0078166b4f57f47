# A thermal printer on a UART: the async face of job.Job.

import asyncio

from micropython import const

from . import escpos
from .job import Job

# A strip is a handful of lines: small enough that little is left in the buffer when the paper
# ends.
_STRIP_BYTES = const(320)
# UART.write blocks the whole processor when more is written than the transmit buffer holds.
_WRITE = const(128)
_FEED_LINES = const(4)  # from the head to the tear bar


class Thermal:
    """`uart` initialised with txbuf and rxbuf of at least 256 bytes at `baud` bit/s; `clock`:
    ticks, diff, add; encode(str) -> bytes. `columns`: single-width characters a line (32 on 58
    mm)."""

    def __init__(self, uart, baud, clock, encode, columns=32):
        self._uart = uart
        self._baud = baud
        self._clock = clock
        self._encode = encode
        self.columns = columns
        self._reader = asyncio.StreamReader(uart)
        self._lock = asyncio.Lock()
        self._answered = asyncio.Event()
        self._job = None
        self._faulted = True  # the first job starts with a clean printer, too
        self.bytes_sent = 0

    def tasks(self):
        """(name, coroutine function) of the tasks that must run."""
        return (("printer", self.run),)

    async def run(self):
        """Owner task of the UART's receive side."""
        while True:
            data = await self._reader.read(32)
            for b in data:
                if self._job is not None:
                    self._job.feed(b, self._clock.ticks())
            self._answered.set()

    def _strips(self, lines):
        strips = []
        data, rows = escpos.INIT + escpos.CHINESE, 0
        for text, style in lines:
            part, n = escpos.encode_line(text, style, self.columns, self._encode)
            if len(data) + len(part) > _STRIP_BYTES:
                strips.append((data, rows))
                data, rows = b"", 0
            data += part
            rows += n
        strips.append((data + escpos.feed(_FEED_LINES), rows + _FEED_LINES * escpos.DOT_ROWS))
        return strips

    async def print(self, lines):
        """Print a document; JobResult. One job at a time; a cancelled job ends where it is."""
        async with self._lock:
            job = Job(self._strips(lines), self._clock, self._faulted)
            self._faulted = True  # until it is known to have ended well: also when it is cancelled
            result = await self._run(job)
            self._faulted = result.status != "ok"
            return result

    async def status(self):
        """JobResult of an empty job: OK when the printer could print now."""
        async with self._lock:
            return await self._run(Job([], self._clock))

    async def _run(self, job):
        self._job = job
        try:
            while True:
                self._answered.clear()
                data = job.poll(self._clock.ticks())
                if data is None:
                    return job.result
                if data:
                    await self._write(data)
                if job.left_ms(self._clock.ticks()):
                    try:
                        left = job.left_ms(self._clock.ticks())
                        await asyncio.wait_for_ms(self._answered.wait(), left)
                    except asyncio.TimeoutError:
                        pass
        finally:
            self._job = None

    async def _write(self, data):
        view = memoryview(data)
        for i in range(0, len(view), _WRITE):
            piece = view[i : i + _WRITE]
            self._uart.write(piece)
            self.bytes_sent += len(piece)
            # as long as the wire needs: the next piece then finds the transmit buffer empty
            await asyncio.sleep_ms(len(piece) * 10_000 // self._baud + 1)
