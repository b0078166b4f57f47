# The models of air, cable, sockets and DNS server, by themselves.

import errno

from models import XorShift
from models.dns_server import CNAME, A, DnsServer
from models.ip_net import CLOSE, POLL_HUP, POLL_IN, POLL_OUT, RESET, Host, IpNet
from models.w5500 import W5500
from models.wifi_air import NO_ADDRESS, OPEN, WPA, AccessPoint, Air, random_plan

HOST = ("10.0.0.1", 80)


def fails(code, function, *args):
    try:
        function(*args)
    except OSError as e:
        assert e.args[0] == code, e.args
        return
    raise AssertionError("no OSError")


def tcp(net, address=HOST):
    s = net.socket()
    s.setblocking(False)
    fails(errno.EINPROGRESS, s.connect, address)
    return s


def test_w5500_registers_as_in_the_data_sheet():
    chip = W5500()
    assert chip.spi_transfer(b"\x00\x39\x00\x00", 0)[3] == 0x04  # VERSIONR
    assert chip.spi_transfer(b"\x00\x2e\x00\x00", 0)[3] == 0xBF  # PHYCFGR: link, 100 Mbit/s, full
    chip.plugged = False
    assert chip.spi_transfer(b"\x00\x2e\x00\x00", 0)[3] == 0xB8
    chip.spi_write(b"\x00\x09\x04\x02\x00\x00\x01\x02\x03", 0)  # SHAR, counted up by itself
    assert chip.mac() == b"\x02\x00\x00\x01\x02\x03"
    assert chip.spi_transfer(b"\x00\x09\x00" + bytes(6), 0)[3:] == chip.mac()
    chip.stuck = True
    chip.spi_write(b"\x00\x00\x04\x80", 0)
    assert chip.mac() == bytes(6) and chip.resets == 1 and not chip.stuck
    chip.spi_write(b"\x00\x39\x04\xaa", 0)
    assert chip.spi_transfer(b"\x00\x39\x00\x00", 0)[3] == 0x04
    assert chip.errors == []
    chip.spi_transfer(b"\x00\x00\x08\x00", 0)  # a socket's block
    assert len(chip.errors) == 1
    chip.dead = True
    assert chip.spi_transfer(b"\x00\x39\x00\x00", 0) == b"\xff" * 4 and not chip.forwards()


def test_air_goes_from_search_to_address_and_back():
    shop = AccessPoint("shop", "secret99")
    air = Air(shop)
    air.connect(b"shop", b"secret99")
    assert air.busy() and air.searching() and not air.forwards()
    air.advance(3_000_000)
    assert air.events == [("connected",), ("got_ip", shop.lease)]
    assert air.forwards() and air.address == shop.lease
    air.events.clear()
    air.plan((4_000_000, "up", 0, False), (9_000_000, "up", 0, True), (20_000_000, "up", 0, False))
    air.advance(19_000_000)
    assert air.events == [] and air.forwards()  # 5 s without beacons are endured
    air.advance(26_500_000)
    assert air.events == [("disconnected", 200)] and air.address == NO_ADDRESS and not air.busy()
    assert [s[0] for s in air.done] == [4_000_000, 9_000_000, 20_000_000]


def test_air_refuses_with_the_codes_of_the_driver():
    for point, ssid, password, reason in (
        (AccessPoint("shop", "secret99"), b"none", b"secret99", 201),
        (AccessPoint("shop", "secret99"), b"shop", b"wrong-one", 202),
        (AccessPoint("shop", "secret99"), b"shop", b"", 210),
        (AccessPoint("shop", "", OPEN), b"shop", b"secret99", 211),
        (AccessPoint("shop", "secret99", WPA), b"shop", b"secret99", 211),
    ):
        air = Air(point)
        air.connect(ssid, password)
        air.advance(9_000_000)
        assert air.events == [("disconnected", reason)] and not air.busy(), reason
    # A fast scan takes the first match by channel, not the strongest.
    near, far = AccessPoint("a", rssi=-40, channel=11), AccessPoint("a", rssi=-80, channel=1)
    air = Air(near, far)
    air.connect(b"a", b"")
    air.advance(9_000_000)
    assert air.joined is far
    assert [n[3] for n in air.scan()] == [-40, -80]


def test_a_random_plan_can_be_repeated_and_ends_well():
    plans = [random_plan(XorShift(5), 2, 200_000_000) for _ in range(2)]
    assert plans[0] == plans[1] and len(plans[0]) > 15
    assert plans[0] != random_plan(XorShift(6), 2, 200_000_000)
    air = Air(AccessPoint("a"), AccessPoint("b"))
    air.plan(*plans[0])
    air.advance(300_000_000)
    assert all(p.up and not p.mute and p.dhcp_us for p in air.points)


