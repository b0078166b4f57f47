# What Wi-Fi and Ethernet have in common: a TCP connection as a bearer, over non-blocking sockets.
#
# Source: ports/esp32/modsocket.c (what the calls do when they would block), lwIP's api/sockets.c.

import asyncio
import errno

from micropython import const

from ..flag import Flag
from . import wait
from .dns import Resolver, dotted

_PIECE = const(512)  # bytes of one read, as they are made anew each time
_SLICE_MS = const(500)  # how soon a wait notices that the link has gone
_PROBE_MS = const(3000)
_NETWORK_DOWN = const(101)  # ENETUNREACH, as the modems say it
_NO_ADDRESS = "0.0.0.0"

# Reasons, for the screen
STARTING = "starting"
NO_ADDRESS = "no_address"
LOST = "lost"


def bars(rssi):
    """0-4 of dBm."""
    for n, least in ((4, -55), (3, -67), (2, -75), (1, -85)):
        if rssi >= least:
            return n
    return 0


class SocketBearer:
    """`net`: the module socket, or what stands in for it. One user at a time. A subclass's owner
    task says link_up() and link_down(), looks at `suspicion`, and has dns_server()."""

    def __init__(self, name, clock, net=None):
        if net is None:
            import socket

            net = socket
        self.name = name
        self.ready = False
        self.reason = STARTING  # type: str | None
        self.signal = None  # type: int | None
        self.suspicion = Flag()  # somebody waited in vain: is there still a link?
        self.silences = 0  # waits in vain since something was heard
        self._net = net
        self._clock = clock
        self._resolver = Resolver(net, clock, self._socket)
        self._sock = None
        self._early = b""  # read before anybody asked for it
        self._end = _NETWORK_DOWN  # type: int | None  # None open, 0 closed by the peer, else errno

    # ---- the link, for the owner task -----------------------------------------------------------

    def link_up(self):
        self.silences = 0
        self.suspicion.clear()
        self.reason = None
        self.ready = True

    def link_down(self, reason):
        """Connections do not outlive the link: nobody knows who has our address next. The socket
        is closed by its user, who may be waiting for it just now."""
        self.ready = False
        self.reason = reason
        self.signal = None
        self._ended(_NETWORK_DOWN)

    def addresses(self):
        """(address, mask, gateway, DNS server) of the interface, texts."""
        raise NotImplementedError

    async def carries(self):
        """Whether the link still carries packets: asked when somebody waited in vain. Takes 3 s
        when it does not."""
        server = self._dns_server()
        if server is None:
            return self.silences < 2
        return await self._resolver.alive(server, _PROBE_MS)

    def _dns_server(self):
        """The DNS server that the network names, else its gateway, else None."""
        own = self.addresses()
        for server in (own[3], own[2]):
            if server != _NO_ADDRESS:
                return server
        return None

    def _in_vain(self):
        self.silences += 1
        self.suspicion.set()

    def _ended(self, code):
        if self._end is None:
            self._end = code

    # ---- bearer ---------------------------------------------------------------------------------

    @property
    def connected(self):
        """Whether the other side has not closed. It looks: what an idle connection got meanwhile
        (the host's end, above all) must be known before the next message is trusted to it."""
        if self._end is None and not self._early:
            self._early = self._read(_PIECE) or b""
        return self._end is None

    async def connect(self, host, port, timeout_ms):
        """`host` a name or an address. OSError when there is no link, no such name, or the host
        refuses; asyncio.TimeoutError."""
        if not self.ready:
            raise OSError(_NETWORK_DOWN)
        self._shut()
        begun = self._clock.ticks()
        try:
            known = dotted(host)
            if known:
                addresses = (host,)
            else:
                server = self._dns_server()
                if server is None:
                    raise OSError(_NETWORK_DOWN)
                addresses = await self._resolver.resolve(host, server, timeout_ms)
            try:
                await self._dial_any(addresses, port, begun, timeout_ms)
            except (OSError, asyncio.TimeoutError):
                if not known:
                    self._resolver.doubt(host)
                raise
        except asyncio.TimeoutError:
            self._in_vain()
            raise

    async def _dial_any(self, addresses, port, begun, timeout_ms):
        last = len(addresses) - 1
        for i, ip in enumerate(addresses):
            left = timeout_ms - self._clock.diff(self._clock.ticks(), begun)
            if left <= 0:
                raise asyncio.TimeoutError()
            try:
                return await self._dial(ip, port, left // (last + 1 - i))
            except (OSError, asyncio.TimeoutError):
                if i == last or not self.ready:
                    raise

    async def _dial(self, ip, port, timeout_ms):
        net = self._net
        sock = self._socket(net.SOCK_STREAM)
        try:
            try:
                # Of a dotted address: nothing is asked, nothing blocks.
                sock.connect(net.getaddrinfo(ip, port)[0][-1])
            except OSError as e:
                if e.args[0] != errno.EINPROGRESS:
                    raise
            await self._until(sock, True, self._clock.ticks(), timeout_ms)
            if wait.broken(sock):
                sock.recv(1)  # says why
                raise OSError(errno.ECONNREFUSED)
        except BaseException:
            wait.close(sock)
            raise
        self._sock = sock
        self._early = b""
        self._end = None
        self.silences = 0

    def _socket(self, kind):
        """A non-blocking socket whose packets leave by our interface: with several that are up,
        ESP-IDF sends by the sender's address (its lwIP hook ip4_route_src), else by the default
        one, which is Wi-Fi whenever there is Wi-Fi."""
        net = self._net
        sock = net.socket(net.AF_INET, kind)
        sock.setblocking(False)
        try:
            sock.bind(net.getaddrinfo(self.addresses()[0], 0)[0][-1])
        except OSError:
            pass  # the address has just gone: connect() will tell
        return sock

    async def _until(self, sock, write, begun, timeout_ms):
        """Until the socket is ready. asyncio.TimeoutError; OSError when the link goes."""
        while True:
            left = timeout_ms - self._clock.diff(self._clock.ticks(), begun)
            if left <= 0:
                raise asyncio.TimeoutError()
            try:
                await asyncio.wait_for_ms(wait.ready(sock, write), min(left, _SLICE_MS))
                return
            except asyncio.TimeoutError:
                if not self.ready:
                    raise OSError(_NETWORK_DOWN)

    async def send(self, data, timeout_ms):
        """All of `data` is with the stack (not: with the host). OSError, asyncio.TimeoutError:
        some of it may have gone out, and this connection is of no use any more."""
        view = memoryview(data)
        begun = self._clock.ticks()
        at = 0
        try:
            while at < len(view):
                if not self.connected:
                    raise OSError(self._end or errno.ECONNRESET)
                try:
                    n = self._sock.write(view[at:])  # type: ignore[union-attr]
                except OSError as e:
                    self._ended(e.args[0])
                    raise
                if n:
                    at += n
                else:
                    await self._until(self._sock, True, begun, timeout_ms)
        except BaseException as e:
            if at:
                self._ended(errno.ECONNABORTED)
            if isinstance(e, asyncio.TimeoutError):
                self._in_vain()
            raise

    async def recv_into(self, buf, timeout_ms):
        """Bytes put into `buf`, 0 when the other side has closed and everything was read. OSError
        when the connection broke, asyncio.TimeoutError."""
        begun = self._clock.ticks()
        while True:
            data = self._early[: len(buf)]
            if data:
                self._early = self._early[len(data) :]
            elif self._end is None:
                data = self._read(min(len(buf), _PIECE))
            if data:
                self.silences = 0
                buf[: len(data)] = data
                return len(data)
            if self._end is not None:
                if self._end:
                    raise OSError(self._end)
                return 0
            try:
                await self._until(self._sock, False, begun, timeout_ms)
            except asyncio.TimeoutError:
                self._in_vain()
                raise
            except OSError as e:
                self._ended(e.args[0])
                raise

    def _read(self, n):
        """One recv(): readinto() would go on until it fails, and lose what it has when the host
        resets the connection right behind its answer. None: nothing there."""
        try:
            data = self._sock.recv(n)  # type: ignore[union-attr]
        except OSError as e:
            if e.args[0] != errno.EAGAIN:
                self._ended(e.args[0])
            return None
        if not data:
            self._ended(0)
        return data

    async def close(self):
        self._shut()

    def _shut(self):
        sock = self._sock
        self._sock = None
        self._early = b""
        self._end = _NETWORK_DOWN
        if sock is not None:
            wait.close(sock)
