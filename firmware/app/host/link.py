# The way to the host: tries the bearers in order of priority and keeps deadlines.
#
# A bearer has: name, ready (whether it could connect now), reason (why not, a short word), signal
# (0-4 or None), connected (whether the other side has not closed), async connect(host, port,
# timeout_ms), async send(data, timeout_ms), async recv_into(buf, timeout_ms) -> n (0: the other
# side closed), async close(). They raise OSError, asyncio.TimeoutError, and nothing else.

import asyncio

from ..kernel import clock, log
from . import framing
from .iso8583 import FormatError

# Of a bearer that nobody has plugged in: no news as long as another one may come up.
_BAD_MS = 300_000
_UNUSED = ("no_cable", "not_set_up")


class LinkError(Exception):
    """The link cannot do it. args: (why,): a short word for the log and the screen."""


class Link:
    """`settings` gives host, port, time-outs. One user at a time."""

    def __init__(self, bearers, settings):
        self.bearers = bearers
        self._settings = settings
        self._bearer = None
        self._buf = bytearray(framing.FRAME_MAX + 2)
        self._n = 0  # bytes in _buf that belong to no frame yet
        self._bad = None  # the bearer that said it could and did not, and when
        self._bad_at = 0

    def ready(self):
        """Whether any bearer could connect now."""
        return any(b.ready for b in self.bearers)

    def reason(self):
        """Why no bearer is ready: the reason of the first one that is in use; None when one is.
        (A cable that is out is nobody's concern while Wi-Fi carries.)"""
        if self.ready():
            return None
        for b in self.bearers:
            if b.reason not in _UNUSED:
                return b.reason
        return self.bearers[0].reason if self.bearers else "none"

    def _in_order(self):
        """By priority, but first those that say that they can, and behind these one that said so
        a short while ago and failed."""
        if self._bad is not None and clock.diff(clock.ticks(), self._bad_at) > _BAD_MS:
            self._bad = None
        bearers = self.bearers
        good = [b for b in bearers if b.ready and b is not self._bad]
        bad = [b for b in bearers if b.ready and b is self._bad]
        return good + bad + [b for b in bearers if not b.ready]

    def signal(self):
        """0-4 of the bearer that would be used, else of the first that knows, else None."""
        for b in self.bearers:
            if b.ready and b.signal is not None:
                return b.signal
        for b in self.bearers:
            if b.signal is not None:
                return b.signal
        return None

    async def open(self):
        """Connect, unless the connection still stands. LinkError after every bearer was tried
        connect_tries times."""
        if self._bearer is not None:
            if self._bearer.connected:
                return
            await self.close()
        s = self._settings
        why = "none"
        for _ in range(s["connect_tries"]):
            for b in self._in_order():
                try:
                    await b.connect(s["host"], s["port"], s["connect_timeout_s"] * 1000)
                    self._bearer = b
                    self._n = 0
                    if b is self._bad:
                        self._bad = None
                    return
                except asyncio.TimeoutError:
                    why = "timeout"
                except OSError as e:
                    why = b.reason or "error %d" % (e.args[0] if e.args else 0)
                log.warning("connect %s: %s", b.name, why)
                if b.ready:
                    self._bad, self._bad_at = b, clock.ticks()
            await asyncio.sleep_ms(500)
        raise LinkError(why)

    async def send(self, data):
        """Send a whole frame. LinkError: it may or may not have arrived."""
        try:
            await self._bearer.send(data, self._settings["connect_timeout_s"] * 1000)
        except asyncio.TimeoutError:
            raise LinkError("timeout")
        except OSError:
            raise LinkError("cut")

    async def receive(self, deadline):
        """The next frame (a view that is valid until the next call), at the latest at `deadline`
        (ticks). LinkError("timeout" or "cut"), FormatError when what arrives can be no frame."""
        view = memoryview(self._buf)
        while True:
            if self._n >= 2:
                need = framing.length(view) + 2
                if self._n >= need:
                    return self._take(need)
            left = clock.diff(deadline, clock.ticks())
            if left <= 0:
                raise LinkError("timeout")
            if self._n == len(self._buf):
                raise FormatError(0, "frame length")
            try:
                n = await self._bearer.recv_into(view[self._n :], left)
            except asyncio.TimeoutError:
                raise LinkError("timeout")
            except OSError:
                raise LinkError("cut")
            if n == 0:
                raise LinkError("cut")
            self._n += n

    def _take(self, need):
        # The frame is handed out as a copy; what came behind it moves to the front.
        frame = memoryview(bytearray(self._buf[:need]))
        rest = self._n - need
        self._buf[:rest] = self._buf[need : self._n]
        for i in range(rest, self._n):
            self._buf[i] = 0
        self._n = rest
        return frame

    async def close(self):
        b = self._bearer
        self._bearer = None
        if b is not None:
            try:
                await b.close()
            except (OSError, asyncio.TimeoutError):
                log.warning("close %s failed", b.name)
