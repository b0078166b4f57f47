# One TCP connection as a bearer, over non-blocking sockets: W16 to W22, against a host and a
# network that do what they please, and once over real sockets.

import asyncio

import bus
import network
from harness import Rng, Skip, araises, cancel_at, rounds, seed, until
from naive_wifi import _Naive
from netbench import HOST, NAME, PORT, again, echo, fails, longest_gap, now_us, talk

from app.kernel import clock
from drivers.net.bearer import SocketBearer, bars
from drivers.net.wifi import Wifi
from models.dns_server import A, DnsServer
from models.ip_net import CLOSE, RESET, Host, IpNet
from models.wifi_air import AccessPoint, Air

DNS = "192.168.4.1"


class Plain(SocketBearer):
    """A link that is simply there."""

    def __init__(self, net):
        super().__init__("plain", clock, net)
        self.link_up()

    def addresses(self):
        return ("192.168.4.2", "255.255.255.0", DNS, DNS)


class Naive(_Naive):
    def __init__(self, net):
        super().__init__(net)
        self.ready = True


def bench(make=Plain, answer=echo, limit=10):
    """(net, host, driver)"""
    rack = bus.current.rack
    again()

    def block(us):
        bus.current.spend(us)
        net.advance(now_us())

    net = IpNet(now_us, notify=lambda: rack.events.append(("irq", -1, 0)), block=block)
    net.limit = limit
    rack.attach(net)
    host = net.hosts[HOST, PORT] = Host(answer)
    net.servers[DNS, 53] = DnsServer({NAME: [(A, 300, HOST)]})
    net.names[NAME] = HOST
    return net, host, make(net)


def test_bars():
    assert [bars(n) for n in (-30, -55, -56, -67, -75, -85, -86, -120)] == [4, 4, 3, 3, 2, 1, 0, 0]


async def test_every_byte_comes_back_however_it_is_cut():
    rng = Rng(seed(7))
    net, host, d = bench()
    await d.connect(HOST, PORT, 5000)
    for most in (None, 1, 7, 300):
        host.most = most
        data = rng.bytes(1 + rng.below(900))
        assert await talk(d, data) == data
    # Larger than the stack's buffer: sent as it drains.
    data = rng.bytes(9000)
    host.most = None
    assert await talk(d, data, 20_000) == data
    # Merged: two answers in one read, and an answer in pieces with time between them.
    host.answer = lambda link, data: [(0, b"one"), (0, b"two"), (900_000, b"three")]
    await d.send(b"?", 5000)
    await asyncio.sleep_ms(300)
    buf = bytearray(20)
    assert await d.recv_into(buf, 100) == 6 and buf[:6] == b"onetwo"
    assert await d.recv_into(buf, 5000) == 5 and buf[:5] == b"three"
    await d.close()
    assert net.open == []


async def test_what_connect_says():
    net, host, d = bench()
    net.hosts[HOST, 1] = Host(connect="refuse")
    net.hosts[HOST, 2] = Host(connect="silent")
    assert not d.connected
    e = await araises(OSError, d.connect(HOST, 1, 5000))
    assert e.args[0] == 104  # what lwIP says for a refused connection
    start = now_us()
    await araises(asyncio.TimeoutError, d.connect(HOST, 2, 5000))
    assert 5_000_000 <= now_us() - start < 5_100_000
    e = await araises(OSError, d.connect("no.such.name", PORT, 5000))
    assert e.args[0] == -2
    d.link_down("lost")
    e = await araises(OSError, d.connect(HOST, PORT, 5000))
    assert e.args[0] == 101 and d.reason == "lost"
    d.link_up()
    for _ in range(30):  # more than there are sockets
        await d.connect(HOST, PORT, 5000)
    assert len(net.open) == 1 and d.connected
    await d.close()
    assert net.open == [] and net.most_open <= 2
    for used in (d.send(b"x", 100), d.recv_into(bytearray(2), 100)):
        assert (await araises(OSError, used)).args[0] == 101
    # No socket left: an error as any other.
    while len(net.open) < net.limit:
        net.socket()
    assert (await araises(OSError, d.connect(HOST, PORT, 5000))).args[0] == 23


# ---- W16 ----------------------------------------------------------------------------------------


async def check_half_open(make):
    net, host, d = bench(make)
    await d.connect(HOST, PORT, 5000)
    net.path = lambda: False  # the host's machine, or the way to it, is gone without a word
    await d.send(b"hello", 5000)
    start = now_us()
    try:
        await asyncio.wait_for_ms(d.recv_into(bytearray(9), 3000), 60_000)
        raise AssertionError("an answer")
    except asyncio.TimeoutError:
        pass
    assert now_us() - start < 3_600_000, now_us() - start
    assert d.suspicion.is_set() and d.silences == 1
    await d.close()


async def test_w16_a_half_open_connection_ends_at_the_deadline():
    """Nobody says that the host is gone: every wait has its own end, and raises suspicion."""
    await check_half_open(Plain)
    await fails(check_half_open, Naive)


