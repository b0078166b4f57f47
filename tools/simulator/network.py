"""The network between the modem model and the acquirer, in virtual time.

Owns the connections and what is under way on them. `net` side of models.a7670.Modem: open, send,
close.
"""

import itertools

from acquirer.connection import Close as HostClose
from acquirer.connection import Connection
from acquirer.connection import Send as HostSend

CONNECT_US = 120_000
ONE_WAY_US = 60_000


class VirtualNet:
    """`host`: acquirer.host.Host listening on `port`; `modem` is set by the bench.

    up: while False nothing gets through, in either direction, and new connections time out.
    host_up: while False the acquirer's machine refuses connections.
    """

    def __init__(self, host, port):
        self._host = host
        self._port = port
        self.modem = None
        self.up = True
        self.host_up = True
        self.requests = 0  # messages that reached the host
        self.sends = 0  # pieces of data that left the modem
        self.before_reply = (
            None  # callable: called once a request reached the host, before its reply leaves
        )
        self._links = {}  # link -> Connection
        self._due = []  # (time_us, number, function)
        self._number = itertools.count()
        self.now_us = 0

    # ---- the modem's side -----------------------------------------------------------------------

    def open(self, link, host, port):
        if not self.up:
            return  # the modem's own time-out will tell
        if port != self._port or not self.host_up:
            self._at(ONE_WAY_US * 2, lambda: self.modem.net_opened(link, 1, self.now_us))
            return

        def opened():
            self._links[link] = Connection(self._host)
            self.modem.net_opened(link, 0, self.now_us)

        self._at(CONNECT_US, opened)

    def send(self, link, data):
        self.sends += 1
        if link in self._links and self.up:
            connection = self._links[link]
            self._at(ONE_WAY_US, lambda: self._arrived(link, connection, bytes(data)))

    def close(self, link):
        self._links.pop(link, None)

    # ---- the host's side ------------------------------------------------------------------------

    def _arrived(self, link, connection, data):
        if not self.up:
            return
        actions = connection.receive(data)
        self.requests += 1
        if self.before_reply is not None:
            hook, self.before_reply = self.before_reply, None
            hook()
        for action in actions:
            later = ONE_WAY_US + action.after_ms * 1000
            if isinstance(action, HostSend):
                self._at(later, lambda d=action.data: self._deliver(link, connection, d))
            elif isinstance(action, HostClose):
                self._at(later, lambda: self._closed(link, connection))

    def _deliver(self, link, connection, data):
        if self.up and self._links.get(link) is connection:
            self.modem.net_data(link, data, self.now_us)

    def _closed(self, link, connection):
        if self.up and self._links.get(link) is connection:
            del self._links[link]
            self.modem.net_closed(link, self.now_us)

    # ---- time -----------------------------------------------------------------------------------

    def _at(self, delay_us, function):
        self._due.append((self.now_us + delay_us, next(self._number), function))
        self._due.sort(key=lambda d: d[:2])

    def next_due(self):
        return self._due[0][0] if self._due else None

    def advance(self, now_us):
        self.now_us = max(self.now_us, now_us)
        while self._due and self._due[0][0] <= now_us:
            self._due.pop(0)[2]()
