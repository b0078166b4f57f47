# The modem model: power, start, line grammar, SIM, network, clock. Runs inside MicroPython.

from models.a7670 import Modem

S = 1000000


class Net:
    """Network side: notes what it is told; answers at once when told to."""

    def __init__(self):
        self.log = []
        self.modem = None
        self.at_once = False

    def open(self, link, host, port):
        self.log.append(("open", link, host, port))
        if self.at_once:
            self.modem.net_opened(link, 0, self.modem.now)

    def send(self, link, data):
        self.log.append(("send", link, data))
        if self.at_once:
            self.modem.net_data(link, data, self.modem.now)

    def close(self, link):
        self.log.append(("close", link))


class Desk:
    """A modem, its terminal and their time."""

    def __init__(self, until=None, **kw):
        self.net = Net()
        kw.setdefault("auto_on", True)
        self.m = self.net.modem = Modem(self.net, **kw)
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


def online(manual=True, **kw):
    d = ready(**kw)
    d.net.at_once = True
    if manual:
        assert d.at("+CIPRXGET=1") == b"\r\nOK\r\n"
    assert d.at("+NETOPEN", 2 * S) == b"\r\nOK\r\n\r\n+NETOPEN: 0\r\n"
    reply = d.at('+CIPOPEN=0,"TCP","10.0.0.1",8583')
    assert reply == b"\r\nOK\r\n\r\n+CIPOPEN: 0,0\r\n"
    d.net.at_once = False
    return d


# --- power and start ---------------------------------------------------------------------------


def test_boot_lines():
    d = Desk()
    assert d.run(8 * S - 1) == b""
    assert d.run(1) == b"\r\n*ATREADY: 1\r\n"
    assert d.run(500000) == b"\r\n+CPIN: READY\r\n"
    assert d.run(1500000) == b"\r\nSMS DONE\r\n"
    assert d.run(S) == b"\r\nPB DONE\r\n"
    d = Desk(family="SIM7600", boot_us=23 * S)
    assert d.run(22 * S) == b""
    assert d.run(S) == b"\r\nRDY\r\n"


def test_deaf_while_starting():
    d = Desk()
    d.run(4 * S)
    d.send(b"AT\r")
    assert b"OK" not in d.run(10 * S) and d.m.line.dropped == 3


def test_power_key():
    d = Desk(auto_on=False)
    assert d.run(20 * S) == b"" and d.m.status() == 0
    d.m.pwrkey(0, d.now)
    d.run(40000)
    d.m.pwrkey(1, d.now)  # too short
    assert d.run(20 * S) == b""
    d.m.pwrkey(0, d.now)
    d.run(100000)
    d.m.pwrkey(1, d.now)
    d.run(6 * S)
    assert d.m.status() == 0 and d.m.next_due() == d.m._started_us + 7 * S
    assert b"PB DONE" in d.run(10 * S) and d.m.status() == 1
    d.m.pwrkey(0, d.now)
    d.run(2400000)
    d.m.pwrkey(1, d.now)  # too short to switch off
    d.run(5 * S)
    assert d.m.status() == 1
    d.m.pwrkey(0, d.now)
    d.run(2600000)
    d.m.pwrkey(1, d.now)
    d.run(S)
    assert d.m.status() == 1
    d.run(2 * S)
    assert d.m.status() == 0 and d.at("") == b""
    for rest, starts in ((S, 1), (3 * S, 2)):
        # Too soon after switching off the key does nothing.
        d.m.power(False, d.now)
        d.m.power(True, d.now)
        d.m.pwrkey(0, d.now)
        d.run(20 * S)
        d.m.pwrkey(1, d.now)
        before = d.m.starts
        d.at("E0")
        d.at("+CPOF", 2050000)
        d.run(rest)
        d.m.pwrkey(0, d.now)
        d.run(100000)
        d.m.pwrkey(1, d.now)
        d.run(S)
        assert d.m.starts - before == starts - 1


