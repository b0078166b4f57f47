"""TCP sockets of the modem model (AT+NETOPEN, +CIPOPEN, +CIPSEND, +CIPRXGET, ...).

Owns: the socket service, ten links, their receive buffers, the results and unsolicited lines.
Must not: open real sockets: `net` does (open(link, host, port), send(link, data), close(link)).

Source: SIMCom A76XX Series TCPIP Application Note V1.00, sections 3.2 (examples with the order of
OK and results), 4.1 (error numbers 0 .. 12 and the +IP ERROR texts), 4.2 (unsolicited codes), and
traces of real modules where the note is silent:
  * `+CIPCLOSE: 0,4` / ERROR for a link that is not open; `+NETCLOSE: 2` / ERROR without a network;
  * `+CIPERROR: 8` while the result of the last AT+CIPSEND is outstanding;
  * `+CIPERROR: 2` / `4` for AT+CIPSEND without network / without connection.
Read and send are limited to 1500 bytes, hex reads to 750 (AT manual, AT+CIPSEND, AT+CIPRXGET).
"""

from models.modem_reply import Failure, number

LINKS = 10
MAX_SEND = 1500
MAX_READ = 1500


class Socket:
    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.state = "opening"  # "opening", "open", "closed" (by the peer), "dead" (network gone)
        self.rx = b""
        self.sent = 0
        self.told_us = 0  # when the terminal hears of the connection: nothing comes before
        self.result_due = False  # the result of an AT+CIPSEND is outstanding


