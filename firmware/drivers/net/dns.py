# Names to addresses, without blocking: getaddrinfo() of the ESP32 port stops the whole loop for as
# long as the server is silent (some 10 s).
#
# Source: RFC 1035 (4.1 messages, 4.1.4 compression), RFC 2308 (no such name), RFC 8767 (an answer
# that has expired is better than none while no server answers).

import asyncio
import errno
import os
import struct

from micropython import const

from . import wait

_A = const(1)
_NS = const(2)
_CNAME = const(5)
_IN = const(1)
_MESSAGE_MAX = const(512)
_NAME_MAX = const(253)
_ADDRESSES_MAX = const(4)
_RECORDS_MAX = const(32)
_CHAIN_MAX = const(8)
_NAMES_MAX = const(4)  # in the cache
_TTL_MIN_S = const(10)
_TTL_MAX_S = const(3600)
_PORT = const(53)
# Waits for an answer, in ms. All of them together are the longest that a dead server costs.
_TRIES = (1000, 2000, 4000)

NO_NAME = const(-2)  # errno of OSError: no such name, or one that has no address
SERVER = const(-3)  # the server refuses or is broken


class DnsError(Exception):
    """args: (why,): "name" (cannot be asked for), "format" (no message), "not_ours" (of another
    question), "no_name", "no_address", "server"."""


# ---- codec --------------------------------------------------------------------------------------


def dotted(text):
    """Whether `text` is an IPv4 address, "192.0.2.1"."""
    parts = text.split(".")
    if len(parts) != 4:
        return False
    for p in parts:
        if not 1 <= len(p) <= 3 or not p.isdigit() or int(p) > 255:
            return False
    return True


def encode(ident, name, kind=_A):
    """A query with recursion wanted; `name` "" is the root. DnsError("name") when it is none."""
    out = bytearray(struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0))
    if name:
        if name[-1] == ".":
            name = name[:-1]
        if len(name) > _NAME_MAX:
            raise DnsError("name")
        for label in name.split("."):
            data = label.encode()
            if not 1 <= len(data) <= 63:
                raise DnsError("name")
            out.append(len(data))
            out += data
    out += b"\x00" + struct.pack(">HH", kind, _IN)
    return bytes(out)


def _name(data, at):
    """(name as lower-case bytes, position behind it). A pointer must go back: so it ends."""
    out = bytearray()
    end = 0  # behind the first pointer
    lowest = at
    size = len(data)
    while True:
        if at >= size:
            raise DnsError("format")
        n = data[at]
        if n & 0xC0 == 0xC0:
            if at + 1 >= size:
                raise DnsError("format")
            target = (n & 0x3F) << 8 | data[at + 1]
            if target >= lowest:
                raise DnsError("format")
            end = end or at + 2
            at = lowest = target
            continue
        if n & 0xC0:
            raise DnsError("format")
        at += 1
        if not n:
            return bytes(out), end or at
        if at + n > size or len(out) + n > _NAME_MAX:
            raise DnsError("format")
        if out:
            out.append(46)
        for i in range(at, at + n):
            b = data[i]
            out.append(b + 32 if 65 <= b <= 90 else b)
        at += n


def _records(data, at, count):
    """[(owner, type, ttl, address text or name)] of the answer section: what matters of it."""
    out = []
    for _ in range(min(count, _RECORDS_MAX)):
        owner, at = _name(data, at)
        if at + 10 > len(data):
            raise DnsError("format")
        kind, clas, ttl, n = struct.unpack_from(">HHIH", data, at)
        at += 10
        if at + n > len(data):
            raise DnsError("format")
        if clas == _IN and kind == _A and n == 4:
            out.append((owner, kind, ttl, "%d.%d.%d.%d" % tuple(data[at : at + 4])))
        elif clas == _IN and kind == _CNAME:
            out.append((owner, kind, ttl, _name(data, at)[0]))
        at += n
    return out


def header(data, ident, name, kind=_A):
    """(rcode, position of the answers, their number) of an answer to our query; DnsError when it
    is none. The question must come back as it was sent: one more thing for a forger to guess."""
    if len(data) < 12:
        raise DnsError("format")
    got, flags, qd, an = struct.unpack_from(">HHHH", data, 0)
    if got != ident or flags & 0xF800 != 0x8000 or qd != 1:
        raise DnsError("not_ours")
    asked, at = _name(data, 12)
    if at + 4 > len(data):
        raise DnsError("format")
    if asked != name.lower().encode() or struct.unpack_from(">HH", data, at) != (kind, _IN):
        raise DnsError("not_ours")
    return flags & 15, at + 4, an


