# A flash image as firmware of schema 1 left it: an open batch in the middle of a day, with two
# reversals that are owed and a request whose end nobody has seen. Made by hand from the layouts in
# store.flashlog and store.records, not by their code, which writes schema 2 now.

import struct
from binascii import crc32

_INTENT, _OUTCOME, _MARK, _META, _FULL = 1, 2, 3, 4, 5
_SALE, _VOID = 1, 2
_APPROVED, _DECLINED, _UNKNOWN, _REVERSED, _VOIDED = 2, 3, 4, 5, 10
_VERSION = 1
BATCH = 7
_PAN = 16, b"\x62\x25\x00\x00\x14"  # digits; the first six and the last four


def _strings(*texts):
    return b"".join(bytes((len(t),)) + t for t in texts)


def _rrn(trace):
    return b"%012d" % trace


def _intent(trace, kind, amount, original=0, batch=BATCH):
    out = struct.pack("<BIIBQHB2s6sB5sI", _VERSION, batch, trace, kind, amount, 21, 1, b"01",
                      b"\x1a\x0b\x17\x09\x1e\x00", *_PAN, original)  # fmt: skip
    rrn, auth = (_rrn(original), b"%06d" % original) if original else (b"", b"")
    return out + _strings(b"3012", rrn, auth)


def _outcome(trace, state, code=b"00", reason=b"", other=0, batch=BATCH):
    out = struct.pack("<BIIBIB5s2s", _VERSION, batch, trace, state, other,
                      _VOIDED if other else 0, b"\x11\x23\x09\x30\x16", b"\x11\x23")  # fmt: skip
    auth = b"%06d" % trace if code == b"00" else b""
    rrn = _rrn(trace) if code else b""
    return out + _strings(code, reason, rrn, auth, b"", b"", b"")


def _mark(trace, state, printed=0, tries=0):
    return struct.pack("<BIIBBB", _VERSION, BATCH, trace, state, printed, tries)


def _full(intent, outcome, mark):
    return bytes((_VERSION, len(intent), len(outcome))) + intent + outcome + mark


def _records():
    """(kind, payload) of the log, oldest first. The last four things in it: copies that were
    carried forward, a number that was taken, and a request that was cut."""
    yield _INTENT, _intent(90, _SALE, 90_00, 0, BATCH - 1)
    yield _OUTCOME, _outcome(90, _APPROVED, batch=BATCH - 1)
    yield _META, struct.pack("<BIIB", _VERSION, BATCH, 101, 1)
    for trace, state, printed in ((101, _APPROVED, 1), (102, _APPROVED, 0), (104, _APPROVED, 1)):
        yield _INTENT, _intent(trace, _SALE, trace * 100)
        yield _OUTCOME, _outcome(trace, state)
        if printed:
            yield _MARK, _mark(trace, state, 1)
    yield _INTENT, _intent(103, _SALE, 10300)
    yield _OUTCOME, _outcome(103, _DECLINED, b"51")
    yield _INTENT, _intent(105, _VOID, 10400, 104)
    yield _OUTCOME, _outcome(105, _APPROVED, other=104)
    yield _INTENT, _intent(106, _SALE, 10600)
    yield _OUTCOME, _outcome(106, _UNKNOWN, b"", b"98")
    yield _MARK, _mark(106, _UNKNOWN, 0, 2)
    yield _INTENT, _intent(107, _SALE, 10700)
    yield _OUTCOME, _outcome(107, _UNKNOWN, b"", b"A0")
    yield _MARK, _mark(107, _REVERSED, 0, 1)
    yield _FULL, _full(_intent(100, _SALE, 10000), _outcome(100, _APPROVED),
                       _mark(100, _APPROVED, 1))  # fmt: skip
    yield _FULL, _full(_intent(99, _SALE, 9900), _outcome(99, _UNKNOWN, b"", b"98"),
                       _mark(99, _UNKNOWN, 0, 20))  # fmt: skip
    yield _META, struct.pack("<BIIB", _VERSION, BATCH, 109, 1)
    yield _INTENT, _intent(109, _SALE, 10900)


def write(dev):
    """Put the image into an erased block device."""
    size = dev.ioctl(5, 0)
    block, at = -1, size
    for seq, (kind, payload) in enumerate(_records()):
        head = struct.pack("<BBHI", 0xA5, kind, len(payload), seq + 1)
        record = head + struct.pack("<I", crc32(payload, crc32(head))) + payload
        record += b"\xff" * (-len(record) % 16)
        if at + len(record) > size:
            block, at = block + 1, 16
            mark = b"SYLG" + struct.pack("<II", 1, 1)
            dev.writeblocks(block, mark + struct.pack("<I", crc32(mark)), 0)
        dev.writeblocks(block, record, at)
        at += len(record)


def begin(day):
    """Put `day`, not yet booted, behind that morning: flash, host's books, cashier's notebook."""
    write(day.dev)
    day.watch.batch = BATCH
    host, book = day.host, day.book
    host.batch = BATCH
    host.number = 1000
    for trace, kind, amount, state in (
        (100, "sale", 10000, "approved"), (101, "sale", 10100, "approved"),
        (102, "sale", 10200, "approved"), (103, "sale", 10300, "declined"),
        (104, "sale", 10400, "voided"), (106, "sale", 10600, "approved"),
        (107, "sale", 10700, "reversed"), (109, "sale", 10900, "approved"),
    ):  # fmt: skip
        host.booked[BATCH, trace] = [kind, amount, state, None, trace, None]
    original = host.booked[BATCH, 104]
    host.booked[BATCH, 105] = ["void", 10400, "approved", original, 105, None]
    for trace, shown in ((99, "unknown"), (100, "approved"), (101, "approved"), (102, None),
                         (103, "refused"), (104, "approved"), (106, "unknown"),
                         (107, "unknown"), (109, None)):  # fmt: skip
        book.show(book.sale(trace * 100), shown, trace, 0)
    book.show(book.void(book.sales[10400]), "approved", 105, 0)