def test_sockets_do_what_the_port_does():
    woken = []
    net = IpNet(notify=lambda: woken.append(1))
    host = net.hosts[HOST] = Host(lambda link, data: [(0, bytes(reversed(data))), (5, CLOSE)])
    s = tcp(net)
    assert s.ioctl(3, POLL_IN | POLL_OUT | POLL_HUP) == 0 and s.write(b"x") is None
    net.advance(50_000)
    assert woken and s.ioctl(3, POLL_IN | POLL_OUT) == POLL_OUT
    fails(errno.EAGAIN, s.recv, 5)
    assert s.readinto(bytearray(5)) is None and s.send(b"abc") == 3
    net.advance(200_000)
    host.most = 2
    assert s.ioctl(3, POLL_IN) == POLL_IN and s.recv(9) == b"cb"
    assert s.recv(9) == b"a" and s.recv(9) == b"" == s.recv(9)
    s.close()
    s.close()
    fails(9, s.recv, 1)
    assert net.open == [] and bytes(host.received) == b"abc" and host.opened == 1


def test_sockets_fail_as_the_port_does():
    net = IpNet()
    net.hosts[HOST] = Host(connect="refuse")
    s = tcp(net)
    net.advance(50_000)
    # The failure shows as POLLHUP only to who asks for it.
    assert s.ioctl(3, POLL_OUT) == POLL_OUT and s.ioctl(3, POLL_OUT | POLL_HUP) == 20
    fails(errno.ECONNRESET, s.recv, 1)
    fails(errno.ENOTCONN, s.write, b"x")
    net.hosts[HOST].connect = "accept"
    s = tcp(net)
    net.advance(100_000)
    net.deliver(s, b"last words")
    net.deliver(s, RESET, 10)
    net.advance(200_000)
    assert s.recv(100) == b"last words"
    fails(errno.ECONNRESET, s.recv, 1)
    silent = tcp(net, ("10.9.9.9", 80))
    net.advance(1_000_000)
    assert silent.ioctl(3, 31) == 0
    while len(net.open) < 10:
        net.socket()
    fails(23, net.socket)


def test_what_is_lost_is_sent_again():
    net = IpNet()
    host = net.hosts[HOST] = Host(lambda link, data: [(0, data)])
    s = tcp(net)
    net.advance(50_000)
    net.path = lambda: False
    s.send(b"abc")
    net.advance(2_000_000)
    assert bytes(host.received) == b""
    net.path = lambda: True
    net.advance(4_000_000)
    assert bytes(host.received) == b"abc" and s.recv(9) == b"abc"
    host.deaf = True
    sent = 0
    while (n := s.write(bytes(1000))) is not None:
        sent += n
    assert sent == 5744 and s.ioctl(3, POLL_OUT) == 0


def test_blocking_calls_let_time_pass_and_never_end_for_nobody():
    net = IpNet(block=lambda us: net.advance(net.now_us + us))
    net.hosts[HOST] = Host(lambda link, data: [(0, data)])
    net.names["there"] = HOST[0]
    s = net.socket()
    s.connect(net.getaddrinfo("there", 80)[0][-1])
    assert net.now_us >= 100_000 and s.send(b"abc") == 3 and s.recv(9) == b"abc"
    before = net.now_us
    fails(202, net.getaddrinfo, "nowhere", 80)
    assert net.now_us - before >= 10_000_000
    try:
        s.recv(1)
    except RuntimeError:
        return
    raise AssertionError("it ended")


def test_dns_server_reads_strictly_and_writes_by_the_standard():
    query = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x01a\x02de\x00\x00\x01\x00\x01"
    d = DnsServer({"a.de": [(CNAME, 60, "b.de")], "b.de": [(A, 30, "1.2.3.4")]})
    ((delay, answer),) = d(query, 0)
    assert delay == 5000 and answer == (
        b"\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" + query[12:]
        + b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x01b\x02de\x00"
        + b"\x01b\x02de\x00\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\x01\x02\x03\x04"
    )  # fmt: skip
    assert d.queries == [("a.de", 1)] and d.errors == []
    for bad in (b"", query[:-1], query + b"x", b"\x12\x34\x81\x80" + query[4:],
                query[:12] + b"\x50" + query[13:]):  # fmt: skip
        assert d(bad, 0) == []
    assert len(d.errors) == 5
    d.mute = 1
    assert d(query, 0) == [] and len(d(query, 0)) == 1
