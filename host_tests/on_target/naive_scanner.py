# A scanner as it is usually written: set the mode, send the trigger, read up to CR, cut off the
# reply's seven bytes. What the tests of ours must be able to see.

import asyncio

_TRIGGER = b"\x7e\x00\x08\x01\x00\x02\x01\xab\xcd"


class Code:
    """The same fields as a gm65.Code."""

    def __init__(self, kind, reason="", data=None):
        self.kind = kind
        self.reason = reason
        self.data = data

    def wipe(self):
        pass

    def __repr__(self):
        return "Code(%s, %r)" % (self.kind, self.data)


class Scanner:
    def __init__(self, uart, clock, **options):
        self.uart = uart
        self.reader = asyncio.StreamReader(uart)
        self.buf = b""

    def tasks(self):
        return ()

    async def setup(self):
        for zone, value in ((0, 0xD5), (0x60, 1)):
            self.uart.write(b"\x7e\x00\x08\x01\x00" + bytes((zone, value)) + b"\xab\xcd")
            await asyncio.sleep_ms(50)
        self.uart.write(b"\x7e\x00\x09\x01\x00\x00\x00\xab\xcd")
        await asyncio.sleep_ms(50)
        self.uart.read()
        return "ok"

    async def scan(self, timeout_ms):
        self.uart.write(_TRIGGER)
        try:
            return await asyncio.wait_for_ms(self.line(), timeout_ms)
        except asyncio.TimeoutError:
            return Code("fault", "timeout")

    async def line(self):
        data = b""
        while not data.endswith(b"\r"):
            data += await self.reader.read(64)
        return Code("ok", "", data[7:-1])


class Pieces(Scanner):
    """Takes what one read gives for the code."""

    async def line(self):
        await asyncio.sleep_ms(30)
        self.uart.read()
        data = await self.reader.read(64)
        return Code("ok", "", data.rstrip())
