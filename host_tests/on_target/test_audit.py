# The audit log (security requirement 27): nothing in it can be changed, taken out or moved without
# being found, ten thousand events are kept, a power cut leaves it whole, and it keeps nobody
# waiting.

import binascii
import gc
import struct

from harness import Skip, flash

from app.store import audit
from app.store.audit import PAYLOAD, AuditLog
from app.store.flashlog import FlashLog
from models.nor import BlockDevice, NorFlash, PowerCut

_RECORD = 48
_FIRST = 16  # of a block


class Memory:
    """Stands in for the place in NVS."""

    def __init__(self, data=None):
        self.data = data

    def get(self):
        return self.data

    def put(self, data):
        self.data = data


def opened(dev, anchor=None):
    log = AuditLog(FlashLog(dev, 2, PAYLOAD), anchor)
    log.open()
    return log


def idle(log):
    for _ in range(200):
        if not log.needs_housekeeping():
            return
        log.housekeep()
    raise AssertionError("housekeeping has no end")


def checked(log):
    check = log.check()
    for _ in check.run():
        pass
    return check


def last(log, n):
    it = log.last(n)
    for _ in it.run():
        pass
    return it.found


def filled(n, blocks=16, anchor=None):
    nor, dev = flash(1024, blocks)
    log = opened(dev, anchor)
    for i in range(n):
        assert log.event("void", "01", "%06d" % i)
        idle(log)
    return nor, dev, log


def test_events_are_there_after_a_restart_in_their_order():
    _, dev, log = filled(30)
    log.event("unlock", "tech")
    log.event("start", "", "a detail that is too long")
    log = opened(dev)
    assert log.number == 32 and log.event("logon", "07")
    found = last(log, 4)
    assert [e.number for e in found] == [30, 31, 32, 33]
    assert [(e.name, e.who) for e in found] == [
        ("void", "01"), ("unlock", "tech"), ("start", ""), ("logon", "07")
    ]  # fmt: skip
    assert found[0].detail == "000029" and found[2].detail == "a detail t"
    assert len(found[0].when) == 6 and found[0].when[0] >= 2000
    check = checked(log)
    assert (check.broken, check.events, check.first, check.last) == (0, 33, 1, 33)


def test_sec27_the_oldest_go_and_the_chain_holds_from_the_oldest_that_is_kept():
    anchor = Memory()
    _, dev, log = filled(600, anchor=anchor)
    check = checked(opened(dev, anchor))
    assert check.broken == 0, check.why
    assert check.last == 600 and check.first > 1
    assert check.events == 601 - check.first >= log.capacity()


def test_sec27_ten_thousand_events_are_kept_on_the_partition_of_a_product():
    import wires

    if not hasattr(wires, "FileStorage"):
        raise Skip("the partition is larger than this machine's memory")
    import os

    path = (wires.setting("SCRATCH") or "/tmp") + "/audit-%d.bin" % (id(audit) & 0xFFFFFF)
    blocks = 0x90000 // 4096
    try:
        nor = NorFlash(wires.FileStorage(path, blocks * 4096), blocks * 4096)
        log = opened(BlockDevice(nor, 0, blocks))
        for i in range(12_300):  # more than fit
            assert log.event("logon", "%02d" % (i % 100))
            if i % 50 == 0:
                idle(log)
        check = checked(log)
    finally:
        os.remove(path)
    assert check.broken == 0 and check.last == 12_300
    assert log.capacity() >= 10_000 and check.events >= 10_000
    print("%d events kept" % check.events)


def test_sec27_the_chain_verifies_after_a_cut_at_every_flash_operation():
    """Clean and torn: what was acknowledged is there, and the log goes on."""

    def day(log, done):
        for i in range(75):
            done.append(log.event("config", "00", "n %d" % i))
            if i % 20 == 19:
                idle(log)

    def once(cut, torn):
        nor, dev = flash(512, 12)
        anchor = Memory()
        log = opened(dev, anchor)
        first = nor.ops
        done = []
        if cut is not None:
            nor.cut_at(first + cut, torn, seed=cut)
        try:
            day(log, done)
            return nor.ops - first
        except PowerCut:
            nor.power_on()
        log = opened(dev, anchor)
        assert len(done) <= log.number <= len(done) + 1, (cut, torn, log.number, len(done))
        check = checked(log)
        assert check.broken == 0, (cut, torn, check.broken, check.why)
        idle(log)
        for _ in range(12):
            assert log.event("logon", "01")
        check = checked(opened(dev, anchor))
        assert check.broken == 0 and check.last == log.number, (cut, torn, check.why)
        return None

    operations = once(None, 0)
    assert operations > 75
    for cut in range(operations):
        for torn in (0, 0.5, "random", 1):
            assert once(cut, torn) is None
        gc.collect()
    print("%d operations" % operations)


def places(nor):
    """Offsets of all records of filled() in the cells, by event number."""
    found = {}
    for block in range(0, len(nor.storage.data), 1024):
        for at in range(block + _FIRST, block + 1024 - _RECORD + 1, _RECORD):
            if nor.storage.data[at] == 0xA5:
                found[struct.unpack_from("<I", nor.storage.data, at + 12 + 16)[0]] = at
    return found


