# The connections of a modem: what the module says of them unsolicited, which numbers they have in
# it, and the first of them as the modem's own bearer.

import asyncio

from .at import AtError, Channel
from .profile import Profile
from .reply import numbers
from .tcp import Socket


class Links:
    """Channel, profile and sockets of a modem (Cellular)."""

    profile = Profile()

    def __init__(self, uart):
        self.at = Channel(uart, self, self.profile.ANNOUNCE)
        self.sockets = (Socket(self), Socket(self))
        self._first_link = 0
        self._strays = []  # numbers that may still be open or opening

    # ---- unsolicited lines ----------------------------------------------------------------------

    def known(self, text):
        """Whether a line is in the profile's table of unsolicited ones."""
        return self._entry(text) is not None

    def _entry(self, text):
        for entry in self.profile.URCS:
            if text.startswith(entry[0]):
                return entry
        return None

    def take(self, text):
        """A line that belongs to no command."""
        entry = self._entry(text)
        if entry is None or entry[1] is None:
            return
        what = getattr(self, entry[1])
        if len(entry) < 3:
            what()
            return
        n = numbers(text)[entry[2] :]
        for s in self.sockets:
            if n and s.link == n[0]:
                what(s, n[1] if len(n) > 1 else -1)

    def on_opened(self, s, code):
        s.opened(code)

    def on_data(self, s, _):
        s.arrived()

    def on_closed(self, s, _):
        s.gone()

    # ---- numbers --------------------------------------------------------------------------------

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
