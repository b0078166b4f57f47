# Names: the codec on any bytes, and the resolver against servers that lie, break and fall silent
# (W23 to W27).

import asyncio
import struct

from harness import Rng, araises, raises, rounds, seed
from netbench import HOST, NAME, PORT, fails, longest_gap, now_us
from test_bearer import DNS, Naive, bench

from drivers.net import dns
from drivers.net.dns import DnsError
from models.dns_server import CNAME, A

# RFC 1035, 4.1: a query for the address of f.isi.arpa with id 7, and an answer with its name as a
# pointer, written out by hand.
QUERY = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01f\x03isi\x04arpa\x00\x00\x01\x00\x01"
ANSWER = (
    b"\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01F\x03isi\x04arpa\x00\x00\x01\x00\x01"
    b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04\x0a\x02\x00\x34"
)


def answer(question, *records, ident=7, flags=0x8180, count=None):
    head = struct.pack(">HHHHHH", ident, flags, 1, len(records) if count is None else count, 0, 0)
    return head + question + b"".join(records)


def record(owner, kind, data, ttl=60, clas=1):
    return owner + struct.pack(">HHIH", kind, clas, ttl, len(data)) + data


Q = QUERY[12:]
IP = b"\x0a\x02\x00\x34"
SELF = b"\xc0\x0c"


def why(data, ident=7, name="f.isi.arpa"):
    return raises(DnsError, dns.decode, data, ident, name).args[0]


def test_the_codec_reads_and_writes_the_standard():
    assert dns.encode(7, "f.isi.arpa") == QUERY == dns.encode(7, "f.isi.arpa.")
    assert dns.encode(1, "", 2) == b"\x00\x01\x01\x00\x00\x01" + bytes(6) + b"\x00\x00\x02\x00\x01"
    assert dns.decode(ANSWER, 7, "f.isi.arpa") == (("10.2.0.52",), 3600, None)
    assert dns.decode(ANSWER, 7, "F.ISI.Arpa") == (("10.2.0.52",), 3600, None)
    for name in ("a..b", ".", "x" * 64 + ".de", ("a" * 50 + ".") * 6, "\u5e97" * 22):
        assert raises(DnsError, dns.encode, 1, name).args == ("name",)
    for text, is_one in (("10.0.0.1", True), ("255.255.255.255", True), ("256.1.1.1", False),
                         ("1.2.3", False), ("1.2.3.4.5", False), ("a.b.c.d", False), ("", False),
                         ("1..2.3", False), ("0001.2.3.4", False)):  # fmt: skip
        assert dns.dotted(text) == is_one, text


def test_answers_of_all_kinds():
    ip2 = b"\x0a\x02\x00\x35"
    both = answer(Q, record(SELF, 1, IP, 60), record(SELF, 1, ip2, 30))
    assert dns.decode(both, 7, "f.isi.arpa") == (("10.2.0.52", "10.2.0.53"), 30, None)
    many = answer(Q, *[record(SELF, 1, IP)] * 40)
    assert len(dns.decode(many, 7, "f.isi.arpa")[0]) == 4
    # What is of no use is passed over: other types, classes, owners, an address of 16 bytes.
    mixed = answer(
        Q, record(SELF, 28, bytes(16)), record(SELF, 1, IP, clas=3), record(SELF, 1, bytes(16)),
        record(b"\x01g\xc0\x0e", 1, ip2), record(SELF, 1, IP),
    )  # fmt: skip
    assert dns.decode(mixed, 7, "f.isi.arpa")[0] == ("10.2.0.52",)
    # Aliases, in any order, and one without its address.
    g = b"\x01g\xc0\x0e"
    chain = answer(Q, record(g, 1, IP, 20), record(SELF, 5, g, 90))
    assert dns.decode(chain, 7, "f.isi.arpa") == (("10.2.0.52",), 20, None)
    assert dns.decode(answer(Q, record(SELF, 5, g)), 7, "f.isi.arpa") == ((), 60, "g.isi.arpa")
    for rcode, expected in ((1, "server"), (2, "server"), (3, "no_name"), (5, "server")):
        assert why(answer(Q, flags=0x8180 | rcode)) == expected
    assert why(answer(Q)) == "no_address"
    assert why(answer(Q, record(SELF, 5, SELF))) == "no_address"  # an alias of itself
    assert why(answer(Q, record(SELF, 5, b"\x00"))) == "no_address"  # and of nothing