def forge(cells, at):
    """Make the record's checksum right again, as somebody who knows the format does."""
    crc = binascii.crc32(
        bytes(cells[at + 12 : at + 48]), binascii.crc32(bytes(cells[at : at + 8]))
    )
    struct.pack_into("<I", cells, at + 8, crc)


def test_sec27_a_change_of_any_byte_of_any_event_is_found():
    nor, dev, log = filled(60, anchor=Memory())
    cells = nor.storage.data
    at = places(nor)
    for number in (1, 2, 20, 21, 22, 59, 60):  # the first, the ends of a block, the last
        for offset in (1,) + tuple(range(12, 48)):
            kept = bytes(cells[at[number] : at[number] + _RECORD])
            cells[at[number] + offset] ^= 0x01
            forge(cells, at[number])
            check = checked(log)
            assert check.broken in (number, number + 1) or offset in range(28, 32), (
                number, offset, check.broken
            )  # fmt: skip
            assert check.broken and check.why
            cells[at[number] : at[number] + _RECORD] = kept
    assert checked(log).broken == 0


def test_sec27_an_event_that_was_taken_out_or_moved_is_found():
    nor, dev, log = filled(60, anchor=Memory())
    cells = nor.storage.data
    at = places(nor)
    whole = bytes(cells)
    for number in range(1, 61):
        cells[at[number] : at[number] + _RECORD] = b"\x00" * _RECORD
        check = checked(log)
        assert check.broken in (number, number + 1), (number, check.broken)
        cells[:] = whole
    for a, b in ((1, 2), (20, 22), (5, 50)):
        one, two = (bytes(cells[at[n] : at[n] + _RECORD]) for n in (a, b))
        cells[at[a] : at[a] + _RECORD], cells[at[b] : at[b] + _RECORD] = two, one
        assert checked(log).broken, (a, b)
        cells[:] = whole
    # A whole block out of the middle, and the newest events cut off.
    cells[1024:2048] = b"\xff" * 1024
    assert checked(log).broken
    cells[:] = whole
    for number in (58, 59, 60):
        cells[at[number] : at[number] + _RECORD] = b"\xff" * _RECORD
    check = checked(log)
    assert (check.broken, check.why) == (58, "the newest events are missing")
    cells[:] = whole
    assert checked(log).broken == 0


def test_without_its_anchor_a_log_cut_off_at_the_end_looks_whole():
    """Why the anchor is there."""
    nor, dev, log = filled(60)
    cells = nor.storage.data
    at = places(nor)[60]
    cells[at : at + _RECORD] = b"\xff" * _RECORD
    assert checked(log).broken == 0


def test_an_event_never_raises_and_what_was_lost_is_counted():
    nor, dev = flash(1024, 16)
    log = opened(dev)
    n = 0
    while log.event("logon", "01"):  # nobody keeps house
        n += 1
        assert n < 1000
    assert log.lost == 1 and not log.event("logoff", "01") and log.lost == 2
    idle(log)
    assert log.event("logon", "02") and log.number == n + 1
    check = checked(log)
    assert check.broken == 0 and check.last == n + 1

    class Dead:
        def writeblocks(self, *args):
            raise OSError(5)

        readblocks = writeblocks

    log._ring._dev = Dead()
    assert not log.event("void", "01") and log.lost == 3
    assert AuditLog(None).event("void", "01") is False


def test_an_anchor_that_cannot_be_kept_stops_no_housekeeping():
    _, dev = flash(512, 8)

    class Full:
        def get(self):
            return None

        def put(self, data):
            raise OSError(4357)

    log = AuditLog(FlashLog(dev, 2, PAYLOAD), Full())
    log.open()
    log.event("logon", "01")
    for _ in range(9):
        log.housekeep()
    assert not log.needs_housekeeping()  # not every quarter of a second


def test_a_program_that_the_flash_lies_about_does_not_break_the_chain():
    nor, dev = flash(1024, 16, lie_program=17)
    log = opened(dev)
    for _ in range(60):
        log.event("logon", "01")
        idle(log)
    assert checked(log).broken == 0 and checked(log).last == log.number


def test_sec27_no_card_number_fits_and_unknown_events_are_kept_as_such():
    pan = "6225000000000014"
    nor, dev, log = filled(0)
    log.event("void", pan, pan)
    log.event("no such event", "01")
    assert pan.encode() not in bytes(nor.storage.data)
    found = last(log, 2)
    assert (found[0].who, found[0].detail) == (pan[:2], pan[:10])
    assert (found[1].name, found[1].detail) == ("other", "no such ev")


def test_it_takes_little_memory():
    import wires

    _, dev = flash(1024, 16)

    class Product:
        """The geometry of a product's partition, over a small flash."""

        def ioctl(self, op, arg=0):
            return {4: 144, 5: 4096}[op]

        def readblocks(self, n, buf, at=0):
            memoryview(buf)[:] = b"\xff" * len(buf)

    gc.collect()
    before = gc.mem_alloc()
    log = AuditLog(FlashLog(Product(), 2, PAYLOAD))
    gc.collect()
    taken = gc.mem_alloc() - before
    print("%d bytes" % taken)
    assert log.number == 0 and taken < (2048 if hasattr(wires, "FileStorage") else 1400)
