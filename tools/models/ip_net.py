"""The IP network behind a Wi-Fi or Ethernet interface: what the firmware's sockets talk to.

Owns: sockets as the ESP32 port has them over lwIP (non-blocking and blocking, TCP and connected
UDP), the peers, and what is under way between them.
Must not: know Wi-Fi, cables or DNS (models.wifi_air, models.w5500, models.dns_server).

An IpNet stands in for the module `socket` (the driver gets it as an argument). `path` says whether
packets get through now; what is lost is sent again as TCP does it. Sources:
ports/esp32/modsocket.c (poll, EAGAIN as None from the stream methods, read after the end), lwIP's
api/sockets.c, ESP-IDF's defaults (10 sockets, 5,744 bytes of send buffer).
"""

import errno
import io

POLL_IN = 1
POLL_OUT = 4
POLL_ERR = 8
POLL_HUP = 16

_IOCTL_POLL = 3
_IOCTL_CLOSE = 4

# What a host may do besides sending bytes.
CLOSE = 0
RESET = 1

_ENFILE = 23
_EBADF = 9
_EAI_FAIL = 202  # lwIP's own number for a name that could not be resolved
_SND_BUF = 5744
_KEPT = 8192
_ONE_WAY_US = 20_000
_RETRY_US = 1_000_000
_RETRIES = 60
_FOREVER_US = 600_000_000


class Host:
    """One listening TCP port.

    `answer`: callable(link, data) -> [(delay_us, bytes or CLOSE or RESET)], None: nothing.
    `connect`: "accept", "refuse" or "silent". `deaf`: what is sent is not acknowledged any more.
    `most`: bytes that one read of the terminal gives at most (split reads), None: all there is.
    """

    def __init__(self, answer=None, connect="accept"):
        self.answer = answer
        self.connect = connect
        self.deaf = False
        self.most = None
        self.received = bytearray()  # the latest 8 KB
        self.opened = 0
        self.link = None  # the latest connection