def test_what_is_no_answer_to_our_question():
    assert why(ANSWER, ident=8) == "not_ours"
    assert why(ANSWER, name="g.isi.arpa") == "not_ours"
    assert why(QUERY) == "not_ours"  # our own question come back
    assert why(answer(Q, flags=0x9180)) == "not_ours"  # another opcode
    assert why(answer(Q[:-4] + b"\x00\x1c\x00\x01")) == "not_ours"
    two = bytearray(ANSWER)
    two[5] = 2
    assert why(two) == "not_ours"


def test_no_bytes_upset_the_codec():
    for n in range(len(ANSWER)):
        assert why(ANSWER[:n]) in ("format", "not_ours"), n
    # Names that point at themselves, forward, in a circle, outside, and that are too long.
    for owner in (b"\xc0\x20", b"\xc0\x21", b"\xff\xff", b"\x40", b"\x80a", b"\x3f", b"\xc0"):
        assert why(answer(Q, record(owner, 1, IP))) == "format", owner
    long = b"\x3f" + b"a" * 63
    assert why(answer(Q, record(long * 5 + b"\x00", 1, IP))) == "format"
    assert why(answer(Q, record(SELF, 5, b"\x02\xff\xfe\x00"))) == "format"  # not even text
    assert why(answer(Q, record(SELF, 1, IP), count=2)) == "format"
    assert why(answer(Q, record(SELF, 1, IP)[:-1])) == "format"


def test_no_random_bytes_upset_the_codec():
    rng = Rng(seed(9))
    known = ("format", "not_ours", "server", "no_name", "no_address")
    good = answer(Q, record(SELF, 5, b"\x01g\xc0\x0e"), record(b"\x01g\xc0\x0e", 1, IP))
    for _ in range(rounds(6000)):
        data = bytearray(good)
        for _ in range(1 + rng.below(4)):
            data[rng.below(len(data))] = rng.below(256)
        data = data[: 1 + rng.below(len(data))] if rng.below(3) == 0 else data
        try:
            addresses, ttl, alias = dns.decode(data, 7, "f.isi.arpa")
        except DnsError as e:
            assert e.args[0] in known
            continue
        assert (addresses or alias) and 0 <= ttl <= 3600 and all(map(dns.dotted, addresses))


# ---- W23 ----------------------------------------------------------------------------------------


async def check_loop(make):
    net, host, d = bench(make)
    net.servers[DNS, 53].delay_us = 900_000
    _, gap = await longest_gap(d.connect(NAME, PORT, 8000))
    assert d.connected and gap <= 5000, gap
    net, host, d = bench(make)
    net.servers[DNS, 53].mute = -1
    net.names.clear()
    result, gap = await longest_gap(d.connect(NAME, PORT, 8000))
    assert isinstance(result, (OSError, asyncio.TimeoutError)) and gap <= 5000, gap


async def test_w23_asking_for_a_name_does_not_stop_the_loop():
    """asyncio.open_connection calls getaddrinfo, which blocks for 10 s when the server is dead."""
    await check_loop(type(bench()[2]))
    await fails(check_loop, Naive)


# ---- W24 ----------------------------------------------------------------------------------------


async def test_w24_a_dead_server_costs_7_seconds_at_most():
    """Three tries of 1, 2 and 4 s, or the caller's deadline; then the bearer is suspected."""
    net, host, d = bench()
    server = net.servers[DNS, 53]
    server.mute = -1
    for deadline, most in ((30_000, 7_000_000), (2500, 2_500_000)):
        start = now_us()
        await araises(asyncio.TimeoutError, d.connect(NAME, PORT, deadline))
        assert most - 100_000 <= now_us() - start <= most + 100_000
    assert d.suspicion.is_set() and net.open == [] and len(server.queries) == 5
    # A query or two that get lost: the next try is answered.
    server.mute = 2
    await d.connect(NAME, PORT, 9000)
    assert server.errors == []


# ---- W27 ----------------------------------------------------------------------------------------


