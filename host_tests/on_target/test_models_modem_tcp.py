# The modem model: sockets and faults. Runs inside MicroPython.

from test_models_modem import S, online, ready

# --- sockets ------------------------------------------------------------------------------------


def test_service_errors():
    d = ready()
    assert d.at("+IPADDR") == b"\r\n+IP ERROR: Network not opened\r\n\r\nERROR\r\n"
    assert d.at("+NETCLOSE") == b"\r\n+NETCLOSE: 2\r\n\r\nERROR\r\n"
    assert d.at('+CIPOPEN=0,"TCP","h",1') == b"\r\n+CIPOPEN: 0,2\r\n\r\nERROR\r\n"
    assert d.at("+CIPSEND=0,4") == b"\r\n+CIPERROR: 2\r\n\r\nERROR\r\n"
    assert d.at("+NETOPEN?") == b"\r\n+NETOPEN: 0\r\n\r\nOK\r\n"
    d.at("+NETOPEN", 2 * S)
    assert d.at("+IPADDR") == b"\r\n+IPADDR: 10.148.0.17\r\n\r\nOK\r\n"
    assert d.at("+CIPCLOSE=0") == b"\r\n+CIPCLOSE: 0,4\r\n\r\nERROR\r\n"
    assert d.at("+CIPSEND=0,4") == b"\r\n+CIPERROR: 4\r\n\r\nERROR\r\n"
    assert d.at('+CIPOPEN=0,"UDP","h",1') == b"\r\n+CIPOPEN: 0,3\r\n\r\nERROR\r\n"
    assert d.at('+CIPOPEN=11,"TCP","h",1') == b"\r\n+IP ERROR: Invalid parameter\r\n\r\nERROR\r\n"
    assert d.net.log == []
    d = ready(network="searching")
    assert d.at("+NETOPEN", 2 * S) == b"\r\nOK\r\n\r\n+NETOPEN: 1\r\n"


def test_open_results():
    d = online()
    assert d.net.log == [("open", 0, "10.0.0.1", 8583)]
    assert d.at('+CIPOPEN=0,"TCP","h",1') == b"\r\n+CIPOPEN: 0,4\r\n\r\nERROR\r\n"
    assert d.at('+CIPOPEN=1,"TCP","host.example",80') == b"\r\nOK\r\n"
    d.m.net_opened(1, 11, d.now)
    assert d.run(S) == b"\r\n+CIPOPEN: 1,11\r\n"
    assert d.at("+CIPOPEN?").startswith(
        b'\r\n+CIPOPEN: 0,"TCP","10.0.0.1",8583,-1\r\n+CIPOPEN: 1\r\n+CIPOPEN: 2\r\n'
    )
    assert d.at("+CIPCLOSE?") == b"\r\n+CIPCLOSE: 1,0,0,0,0,0,0,0,0,0\r\n\r\nOK\r\n"


def test_nothing_of_a_link_comes_before_its_open_result():
    d = online()
    d.at('+CIPOPEN=1,"TCP","h",80')
    d.m.net_opened(1, 0, d.now)
    d.m.net_data(1, b"hi", d.now)
    d.m.net_closed(1, d.now + 1000)
    d.now += 1000
    assert d.run(S) == b"\r\n+CIPOPEN: 1,0\r\n\r\n+CIPRXGET: 1,1\r\n\r\n+IPCLOSE: 1,1\r\n"
    assert b"\r\nhi\r\n" in d.at("+CIPRXGET=2,1")


def test_open_timeout():
    d = online()
    d.at("+CIPTIMEOUT=,10000")
    d.at('+CIPOPEN=1,"TCP","h",80', 9 * S)
    assert d.run(2 * S) == b"\r\n+CIPOPEN: 1,10\r\n"
    assert d.net.log[-1] == ("close", 1)
    d.m.net_opened(1, 0, d.now)  # too late
    assert d.run(S) == b""
    # The old timer does not hit the next attempt on the same link.
    d.at('+CIPOPEN=1,"TCP","h",80', 5 * S)
    d.m.net_opened(1, 0, d.now)
    assert d.run(20 * S) == b"\r\n+CIPOPEN: 1,0\r\n"


def test_an_open_that_was_given_up_says_nothing_later():
    d = online()
    d.at('+CIPOPEN=1,"TCP","h",80')
    d.at("+NETCLOSE")
    assert ("close", 1) in d.net.log
    assert d.run(200 * S) == b""


