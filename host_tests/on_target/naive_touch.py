# Touch drivers as they are usually written: the negative controls of test_touch.py.

import asyncio


class NaiveFT6336:
    """Waits for the interrupt's edge (or polls), reads the points, believes them."""

    def __init__(self, i2c, irq, clock):
        self._i2c = i2c
        self._irq = irq
        self._clock = clock
        self._queue = []
        self.stuck = False
        self.status = "ok"
        self.bus_errors = 0

    def tasks(self):
        return (("touch", self.run),)

    async def run(self):
        down = False
        x = y = 0
        flag = asyncio.ThreadSafeFlag()
        if self._irq is not None:
            self._irq.irq(lambda pin: flag.set(), self._irq.IRQ_FALLING)
        while True:
            if self._irq is not None and not down:
                await flag.wait()
            n = self._i2c.readfrom_mem(0x38, 2, 1)[0] & 15
            if n:
                d = self._i2c.readfrom_mem(0x38, 3, 4)
                x = (d[0] & 15) << 8 | d[1]
                y = (d[2] & 15) << 8 | d[3]
                self._queue.append(("move" if down else "down", x, y, self._clock.ticks()))
                down = True
            elif down:
                self._queue.append(("up", x, y, self._clock.ticks()))
                down = False
            await asyncio.sleep_ms(10)

    async def get(self):
        while not self._queue:
            await asyncio.sleep_ms(1)
        return self._queue.pop(0)


class NaiveXPT2046:
    """Believes PENIRQ, converts each axis once, knows no pressure."""

    def __init__(self, spi, cs, irq, clock, width, height):
        self._spi = spi
        self._cs = cs
        self._irq = irq
        self._clock = clock
        self._width = width
        self._height = height
        self._queue = []
        self.stuck = False
        self.status = "ok"
        self.bus_errors = 0

    def tasks(self):
        return (("touch", self.run),)

    def _read(self, control):
        self._cs(0)
        data = bytearray((control, 0, 0))
        self._spi.write_readinto(data, data)
        self._cs(1)
        return (data[1] << 8 | data[2]) >> 3

    async def run(self):
        down = False
        x = y = 0
        while True:
            if not self._irq():
                x = self._read(0xD0) * self._width >> 12
                y = self._read(0x90) * self._height >> 12
                self._queue.append(("move" if down else "down", x, y, self._clock.ticks()))
                down = True
            elif down:
                self._queue.append(("up", x, y, self._clock.ticks()))
                down = False
            await asyncio.sleep_ms(10)

    async def get(self):
        while not self._queue:
            await asyncio.sleep_ms(1)
        return self._queue.pop(0)


def naive_calibration(screen, raw):
    """Scale and offset from two points: what most examples do."""
    (x0, y0), (x1, y1) = raw[0], raw[1]
    kx = (screen[1][0] - screen[0][0]) / ((x1 - x0) or 1)
    ky = (screen[1][1] - screen[0][1]) / ((y1 - y0) or 1)
    return lambda x, y: (
        int(screen[0][0] + kx * (x - x0)),
        int(screen[0][1] + ky * (y - y0)),
    )


class NaiveQueue:
    """Bounded, drops whatever comes when it is full."""

    def __init__(self):
        self._items = []
        self.lost = 0

    def put(self, kind, x, y, ticks):
        if len(self._items) < 16:
            self._items.append((kind, x, y, ticks))
        else:
            self.lost += 1

    async def get(self):
        while not self._items:
            await asyncio.sleep_ms(1)
        return self._items.pop(0)
