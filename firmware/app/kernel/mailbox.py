# How tasks hand things to each other: bounded, and it says what happens when full.

import asyncio


class Queue:
    """First in, first out, `size` items at most, one consumer task.

    put() never waits: at a full queue it drops the NEW item, counts it in `.lost` and returns
    False (a cashier's twentieth unread key press is better lost than the first).
    """

    def __init__(self, size):
        self._items = [None] * size
        self._at = 0
        self._n = 0
        self._event = asyncio.Event()
        self.lost = 0

    def __len__(self):
        return self._n

    def put(self, item):
        size = len(self._items)
        if self._n == size:
            self.lost += 1
            return False
        self._items[(self._at + self._n) % size] = item
        self._n += 1
        self._event.set()
        return True

    def get_nowait(self):
        """The next item, or None."""
        if not self._n:
            return None
        item = self._items[self._at]
        self._items[self._at] = None  # nothing sensitive stays behind in the ring
        self._at = (self._at + 1) % len(self._items)
        self._n -= 1
        return item

    async def get(self):
        while not self._n:
            self._event.clear()
            await self._event.wait()
        return self.get_nowait()

    async def get_within(self, ms):
        """The next item, or None after `ms` milliseconds."""
        if not self._n:
            self._event.clear()
            try:
                await asyncio.wait_for_ms(self._event.wait(), ms)
            except asyncio.TimeoutError:
                return None
        return self.get_nowait()

    def clear(self):
        while self._n:
            self.get_nowait()