def test_semicolon_in_a_string():
    d = online()
    assert d.at('+CIPOPEN=1,"TCP","a;b,c",80;+CSQ') == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
    assert d.net.log[-1] == ("open", 1, "a;b,c", 80)


def test_send_and_its_result():
    d = online()
    assert d.at("+CIPSEND=0,6") == b"\r\n>"
    d.send(b"\x1b\x1a\x03")
    assert d.run(S) == b""
    d.send(b"AT\r")
    assert d.run(20000) == b"\r\nOK\r\n"
    assert d.net.log[-1] == ("send", 0, b"\x1b\x1a\x03AT\r")
    assert d.at("+CIPSEND=0,1", 19000) == b"\r\n+CIPERROR: 8\r\n\r\nERROR\r\n"
    assert d.run(S) == b"\r\n+CIPSEND: 0,6,6\r\n"
    assert d.at("+CIPACK=0") == b"\r\n+CIPACK: 6,6,0\r\n\r\nOK\r\n"


def test_payload_before_the_prompt_is_lost():
    d = online()
    d.send(b"AT+CIPSEND=0,3\rabc")
    assert d.run(S) == b"\r\n>" and d.m.errors == ["bytes while a command runs"]
    d.send(b"xyz")
    d.run(S)
    assert d.net.log[-1] == ("send", 0, b"xyz")


def test_payload_without_length():
    d = online()
    assert d.at("+CIPSEND=0") == b"\r\n>"
    d.send(b"a\x03\x1ab\x03\x03c\x03\x1bd\x1a")
    assert d.run(S) == b"\r\nOK\r\n\r\n+CIPSEND: 0,7,7\r\n"
    assert d.net.log[-1] == ("send", 0, b"a\x1ab\x03c\x1bd")
    d.at("+CIPSEND=0,")
    d.send(b"abc\x1b")
    assert d.run(S) == b"\r\nOK\r\n" and d.net.log[-1] == ("send", 0, b"a\x1ab\x03c\x1bd")


def test_escape_in_fixed_length_is_an_option():
    d = online(esc_aborts=True)
    d.at("+CIPSEND=0,3")
    d.send(b"\x1b")
    assert d.run(S) == b"\r\nOK\r\n" and d.net.log[-1][0] == "open"
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


def test_limits():
    d = online()
    assert d.at("+CIPSEND=0,1501") == b"\r\n+CIPERROR: 3\r\n\r\nERROR\r\n"
    assert d.at("+CIPSEND=0,0") == b"\r\n+CIPERROR: 3\r\n\r\nERROR\r\n"
    assert d.at("+CIPRXGET=2,0,1501") == b"\r\n+IP ERROR: Invalid parameter\r\n\r\nERROR\r\n"
    assert len(d.m.errors) == 3
    assert d.at("+CIPSEND=0,1500") == b"\r\n>"
    d.send(b"x" * 1500)
    assert d.run(S) == b"\r\nOK\r\n\r\n+CIPSEND: 0,1500,1500\r\n"
    d.m.net_data(0, b"y" * 2000, d.now)
    d.run(S)
    out = d.at("+CIPRXGET=2,0")
    assert out == b"\r\n+CIPRXGET: 2,0,1500,500\r\n" + b"y" * 1500 + b"\r\n\r\nOK\r\n"


def test_payload_echo():
    d = online()
    d.at("E1")
    assert d.at("+CIPSEND=0,3") == b"AT+CIPSEND=0,3\r\r\n>"
    d.send(b"abc")
    assert d.run(S) == b"abc\r\nOK\r\n\r\n+CIPSEND: 0,3,3\r\n"


