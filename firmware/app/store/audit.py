# The audit log: who did what that matters for the terminal's security (security.md, item 27), in a
# ring of its own over app.store.flashlog.
#
# Every event carries a hash over itself and the hash of the event before it: an event that is
# changed, taken out or moved breaks the chain at that place. The ring drops whole blocks of the
# oldest events; the chain then begins with the oldest that is kept. The number and hash of the
# newest event are kept outside of the ring too (`anchor`), so that cutting off the end shows as
# well. What a chain cannot show is that somebody wrote all of it anew, and the anchor with it: the
# newest number and hash stand on the installation report and in every answer of audit.verify().
#
# An event that cannot be written is counted and goes to the log; nobody waits for it, and no
# payment depends on it. The detail has 10 bytes: no card number, component or key fits.
#
# Payload, integers little endian, the record's kind is the event:
#   0 hash: SHA-256 over hash of the predecessor, kind and bytes 16-35; its first 16 bytes
#   16 number of the event, from 1 (u32)
#   20 when, local time: year - 2000, month, day, hour, minute, second in 6 4 5 5 6 6 bits
#   24 who: operator number, or one of _WHO
#   26 detail, ASCII, filled with zeros

import hashlib
import struct

from micropython import const

from ..kernel import clock, log
from .flashlog import FlashError, LogFull

PAYLOAD = const(36)
_HASH = const(16)
_FORMAT = "<II2s10s"
_ANCHOR = "<I16s"
_DETAIL = const(10)
_READY = const(2)

# The record's kind is the index: only ever add at the end.
EVENTS = (
    "", "start", "logon", "logoff", "logon_wrong", "lock_out", "lock_reset", "password", "void",
    "refund", "settlement", "override", "key_load", "master_key", "config", "clock_set", "ota",
    "tamper", "unlock", "unlock_wrong", "lock", "decommission", "zeroised", "activation",
    "selftest_failed", "acceptance", "operator", "other", "zeroising",
    "service_key",
)  # fmt: skip
_OTHER = EVENTS.index("other")
# What is no operator's number: the terminal itself, the technician at the console.
_WHO = {"": b"--", "tech": b"TE"}
_NAMES = {b"--": "", b"TE": "tech"}


def _pack_time(when):
    y, mo, d, h, mi, s = when
    return (y - 2000 & 63) << 26 | mo << 22 | d << 17 | h << 12 | mi << 6 | s


def _unpack_time(n):
    return (
        2000 + (n >> 26), n >> 22 & 15, n >> 17 & 31, n >> 12 & 31, n >> 6 & 63, n & 63
    )  # fmt: skip


def _link(previous, kind, body):
    h = hashlib.sha256(previous)
    h.update(bytes((kind,)))
    h.update(body)
    return h.digest()[:_HASH]


class Event:
    """One entry: number, name (of EVENTS), when (year, month, day, hour, minute, second), who,
    detail."""

    def __init__(self, kind, data):
        self.number, when, who, detail = struct.unpack_from(_FORMAT, data, _HASH)
        self.name = EVENTS[kind] if kind < len(EVENTS) else "event %d" % kind
        self.when = _unpack_time(when)
        self.who = _NAMES.get(who) if who in _NAMES else who.decode()
        self.detail = detail.rstrip(b"\x00").decode()