class Socket(io.IOBase):
    def __init__(self, net, kind):
        self._net = net
        self._udp = kind == net.SOCK_DGRAM
        self._blocking = True
        self.closed_ = False
        self.peer = None
        self.local = None  # what bind() was given
        self.host = None
        self.state = "new"
        self._rx = bytearray()
        self._datagrams = []
        self._fin = False
        self._error = 0
        self._unacked = 0

    # ---- what the port offers -------------------------------------------------------------------

    def setblocking(self, flag):
        self._alive()
        self._blocking = bool(flag)

    def bind(self, address):
        self._alive()
        self.local = address

    def connect(self, address):
        self._alive()
        self.peer = address
        if self._udp:
            self.state = "open"
            return
        self.state = "connecting"
        self._net.dial(self)
        if not self._blocking:
            raise OSError(errno.EINPROGRESS)
        self._net.block_until(lambda: self.state != "connecting")
        if self._error:
            raise OSError(self._take_error())

    def send(self, data):
        n = self._send(data)
        if n is None:
            raise OSError(errno.EAGAIN)
        return n

    def write(self, data):
        return self._send(data)

    def recv(self, n):
        got = self._recv(n)
        if got is None:
            raise OSError(errno.EAGAIN)
        return got

    def read(self, n=-1):
        return self._recv(65536 if n < 0 else n)

    def readinto(self, buf):
        got = self._recv(len(buf))
        if got is None:
            return None
        buf[: len(got)] = got
        return len(got)

    def close(self):
        if not self.closed_:
            self.closed_ = True
            self._net.closed(self)

    def ioctl(self, request, arg):
        if request == _IOCTL_CLOSE:
            self.close()
            return 0
        if request != _IOCTL_POLL:
            return -errno.EINVAL
        if self.closed_:
            return -_EBADF
        # As in the port: only what was asked for, POLLHUP too.
        return self._events() & arg

    # ---- inside ---------------------------------------------------------------------------------

    def _alive(self):
        if self.closed_:
            raise OSError(_EBADF)

    def _events(self):
        if self._udp:
            return POLL_OUT | (POLL_IN if self._datagrams else 0)
        events = 0
        if self._rx or self._fin or self._error or self.state == "failed":
            events |= POLL_IN
        if self._error or self.state == "failed":
            events |= POLL_OUT | POLL_HUP
        elif self.state == "open" and self._unacked < _SND_BUF:
            events |= POLL_OUT
        return events

    def _take_error(self):
        code = self._error
        self._error = 0
        self.state = "failed"
        return code

    def _send(self, data):
        self._alive()
        if self._error:
            raise OSError(self._take_error())
        if self.state == "connecting":
            return None
        if self.state != "open":
            raise OSError(errno.ENOTCONN)
        if self._udp:
            self._net.datagram(self, bytes(data))
            return len(data)
        if self._blocking:
            self._net.block_until(lambda: self._unacked < _SND_BUF or self._error)
        n = min(_SND_BUF - self._unacked, len(data))
        if n <= 0:
            return None
        self._unacked += n
        self._net.segment(self, bytes(data[:n]))
        return n

    def _recv(self, n):
        self._alive()
        if self._udp:
            if not self._datagrams and self._blocking:
                self._net.block_until(lambda: self._datagrams)
            return bytes(self._datagrams.pop(0)[:n]) if self._datagrams else None
        if self._blocking:
            self._net.block_until(lambda: self._rx or self._fin or self._error)
        if self._rx:
            most = self.host.most if self.host else None
            n = min(n, len(self._rx), most or n)
            out = bytes(self._rx[:n])
            self._rx = self._rx[n:]
            return out
        if self._error:
            raise OSError(self._take_error())
        if self._fin:
            return b""
        if self.state in ("new", "failed"):
            raise OSError(errno.ENOTCONN)
        return None

    # ---- from the network -----------------------------------------------------------------------

    def opened_(self):
        if self.state == "connecting":
            self.state = "open"

    def fail(self, code):
        self._error = code
        self._net.changed()

    def arrived(self, what):
        if self._error or self.state == "failed":
            return
        if what == CLOSE:
            self._fin = True
        elif what == RESET:
            self._error = errno.ECONNRESET
        elif self._udp:
            self._datagrams.append(what)
        else:
            self._rx += what
        self._net.changed()

    def acked(self, n):
        self._unacked -= n
        self._net.changed()