def test_cpof_and_creset():
    d = ready()
    assert d.at("+CPOF") == b"\r\nOK\r\n"
    d.run(2 * S)
    assert d.m.status() == 0 and d.at("") == b""
    d = ready()
    assert d.at("+CRESET") == b"\r\nOK\r\n"
    out = d.run(15 * S)
    assert out.startswith(b"\r\n*ATREADY: 1\r\n") and b"PB DONE" in out
    assert d.at("") == b"AT\r\r\nOK\r\n"  # echo is back
    d = ready()
    assert d.at("+CFUN=1,1", 2 * S) == b"\r\nOK\r\n"
    assert b"PB DONE" in d.run(15 * S) and d.m.starts == 2


def test_supply():
    d = online()
    d.m.power(False, d.now)
    assert d.net.log[-1] == ("close", 0) and d.at("") == b""
    d.m.power(True, d.now)
    assert b"PB DONE" in d.run(15 * S)


# --- grammar -----------------------------------------------------------------------------------


def test_echo_and_framing():
    d = Desk(20 * S)
    assert d.at("") == b"AT\r\r\nOK\r\n"
    d.send(b"at+csq\r\n")
    assert d.run(S) == b"at+csq\r\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
    assert d.at("E0") == b"ATE0\r\r\nOK\r\n"
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
    assert d.at("V0") == b"0\r"
    assert d.at("+CSQ") == b"+CSQ: 21,99\r\n0\r"
    assert d.at("+NOSUCH") == b"4\r"
    assert d.at("V1") == b"\r\nOK\r\n"
    assert d.at("E1") == b"\r\nOK\r\n"
    assert d.at("") == b"AT\r\r\nOK\r\n"
    d.at("E0V0")
    assert d.at("Z") == b"\r\nOK\r\n" and d.at("") == b"AT\r\r\nOK\r\n"


def test_garbage_before_at_and_lines_without_it():
    d = ready()
    d.send(b"\x00\xff\x1bAT+CSQ\r")
    assert d.run(S) == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
    d.send(b"hello\r")
    assert d.run(S) == b"" and len(d.m.errors) == 1
    d.send(b"\r\n\r\n")
    assert d.run(S) == b"" and len(d.m.errors) == 1
    d.send(b"AX\x08T+CSQ\r")
    assert d.run(S) == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


def test_several_commands_on_one_line():
    d = ready()
    assert d.at("E0+CMEE=1;+CSQ;+CMEE?") == b"\r\n+CSQ: 21,99\r\n+CMEE: 1\r\n\r\nOK\r\n"
    assert d.at("+CSQ;+NOSUCH;+CMEE?") == b"\r\n+CSQ: 21,99\r\n\r\nERROR\r\n"


def test_command_while_another_runs_is_ignored():
    d = ready()
    d.send(b"AT+COPS?\r\n")
    d.run(10000)
    d.send(b"AT+CSQ\r\n")
    assert d.run(S) == b'\r\n+COPS: 0,0,"CHINA MOBILE",7\r\n\r\nOK\r\n'
    assert d.m.errors == ["bytes while a command runs"] and d.m.line.dropped == 7
    d = ready(while_busy="queue")
    d.send(b"AT+COPS?\rAT+CSQ\r")
    out = d.run(S)
    assert out.find(b"+COPS") < out.find(b"OK") < out.find(b"+CSQ: 21") and d.m.errors == []


def test_unknown_and_wrong():
    d = ready()
    assert d.at("+NOSUCH") == b"\r\nERROR\r\n" and d.m.errors == ["unknown command AT+NOSUCH"]
    assert d.at("+CSQ=?") == b"\r\nOK\r\n"
    assert d.at("+CSQ=1") == b"\r\nERROR\r\n"
    assert d.at("+CMEE=5") == b"\r\n+CME ERROR: Incorrect parameters\r\n"
    d.at("+CMEE=1")
    assert d.at("+CREG=9") == b"\r\n+CME ERROR: 50\r\n"
    d.at("+CMEE=0")
    assert d.at("+CREG=9") == b"\r\nERROR\r\n"


def test_replies_come_after_their_delay():
    d = ready(latency={"+CSQ": 250000})
    assert d.at("+CSQ", 249999) == b""
    assert d.run(1) == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


# --- SIM and network ---------------------------------------------------------------------------


