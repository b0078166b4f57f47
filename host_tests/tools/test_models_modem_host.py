"""The modem model: a transcript of the maker's note, a tolerant terminal, noise, real baud
rates."""

import pathlib
import random
import re
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))

from models.a7670 import Modem  # noqa: E402

S = 1_000_000


class Net:
    def __init__(self):
        self.sent = b""
        self.modem = None

    def open(self, link, host, port):
        self.modem.net_opened(link, 0, self.modem.now)

    def send(self, link, data):
        self.sent += data

    def close(self, link):
        pass


class Terminal:
    def __init__(self, **kw):
        self.net = Net()
        self.m = self.net.modem = Modem(self.net, auto_on=True, **kw)
        self.now = 0
        self.run(20 * S)

    def run(self, us):
        end = self.now + us
        out = b""
        while (due := self.m.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            out += self.m.transmit(self.now)
        self.now = end
        return out

    def at(self, command, us=S):
        self.m.receive(b"AT" + command.encode() + b"\r", self.now)
        return self.run(us)


def lines(data):
    return [x for x in re.split(rb"[\r\n]+", data) if x]


# SIMCom A76XX Series TCPIP Application Note V1.00, section 3.2.2 (TCP client, buffer access mode).
# The note's example of `+CIPRXGET: 2` prints data right behind the header in one place and on a
# line of their own in the others; the latter is what modules do.
TRANSCRIPT = (
    ("+NETOPEN", ["OK", "+NETOPEN: 0"]),
    ("+CIPRXGET=1", ["OK"]),
    ('+CIPOPEN=1,"TCP","117.131.85.139",5253', ["OK", "+CIPOPEN: 1,0"]),
    ("+CIPSEND=1,5", [">"]),
    (b"hello", ["OK", "+CIPSEND: 1,5,5"]),
    (None, ["+CIPRXGET: 1,1"]),
    ("+CIPRXGET=4,1", ["+CIPRXGET: 4,1,16", "OK"]),
    ("+CIPRXGET=2,1,5", ["+CIPRXGET: 2,1,5,11", "data ", "OK"]),
    ("+CIPRXGET=3,1,5", ["+CIPRXGET: 3,1,5,6", "66726F6D20", "OK"]),
    ("+CIPRXGET=4,1", ["+CIPRXGET: 4,1,6", "OK"]),
    ("+CIPRXGET=2,2", ["+IP ERROR: No data", "ERROR"]),
    ("+CIPRXGET=2,1", ["+CIPRXGET: 2,1,6,0", "server", "OK"]),
    ("+CIPRXGET=4,1", ["+CIPRXGET: 4,1,0", "OK"]),
    ("+CIPCLOSE?", ["+CIPCLOSE: 0,1,0,0,0,0,0,0,0,0", "OK"]),
    ("+CIPCLOSE=1", ["OK", "+CIPCLOSE: 1,0"]),
    ("+NETCLOSE", ["OK", "+NETCLOSE: 0"]),
)


def test_transcript_of_the_application_note():
    t = Terminal()
    t.at("E0")
    for what, expected in TRANSCRIPT:
        if what is None:
            t.m.net_data(1, b"data from server", t.now)
            reply = t.run(S)
        elif isinstance(what, bytes):
            t.m.receive(what, t.now)
            reply = t.run(S)
        else:
            reply = t.at(what, 2 * S)
        assert [x.decode() for x in lines(reply)] == expected, what
    assert t.net.sent == b"hello"


def exchange(t, payload, chunk=400):
    """A small but correct terminal: sends payload, reads the echo of the host, heeds only lines
    that it asked for."""
    got = b""
    t.at("E0")
    t.at("+CIPRXGET=1")
    t.at("+NETOPEN", 2 * S)
    t.at('+CIPOPEN=0,"TCP","h",1', 2 * S)
    for i in range(0, len(payload), chunk):
        part = payload[i : i + chunk]
        assert b">" in t.at(f"+CIPSEND=0,{len(part)}")
        t.m.receive(part, t.now)
        assert b"+CIPSEND: 0,%d,%d" % (len(part), len(part)) in t.run(S)
    t.m.net_data(0, payload, t.now)
    while True:
        reply = t.at("+CIPRXGET=2,0,1500")
        head = re.search(rb"\+CIPRXGET: 2,0,(\d+),(\d+)\r\n", reply)
        if not head:
            assert b"+IP ERROR: No data" in reply
            return got
        n = int(head.group(1))
        data = reply[head.end() : head.end() + n]
        assert b"\r\nOK\r\n" in reply[head.end() + n :]
        got += data


@pytest.mark.parametrize("seed", range(5))
def test_binary_payload_survives_storms(seed):
    rng = random.Random(seed)
    payload = (
        bytes(rng.randrange(256) for _ in range(3000)) + b"\r\nOK\r\n+CIPRXGET: 1,0\r\n>\x1a\x1b"
    )
    t = Terminal(seed=seed)
    t.m.storm(300_000, t.now, seed=seed)
    assert exchange(t, payload) == payload
    assert t.net.sent == payload


def test_urc_between_header_and_data_corrupts_a_naive_reader():
    """The one place where a line from the network cannot be told from data: only the OK in the
    wrong place shows it. The fault exists to prove that a terminal notices."""
    t = Terminal()
    t.m.faults.urc("+CGEV: NW DETACH", "+CIPRXGET=2", "data")
    with pytest.raises(AssertionError):
        assert exchange(t, b"0123456789") == b"0123456789"


@pytest.mark.parametrize("seed", range(15))
def test_noise_never_breaks_it(seed):
    rng = random.Random(seed)
    t = Terminal()
    words = [
        b"AT",
        b"+CIPSEND=0,",
        b"+CIPOPEN=",
        b"+CIPRXGET=",
        b"\r",
        b"\r",
        b",",
        b'"',
        b"=",
        b"?",
    ]
    words += [
        b"+CFUN=",
        b"+CPIN=",
        b"E1",
        b"V0",
        b";",
        b"0",
        b"1",
        b"99",
        b"+CEREG=",
        b"\x1b",
        b"\x08",
    ]
    for _ in range(300):
        data = b"".join(rng.choice(words) for _ in range(rng.randrange(1, 8)))
        if rng.random() < 0.2:
            data += bytes(rng.randrange(256) for _ in range(5))
        t.m.receive(data, t.now)
        t.run(rng.randrange(1, 200_000))
        if rng.random() < 0.1:
            t.m.net_data(rng.randrange(3), b"abc", t.now)
    t.m.power(False, t.now)
    t.m.power(True, t.now)
    t.run(20 * S)
    assert lines(t.at("")) == [b"AT", b"OK"]


# In this order on a fresh module, every one ends with OK.
BRIEF = """ATE0 ATI AT+CMEE=2 AT+CMEE? AT+CGMM AT+CGMR AT+CGSN AT+CPIN? AT+CICCID AT+CIMI AT+CSQ
AT+CREG? AT+CGREG=1 AT+CEREG=2 AT+CPSI? AT+COPS? AT+CGDCONT=1,"IP","cmnet" AT+CGDCONT? AT+CGATT?
AT+CGATT=1 AT+CGPADDR=1 AT+CGPADDR AT+CFUN? AT+CFUN=1 AT+CCLK? AT+CTZU=1 AT+NETOPEN? AT+NETOPEN
AT+IPADDR AT+CIPRXGET=1 AT+CIPRXGET? AT+CIPTIMEOUT=30000,20000,10000 AT+CIPMODE=0
AT+CIPOPEN=0,"TCP","10.1.2.3",8583 AT+CIPOPEN? AT+CIPRXGET=4,0 AT+CIPACK=0 AT+CIPCLOSE?
AT+CIPCLOSE=0 AT+NETCLOSE AT+IPR? AT+IPR=115200 AT+CPOF"""


def test_every_command_of_the_brief_is_known():
    t = Terminal()
    t.at("E0")
    for command in BRIEF.split():
        assert b"OK" in lines(t.at(command[2:], 2 * S)), command
    assert t.m.errors == [] and t.m.unsupported == []


def test_on_a_wire_with_its_baud_rate():
    wire = pytest.importorskip("models.wire")
    m = Modem(auto_on=True)
    line = wire.Wire(m, 115200)
    line.configure(115200)
    got = []

    def run(until):
        while (due := line.next_due()) is not None and due <= until:
            data = line.advance(due)
            if data:
                got.append((due, data))

    run(20 * S)
    got.clear()
    line.send(b"AT+CSQ\r", 20 * S)
    run(21 * S)
    assert b"".join(d for _, d in got) == b"AT+CSQ\r\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
    # Seven bytes take 0.6 ms, the command 10 ms, its 21 bytes of reply 1.8 ms.
    assert 20 * S + 12_000 < got[-1][0] < 20 * S + 14_000