# ---- W17 ----------------------------------------------------------------------------------------


async def check_idle_end(make):
    for end in (CLOSE, RESET):
        net, host, d = bench(make)
        await d.connect(HOST, PORT, 5000)
        assert await talk(d) == b"hello"
        net.deliver(host.link, end)
        await asyncio.sleep_ms(50)
        assert not d.connected, end
        await araises(OSError, d.send(b"sale", 1000))
        await asyncio.sleep_ms(100)
        assert bytes(host.received) == b"hello"
        await d.close()


async def test_w17_an_idle_connection_that_the_host_closed_gets_no_message():
    """Hosts close after some idle minutes; the next message would vanish, and owe a reversal."""
    await check_idle_end(Plain)
    await fails(check_idle_end, Naive)


async def test_what_comes_unasked_is_kept():
    """The look for the host's end must not eat what it finds."""
    net, host, d = bench()
    await d.connect(HOST, PORT, 5000)
    net.deliver(host.link, b"welcome")
    net.deliver(host.link, CLOSE, 1000)
    await asyncio.sleep_ms(100)
    assert d.connected and d.connected
    buf = bytearray(3)
    for n in (3, 3, 1):
        assert await d.recv_into(buf, 100) == n
    assert await d.recv_into(buf, 100) == 0 and not d.connected
    assert await d.recv_into(buf, 100) == 0


# ---- W18 ----------------------------------------------------------------------------------------


async def check_reset_behind(make):
    net, host, d = bench(make, lambda link, data: [(0, b"approved"), (100, RESET)])
    await d.connect(HOST, PORT, 5000)
    await d.send(b"sale", 5000)
    await asyncio.sleep_ms(300)
    buf = bytearray(30)
    n = await asyncio.wait_for_ms(d.recv_into(buf, 2000), 3000)
    assert buf[:n] == b"approved"
    e = await araises(OSError, d.recv_into(buf, 2000))
    assert e.args[0] == 104 and not d.connected
    await d.close()


