# The Quectel model: start, context, sockets, faults. Runs inside MicroPython and CPython.

from test_models_modem import Net, S

from models.modem_schedule import KINDS, Schedule
from models.quectel import Quectel


class Desk:
    """A modem, its terminal and their time."""

    def __init__(self, until=None, **kw):
        self.net = Net()
        kw.setdefault("auto_on", True)
        self.m = self.net.modem = Quectel(self.net, **kw)
        self.now = 0
        if until:
            self.run(until)

    def run(self, us):
        """-> everything the modem says within us."""
        end = self.now + us
        out = b""
        while True:
            due = self.m.next_due()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            out += self.m.transmit(self.now)
        self.now = end
        return out

    def send(self, data):
        self.m.receive(data, self.now)

    def at(self, command, us=S):
        self.send(b"AT" + command.encode() + b"\r")
        return self.run(us)


def ready(**kw):
    d = Desk(20 * S, **kw)
    assert d.at("E0") == b"ATE0\r\r\nOK\r\n"
    return d


def online(**kw):
    d = ready(**kw)
    assert d.at('+QICSGP=1,1,"cmnet","","",0') == b"\r\nOK\r\n"
    assert d.at("+QIACT=1") == b"\r\nOK\r\n"
    d.net.at_once = True
    reply = d.at('+QIOPEN=1,0,"TCP","10.0.0.1",8583,0,0')
    assert reply == b"\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n"
    d.net.at_once = False
    return d


def test_boot_lines():
    d = Desk()
    assert d.run(10 * S - 1) == b""
    assert d.run(1) == b"\r\nRDY\r\n"
    assert d.run(S) == b"\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\n+QUSIM: 1\r\n"
    assert d.run(2 * S) == b"\r\n+QIND: SMS DONE\r\n\r\n+QIND: PB DONE\r\n"
    d = Desk(sim="ABSENT")
    assert b"+CPIN: NOT INSERTED" in d.run(20 * S)


def test_power():
    d = ready()
    d.m.pwrkey(0, d.now)
    d.run(600000)
    d.m.pwrkey(1, d.now)  # too short
    assert b"OK" in d.at("")
    d.m.pwrkey(0, d.now)
    d.run(700000)
    d.m.pwrkey(1, d.now)
    assert b"\r\nPOWERED DOWN\r\n" in d.run(5 * S) and not d.m.status()
    d = ready()
    assert d.at("+QPOWD=1") == b"\r\nOK\r\n"
    assert d.run(5 * S) == b"\r\nPOWERED DOWN\r\n" and d.at("") == b""


def test_identity():
    d = ready(family="EC20")
    assert d.at("I") == b"\r\nQuectel\r\nEC20F\r\nRevision: EC20CEFAGR06A03M4G\r\n\r\nOK\r\n"
    assert d.at("+QCCID").startswith(b"\r\n+QCCID: 8986")
    assert d.at('+QPINC="SC"') == b'\r\n+QPINC: "SC",3,10\r\n\r\nOK\r\n'
    assert d.at("+QPINC?").count(b"+QPINC") == 2
    assert d.at('+QURCCFG="urcport","uart1"') == b"\r\nOK\r\n"
    assert d.at("+QNWINFO") == b'\r\n+QNWINFO: "FDD LTE","46000","LTE BAND 3",1300\r\n\r\nOK\r\n'
    assert d.at("+NETOPEN") == b"\r\nERROR\r\n"  # SIMCom's


def test_pin():
    d = Desk(20 * S, sim="SIM PIN", pin="1234")
    d.at("E0")
    assert d.at("+CPIN?") == b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"
    assert d.at('+CPIN="9999"') == b"\r\n+CME ERROR: incorrect password\r\n"
    assert b'"SC",2,10' in d.at('+QPINC="SC"')
    assert d.at('+CPIN="1234"').startswith(b"\r\nOK\r\n\r\n+CPIN: READY\r\n")
    assert b'"SC",3,10' in d.at('+QPINC="SC"')


def test_clock():
    d = ready(epoch_s=1767225600, register_us=600 * S)
    assert d.at("+QLTS=2") == b'\r\n+QLTS: ""\r\n\r\nOK\r\n'
    d.run(86400 * S * 59 - d.now)
    assert d.at("+QLTS=2") == b'\r\n+QLTS: "2026/03/01,08:00:00+32,0"\r\n\r\nOK\r\n'
    assert d.at("+QLTS=1").startswith(b'\r\n+QLTS: "2026/03/01,00:00:01+32,0"')


