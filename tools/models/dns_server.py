"""A DNS server as the shop's router has one: reads queries, answers from a zone, and lies on
demand.

Owns: its own reading and writing of RFC 1035 messages (the judge of the firmware's).
Must not: know sockets; models.ip_net hands it datagrams.
"""

import struct

A = 1
CNAME = 5
_IN = 1


class DnsServer:
    """`zone`: {name: [(type, ttl, value)]}; value an address or another name (text). Called as
    server(data, now_us) -> [(delay_us, datagram)].

    Faults, each for the next `n` queries or until it is set back: mute (number of queries that get
    no answer, -1: all), delay_us, rcode, wrong_id, wrong_question, truncated, junk (bytes that go
    out before the answer), only_junk.
    """

    def __init__(self, zone=None):
        self.zone = zone or {}
        self.mute = 0
        self.delay_us = 5_000
        self.rcode = 0
        self.wrong_id = False
        self.wrong_question = False
        self.truncated = False
        self.junk = []
        self.only_junk = False
        self.whole_chain = True  # False: the alias only, the terminal must ask again
        self.queries = []  # (name, type)
        self.errors = []

    def __call__(self, data, now_us):
        query = self._read(data)
        if query is None:
            return []
        ident, name, kind, question = query
        self.queries.append((name, kind))
        if self.mute:
            self.mute -= 1 if self.mute > 0 else 0
            return []
        out = [(self.delay_us, bytes(j)) for j in self.junk]
        if not self.only_junk:
            out.append((self.delay_us, self._answer(ident, name, kind, question)))
        return out

    def _read(self, data):
        """(id, name, type, question as it came); None, and a line in errors, for no query."""
        if len(data) < 17:
            self.errors.append("short query")
            return None
        ident, flags, qd, an, ns, ar = struct.unpack(">HHHHHH", data[:12])
        if flags != 0x0100 or (qd, an, ns, ar) != (1, 0, 0, 0):
            self.errors.append("header %04x %d %d %d %d" % (flags, qd, an, ns, ar))
            return None
        labels = []
        at = 12
        while at < len(data) and data[at]:
            n = data[at]
            if n > 63 or at + 1 + n >= len(data):
                self.errors.append("label of %d" % n)
                return None
            labels.append(data[at + 1 : at + 1 + n].decode())
            at += 1 + n
        if at + 5 != len(data):
            self.errors.append("%d bytes behind the name" % (len(data) - at - 1))
            return None
        kind, clas = struct.unpack(">HH", data[at + 1 : at + 5])
        if clas != _IN:
            self.errors.append("class %d" % clas)
        return ident, ".".join(labels).lower(), kind, data[12:]

    def _answer(self, ident, name, kind, question):
        records = []
        want = name
        while want is not None:
            following = None
            for rtype, ttl, value in self.zone.get(want, ()):
                if rtype == CNAME:
                    records.append((want, rtype, ttl, value))
                    following = value if self.whole_chain and len(records) < 12 else None
                elif rtype == kind:
                    records.append((want, rtype, ttl, value))
            want = following
        rcode = self.rcode or (0 if name in self.zone or not name else 3)
        if self.rcode:
            records = []
        flags = 0x8180 | rcode | (0x0200 if self.truncated else 0)
        if self.wrong_id:
            ident ^= 0x5555
        if self.wrong_question:
            question = b"\x04evil\x04test\x00\x00\x01\x00\x01"
        out = bytearray(struct.pack(">HHHHHH", ident, flags, 1, len(records), 0, 0))
        out += question
        for owner, rtype, ttl, value in records:
            # The first name is the question's: a pointer to it, as every server writes it.
            out += b"\xc0\x0c" if owner == name else _name(owner)
            data = _address(value) if rtype == A else _name(value)
            out += struct.pack(">HHIH", rtype, _IN, ttl, len(data)) + data
        return bytes(out)


def _address(text):
    return bytes([int(p) for p in text.split(".")])


def _name(text):
    out = bytearray()
    for label in text.split("."):
        out.append(len(label))
        out += label.encode()
    return bytes(out) + b"\x00"