class IpNet:
    """`now`: callable -> us, the time at which the firmware calls; without it, that of advance().
    `notify`: called when a socket becomes ready. `block`: callable(us), lets time pass while a
    blocking call waits. Stands in for the module `socket`."""

    AF_INET = 2
    SOCK_STREAM = 1
    SOCK_DGRAM = 2

    def __init__(self, now=None, notify=None, block=None):
        self._now = now
        self._notify = notify
        self._block = block
        self.path = lambda: True  # of the default interface
        self.paths = {}  # address -> the same for sockets that are bound to it
        self.hosts = {}  # (ip, port) -> Host; other ports of its ip refuse, other ips are silent
        self.servers = {}  # (ip, port) -> callable(data, now_us) -> [(delay_us, data)] (UDP)
        self.names = {}  # of the blocking getaddrinfo: name -> ip
        self.open = []  # sockets that were not closed
        self.most_open = 0
        self.limit = 10
        self.now_us = 0
        self._due = []
        self._number = 0

    # ---- module socket --------------------------------------------------------------------------

    def socket(self, family=AF_INET, kind=SOCK_STREAM):
        if len(self.open) >= self.limit:
            raise OSError(_ENFILE)
        s = Socket(self, kind)
        self.open.append(s)
        self.most_open = max(self.most_open, len(self.open))
        return s

    def getaddrinfo(self, host, port):
        """Blocks for a name, as in the port; not for a dotted address."""
        if not _dotted(host):
            found = self.names.get(host)
            self._block(60_000 if found and self.path() else 10_000_000)
            if not found or not self.path():
                raise OSError(_EAI_FAIL)
            host = found
        return [(self.AF_INET, self.SOCK_STREAM, 0, "", (host, port))]

    # ---- between the ends -----------------------------------------------------------------------

    def changed(self):
        if self._notify:
            self._notify()

    def closed(self, sock):
        self.open.remove(sock)

    def _carries(self, sock):
        return self.paths.get(sock.local[0] if sock.local else None, self.path)()

    def dial(self, sock, tries=0):
        def syn():
            if sock.closed_:
                return
            host = self.hosts.get(sock.peer)
            known = any(ip == sock.peer[0] for ip, _ in self.hosts)
            if not self._carries(sock) or not known or (host and host.connect == "silent"):
                if tries < _RETRIES:
                    self._at(_RETRY_US, lambda: self.dial(sock, tries + 1))
                else:
                    sock.fail(errno.ECONNABORTED)
            elif host is None or host.connect == "refuse":
                sock.fail(errno.ECONNRESET)  # lwIP's word for a refused connection
            else:
                host.opened += 1
                host.link = sock
                sock.host = host
                sock.opened_()
                self.changed()

        self._at(2 * _ONE_WAY_US, syn)

    def segment(self, sock, data, tries=0):
        def arrive():
            host = sock.host
            if sock.closed_ and tries:
                return
            if not self._carries(sock) or host.deaf:
                if tries < _RETRIES:
                    self._at(_RETRY_US, lambda: self.segment(sock, data, tries + 1))
                else:
                    sock.fail(errno.ECONNABORTED)
                return
            sock.acked(len(data))
            host.received = (host.received + data)[-_KEPT:]
            for delay_us, what in (host.answer(sock, data) or ()) if host.answer else ():
                self.deliver(sock, what, delay_us)

        self._at(_ONE_WAY_US, arrive)

    def deliver(self, sock, what, delay_us=0, tries=0):
        """From the host to the terminal: bytes, CLOSE or RESET."""

        def arrive():
            if sock.closed_:
                return
            if self._carries(sock):
                sock.arrived(what)
            elif tries < _RETRIES:
                self.deliver(sock, what, _RETRY_US, tries + 1)

        self._at(delay_us + _ONE_WAY_US, arrive)

    def datagram(self, sock, data):
        def arrive():
            server = self.servers.get(sock.peer)
            if server is None or not self._carries(sock):
                return
            for delay_us, reply in server(data, self.now_us):
                self._at(delay_us + _ONE_WAY_US, lambda r=reply: self._reply(sock, r))

        self._at(_ONE_WAY_US, arrive)

    def _reply(self, sock, data):
        if not sock.closed_ and self._carries(sock):
            sock.arrived(data)

    # ---- time -----------------------------------------------------------------------------------

    def block_until(self, condition):
        """A blocking call of the firmware: time passes, and nothing else runs."""
        waited = 0
        while not condition():
            if waited >= _FOREVER_US:
                raise RuntimeError("a blocking call that never ends")
            self._block(10_000)
            waited += 10_000

    def _at(self, delay_us, function):
        now = self.now_us if self._now is None else max(self.now_us, self._now())
        due = now + delay_us
        self._number += 1
        at = len(self._due)
        while at and self._due[at - 1][0] > due:
            at -= 1
        self._due.insert(at, (due, self._number, function))

    def next_due(self):
        return self._due[0][0] if self._due else None

    def advance(self, now_us):
        while self._due and self._due[0][0] <= now_us:
            due, _, function = self._due.pop(0)
            self.now_us = max(self.now_us, due)
            function()
        self.now_us = max(self.now_us, now_us)


def _dotted(host):
    parts = host.split(".")
    return len(parts) == 4 and all(p.isdigit() and int(p) < 256 for p in parts)