def test_context():
    d = ready()
    assert d.at("+QIACT?") == b"\r\nOK\r\n"
    assert d.at("+QIACT=1") == b"\r\nERROR\r\n"  # not configured
    d.at('+QICSGP=1,1,"cmnet","","",0')
    assert d.at("+QICSGP=1") == b'\r\n+QICSGP: 1,"cmnet","","",0\r\n\r\nOK\r\n'
    assert d.at("+QIACT=1") == b"\r\nOK\r\n"
    assert d.at("+QIACT?") == b'\r\n+QIACT: 1,1,1,"10.148.0.17"\r\n\r\nOK\r\n'
    assert d.at("+QIACT=1") == b"\r\nERROR\r\n"
    d.m.set_signal(False, d.now)
    assert b'\r\n+QIURC: "pdpdeact",1\r\n' in d.run(10 * S)
    d.m.set_signal(True, d.now)
    d.run(10 * S)
    assert d.at("+QIACT?") == b"\r\nOK\r\n"
    assert d.at("+QIACT=1") == b"\r\nERROR\r\n"  # first it must be deactivated
    assert d.at("+QIDEACT=1") == b"\r\nOK\r\n"
    assert d.at("+QIACT=1") == b"\r\nOK\r\n"
    d = ready(network="searching")
    d.at('+QICSGP=1,1,"cmnet","","",0')
    assert d.at("+QIACT=1") == b"\r\nERROR\r\n"
    assert d.at("+QIGETERROR").startswith(b"\r\n+QIGETERROR: 561,")


# Quectel LTE Standard TCP/IP Application Note V1.1, section 3.3: a client in buffer access mode.
TRANSCRIPT = (
    ("+QISEND=0,4", b"\r\n> "),
    (b"test", b"\r\nSEND OK\r\n"),
    ("+QISEND=0,0", b"\r\n+QISEND: 4,4,0\r\n\r\nOK\r\n"),
    (None, b'\r\n+QIURC: "recv",0\r\n'),
    ("+QIRD=0,1500", b"\r\n+QIRD: 5\r\ntest1\r\n\r\nOK\r\n"),
    ("+QIRD=0,1500", b"\r\n+QIRD: 0\r\n\r\nOK\r\n"),
    ("+QIRD=0,0", b"\r\n+QIRD: 5,5,0\r\n\r\nOK\r\n"),
    ("+QICLOSE=0", b"\r\nOK\r\n"),
)


def test_transcript_of_the_application_note():
    d = online()
    for what, expected in TRANSCRIPT:
        if what is None:
            d.m.net_data(0, b"test1", d.now)
            reply = d.run(S)
        elif isinstance(what, bytes):
            d.send(what)
            reply = d.run(S)
        else:
            reply = d.at(what)
        assert reply == expected, (what, reply)
    assert d.net.log[1] == ("send", 0, b"test") and d.net.log[-1] == ("close", 0)


def test_open_results():
    d = online()
    assert d.at('+QIOPEN=1,0,"TCP","h",1,0,0') == b"\r\nOK\r\n\r\n+QIOPEN: 0,563\r\n"
    assert d.at('+QIOPEN=1,1,"TCP","h",1,0,0') == b"\r\nOK\r\n"
    d.m.net_opened(1, 11, d.now)
    assert d.run(S) == b"\r\n+QIOPEN: 1,565\r\n"
    for bad in ('2,1,"TCP","h",1,0,0', '1,12,"TCP","h",1,0,0', '1,1,"TCP","",1,0,0'):
        assert d.at("+QIOPEN=" + bad) == b"\r\nERROR\r\n", bad
    d.at('+QIOPEN=1,2,"TCP","h",1,0,0', 140 * S)
    assert d.run(20 * S) == b"\r\n+QIOPEN: 2,569\r\n" and d.net.log[-1] == ("close", 2)
    d.m.faults.open_error = 1
    assert d.at('+QIOPEN=1,3,"TCP","h",1,0,0', 3 * S) == b"\r\nOK\r\n\r\n+QIOPEN: 3,566\r\n"
    d = ready()
    assert d.at('+QIOPEN=1,1,"TCP","h",1,0,0', 3 * S) == b"\r\nOK\r\n\r\n+QIOPEN: 1,561\r\n"


def test_closing():
    d = online()
    d.m.net_data(0, b"last", d.now)
    d.run(S)
    d.m.net_closed(0, d.now)
    assert d.run(S) == b'\r\n+QIURC: "closed",0\r\n'
    assert b"\r\nlast\r\n" in d.at("+QIRD=0,1500")
    assert d.at("+QISEND=0,4") == b"\r\nERROR\r\n"
    assert d.at('+QIOPEN=1,0,"TCP","h",1,0,0') == b"\r\nOK\r\n\r\n+QIOPEN: 0,563\r\n"
    assert d.at("+QICLOSE=0") == b"\r\nOK\r\n"
    assert d.at("+QICLOSE=0") == b"\r\nERROR\r\n"
    assert d.at("+QIRD=0,1500") == b"\r\nERROR\r\n"


def test_the_news_of_data_comes_again_by_firmware():
    for rearm, news in (("zero", b""), ("empty", b'\r\n+QIURC: "recv",0\r\n')):
        d = online(rearm=rearm)
        d.m.net_data(0, b"one", d.now)
        assert d.run(S) == b'\r\n+QIURC: "recv",0\r\n'
        d.m.net_data(0, b"two", d.now)
        assert d.run(S) == b""
        assert b"\r\nonetwo\r\n" in d.at("+QIRD=0,1500")
        d.m.net_data(0, b"three", d.now)
        assert d.run(S) == news, rearm
        d.at("+QIRD=0,1500")
        assert d.at("+QIRD=0,1500") == b"\r\n+QIRD: 0\r\n\r\nOK\r\n"
        d.m.net_data(0, b"four", d.now)
        assert d.run(S) == b'\r\n+QIURC: "recv",0\r\n'


