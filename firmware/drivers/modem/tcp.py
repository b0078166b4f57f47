# A TCP connection inside the modem: a bearer (see drivers/modem/__init__.py).

import asyncio

from micropython import const

from ..flag import Flag
from .at import DATA_MAX, AtError

EINVAL = const(22)
ENETUNREACH = const(101)
ECONNRESET = const(104)
ECONNREFUSED = const(111)

_GONE = const(-1)  # result of an open that the loss of the network has ended
_STUCK_POLLS = const(6)  # of the owner's, without any acknowledgement


def _plain(host):
    """Whether the text can stand between quotes in a command."""
    for c in host:
        if not "!" <= c <= "~" or c == '"':
            return False
    return 0 < len(host) <= 128


class Socket:
    """`modem`: the Cellular that it belongs to. One user at a time."""

    def __init__(self, modem):
        self._modem = modem
        self.link = None  # number by which the module knows it, None: none
        self.connected = False
        self.readable = False
        self._code = None  # result of the last open
        self._opened = Flag()
        self._data = Flag()  # there are data, or the connection is gone
        self._unacked = None
        self._stuck = 0

    @property
    def name(self):
        return self._modem.name

    @property
    def ready(self):
        return self._modem.ready

    @property
    def reason(self):
        return self._modem.reason

    @property
    def signal(self):
        return self._modem.signal

    # ---- from the modem -------------------------------------------------------------------------

    def opened(self, code):
        self._code = code
        self._opened.set()

    def arrived(self):
        self.readable = True
        self._data.set()

    def gone(self):
        """The connection has ended. What was received before can still be read."""
        self.connected = False
        self._data.set()
        if not self._opened.is_set():
            self.opened(_GONE)

    def _break(self):
        """Nobody knows what went out or what was lost of it: it is of no use any more."""
        self.gone()
        self.readable = False
        if self.link is not None:
            self._modem.abandon(self.link)
            self.link = None

    async def look(self):
        """Called every ten seconds: a host that acknowledges nothing for a minute is gone."""
        if not self.connected:
            return
        m = self._modem
        unacked = await m.profile.unacked(m.at, self.link)
        stuck = unacked and unacked == self._unacked
        self._stuck = self._stuck + 1 if stuck else 0
        self._unacked = unacked
        if self._stuck >= _STUCK_POLLS:
            self._break()

    # ---- bearer ---------------------------------------------------------------------------------

    async def connect(self, host, port, timeout_ms):
        """OSError when the modem is not ready (within some seconds, if it is on its way) or the
        host refuses, asyncio.TimeoutError."""
        if not _plain(host):
            raise OSError(EINVAL)
        m = self._modem
        clock = m.clock
        begun = clock.ticks()
        if not await m.wait_ready(timeout_ms):
            raise OSError(ENETUNREACH)
        self._break()  # of an earlier connection
        await m.close_strays()
        self.link = m.free_link()
        self._opened.clear()
        self._data.clear()
        self._stuck = 0
        self._unacked = None
        try:
            left = max(1, timeout_ms - clock.diff(clock.ticks(), begun))
            await m.profile.open(m.at, self.link, host, port, left)
            left = max(1, timeout_ms - clock.diff(clock.ticks(), begun))
            if not await self._opened.wait_ms(left):
                raise asyncio.TimeoutError()
        except AtError:
            self._refused()
            raise OSError(ECONNREFUSED)
        except BaseException:
            # Given up or cancelled: the module may still be opening it, and takes no command for
            # this link until it has ended.
            self._refused()
            raise
        if self._code:
            self._refused()
            raise OSError(ECONNREFUSED if self._code > 0 else ENETUNREACH)
        m.open_result(True)
        self.connected = True

    def _refused(self):
        if self.link is not None:
            self._modem.skip_link(self.link)
        self._break()
        self._modem.open_result(False)

    async def send(self, data, timeout_ms):
        """OSError, asyncio.TimeoutError: nobody knows what of it has gone out, the connection is
        gone."""
        view = memoryview(data)
        begun = self._modem.clock.ticks()
        for i in range(0, len(view), DATA_MAX):
            await self._send(view[i : i + DATA_MAX], timeout_ms, begun)

    async def _send(self, part, timeout_ms, begun):
        m = self._modem
        while self.connected:
            left = timeout_ms - m.clock.diff(m.clock.ticks(), begun)
            try:
                if left <= 0:
                    raise asyncio.TimeoutError()
                if await m.profile.send(m.at, self.link, part, left):
                    return
            except AtError:
                break
            except BaseException:
                self._break()
                raise
            await asyncio.sleep_ms(50)  # the result of the last one is still to come
        self._break()
        raise OSError(ECONNRESET)

    async def recv_into(self, buf, timeout_ms):
        """Bytes put into `buf`; 0 when the other side has closed and everything was read."""
        m = self._modem
        begun = m.clock.ticks()
        view = memoryview(buf)
        while True:
            left = timeout_ms - m.clock.diff(m.clock.ticks(), begun)
            if self.readable and self.link is not None:
                n = await self._fetch(view, max(1, left))
                if n:
                    return n
                if left > 0:
                    continue
            if not self.connected:
                return 0
            if left <= 0:
                raise asyncio.TimeoutError()
            self._data.clear()
            if not await self._data.wait_ms(left):
                raise asyncio.TimeoutError()

    async def _fetch(self, view, timeout_ms):
        m = self._modem
        # Before the command and not behind it: more may be announced while it runs.
        self.readable = False
        try:
            n, more = await m.profile.fetch(m.at, self.link, view[:DATA_MAX], timeout_ms)
        except AtError:
            self._break()  # something came among the data
            raise OSError(ECONNRESET)
        except BaseException:
            self._break()  # what it brings is lost: there would be a hole
            raise
        if more:
            self.readable = True
        return n

    async def close(self):
        self._break()
        if self._modem.ready:
            await self._modem.close_strays()
