"""TCP sockets of the Quectel model (AT+QICSGP, +QIACT, +QIOPEN in buffer access mode, ...).

Owns: the context, twelve links, their receive buffers, the results and unsolicited lines.
Must not: open real sockets: `net` does (open(link, host, port), send(link, data), close(link)).

Source: Quectel LTE Standard TCP/IP Application Note V1.1, chapters 2 (commands; lengths of at most
1460 sent and 1500 read), 3.3 (example of the buffer access mode) and 4 (error numbers): 550
unknown, 552 parameters, 561 no context, 563 identity in use, 565 DNS, 566 connect, 569 time-out.
A link that the peer has closed keeps its number until AT+QICLOSE; after `+QIURC: "pdpdeact"` the
context must be deactivated before it can be activated again.
"""

from models.modem_reply import Failure, number

LINKS = 12
MAX_SEND = 1460
MAX_READ = 1500
OPEN_US = 150000000

# Outcomes of net_opened() as the SIMCom model counts them -> Quectel's error numbers.
_ERRORS = {0: 0, 1: 566, 10: 569, 11: 565}


class Socket:
    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.state = "opening"  # "opening", "open", "closed" (by the peer, or the network)
        self.rx = b""
        self.received = 0
        self.sent = 0
        self.told_us = 0
        self.told = False  # of data, and that they have not all been read