def test_identity():
    d = ready()
    assert d.at("+CGSN") == b"\r\n867250061234560\r\n\r\nOK\r\n"
    assert d.at("+CIMI") == b"\r\n460001234567890\r\n\r\nOK\r\n"
    assert d.at("+CICCID") == b"\r\n+ICCID: 89860012345678901234\r\n\r\nOK\r\n"
    assert d.at("I").startswith(b"\r\nManufacturer: ") and b"\r\nModel: A7670" in d.at("I")
    assert d.at("+CGMM") == b"\r\nA7670C-LNNV\r\n\r\nOK\r\n"


def test_sim_states():
    d = Desk(8100000)
    assert d.at("E0+CPIN?", 100000) == b"ATE0+CPIN?\r\r\n+CME ERROR: SIM busy\r\n"
    d.run(15 * S)
    assert d.at("+CPIN?") == b"\r\n+CPIN: READY\r\n\r\nOK\r\n"
    d = ready(sim="ABSENT")
    assert d.at("+CPIN?") == b"\r\n+CME ERROR: SIM not inserted\r\n"
    assert d.at("+CEREG?") == b"\r\n+CEREG: 0,0\r\n\r\nOK\r\n"
    d = ready(sim="SIM PIN", pin="4711")
    assert d.at("+CPIN?") == b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"
    assert d.at("+CIMI") == b"\r\n+CME ERROR: SIM PIN required\r\n"
    assert d.at('+CPIN="1111"') == b"\r\n+CME ERROR: incorrect password\r\n"
    assert d.at("+SPIC") == b"\r\n+SPIC: 2,10,0,10\r\n\r\nOK\r\n"
    assert d.at('+CPIN="4711"') == b"\r\nOK\r\n\r\n+CPIN: READY\r\n"
    d.run(5 * S)
    assert d.at("+CEREG?") == b"\r\n+CEREG: 0,1\r\n\r\nOK\r\n"
    d = ready(sim="SIM PIN")
    for _ in range(3):
        d.at('+CPIN="0000"')
    assert d.at("+CPIN?") == b"\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"


def test_registration():
    d = Desk(9000000)
    d.at("E0+CEREG=1", 100000)
    assert d.at("+CEREG?", 100000) == b"\r\n+CEREG: 1,2\r\n\r\nOK\r\n"
    out = d.run(10 * S)
    assert b"\r\n+CEREG: 1\r\n" in out and b"+CREG" not in out
    d.m.set_network("searching", d.now)
    d.at("+CREG=2")
    assert d.at("+CREG?") == b"\r\n+CREG: 2,2\r\n\r\nOK\r\n"  # no cell without a network
    d.m.set_network("home", d.now)
    d.run(5 * S)
    assert d.at("+CREG?") == b'\r\n+CREG: 2,1,"5A1E","0B28F70C",7\r\n\r\nOK\r\n'
    for network, stat in (("roaming", 5), ("denied", 3), ("searching", 2)):
        d = ready(network=network)
        assert d.at("+CGREG?") == f"\r\n+CGREG: 0,{stat}\r\n\r\nOK\r\n".encode()


def test_signal_is_unknown_at_first():
    d = Desk(8600000)
    assert b"+CSQ: 99,99" in d.at("+CSQ", 100000)
    d.run(5 * S)
    assert b"+CSQ: 21,99" in d.at("+CSQ")


def test_signal_lost_and_back():
    d = online()
    d.at("+CEREG=1")
    d.m.set_signal(False, d.now)
    assert d.run(4 * S) == b"\r\n+CEREG: 2\r\n"
    assert d.at("+CSQ", 100000) == b"\r\n+CSQ: 99,99\r\n\r\nOK\r\n"
    assert d.run(3 * S) == b"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n"
    assert d.net.log[-1] == ("close", 0)
    assert d.at("+CIPSEND=0,4") == b"\r\n+CIPERROR: 2\r\n\r\nERROR\r\n"
    assert d.at("+CIPCLOSE=0") == b"\r\nOK\r\n\r\n+CIPCLOSE: 0,0\r\n"
    d.m.set_signal(True, d.now)
    assert b"\r\n+CEREG: 1\r\n" in d.run(5 * S)
    # The service is still formally open: first close it, then open it again.
    assert d.at("+NETOPEN") == b"\r\n+IP ERROR: Network is already opened\r\n\r\nERROR\r\n"
    assert d.at("+NETOPEN?") == b"\r\n+NETOPEN: 1\r\n\r\nOK\r\n"
    assert d.at("+NETCLOSE") == b"\r\nOK\r\n\r\n+NETCLOSE: 0\r\n"
    assert d.at("+NETOPEN", 2 * S) == b"\r\nOK\r\n\r\n+NETOPEN: 0\r\n"