class Readinto(Naive):
    """readinto() of a port reads until it fails; a failure behind data costs the data."""

    async def recv_into(self, buf, timeout_ms):
        for _ in range(timeout_ms // 10):
            n = self._sock.readinto(buf)
            if n is not None:
                return n + (self._sock.readinto(memoryview(buf)[n:]) or 0)
            await asyncio.sleep_ms(10)
        raise asyncio.TimeoutError()


async def test_w18_an_answer_with_a_reset_behind_it_is_not_lost():
    """A host that closes with unread data resets: its answer lies before that."""
    await check_reset_behind(Plain)
    await fails(check_reset_behind, Readinto)


async def test_a_close_in_the_middle_of_a_message():
    net, host, d = bench(answer=lambda link, data: [(0, b"appr"), (50_000, CLOSE)])
    await d.connect(HOST, PORT, 5000)
    await d.send(b"sale", 5000)
    buf = bytearray(30)
    assert await d.recv_into(buf, 2000) == 4
    assert await d.recv_into(buf, 2000) == 0 and not d.connected
    await d.close()
    assert net.open == []


# ---- W19 ----------------------------------------------------------------------------------------


async def check_full(make):
    net, host, d = bench(make)
    host.deaf = True
    await d.connect(HOST, PORT, 5000)
    start = now_us()
    await araises(asyncio.TimeoutError, asyncio.wait_for_ms(d.send(bytes(8000), 2000), 30_000))
    assert now_us() - start < 2_600_000
    assert not d.connected  # nobody knows what of it will arrive
    await d.close()


async def test_w19_a_host_that_takes_nothing_more_ends_the_send_at_the_deadline():
    """A full send buffer; half a message went out, so the connection is of no use."""
    await check_full(Plain)
    await fails(check_full, Naive)


# ---- W20 ----------------------------------------------------------------------------------------


async def test_w20_cancelled_at_any_await_it_leaks_no_socket_and_works_again():
    """The cashier cancels whenever she likes; lwIP has 10 sockets, so each leak counts."""

    async def all_of_it(d, host):
        await d.connect(host, PORT, 5000)
        await talk(d, b"x" * 7000)
        await d.close()

    for host_name in (HOST, NAME):
        for ms in range(0, 260, 260 // rounds(52)):
            net, host, d = bench(limit=3)
            await cancel_at(ms, lambda d=d, n=host_name: all_of_it(d, n))
            assert len(net.open) <= 1, (ms, net.open)
            await all_of_it(d, NAME)
            assert net.open == []


async def test_cancelled_in_a_send_the_connection_is_not_used_again():
    net, host, d = bench()
    await d.connect(HOST, PORT, 5000)
    host.deaf = True
    assert not await cancel_at(500, lambda: d.send(bytes(8000), 20_000))
    assert not d.connected
    # Cancelled in a read nothing is lost.
    net, host, d = bench()
    await d.connect(HOST, PORT, 5000)
    assert not await cancel_at(500, lambda: d.recv_into(bytearray(5), 20_000))
    assert d.connected and await talk(d) == b"hello"


# ---- W21 ----------------------------------------------------------------------------------------


async def test_w21_a_link_that_goes_ends_every_wait_in_half_a_second():
    """Who waits for an answer need not wait for the deadline when there is no link any more."""
    net, host, d = bench()
    net.hosts[HOST, 2] = Host(connect="silent")
    for start in (
        lambda: d.recv_into(bytearray(5), 60_000),
        lambda: d.send(bytes(20_000), 60_000),
        lambda: d.connect(HOST, 2, 60_000),
    ):
        d.link_up()
        await d.connect(HOST, PORT, 5000)
        host.deaf = True
        task = asyncio.create_task(start())
        await asyncio.sleep_ms(700)
        d.link_down("lost")
        begun = now_us()
        e = await araises(OSError, task)
        assert e.args[0] == 101 and now_us() - begun <= 600_000
        await d.close()
        host.deaf = False
        assert net.open == []


# ---- W22 ----------------------------------------------------------------------------------------


async def test_w22_the_next_address_of_a_name_is_tried():
    """A host with two machines, one of them dead or refusing: the time is shared."""
    for first in ("refuse", "silent"):
        net, host, d = bench()
        net.servers[DNS, 53].zone[NAME] = [(A, 300, "10.9.9.9"), (A, 300, HOST)]
        net.hosts["10.9.9.9", PORT] = Host(connect=first)
        start = now_us()
        await d.connect(NAME, PORT, 6000)
        assert await talk(d) == b"hello" and now_us() - start < 4_000_000
        await d.close()
        assert net.open == []


async def test_a_host_that_moved_is_found_again():
    """The address of last time refuses though it should be good for an hour: ask again."""
    net, host, d = bench()
    await d.connect(NAME, PORT, 5000)
    await d.close()
    del net.hosts[HOST, PORT]
    net.hosts["10.2.2.2", PORT] = host
    net.servers[DNS, 53].zone[NAME] = [(A, 3600, "10.2.2.2")]
    await araises(asyncio.TimeoutError, d.connect(NAME, PORT, 5000))
    await d.connect(NAME, PORT, 5000)
    assert await talk(d) == b"hello"


async def test_nothing_of_it_stops_the_loop():
    net, host, d = bench()

    async def all_of_it():
        await d.connect(NAME, PORT, 5000)
        await talk(d, b"x" * 3000)
        host.deaf = True
        await d.send(bytes(8000), 3000)

    result, gap = await longest_gap(all_of_it())
    assert isinstance(result, asyncio.TimeoutError) and gap <= 5000, gap


# ---- real sockets -------------------------------------------------------------------------------


async def _serve(listener):
    """One connection after the other over real sockets: gives back what comes, in pieces."""
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            await asyncio.sleep_ms(2)
            continue
        sock.setblocking(False)
        while True:
            await asyncio.sleep_ms(2)
            try:
                data = sock.recv(100)
            except OSError:
                continue
            if not data or data == b"end":
                break
            sock.send(data)
        sock.close()


def _listen(socket):
    for port in range(20_311, 20_400):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        except OSError:
            s.close()
            continue
        s.listen(2)
        s.setblocking(False)
        return s, port
    raise Skip("no free port")


def _real():
    """The module socket; from here on time is real."""
    try:
        import socket
    except ImportError:
        raise Skip("this interpreter has no sockets")
    bus.use(bus.LocalBus(virtual=False))
    return socket


async def test_wifi_over_real_sockets():
    socket = _real()
    network.use(Air(AccessPoint("shop", "secret99")))
    listener, port = _listen(socket)
    server = asyncio.create_task(_serve(listener))
    d = Wifi(network.WLAN(network.STA_IF), clock, (("shop", "secret99"),))
    owner = asyncio.create_task(d.run())
    await until(lambda: d.ready, 5000)
    await d.connect("127.0.0.1", port, 3000)
    assert await talk(d, b"hello", 3000) == b"hello"
    owner.cancel()
    await asyncio.sleep_ms(1)
    assert not d.connected and not d.ready
    await d.close()
    server.cancel()
    listener.close()


async def test_over_real_sockets():
    socket = _real()
    listener, port = _listen(socket)
    server = asyncio.create_task(_serve(listener))
    d = Plain(None)
    for _ in range(2):
        await d.connect("127.0.0.1", port, 3000)
        assert d.connected
        data = bytes(range(256)) * 6
        assert await talk(d, data, 3000) == data
        await d.send(b"end", 3000)
        await until(lambda: not d.connected, 3000)
        assert await d.recv_into(bytearray(5), 1000) == 0
        await d.close()
    await d.connect("127.0.0.1", port, 3000)
    await araises(asyncio.TimeoutError, d.recv_into(bytearray(5), 150))
    assert not await cancel_at(50, lambda: d.recv_into(bytearray(5), 3000))
    assert await talk(d, b"still there", 3000) == b"still there"
    await d.close()
    server.cancel()
    listener.close()
    e = await araises(OSError, d.connect("127.0.0.1", port, 3000))
    assert e.args[0] == 111