def test_manual_receive():
    d = online()
    assert d.at("+CIPRXGET=2,0") == b"\r\n+IP ERROR: No data\r\n\r\nERROR\r\n"
    assert d.at("+CIPRXGET=4,0") == b"\r\n+CIPRXGET: 4,0,0\r\n\r\nOK\r\n"
    d.m.net_data(0, b"\r\nOK\r\n>", d.now)
    assert d.run(S) == b"\r\n+CIPRXGET: 1,0\r\n"
    d.m.net_data(0, b"more", d.now)
    assert d.run(S) == b""  # told once until all is read
    assert d.at("+CIPRXGET=4,0") == b"\r\n+CIPRXGET: 4,0,11\r\n\r\nOK\r\n"
    assert d.at("+CIPRXGET=2,0,7") == (b"\r\n+CIPRXGET: 2,0,7,4\r\n\r\nOK\r\n>\r\n\r\nOK\r\n")
    assert d.at("+CIPRXGET=3,0,3") == b"\r\n+CIPRXGET: 3,0,3,1\r\n6D6F72\r\n\r\nOK\r\n"
    assert d.at("+CIPRXGET=2,0") == b"\r\n+CIPRXGET: 2,0,1,0\r\ne\r\n\r\nOK\r\n"
    d.m.net_data(0, b"again", d.now)
    assert d.run(S) == b"\r\n+CIPRXGET: 1,0\r\n"
    assert d.at("+CIPRXGET?") == b"\r\n+CIPRXGET: 1\r\n\r\nOK\r\n"


def test_push_receive():
    d = online(manual=False)
    d.m.net_data(0, b"data\r\n", d.now)
    assert d.run(S) == b"\r\nRECV FROM:10.0.0.1:8583\r\n+IPD6\r\ndata\r\n"
    d.at("+CIPSRIP=0")
    d.m.net_data(0, b"x", d.now)
    assert d.run(S) == b"\r\n+IPD1\r\nx"
    assert d.at("+CIPRXGET=2,0") == b"\r\n+IP ERROR: Operation not supported\r\n\r\nERROR\r\n"


def test_closing():
    d = online()
    assert d.at("+CIPCLOSE=0") == b"\r\nOK\r\n\r\n+CIPCLOSE: 0,0\r\n"
    assert d.net.log[-1] == ("close", 0)
    d = online()
    d.m.net_data(0, b"last", d.now)
    d.run(S)
    d.m.net_closed(0, d.now)
    assert d.run(S) == b"\r\n+IPCLOSE: 0,1\r\n"
    assert b"last" in d.at("+CIPRXGET=2,0")  # what had come can still be read
    assert d.at("+CIPSEND=0,1") == b"\r\n+CIPERROR: 4\r\n\r\nERROR\r\n"
    assert d.at("+CIPCLOSE=0") == b"\r\n+CIPCLOSE: 0,4\r\n\r\nERROR\r\n"
    d.net.at_once = True
    assert b"+CIPOPEN: 0,0" in d.at('+CIPOPEN=0,"TCP","h",1')
    d.at("+NETCLOSE")
    assert d.net.log[-1] == ("close", 0)


def test_close_while_the_payload_is_coming():
    d = online()
    d.at("+CIPSEND=0,4")
    d.send(b"ab")
    d.m.net_closed(0, d.now)
    assert d.run(S) == b"\r\n+IPCLOSE: 0,1\r\n"
    d.send(b"cd")
    assert d.run(S) == b"\r\n+CIPERROR: 4\r\n\r\nERROR\r\n"
    assert d.net.log[-1][0] == "open"


# --- faults ------------------------------------------------------------------------------------


def test_urc_places():
    d = online()
    f = d.m.faults
    f.urc("+CIPRXGET: 1,3", "+CIPRXGET=4", "start")
    assert d.at("+CIPRXGET=4,0") == (b"\r\n+CIPRXGET: 1,3\r\n\r\n+CIPRXGET: 4,0,0\r\n\r\nOK\r\n")
    f.urc("RING", "+CSQ", "final")
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nRING\r\n\r\nOK\r\n"
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
    f.urc("RING", "+CSQ", "end")
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n\r\nRING\r\n"
    f.urc("RING", "I", "info")
    out = d.at("I")
    assert out.find(b"Manufacturer") < out.find(b"RING") < out.find(b"Model")
    f.urc("RING", "+CIPSEND", "prompt")
    assert d.at("+CIPSEND=0,1") == b"\r\nRING\r\n\r\n>"
    d.send(b"x")
    d.run(S)
    d.m.net_data(0, b"abc", d.now)
    d.run(S)
    f.urc("RING", "+CIPRXGET=2", "data")
    assert d.at("+CIPRXGET=2,0") == (b"\r\n+CIPRXGET: 2,0,3,0\r\n\r\nRING\r\nabc\r\n\r\nOK\r\n")