def test_a_new_search_makes_the_old_one_void():
    d = ready()
    d.at("+CEREG=1")
    d.m.set_network("home", d.now)
    d.run(2 * S)
    d.m.set_network("roaming", d.now)
    assert d.run(2900000) == b""
    assert d.run(200000) == b"\r\n+CEREG: 5\r\n\r\n+CGEV: EPS PDN ACT 1\r\n"


def test_short_loss_of_signal_keeps_the_bearer():
    d = online()
    d.m.set_signal(False, d.now)
    d.run(S)
    d.m.set_signal(True, d.now)
    assert b"CIPEVENT" not in d.run(20 * S)
    assert d.at("+CIPCLOSE=0") == b"\r\nOK\r\n\r\n+CIPCLOSE: 0,0\r\n"


def test_sim_removed():
    d = online()
    d.m.remove_sim(d.now)
    assert d.run(2 * S) == (
        b"\r\n+CPIN: SIM REMOVED\r\n\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n"
    )
    assert d.at("+CPIN?") == b"\r\n+CME ERROR: SIM not inserted\r\n"
    d.m.insert_sim(d.now)
    assert d.at("+CREG?") == b"\r\n+CREG: 0,0\r\n\r\nOK\r\n"
    d.at("+CRESET", 20 * S)
    assert b"+CREG: 0,1" in d.at("+CREG?")


def test_flight_mode():
    d = online()
    out = d.at("+CFUN=4", 3 * S)
    assert out == b"\r\nOK\r\n\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n"
    assert d.at("+CEREG?") == b"\r\n+CEREG: 0,0\r\n\r\nOK\r\n"
    assert d.at("+CPSI?") == b"\r\n+CPSI: NO SERVICE,Low Power Mode\r\n\r\nOK\r\n"
    d.at("+CFUN=1", 6 * S)
    assert d.at("+CEREG?") == b"\r\n+CEREG: 0,1\r\n\r\nOK\r\n"


def test_operator_and_context():
    d = ready()
    assert d.at("+COPS?") == b'\r\n+COPS: 0,0,"CHINA MOBILE",7\r\n\r\nOK\r\n'
    d.at("+COPS=3,2")
    assert d.at("+COPS?") == b'\r\n+COPS: 0,2,"46000",7\r\n\r\nOK\r\n'
    d.at('+CGDCONT=1,"IP","cmnet"')
    assert d.at("+CGDCONT?") == b'\r\n+CGDCONT: 1,"IP","cmnet","",0,0\r\n\r\nOK\r\n'
    assert d.at("+CGATT?") == b"\r\n+CGATT: 1\r\n\r\nOK\r\n"
    assert d.at("+CGPADDR=1") == b"\r\n+CGPADDR: 1,10.148.0.17\r\n\r\nOK\r\n"
    assert d.at("+CPSI?").startswith(b"\r\n+CPSI: LTE,Online,460-00,")


def test_clock():
    d = ready(epoch_s=1767225600)  # 2026-01-01 00:00:00 UTC
    assert d.at("+CCLK?").startswith(b'\r\n+CCLK: "70/01/01,00:00:2')
    d.at("+CTZU=1")
    d.run(86400 * S * 59 - d.now)  # to 1 March
    assert d.at("+CCLK?") == b'\r\n+CCLK: "26/03/01,08:00:00+32"\r\n\r\nOK\r\n'
    d = ready(epoch_s=1767225600, zone_quarters=-14)
    d.at("+CTZU=1")
    assert b'"25/12/31,20:30:' in d.at("+CCLK?") and b'-14"' in d.at("+CCLK?")
