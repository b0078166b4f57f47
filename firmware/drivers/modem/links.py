# The connections of a modem: which numbers they have in the module, and the first of them as the
# modem's own bearer.

import asyncio

from .at import AtError
from .tcp import Socket


class Links:
    """What Cellular (which has at, profile) knows of its sockets."""

    def __init__(self):
        self.sockets = (Socket(self), Socket(self))
        self._first_link = 0
        self._strays = []  # numbers that may still be open or opening

    def free_link(self):
        """Number of a link that nobody has."""
        taken = self._strays + [s.link for s in self.sockets]
        n = self.profile.LINKS
        for i in range(n):
            link = (self._first_link + i) % n
            if link not in taken:
                return link
        return self._first_link

    def skip_link(self, link):
        """The module may be busy with it for a while."""
        self._first_link = (link + 1) % self.profile.LINKS

    def abandon(self, link):
        if link not in self._strays:
            self._strays.append(link)

    async def close_strays(self):
        while self._strays:
            link = self._strays.pop(0)
            try:
                await self.profile.drop(self.at, link)
            except AtError:
                pass  # it was not open
            except asyncio.CancelledError:
                self.abandon(link)
                raise

    # ---- bearer: the first connection -----------------------------------------------------------

    def socket(self):
        """The second connection, a bearer of its own."""
        return self.sockets[1]

    @property
    def connected(self):
        return self.sockets[0].connected

    async def connect(self, host, port, timeout_ms):
        await self.sockets[0].connect(host, port, timeout_ms)

    async def send(self, data, timeout_ms):
        await self.sockets[0].send(data, timeout_ms)

    async def recv_into(self, buf, timeout_ms):
        return await self.sockets[0].recv_into(buf, timeout_ms)

    async def close(self):
        await self.sockets[0].close()