def decode(data, ident, name):
    """(addresses, ttl in s, alias): addresses of `name`, at most 4; when there are none, the name
    that must be asked for instead. DnsError for anything else, whatever the bytes."""
    rcode, at, count = header(data, ident, name)
    if rcode == 3:
        raise DnsError("no_name")
    if rcode:
        raise DnsError("server")
    records = _records(data, at, count)
    want = name.lower().encode()
    ttl = _TTL_MAX_S
    for _ in range(_CHAIN_MAX):
        found = [r for r in records if r[0] == want]
        addresses = [r for r in found if r[1] == _A][:_ADDRESSES_MAX]
        for r in addresses or found:
            ttl = min(ttl, r[2])
        if addresses:
            return tuple(r[3] for r in addresses), ttl, None
        if not found:
            break
        want = found[0][3]
    if not want or want == name.lower().encode():
        raise DnsError("no_address")  # an alias of the root too
    try:
        return (), ttl, want.decode()
    except UnicodeError:
        raise DnsError("format")


# ---- asking -------------------------------------------------------------------------------------


class Resolver:
    """Names to addresses. `net`: the module socket, or what stands in for it; `open_socket`:
    callable(kind) -> a non-blocking socket on the right interface. One user at a time."""

    def __init__(self, net, clock, open_socket):
        self._net = net
        self._open = open_socket
        self._clock = clock
        self._names = {}  # name -> [addresses, since (ticks), ttl in ms, whether it has expired]

    def age(self):
        """Call now and then: what has expired is marked, as ticks tell 6 days only."""
        now = self._clock.ticks()
        for entry in self._names.values():
            if self._clock.diff(now, entry[1]) >= entry[2]:
                entry[3] = True

    def doubt(self, name):
        """None of the addresses of `name` was any good: ask again at the next time."""
        if name in self._names:
            self._names[name][3] = True

    def _keep(self, name, addresses, ttl):
        ttl = max(_TTL_MIN_S, min(ttl, _TTL_MAX_S))
        self._names.pop(name, None)
        while len(self._names) >= _NAMES_MAX:
            # Any but this one: a terminal knows one host, or two.
            self._names.pop(next(iter(self._names)))
        self._names[name] = [addresses, self._clock.ticks(), ttl * 1000, False]

    async def resolve(self, name, server, timeout_ms):
        """Addresses of `name` (1-4 texts) by the server at `server`. asyncio.TimeoutError when it
        is silent, OSError(NO_NAME or SERVER). While it is silent or broken, the addresses of last
        time are good enough."""
        self.age()
        entry = self._names.get(name)
        if entry and not entry[3]:
            return entry[0]
        begun = self._clock.ticks()
        try:
            ask, ttl = name, _TTL_MAX_S
            for _ in range(_CHAIN_MAX):
                left = timeout_ms - self._clock.diff(self._clock.ticks(), begun)
                addresses, part, alias = await self._ask(ask, server, left)
                ttl = min(ttl, part)
                if addresses:
                    self._keep(name, addresses, ttl)
                    return addresses
                ask = alias
            raise DnsError("no_address")
        except DnsError as e:
            if e.args[0] != "server":
                self._names.pop(name, None)
                raise OSError(NO_NAME)
            if entry is None:
                raise OSError(SERVER)
        except asyncio.TimeoutError:
            if entry is None:
                raise
        return entry[0]

    async def _ask(self, name, server, timeout_ms):
        ident = int.from_bytes(os.urandom(2), "big")
        query = encode(ident, name)
        return await self._exchange(
            server, query, lambda data: decode(data, ident, name), _TRIES, timeout_ms
        )

    async def alive(self, server, timeout_ms):
        """Whether the server says anything at all: the cheapest proof that the link carries."""
        ident = int.from_bytes(os.urandom(2), "big")
        query = encode(ident, "", _NS)
        half = timeout_ms // 2
        try:
            await self._exchange(
                server, query, lambda data: header(data, ident, "", _NS), (half, half), timeout_ms
            )
        except (OSError, asyncio.TimeoutError):
            return False
        return True

    async def _exchange(self, server, query, read, tries, timeout_ms):
        """What read() makes of the answer. The same question goes out up to len(tries) times: an
        answer that comes late is as good."""
        net = self._net
        sock = self._open(net.SOCK_DGRAM)
        try:
            # Connected: what comes from any other address is not even seen.
            sock.connect(net.getaddrinfo(server, _PORT)[0][-1])
            begun = self._clock.ticks()
            for ms in tries:
                left = timeout_ms - self._clock.diff(self._clock.ticks(), begun)
                if left <= 0:
                    break
                try:
                    sock.send(query)
                except OSError:
                    pass  # no buffer, or told that nobody listens: as if it were lost
                answer = await self._answer(sock, read, min(ms, left))
                if answer is not None:
                    return answer
            raise asyncio.TimeoutError()
        finally:
            wait.close(sock)

    async def _answer(self, sock, read, ms):
        begun = self._clock.ticks()
        while True:
            left = ms - self._clock.diff(self._clock.ticks(), begun)
            if left <= 0:
                return None
            try:
                await asyncio.wait_for_ms(wait.ready(sock, False), left)
            except asyncio.TimeoutError:
                return None
            try:
                data = sock.recv(_MESSAGE_MAX)
            except OSError as e:
                if e.args[0] != errno.EAGAIN:
                    await asyncio.sleep_ms(max(0, left))  # refused: the next try may be heard
                    return None
                continue
            try:
                return read(data)
            except DnsError as e:
                if e.args[0] not in ("format", "not_ours"):
                    raise