class AuditLog:
    """`ring`: a FlashLog(dev, ready=2, longest=PAYLOAD), None on a board without the partition:
    events then go to the log only. `anchor`: an object with get() -> bytes or None and put(bytes),
    for 20 bytes, or None."""

    def __init__(self, ring, anchor=None):
        self._ring = ring
        self._anchor = anchor
        self._anchored = 0  # number of the event that the anchor names
        self._newest = bytes(_HASH)
        self.number = 0  # of the newest event
        self.latest = ""  # its name
        self.lost = 0  # events that could not be written since the start

    def open(self, pulse=None):
        """Find the newest event. FlashError, OSError when the flash cannot be read."""
        if self._ring is None:
            return
        self._ring.mount(self._note, None, pulse, True)
        self._ring.prepare(_drop, pulse)
        if self._anchor is not None:
            kept = self._anchor.get()
            self._anchored = struct.unpack(_ANCHOR, kept)[0] if kept else 0

    def _note(self, kind, data, loc):
        if len(data) == PAYLOAD:
            self._newest = bytes(data[:_HASH])
            self.number = struct.unpack_from("<I", data, _HASH)[0]
            self.latest = EVENTS[kind] if kind < len(EVENTS) else "?"

    # ---- writing --------------------------------------------------------------------------------

    def event(self, name, who="", detail=""):
        """Keep an event: `name` of EVENTS, `who` an operator's number, "tech" or "" (the terminal
        itself), `detail` ASCII, cut at 10. Whether it is durable now; it raises nothing and takes
        one program operation."""
        log.info("audit: %s %s %s", name, who, detail)
        if self._ring is None:
            return False
        kind = EVENTS.index(name) if name in EVENTS else _OTHER
        by = _WHO.get(who) or who.encode()[:2]
        if kind == _OTHER and not detail:
            detail = name
        body = struct.pack(
            _FORMAT, self.number + 1, _pack_time(clock.now()), by, detail.encode()[:_DETAIL]
        )
        digest = _link(self._newest, kind, body)
        try:
            self._ring.append(kind, digest + body)
        except (FlashError, LogFull, OSError) as e:
            self.lost += 1
            log.exception("audit", e)
            return False
        self._newest = digest
        self.number += 1
        self.latest = EVENTS[kind]
        return True

    def needs_housekeeping(self):
        if self._ring is None:
            return False
        return self._ring.needs_housekeeping() or self.number != self._anchored

    def housekeep(self):
        """One step, while nobody is served: erase a block (the oldest events go), or else keep the
        newest event's number and hash outside of the ring."""
        if self._ring.needs_housekeeping():
            self._ring.housekeep(_drop)
        elif self.number != self._anchored:
            self._anchored = self.number
            if self._anchor is not None:
                try:
                    self._anchor.put(self.head())
                except OSError as e:
                    log.exception("audit anchor", e)  # the chain is checked up to the one before

    def head(self):
        """bytes(20): number (u32) and hash of the newest event."""
        return struct.pack(_ANCHOR, self.number, self._newest)

    def capacity(self):
        """Events that are kept at least: those of all blocks but what housekeeping erases ahead,
        and the one being filled."""
        if self._ring is None:
            return 0
        per_block = len(self._ring.places(0, PAYLOAD))
        return (self._ring.blocks - self._ring.keeps_erased() - 1) * per_block

    # ---- reading --------------------------------------------------------------------------------

    def walk(self, visit):
        """A generator that yields after each block, so that others can run: visit(kind, payload,
        whether it is the first of its block) for each event, oldest first; payload is valid during
        the call only."""
        buf = bytearray(PAYLOAD)
        if self._ring is None:
            return
        for b in self._ring.used():
            places = self._ring.places(b, PAYLOAD)
            for loc in places:
                try:
                    kind, n = self._ring.read(loc, buf)
                except FlashError:
                    continue  # free, torn by a power cut, or damaged: then the chain is broken
                if n == PAYLOAD:
                    visit(kind, buf, loc == places[0])
            yield

    def last(self, n):
        """A generator as walk(); its list `found` of the newest n Events, oldest first."""
        return _Last(self, n)

    def check(self):
        """A Check, to be run: for _ in check.run()."""
        return Check(self, self._anchor.get() if self._anchor is not None else None)


class _Last:
    def __init__(self, audit, n):
        self._audit = audit
        self._from = audit.number - n
        self.found = []

    def _visit(self, kind, data, leads):
        event = Event(kind, data)
        if event.number > self._from and not (
            self.found and self.found[-1].number == event.number
        ):
            self.found.append(event)

    def run(self):
        return self._audit.walk(self._visit)


class Check:
    """Walks the whole log. Afterwards: `events` that are there, `first` and `last` number,
    `broken`: number of the event at which the chain does not hold (0: it holds), `why`."""

    def __init__(self, audit, anchor):
        self._audit = audit
        self._anchor = struct.unpack(_ANCHOR, anchor) if anchor else (0, b"")
        self._hash = None
        self.events = self.first = self.last = self.broken = 0
        self.why = ""

    def run(self):
        yield from self._audit.walk(self._visit)
        number, _ = self._anchor
        if number and self.last < number:
            self._break(self.last + 1, "the newest events are missing")

    def _break(self, number, why):
        if not self.broken:
            self.broken, self.why = number, why

    def _visit(self, kind, data, leads):
        digest = bytes(data[:_HASH])
        if digest == self._hash:
            return  # the same once more: the flash took it, but was not believed
        number = struct.unpack_from("<I", data, _HASH)[0]
        if self._hash is None and number != 1:
            self.first = number  # what was before is gone, by the ring's own rule: whole blocks
            if not leads:
                self._break(number - 1, "missing at the beginning")
        else:
            self.first = self.first or number
            if number != self.last + 1:
                self._break(self.last + 1, "missing, or not in order")
            elif digest != _link(self._hash or bytes(_HASH), kind, data[_HASH:]):
                self._break(number, "it or the one before was changed")
        if number == self._anchor[0] and digest != self._anchor[1]:
            self._break(number, "differs from what was kept of it elsewhere")
        self._hash = digest
        self.last = number
        self.events += 1


def _drop(first, last):
    """Nothing of the oldest block is kept."""