async def check_stale_name(make):
    net, host, d = bench(make)
    net.servers[DNS, 53].zone[NAME] = [(A, 60, HOST)]
    await d.connect(NAME, PORT, 5000)
    await d.close()
    await asyncio.sleep_ms(3_600_000)
    net.servers[DNS, 53].mute = -1
    net.names.clear()
    start = now_us()
    await d.connect(NAME, PORT, 30_000)
    assert now_us() - start < 8_000_000 and d.connected


async def test_w27_the_address_of_last_time_serves_while_no_server_answers():
    """A shop's router whose DNS is dead must not stop its trade: the host seldom moves."""
    await check_stale_name(type(bench()[2]))
    await fails(check_stale_name, Naive)
    net, host, d = bench()
    await d.connect(NAME, PORT, 5000)
    await asyncio.sleep_ms(400_000)
    net.servers[DNS, 53].rcode = 2  # a server that cannot
    await d.connect(NAME, PORT, 5000)
    await asyncio.sleep_ms(4_000_000)
    net.servers[DNS, 53].rcode = 3  # no such name any more: that is an answer
    e = await araises(OSError, d.connect(NAME, PORT, 5000))
    assert e.args[0] == dns.NO_NAME
    net.servers[DNS, 53].rcode = 5
    e = await araises(OSError, d.connect(NAME, PORT, 5000))
    assert e.args[0] == dns.SERVER


# ---- W25 ----------------------------------------------------------------------------------------


async def test_w25_forged_and_broken_answers_are_not_believed():
    """Another id, another question, noise: the wait goes on for the right one."""
    net, host, d = bench()
    server = net.servers[DNS, 53]
    rng = Rng(seed(4))
    for fault in ("wrong_id", "wrong_question"):
        setattr(server, fault, True)
        await araises(asyncio.TimeoutError, d.connect(NAME, PORT, 4000))
        setattr(server, fault, False)
    server.junk = [b"", b"\x00", rng.bytes(40), rng.bytes(500), ANSWER]
    await d.connect(NAME, PORT, 4000)
    assert d.connected
    await d.close()
    net, host, d = bench()
    net.servers[DNS, 53].junk = [rng.bytes(30)] * 20
    net.servers[DNS, 53].only_junk = True
    await araises(asyncio.TimeoutError, d.connect(NAME, PORT, 4000))
    assert net.open == []


# ---- W26 ----------------------------------------------------------------------------------------


async def test_w26_aliases_are_followed_but_not_for_ever():
    """The acquirer's name is an alias at a provider, some servers give only half of the chain, and
    a chain may be a circle."""
    for whole in (True, False):
        net, host, d = bench()
        server = net.servers[DNS, 53]
        server.whole_chain = whole
        server.zone = {NAME: [(CNAME, 50, "a.example")], "a.example": [(CNAME, 9, "b.example")],
                       "b.example": [(A, 300, HOST)]}  # fmt: skip
        await d.connect(NAME, PORT, 5000)
        assert len(server.queries) == (1 if whole else 3)
        server.zone["b.example"] = [(CNAME, 9, NAME)]
        await asyncio.sleep_ms(60_000)
        e = await araises(OSError, d.connect(NAME, PORT, 9000))
        assert e.args[0] == dns.NO_NAME and len(server.queries) <= 12


async def test_an_answer_is_kept_as_long_as_it_is_good():
    net, host, d = bench()
    server = net.servers[DNS, 53]

    async def asked(after_ms):
        await asyncio.sleep_ms(after_ms)
        before = len(server.queries)
        await d.connect(NAME, PORT, 5000)
        await d.close()
        return len(server.queries) - before

    server.zone[NAME] = [(A, 100, HOST)]
    assert await asked(0) == 1 and await asked(90_000) == 0 and await asked(20_000) == 1
    server.zone[NAME] = [(A, 0, HOST)]  # 0 is taken as 10 s: a sale has several connections
    assert await asked(110_000) == 1 and await asked(5000) == 0 and await asked(6000) == 1
    server.zone[NAME] = [(A, 4_000_000_000, HOST)]  # and a week as an hour
    assert await asked(11_000) == 1 and await asked(3_500_000) == 0 and await asked(200_000) == 1
    for n in range(9):  # names are few: the cache is bounded
        server.zone["n%d" % n] = [(A, 300, HOST)]
        await d.connect("n%d" % n, PORT, 5000)
    assert len(d._resolver._names) == 4