class QuectelTcp:
    """m: the Quectel. net: the network side or None (nothing can be reached)."""

    def __init__(self, m, net):
        self.m = m
        self.net = net
        self.sockets = {}
        self.reset()

    def reset(self):
        self._drop_links()
        self.open = False  # the context is active
        self.stale = False  # it was lost, and nobody has deactivated it
        self.configured = False
        self.error = 0

    def _drop_links(self):
        for link in sorted(self.sockets):
            if self.sockets[link].state in ("opening", "open") and self.net:
                self.net.close(link)
        self.sockets = {}

    def network_lost(self):
        if not self.open or self.stale:
            return
        self.stale = True
        for link in sorted(self.sockets):
            sock = self.sockets[link]
            if sock.state in ("opening", "open") and self.net:
                self.net.close(link)
            if sock.state == "opening":
                self.m.urc(f"+QIOPEN: {link},561")
            sock.state = "closed"
        self.m.urc('+QIURC: "pdpdeact",1')

    def _fail(self, error):
        self.error = error
        raise Failure()

    # --- context --------------------------------------------------------------------------------

    def qicsgp(self, mode, args):
        if number(args[0]) != 1:
            self._fail(552)
        if len(args) == 1:
            return [f'+QICSGP: 1,"{self.m.apns[1][1]}","","",0']
        if args[1] not in ("1", "2", "3"):
            self._fail(552)
        self.m.apns[1] = ("IP", args[2])
        self.configured = True
        return None

    def qiact(self, mode, args):
        if mode == "?":
            return [f'+QIACT: 1,1,1,"{self.m.ip}"'] if self.open and not self.stale else None
        if args[0] != "1" or self.open or not self.configured:
            self._fail(552)
        if not self.m.radio.data_ready():
            self._fail(561)
        self.open = True
        self.stale = False
        return None

    def qideact(self, mode, args):
        if args[0] != "1":
            self._fail(552)
        self._drop_links()
        self.open = self.stale = False

    def qigeterror(self, mode, args):
        return [f"+QIGETERROR: {self.error},operation"]

    # --- links ----------------------------------------------------------------------------------

    def _link(self, text):
        link = number(text)
        if link is None or not 0 <= link < LINKS:
            self._fail(552)
        return link

    def qiopen(self, mode, args):
        link = self._link(args[1])
        port = number(args[4]) if len(args) > 4 else None
        if args[0] != "1" or args[2] != "TCP" or not args[3] or not port or port > 65535:
            self._fail(552)
        if len(args) > 6 and args[6] != "0":
            self.m.unsupported.append("access mode " + args[6])
            self._fail(552)
        error = self.m.faults.open_error
        if error is not None:
            error = _ERRORS.get(error, error)
        if not self.open or self.stale:
            error = 561
        elif link in self.sockets:
            self.m.urc(f"+QIOPEN: {link},563", self.m.delay("QIOPEN result"))
            return None
        self.sockets[link] = sock = Socket(args[3], port)
        if error is not None or self.net is None:
            self.m.after(self.m.delay("QIOPEN error"), self._failed, link, sock, error or 566)
        else:
            self.m.after(OPEN_US, self._failed, link, sock, 569)
            self.net.open(link, args[3], port)
        return None

    def opened(self, link, error):
        sock = self.sockets.get(link)
        if sock is None or sock.state != "opening":
            return
        error = _ERRORS.get(error, 550)
        if error:
            del self.sockets[link]
        else:
            sock.state = "open"
        delay = self.m.delay("QIOPEN result")
        sock.told_us = self.m.now + delay
        self.m.urc(f"+QIOPEN: {link},{error}", delay)

    def _failed(self, link, sock, error):
        if self.sockets.get(link) is sock and sock.state == "opening":
            if error == 569 and self.net:
                self.net.close(link)
            del self.sockets[link]
            self.m.urc(f"+QIOPEN: {link},{error}")

    def qiclose(self, mode, args):
        link = self._link(args[0])
        sock = self.sockets.pop(link, None)
        if sock is None:
            self._fail(552)
        if sock.state in ("open", "opening") and self.net:
            self.net.close(link)

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
        sock.state = "closed"
        self.m.urc(f'+QIURC: "closed",{link}')

    # --- sending --------------------------------------------------------------------------------

    def check_send(self, args):
        """AT+QISEND=link[,length] -> (link, length, 0 for the question, None without one)."""
        link = self._link(args[0])
        sock = self.sockets.get(link)
        if sock is None or sock.state == "opening":
            self._fail(552)
        if len(args) < 2 or not args[1]:
            return link, None
        length = number(args[1])
        if length is None or length > MAX_SEND:
            self.m.errors.append(f"AT+QISEND of {args[1]} bytes")
            self._fail(552)
        if length and sock.state != "open":
            self._fail(567)
        return link, length

    def sent(self, link):
        n = self.sockets[link].sent
        acked = 0 if self.m.faults.no_acks else n
        return [f"+QISEND: {n},{acked},{n - acked}"]

    def send(self, link, data):
        """The payload is complete -> "SEND OK" or "SEND FAIL"."""
        sock = self.sockets.get(link)
        fault = self.m.faults.take_send()
        if sock is None or sock.state != "open" or fault == "error":
            self._fail(558)
        if fault in ("short", "none"):
            return "SEND FAIL"
        if fault == "closed":
            if self.net:
                self.net.close(link)
            sock.state = "closed"
            self.m.urc(f'+QIURC: "closed",{link}', 100000)
            return "SEND FAIL"
        if fault != "lost" and not self.m.faults.no_acks and self.net:
            # The host's answer cannot be told before the module has said SEND OK.
            self.m.after(self.m.delay("QISEND network"), self.net.send, link, data)
        sock.sent += len(data)
        return "SEND OK"

    # --- receiving ------------------------------------------------------------------------------

    def data(self, link, data):
        sock = self.sockets.get(link)
        if sock is None or sock.state != "open" or not data:
            return
        if self.m.now < sock.told_us:
            self.m.after(sock.told_us - self.m.now, self.data, link, data)
            return
        sock.rx += data
        sock.received += len(data)
        if not sock.told:
            sock.told = True
            self.m.urc(f'+QIURC: "recv",{link}')

    def qird(self, mode, args):
        link = self._link(args[0])
        wanted = number(args[1]) if len(args) > 1 else MAX_READ
        sock = self.sockets.get(link)
        if sock is None or sock.state == "opening":
            self._fail(552)
        if wanted is None or wanted > MAX_READ:
            self.m.errors.append(f"AT+QIRD of {args[1]} bytes")
            self._fail(552)
        if not wanted:
            left = len(sock.rx)
            return [f"+QIRD: {sock.received},{sock.received - left},{left}"]
        data = sock.rx[:wanted]
        sock.rx = sock.rx[wanted:]
        if not data:
            sock.told = False
            return ["+QIRD: 0"]
        if self.m.rearm == "empty" and not sock.rx:
            sock.told = False
        return [f"+QIRD: {len(data)}", data]
