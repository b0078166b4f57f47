# A printer driver as one often finds it: everything is written at once, the text as it is, by one
# fixed set of commands; what was sent counts as printed, and a status is the first byte that is
# there. The checks of test_printer_pains.py must see its failures.

import asyncio

from drivers.printer import JobResult

_XOFF = 0x13


class Naive:
    def __init__(self, uart, baud, charset, profile, qr, busy):
        self._uart = uart
        self._baud = baud
        self._profile = profile
        self._reading = ""

    def tasks(self):
        return ()

    async def print(self, lines):
        await self._write(b"\x1b@")
        for text, style in lines:
            if style == "i":
                width, height, bits = text
                head = bytes((0x1D, 0x76, 0x30, 0, width // 8, 0, height & 255, height >> 8))
                await self._write(head + bytes(bits))
            elif "q" in style:
                code = bytes(text)
                size = bytes((len(code) + 3, 0))
                await self._write(b"\x1d(k" + size + b"1P0" + code + b"\x1d(k\x03\x001Q0")
            elif "x" in style:
                await self._write(text[0])
            else:
                await self._write(text.encode() + b"\n")
        await self._write(b"\x1bd\x04\x1dV\x00")
        return JobResult("ok")

    async def _write(self, data):
        for i in range(0, len(data), 64):
            piece = data[i : i + 64]
            # XOFF is known, and any byte starts the output again (IXANY).
            came = self._uart.read()
            while came and came[-1] == _XOFF:
                await asyncio.sleep_ms(5)
                came = self._uart.read() or came
            self._uart.write(piece)
            await asyncio.sleep_ms(len(piece) * 10_000 // self._baud + 1)

    async def status(self):
        self._uart.write(b"\x10\x04\x04")
        await asyncio.sleep_ms(500)
        answer = self._uart.read(1)
        # No answer looks like no paper.
        return JobResult("ok") if answer and not answer[0] & 0x60 else JobResult("fault", "paper")