def test_limits():
    d = online()
    assert d.at("+QISEND=0,1461") == b"\r\nERROR\r\n"
    assert d.at("+QIRD=0,1501") == b"\r\nERROR\r\n"
    assert len(d.m.errors) == 2
    d.at("+QISEND=0,1460")
    d.send(b"\x1b\x1a" + b"x" * 1458)
    assert d.run(S) == b"\r\nSEND OK\r\n"


def test_send_failures():
    for how, reply in (
        ("error", b"\r\nERROR\r\n"),
        ("short", b"\r\nSEND FAIL\r\n"),
        ("none", b"\r\nSEND FAIL\r\n"),
        ("closed", b'\r\nSEND FAIL\r\n\r\n+QIURC: "closed",0\r\n'),
        ("lost", b"\r\nSEND OK\r\n"),
    ):
        d = online()
        d.m.faults.send_fail(how)
        d.at("+QISEND=0,4")
        d.send(b"abcd")
        assert d.run(S) == reply, how
        assert [e for e in d.net.log if e[0] == "send"] == [], how


# ---- faults that both families have -------------------------------------------------------------


def test_pieces_keep_the_order():
    d = ready()
    d.m.faults.split = 2
    pieces = []
    d.send(b"ATI\r")
    end = d.now + S
    while (due := d.m.next_due()) is not None and due <= end:
        d.now = max(d.now, due)
        out = d.m.transmit(d.now)
        if out:
            pieces.append(out)
    assert max(len(p) for p in pieces) <= 2 and len(pieces) > 20
    assert b"".join(pieces).startswith(b"\r\nQuectel\r\nEC200A\r\nRevision: ")
    d = ready()
    d.m.faults.merge_us = 50000
    d.send(b"AT+CSQ\r")
    assert d.run(40000) == b"" and d.run(100000) == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


def test_restart_at_a_byte():
    d = online()
    d.m.faults.boot_noise = b"\xff\x00"
    d.m.faults.reboot_at_byte = 4
    d.send(b"AT+CSQ\r")
    assert d.m.starts == 2 and d.net.log[-1] == ("close", 0)
    assert d.run(12 * S).startswith(b"\xff\x00\r\nRDY\r\n")


def test_lost_payload():
    d = online()
    d.at("+QISEND=0,5")
    d.m.faults.lose_payload = 2
    d.send(b"abcde")
    assert d.run(S) == b""
    d.send(b"fg")
    assert d.run(S) == b"\r\nSEND OK\r\n" and d.net.log[-1] == ("send", 0, b"cdefg")


def test_forms_of_an_error():
    d = ready(sim="ABSENT")
    for cme, reply in (
        (0, b"\r\nERROR\r\n"),
        (1, b"\r\n+CME ERROR: 10\r\n"),
        (2, b"\r\n+CME ERROR: SIM not inserted\r\n"),
    ):
        d.m.faults.cme = cme
        assert d.at("+CPIN?") == reply


def test_a_line_among_data():
    d = online()
    d.m.net_data(0, b"0123456789", d.now)
    d.run(S)
    d.m.faults.urc("RING", "+QIRD", "inside")
    out = d.at("+QIRD=0,1500")
    assert out.replace(b"\r\nRING\r\n", b"") == b"\r\n+QIRD: 10\r\n0123456789\r\n\r\nOK\r\n"
    assert b"\r\nRING\r\n" in out and b"0123456789" not in out


def test_acknowledgements():
    d = online()
    d.m.faults.no_acks = True
    d.at("+QISEND=0,4")
    d.send(b"abcd")
    d.run(S)
    assert d.at("+QISEND=0,0") == b"\r\n+QISEND: 4,0,4\r\n\r\nOK\r\n"
    assert d.net.log[-1][0] == "open"


def test_flood():
    d = ready()
    d.m.flood(500, d.now)
    assert 500 <= len(d.run(S)) < 560


def test_a_schedule_is_the_same_for_a_seed_and_ends():
    d = ready()
    one, two = (Schedule(d.m, 7, 40, d.now, S) for _ in range(2))
    assert one.steps == two.steps and Schedule(d.m, 8, 40, d.now, S).steps != one.steps
    begun = set()
    for _, name, begins in one.steps:
        if begins:
            begun.add(name)
        else:
            assert name in begun
            begun.discard(name)
    assert not [n for n in begun if KINDS[n][1] is not None]
    while one.next_due() is not None:
        d.run(one.next_due() - d.now)
        one.advance(d.now)
    f = d.m.faults
    assert d.now <= one.end_us and str(one)
    assert not (f.split or f.merge_us or f.drop or f.flip or f.no_acks or f.storm_us)
    assert f.cme is None and d.m.radio.signal