def test_storm():
    d = ready()
    d.m.storm(100000, d.now, inside=0.5, seed=3)
    out = d.run(3 * S)
    assert 15 < out.count(b"\r\n\r\n") < 60
    for _ in range(20):
        reply = d.at("+CSQ", 50000)
        assert b"\r\n+CSQ: 21,99\r\n" in reply and reply.count(b"\r\nOK\r\n") == 1
    d.m.storm(10**9, d.now, inside=1.0)
    reply = d.at("+CSQ")
    assert reply.startswith(b"\r\n+CSQ: 21,99\r\n\r\n+") and reply.endswith(b"\r\n\r\nOK\r\n")
    d.m.storm(0, d.now)
    assert d.run(2 * 10**9) == b""
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


def test_silence():
    d = ready()
    d.m.faults.silence_at = d.m.line.commands + 2
    assert b"OK" in d.at("")
    assert d.at("") == b"" and d.at("") == b""
    d.m.power(False, d.now)
    d.m.power(True, d.now)
    d.run(15 * S)
    assert b"OK" in d.at("")


def test_reboot_at_command():
    d = online()
    d.m.faults.reboot_at = d.m.line.commands + 1
    assert d.at("+CSQ") == b"" and d.net.log[-1] == ("close", 0)
    assert d.run(15 * S).startswith(b"\r\n*ATREADY: 1\r\n")
    assert d.at("E0+NETOPEN?").endswith(b"\r\n+NETOPEN: 0\r\n\r\nOK\r\n")


def test_bad_line():
    d = ready()
    d.m.faults.drop = 0.2
    clean = 0
    for _ in range(30):
        clean += d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
    assert clean < 10
    d.m.faults.drop = 0.0
    d.m.faults.flip = 1.0
    d.send(b"x" * 50 + b"\r")
    d.m.faults.flip = 0.0
    d.send(b"\r")
    d.run(S)
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


def test_send_failures():
    for how, reply, sent in (
        ("error", b"\r\n+CIPERROR: 1\r\n\r\nERROR\r\n", None),
        ("short", b"\r\nOK\r\n\r\n+CIPSEND: 0,4,2\r\n", b"ab"),
        ("none", b"\r\nOK\r\n\r\n+CIPSEND: 0,4,0\r\n", None),
        ("closed", b"\r\nOK\r\n\r\n+CIPSEND: 0,4,-1\r\n\r\n+IPCLOSE: 0,2\r\n", None),
        ("lost", b"\r\nOK\r\n\r\n+CIPSEND: 0,4,4\r\n", None),
    ):
        d = online()
        d.m.faults.send_fail(how)
        d.at("+CIPSEND=0,4")
        d.send(b"abcd")
        assert d.run(S) == reply, how
        data = [e[2] for e in d.net.log if e[0] == "send"]
        assert data == ([sent] if sent else []), how


def test_late_and_double_ok():
    d = ready()
    d.m.faults.final("+CSQ", delay_us=500000)
    assert d.at("+CSQ", 400000) == b"\r\n+CSQ: 21,99\r\n"
    d.send(b"AT\r")  # still busy
    assert d.run(S) == b"\r\nOK\r\n" and d.m.errors != []
    d.m.faults.final("+CSQ", copies=2)
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n\r\nOK\r\n"
    assert d.at("+CSQ") == b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


def test_crash_and_hang():
    d = online()
    d.m.crash(d.now)
    assert d.net.log[-1] == ("close", 0)
    assert d.run(15 * S).startswith(b"\r\n*ATREADY: 1\r\n")
    d.m.hang(d.now)
    assert d.at("") == b"" and d.m.status() == 1
    d.m.pwrkey(0, d.now)
    d.run(5 * S)
    d.m.pwrkey(1, d.now)
    d.run(3 * S)
    d.m.pwrkey(0, d.now)
    d.run(100000)
    d.m.pwrkey(1, d.now)
    assert b"PB DONE" in d.run(15 * S)


def test_open_error_fault():
    d = online()
    d.m.faults.open_error = 11
    assert d.at('+CIPOPEN=2,"TCP","h",1', 3 * S) == b"\r\nOK\r\n\r\n+CIPOPEN: 2,11\r\n"


def test_baud():
    d = ready()
    told = []
    d.m.on_baud = told.append
    assert d.at("+IPR=460800") == b"\r\nOK\r\n"
    assert told == [460800] and d.m.baud == 460800
    assert d.at("+IPR=12345") == b"\r\n+CME ERROR: Incorrect parameters\r\n"