class Tcp:
    """m: the Modem. net: the network side or None (nothing can be reached)."""

    def __init__(self, m, net):
        self.m = m
        self.net = net
        self.sockets = {}
        self.reset()

    def reset(self):
        """Restart of the module: all links are gone, the peers see it."""
        self.drop_links()
        self.open = False
        self.opening = False
        self.stale = False  # the network went away under an open service
        self.manual = False
        self.each_urc = False
        self.timeout_ms = [120000, 120000, 120000]
        self.header = True
        self.source = True

    def drop_links(self):
        for link in sorted(self.sockets):
            if self.sockets[link].state in ("opening", "open") and self.net:
                self.net.close(link)
        self.sockets = {}

    def network_lost(self):
        """The bearer is gone: the service stays formally open until AT+NETCLOSE."""
        if not self.open or self.stale:
            return
        self.stale = True
        for link in sorted(self.sockets):
            sock = self.sockets[link]
            if sock.state in ("opening", "open") and self.net:
                self.net.close(link)
            if sock.state == "opening":
                self._failed(link, sock, 1)
            else:
                sock.state = "dead"
        self.m.urc("+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY")

    # --- service --------------------------------------------------------------------------------

    def netopen(self, mode, args):
        if mode == "?":
            return [f"+NETOPEN: {1 if self.open else 0}"]
        if self.open or self.opening:
            raise Failure("+IP ERROR: Network is already opened")
        self.opening = True
        ok = self.m.radio.data_ready()
        self.m.after(self.m.delay("NETOPEN result"), self._opened, ok)
        return None

    def _opened(self, ok):
        self.opening = False
        self.open = ok and self.m.radio.data_ready()
        self.stale = False
        self.m.urc(f"+NETOPEN: {0 if self.open else 1}")

    def netclose(self, mode, args):
        if not self.open:
            raise Failure("+NETCLOSE: 2")
        self.drop_links()
        self.open = self.stale = False
        self.m.urc("+NETCLOSE: 0", self.m.delay("NETCLOSE result"))

    def ipaddr(self, mode, args):
        if not self.open or self.stale:
            raise Failure("+IP ERROR: Network not opened")
        return ["+IPADDR: " + self.m.ip]

    # --- links ----------------------------------------------------------------------------------

    def _link(self, text):
        link = number(text)
        if link is None or not 0 <= link < LINKS:
            raise Failure("+IP ERROR: Invalid parameter")
        return link

    def cipopen(self, mode, args):
        if mode == "?":
            return [self._describe(link) for link in range(LINKS)]
        link = self._link(args[0])
        port = number(args[3]) if len(args) > 3 else None
        if len(args) < 4 or args[1] != "TCP" or not args[2] or not port or port > 65535:
            raise Failure(f"+CIPOPEN: {link},3")
        if not self.open:
            raise Failure(f"+CIPOPEN: {link},2")
        if link in self.sockets and self.sockets[link].state in ("opening", "open"):
            raise Failure(f"+CIPOPEN: {link},4")
        self.sockets[link] = sock = Socket(args[2], port)
        error = self.m.faults.open_error
        if self.stale or not self.m.radio.data_ready():
            error = 1
        if error is not None or self.net is None:
            self.m.after(self.m.delay("CIPOPEN error"), self._failed, link, sock, error or 1)
        else:
            self.m.after(self.timeout_ms[1] * 1000, self._failed, link, sock, 10)
            self.net.open(link, args[2], port)
        return None

    def _describe(self, link):
        sock = self.sockets.get(link)
        if sock is None or sock.state != "open":
            return f"+CIPOPEN: {link}"
        return f'+CIPOPEN: {link},"TCP","{sock.host}",{sock.port},-1'

    def opened(self, link, error):
        sock = self.sockets.get(link)
        if sock is None or sock.state != "opening":
            return
        if error:
            del self.sockets[link]
        else:
            sock.state = "open"
        delay = self.m.delay("CIPOPEN result")
        sock.told_us = self.m.now + delay
        self.m.urc(f"+CIPOPEN: {link},{error}", delay)

    def _failed(self, link, sock, error):
        # The very socket that the timer was for, not a later one on the same link.
        if self.sockets.get(link) is sock and sock.state == "opening":
            if error == 10 and self.net:
                self.net.close(link)
            del self.sockets[link]
            self.m.urc(f"+CIPOPEN: {link},{error}")

    def cipclose(self, mode, args):
        if mode == "?":
            states = [self.sockets.get(link) for link in range(LINKS)]
            marks = ["1" if s and s.state == "open" else "0" for s in states]
            return ["+CIPCLOSE: " + ",".join(marks)]
        link = self._link(args[0])
        sock = self.sockets.get(link)
        if sock is None or sock.state not in ("open", "dead"):
            raise Failure(f"+CIPCLOSE: {link},4")
        if sock.state == "open" and self.net:
            self.net.close(link)
        del self.sockets[link]
        self.m.urc(f"+CIPCLOSE: {link},0", self.m.delay("CIPCLOSE result"))
        return None

    def closed(self, link):
        sock = self.sockets.get(link)
        if sock is None or sock.state not in ("opening", "open"):
            return
        if sock.state == "opening":
            self.opened(link, 1)
            return
        if self.m.now < sock.told_us:
            self.m.after(sock.told_us - self.m.now, self.closed, link)
            return
        # What has been received before stays readable until the link is used again.
        sock.state = "closed"
        self.m.urc(f"+IPCLOSE: {link},1")

    # --- sending --------------------------------------------------------------------------------

    def check_send(self, args):
        """AT+CIPSEND=link[,length] -> (link, length or None for Ctrl-Z mode)."""
        link = self._link(args[0])
        self.can_send(link)
        if len(args) < 2 or not args[1]:
            return link, None
        length = number(args[1])
        if length is None or not 1 <= length <= MAX_SEND:
            self.m.errors.append(f"AT+CIPSEND of {args[1]} bytes")
            raise Failure("+CIPERROR: 3")
        return link, length

    def can_send(self, link):
        sock = self.sockets.get(link)
        if not self.open or self.stale:
            raise Failure("+CIPERROR: 2")
        if sock is None or sock.state != "open":
            raise Failure("+CIPERROR: 4")
        if sock.result_due:
            raise Failure("+CIPERROR: 8")
        return sock

    def send(self, link, data):
        """The payload is complete: the result line follows later, or Failure is raised."""
        sock = self.can_send(link)
        fault = self.m.faults.take_send()
        if fault == "error":
            raise Failure("+CIPERROR: 1")
        n = len(data)
        confirmed = {"short": n // 2, "none": 0, "closed": -1}.get(fault, n)
        if confirmed > 0 and fault != "lost" and not self.m.faults.no_acks and self.net:
            self.net.send(link, data[:confirmed])
        sock.sent += max(0, confirmed)
        sock.result_due = True
        self.m.after(self.m.delay("CIPSEND result"), self._result, link, sock, n, confirmed)

    def _result(self, link, sock, n, confirmed):
        sock.result_due = False
        self.m.urc(f"+CIPSEND: {link},{n},{confirmed}")
        if confirmed < 0 and sock.state == "open":
            if self.net:
                self.net.close(link)
            sock.state = "closed"
            self.m.urc(f"+IPCLOSE: {link},2")

    def cipack(self, mode, args):
        sock = self.sockets.get(self._link(args[0]))
        if sock is None:
            raise Failure("+IP ERROR: Connection is not created")
        acked = 0 if self.m.faults.no_acks else sock.sent
        return [f"+CIPACK: {sock.sent},{acked},0"]

    # --- receiving ------------------------------------------------------------------------------

    def data(self, link, data):
        sock = self.sockets.get(link)
        if sock is None or sock.state != "open" or not data:
            return
        if self.m.now < sock.told_us:
            self.m.after(sock.told_us - self.m.now, self.data, link, data)
            return
        if self.manual:
            tell = self.each_urc or not sock.rx
            sock.rx += data
            if tell:
                self.m.urc(f"+CIPRXGET: 1,{link}")
            return
        head = b""
        if self.source:
            head += f"\r\nRECV FROM:{sock.host}:{sock.port}".encode()
        if self.header:
            head += f"\r\n+IPD{len(data)}".encode()
        self.m.say(head + b"\r\n" + data)

    def ciprxget(self, mode, args):
        if mode == "?":
            return [f"+CIPRXGET: {1 if self.manual else 0}"]
        what = number(args[0])
        if what in (0, 1):
            self.manual = bool(what)
            return None
        if what not in (2, 3, 4) or len(args) < 2:
            raise Failure("+IP ERROR: Invalid parameter")
        if not self.manual:
            raise Failure("+IP ERROR: Operation not supported")
        link = self._link(args[1])
        sock = self.sockets.get(link)
        have = len(sock.rx) if sock else 0
        if what == 4:
            return [f"+CIPRXGET: 4,{link},{have}"]
        limit = MAX_READ if what == 2 else MAX_READ // 2
        wanted = number(args[2]) if len(args) > 2 else limit
        if wanted is None or not 1 <= wanted <= limit:
            self.m.errors.append(f"AT+CIPRXGET of {args[2]} bytes")
            raise Failure("+IP ERROR: Invalid parameter")
        if not have:
            raise Failure("+IP ERROR: No data")
        data = sock.rx[:wanted]
        sock.rx = sock.rx[wanted:]
        if what == 3:
            return [
                f"+CIPRXGET: 3,{link},{len(data)},{len(sock.rx)}",
                "".join([f"{b:02X}" for b in data]),
            ]
        return [f"+CIPRXGET: 2,{link},{len(data)},{len(sock.rx)}", data]

    # --- settings -------------------------------------------------------------------------------

    def ciptimeout(self, mode, args):
        if mode == "?":
            return ["+CIPTIMEOUT: {},{},{}".format(*self.timeout_ms)]
        for i, text in enumerate(args[:3]):
            if text:
                ms = number(text)
                if ms is None or not 3000 <= ms <= 120000:
                    raise Failure()
                self.timeout_ms[i] = ms
        return None

    def cipmode(self, mode, args):
        if mode == "?":
            return ["+CIPMODE: 0"]
        if args[0] != "0":
            self.m.unsupported.append("AT+CIPMODE=" + args[0])
            raise Failure()
        return None

    def ciphead(self, mode, args):
        if mode == "?":
            return [f"+CIPHEAD: {1 if self.header else 0}"]
        self.header = args[0] != "0"
        return None

    def cipsrip(self, mode, args):
        if mode == "?":
            return [f"+CIPSRIP: {1 if self.source else 0}"]
        self.source = args[0] != "0"
        return None
