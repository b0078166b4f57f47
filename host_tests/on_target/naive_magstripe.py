# Stripe readers as they are usually written: what the tests of ours must be able to see.

import asyncio


class Card:
    """The same fields as a Swipe."""

    def __init__(self, track2):
        self.reason = "good"
        self.track2 = track2
        self.track3 = None
        self.detail = ""


class Ttl:
    """Bits into a list, from the first start sentinel on, five by five: no parity, no LRC, one
    direction. A card ends with CARD PRESENT and in no other way."""

    def __init__(self, present, lines, clock):
        self.present = present
        _, self.strobe, self.data = [line for line in lines if line[0] == 2][0]
        self.bits = []
        self.swipes = []
        self.flag = asyncio.ThreadSafeFlag()
        self.on_strobe = self.sample

    def sample(self, pin):
        self.bits.append("01"[1 - self.data()])

    def tasks(self):
        return (("card", self.run),)

    async def run(self):
        self.strobe.irq(self.sample, self.strobe.IRQ_FALLING)
        self.present.irq(lambda pin: self.flag.set(), self.present.IRQ_RISING)
        while True:
            await self.flag.wait()
            text = "".join(self.bits)
            self.bits = []
            at = text.find("11010")
            track = ""
            while at >= 0 and at + 10 <= len(text):
                at += 5
                value = int("".join(reversed(text[at : at + 4])), 2)
                if value == 15:
                    break
                track += chr(0x30 + value)
            self.swipes.append(Card(track.encode()))

    def flush(self):
        pass

    async def get(self):
        while not self.swipes:
            await asyncio.sleep_ms(10)
        return self.swipes.pop(0)


class Poller(Ttl):
    """Looks at the lines every millisecond in place of interrupts."""

    async def run(self):
        asyncio.create_task(self.look())
        await super().run()

    def sample(self, pin):
        pass

    async def look(self):
        was = 1
        while True:
            now = self.strobe()
            if was and not now:
                self.bits.append("01"[1 - self.data()])
            was = now
            await asyncio.sleep_ms(1)


class Uart:
    """A line from the module, and what stands between ';' and the last '?' of it, less the LRC."""

    def __init__(self, uart, clock):
        self.reader = asyncio.StreamReader(uart)
        self.swipes = []

    def tasks(self):
        return (("card", self.run),)

    async def run(self):
        while True:
            line = await self.reader.readline()
            text = line[line.find(b";") + 1 :].rstrip()
            self.swipes.append(Card(text[: text.rfind(b"?")]))

    flush = Ttl.flush
    get = Ttl.get
