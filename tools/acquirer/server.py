"""The host on a TCP port: asyncio around Connection.

Owns sockets and timers, nothing else. One asyncio.Protocol per connection and no task at all, so
that after stop() nothing is left in the event loop.
"""

import asyncio
import socket
import struct

from .actions import Send
from .connection import Connection

LOCALHOST = "127.0.0.1"


class _Links(list):
    """The open connections of a server; `closed` once no new one is wanted."""

    closed = False


class _Link(asyncio.Protocol):
    """A terminal's TCP connection."""

    def __init__(self, host, links):
        self._connection = Connection(host)
        self._links = links
        self._timers = []
        self._transport = None

    def connection_made(self, transport):
        self._transport = transport
        self._links.append(self)
        if self._links.closed:  # it was accepted in the moment the server stopped
            transport.abort()

    def data_received(self, data):
        loop = asyncio.get_running_loop()
        self._timers = [t for t in self._timers if not t.cancelled() and t.when() > loop.time()]
        for action in self._connection.receive(data):
            if action.after_ms:
                self._timers.append(loop.call_later(action.after_ms / 1000, self._do, action))
            else:
                self._do(action)

    def _do(self, action):
        if self._transport.is_closing():
            return
        if isinstance(action, Send):
            self._transport.write(action.data)
        elif action.reset:
            # Only a socket that does not linger ends with RST; abort() alone sends FIN.
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    # A terminal that asks and never reads must not fill our memory with answers.

    def pause_writing(self):
        self._transport.pause_reading()

    def resume_writing(self):
        self._transport.resume_reading()

    def connection_lost(self, exc):
        for timer in self._timers:
            timer.cancel()
        self._links.remove(self)

    def abort(self):
        self._transport.abort()


class Server:
    """A listening host; made by serve(). `port` is the real port when 0 was asked for."""

    def __init__(self, listener, links):
        self._listener = listener
        self._links = links
        self.address, self.port = listener.sockets[0].getsockname()[:2]

    async def stop(self):
        """Close the port and every connection, and wait until they are gone."""
        self._listener.close()
        self._links.closed = True
        for link in list(self._links):
            link.abort()
        while self._links:
            await asyncio.sleep(0)  # connection_lost() of each link is already in the event loop
        await self._listener.wait_closed()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        await self.stop()


async def serve(host, address=LOCALHOST, port=0):
    """Listen and return a Server, which is also an async context manager. Raises OSError."""
    loop = asyncio.get_running_loop()
    links = _Links()
    listener = await loop.create_server(lambda: _Link(host, links), address, port)
    return Server(listener, links)
