# A modem driver as it is usually written: a command, then lines until the expected one, one
# time-out for all; what else comes is thrown away. It works while nothing is wrong.

import asyncio

# family: what to send, what to wait for
_DIALECTS = {
    "A7670": {
        "up": ((b"AT+CIPRXGET=1", b"OK"), (b"AT+NETOPEN", b"+NETOPEN: 0")),
        "open": (b'AT+CIPOPEN=0,"TCP","%s",%d', b"+CIPOPEN: 0,0"),
        "send": (b"AT+CIPSEND=0,%d", b"+CIPSEND: 0"),
        "fetch": (b"AT+CIPRXGET=2,0,%d", b"+CIPRXGET: 2,0,"),
        "close": b"AT+CIPCLOSE=0",
    },
    "EC200": {
        "up": ((b'AT+QICSGP=1,1,"cmnet","","",0', b"OK"), (b"AT+QIACT=1", b"OK")),
        "open": (b'AT+QIOPEN=1,0,"TCP","%s",%d,0,0', b"+QIOPEN: 0,0"),
        "send": (b"AT+QISEND=0,%d", b"SEND OK"),
        "fetch": (b"AT+QIRD=0,%d", b"+QIRD: "),
        "close": b"AT+QICLOSE=0",
    },
}
_TIMEOUT_MS = 1000


class NaiveModem:
    family = ""

    def __init__(self, uart, pwrkey, status, clock, apn, pin=""):
        self._uart = uart
        self._key = pwrkey
        self._d = _DIALECTS[self.family]
        self.ready = False
        self.reason = None
        self.connected = False
        self.signal = None

    def tasks(self):
        return (("modem", self._run),)

    async def _run(self):
        self._key(0)
        await asyncio.sleep_ms(600)
        self._key(1)
        await asyncio.sleep_ms(9000)
        await self._at(b"ATE0")
        await self._measure()
        for text, word in self._d["up"]:
            if not await self._at(text, word):
                return
        self.ready = True
        while True:
            await asyncio.sleep_ms(30_000)
            if not self.connected:
                await self._measure()

    async def _measure(self):
        line = await self._at(b"AT+CSQ", b"+CSQ:")
        rssi = int(line[6:].split(b",")[0])
        self.signal = 0 if rssi == 99 else (rssi + 1) // 6

    async def _line(self, word, ms=_TIMEOUT_MS):
        for _ in range(ms // 5):
            line = self._uart.readline()
            if line:
                if line.strip().startswith(word):
                    return line.strip()
                if line.strip() == b"ERROR":
                    return None
            else:
                await asyncio.sleep_ms(5)
        return None

    async def _at(self, text, word=b"OK"):
        self._uart.read()
        self._uart.write(text + b"\r")
        return await self._line(word)

    async def connect(self, host, port, timeout_ms):
        text, word = self._d["open"]
        if not await self._at(text % (host.encode(), port), word):
            raise OSError(111)
        self.connected = True

    async def send(self, data, timeout_ms):
        text, word = self._d["send"]
        self._uart.read()
        self._uart.write(text % len(data) + b"\r")
        got = b""
        for _ in range(_TIMEOUT_MS // 5):
            got += self._uart.read() or b""
            if got.rstrip().endswith(b">"):
                break
            await asyncio.sleep_ms(5)
        else:
            raise OSError(104)
        self._uart.write(data)
        if not await self._line(word):
            raise OSError(104)

    async def recv_into(self, buf, timeout_ms):
        text, word = self._d["fetch"]
        for _ in range(timeout_ms // 50):
            line = await self._at(text % min(len(buf), 1000), word)
            if line and not line.startswith(word + b"0"):
                break
            await asyncio.sleep_ms(50)
        else:
            raise asyncio.TimeoutError()
        n = int(line[len(word) :].split(b",")[0])
        await asyncio.sleep_ms(n // 10 + 5)
        data = self._uart.read(n)
        buf[: len(data)] = data
        return len(data)

    async def close(self):
        self.connected = False
        await self._at(self._d["close"])


class NaiveA7670(NaiveModem):
    family = "A7670"


class NaiveEC200(NaiveModem):
    family = "EC200"


BY_FAMILY = {"A7670": NaiveA7670, "EC200": NaiveEC200}
