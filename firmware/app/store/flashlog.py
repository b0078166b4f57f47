# An append-only ring of records over a block device: what the journal stands on.
#
# Rules that everything here follows:
#   - one record = one program operation of one 16-byte aligned piece of erased flash; nothing is
#     programmed twice (so it works under flash encryption), nothing is changed in place;
#   - blocks are erased ahead of time by housekeep(), which is called while the terminal idles:
#     append() never erases;
#   - the oldest block is erased first; before that its owner copies forward what still matters;
#   - a record that was cut while it was programmed is recognised by its CRC, and nothing is ever
#     appended behind it: the rest of that block is given up, because half-programmed cells may
#     read as erased.
#
# A block begins with a 16-byte mark that is programmed after a complete erase (a block without it
# was cut while it was erased). Records follow, integers little endian:
#
#   0  magic 0xA5      1  kind      2  payload length (u16)      4  sequence number (u32)
#   8  CRC-32 of bytes 0-7 and the payload
#   12 payload, then 0xff up to the next multiple of 16

import binascii
import struct
from array import array

from micropython import const

from ..kernel import log

_ALIGN = const(16)
_HEADER = const(12)
_MAGIC = const(0xA5)
_MARK = const(16)
_MARK_MAGIC = b"SYLG"
_VERSION = const(1)
PAYLOAD_MAX = const(500)

# Erased blocks that are never given to append(): moving live records out of the oldest block needs
# room of its own, or a full ring could never be emptied.
_SPARE = const(3)

_BLANK = const(0)  # erased and marked
_USED = const(1)
_DIRTY = const(2)  # neither: to be erased before use
_BAD = const(3)  # could not be erased: left alone until the next boot

_BLANK16 = b"\xff" * 16


class FlashError(Exception):
    """The flash did not take what was programmed. args: (what, block)"""


class LogFull(Exception):
    """No erased block is left for append(): housekeep() must run first."""


def _no_pulse():
    pass


def _align(n):
    return (n + _ALIGN - 1) & ~(_ALIGN - 1)


def _wear_of(mark):
    """Erases that a block's mark counts, -1 when it is no mark."""
    version, wear, crc = struct.unpack_from("<III", mark, 4)
    if mark[:4] != _MARK_MAGIC or version != _VERSION or binascii.crc32(mark[:12]) != crc:
        return -1
    return wear


def _is_blank(buf):
    # bytes.count runs in C; a loop over 4 KiB in bytecode takes a tenth of a second
    return bytes(buf).count(b"\xff") == len(buf)


class FlashLog:
    """`dev`: a block device with the extended protocol (esp32.Partition): readblocks(n, buf,
    offset), writeblocks(n, buf, offset), ioctl(4) blocks, ioctl(5) block size, ioctl(6, n) erase.

    Places of records ("loc") are byte addresses in the device. `ready`: how many erased blocks
    housekeeping keeps ahead of append(). `longest`: of all payloads; two records of that length
    are kept in memory.
    """

    def __init__(self, dev, ready=8, longest=PAYLOAD_MAX):
        self._dev = dev
        self._longest = longest
        self._wanted = ready + _SPARE
        self.block_size = dev.ioctl(5, 0)
        self.blocks = dev.ioctl(4, 0)
        if self.blocks < self._wanted + 2:
            raise ValueError("a log needs at least %d blocks" % (self._wanted + 2))
        self._state = bytearray(self.blocks)
        self._first_seq = array("I", bytes(4 * self.blocks))
        self._buf = None  # one block, while the log is read
        self._rec = bytearray(_align(_HEADER + longest))
        self._back = bytearray(len(self._rec))  # what was really programmed
        self._head = 0  # block being filled
        self._at = self.block_size  # next free offset in it; block_size: head is full or given up
        self._seq = 0
        self._churn = 0  # blocks reclaimed in a row without anything new in between
        self.erases = 0  # since mount
        self.programmed = 0  # bytes since mount
        self.torn = 0  # torn tails found by mount
        self.damaged = 0  # broken records found by mount that were not the last of their block

    # ---- mounting -------------------------------------------------------------------------------

    def mount(self, visit, newest=None, pulse=None, tail=False):
        """Read everything: visit(kind, payload, loc) for each good record, oldest first. `payload`
        is a view that is valid during the call only.

        newest: (kind, function); the function gets the payload of the newest record of that kind
        before anything is visited, so that visit() need not look at what no longer matters.
        pulse: called after each block: reading a full ring takes longer than a watchdog waits.
        tail: visit only the records of the newest block.
        """
        pulse = pulse or _no_pulse
        self._buf = bytearray(self.block_size)
        try:
            self._mount(visit, newest, pulse, tail)
        finally:
            self._buf = None

    def _mount(self, visit, newest, pulse, tail):
        self._seq = 0
        for b in range(self.blocks):
            self._look_at(b)
            pulse()
        order = self.used()
        self._head = order[-1] if order else self.blocks - 1
        self._at = self.block_size
        if newest is not None:
            self._find_newest(order, newest, pulse)
        self.torn = self.damaged = 0
        for b in order[-1:] if tail else order:
            self._at = self._scan(b, visit)
            pulse()

    def used(self):
        """The blocks that hold records, oldest first."""
        order = [b for b in range(self.blocks) if self._state[b] == _USED]
        order.sort(key=lambda b: self._first_seq[b])
        return order

    def _find_newest(self, order, newest, pulse):
        wanted, tell = newest
        found = []

        def note(kind, payload, loc):
            if kind == wanted:
                found[:] = (bytes(payload),)

        for b in reversed(order):
            self._scan(b, note)
            pulse()
            if found:
                tell(found[0])
                return

    def _look_at(self, b):
        """Find state and first sequence number of block b, reading little."""
        head = memoryview(self._rec)[: _MARK + _ALIGN]
        self._dev.readblocks(b, head, 0)
        self._state[b] = _DIRTY
        if _wear_of(head) < 0:
            return
        if head[_MARK:] == _BLANK16:
            self._state[b] = _BLANK  # perhaps with a torn record further on: _open() looks
            return
        n = head[_MARK + 2] | head[_MARK + 3] << 8
        if n <= self._longest:
            rec = memoryview(self._rec)[: _align(_HEADER + n)]
            self._dev.readblocks(b, rec, _MARK)
            if self._check(rec, 0) >= 0:
                self._state[b] = _USED
                self._first_seq[b] = struct.unpack_from("<I", rec, 4)[0]
                return
        # The first record is no good: the block counts if there is a good one behind it.
        torn, damaged, seq = self.torn, self.damaged, self._seq
        self._scan(b, None)
        self.torn, self.damaged, self._seq = torn, damaged, seq

    def _scan(self, b, visit):
        """Visit the good records of block b; returns the offset at which it may be appended to,
        the block size when there is none."""
        self._dev.readblocks(b, self._buf, 0)
        view = memoryview(self._buf)
        at = _MARK
        broken = False
        good = 0
        end = self.block_size
        while at + _HEADER <= self.block_size:
            n = self._check(view, at)
            if n < 0:
                if not broken and _is_blank(view[at:]):
                    end = at
                    break
                broken = True
                at += _ALIGN  # there may be a good record behind a damaged one
                continue
            if broken:
                self.damaged += 1
                broken = False
            seq = struct.unpack_from("<I", view, at + 4)[0]
            if not good:
                self._state[b] = _USED
                self._first_seq[b] = seq
            good += 1
            if seq > self._seq:
                self._seq = seq
            if visit is not None:
                visit(
                    view[at + 1], view[at + _HEADER : at + _HEADER + n], b * self.block_size + at
                )
            at += _align(_HEADER + n)
        if broken:
            self.torn += 1
        return end

    def _check(self, view, at):
        """Payload length of the record at offset `at` of `view`, -1 when there is no good one."""
        if view[at] != _MAGIC:
            return -1
        n = view[at + 2] | view[at + 3] << 8
        end = at + _HEADER + n
        if n > PAYLOAD_MAX or end > len(view):
            return -1
        crc = binascii.crc32(view[at + _HEADER : end], binascii.crc32(view[at : at + 8]))
        return n if crc == struct.unpack_from("<I", view, at + 8)[0] else -1

    def places(self, b, longest):
        """range of where records of a log lie in block b whose payloads are all of one length."""
        size = _align(_HEADER + longest)
        first = b * self.block_size
        return range(first + _MARK, first + self.block_size - size + 1, size)

    # ---- reading and appending ------------------------------------------------------------------

    def read(self, loc, buf):
        """Copy the payload of the record at `loc` into `buf`; returns (kind, length). FlashError
        when it is not there any more as it was written."""
        b, at = loc // self.block_size, loc % self.block_size
        rec = memoryview(self._back)[: min(len(self._back), self.block_size - at)]
        self._dev.readblocks(b, rec, at)
        n = self._check(rec, 0)
        if n < 0 or n > len(buf):
            raise FlashError("record", b)
        buf[:n] = rec[_HEADER : _HEADER + n]
        return rec[1], n

    def verify(self, b):
        """Read block b again: how many of its records are broken with a good one behind them,
        which no power cut leaves."""
        found, broken, at = 0, False, _MARK
        while self._state[b] == _USED and at + _ALIGN <= self.block_size:
            rec = memoryview(self._back)[:_ALIGN]
            self._dev.readblocks(b, rec, at)
            if rec[0] == _MAGIC:
                rec = memoryview(self._back)[: min(len(self._back), self.block_size - at)]
                self._dev.readblocks(b, rec, at)
            n = self._check(rec, 0)
            found += broken and n >= 0
            broken = n < 0
            at += _ALIGN if broken else _align(_HEADER + n)
        return found

    def append(self, kind, payload, spare=False):
        """Make a record durable: when this returns its location, it was programmed and read back.

        LogFull when no erased block is left (spare=True, for copies of live records, may use the
        last ones); FlashError when two blocks in turn did not hold what was programmed.
        """
        n = len(payload)
        if n > self._longest:
            raise ValueError("record too long")
        if not spare:
            self._churn = 0
        total = _align(_HEADER + n)
        rec = memoryview(self._rec)[:total]
        for i in range(_HEADER + n, total):
            rec[i] = 0xFF
        rec[_HEADER : _HEADER + n] = payload
        for _ in range(2):
            if self._at + total > self.block_size:
                self._open(spare)
            struct.pack_into("<BBHI", rec, 0, _MAGIC, kind, n, self._seq + 1)
            crc = binascii.crc32(rec[_HEADER : _HEADER + n], binascii.crc32(rec[:8]))
            struct.pack_into("<I", rec, 8, crc)
            loc = self._program(rec, total)
            if loc is not None:
                return loc
        raise FlashError("program", self._head)

    def _program(self, rec, total):
        """One program operation and its check; the location, or None when the flash did not take
        it."""
        b, at = self._head, self._at
        self._seq += 1  # a number that may have reached the flash is never used again
        if at == _MARK:
            self._first_seq[b] = self._seq
            self._state[b] = _USED
        self._at = at + total
        back = memoryview(self._back)[:total]
        try:
            self._dev.writeblocks(b, rec, at)
            self.programmed += total
            self._dev.readblocks(b, back, at)
        except OSError:
            self._at = self.block_size
            return None
        if back != rec:
            self._at = self.block_size
            return None
        return b * self.block_size + at

    def _open(self, spare):
        """Make the next erased block the head."""
        left = self.ready_blocks()
        b = self._head
        for _ in range(self.blocks):
            if left <= (0 if spare else _SPARE):
                break
            b = (b + 1) % self.blocks
            if self._state[b] != _BLANK:
                continue
            if self._is_blank(b):
                self._head = b
                self._at = _MARK
                return
            self._state[b] = _DIRTY
            left -= 1
        raise LogFull("no erased block")

    def _is_blank(self, b):
        """Whether block b is erased behind its mark."""
        piece = memoryview(self._back)
        for at in range(_MARK, self.block_size, len(piece)):
            part = piece[: min(len(piece), self.block_size - at)]
            self._dev.readblocks(b, part, at)
            if not _is_blank(part):
                return False
        return True

    # ---- room and housekeeping ------------------------------------------------------------------

    def ready_blocks(self):
        """Erased blocks, the spare ones included."""
        return sum(1 for s in self._state if s == _BLANK)

    def room(self):
        """Bytes that append() can surely take without housekeeping (records' own overhead not
        deducted)."""
        blocks = self.ready_blocks() - _SPARE
        return (self.block_size - self._at) + max(0, blocks) * (self.block_size - _MARK)

    def live_room(self):
        """Bytes of live records, their own overhead included, that the ring can hold for ever."""
        return (self.blocks - self._wanted - 2) * (self.block_size - _MARK)

    def keeps_erased(self):
        """Blocks that housekeeping keeps erased, the spare ones included."""
        return self._wanted

    def needs_housekeeping(self):
        if self._dirty() >= 0:
            return True
        # After a whole round in which nothing could be dropped, everything is live: going on would
        # only wear the flash.
        return self.ready_blocks() < self._wanted and self._churn < self.blocks

    def _dirty(self):
        for b in range(self.blocks):
            if self._state[b] == _DIRTY and b != self._head:
                return b
        return -1

    def oldest(self):
        """The block to be emptied next, -1 when only the head is in use."""
        best = -1
        for b in range(self.blocks):
            if self._state[b] == _USED and b != self._head:
                if best < 0 or self._first_seq[b] < self._first_seq[best]:
                    best = b
        return best

    def housekeep(self, relocate):
        """One step: erase one block. False when nothing was to do. Takes the time of an erase
        (45-80 ms on an ESP32, during which the whole processor stands still) and of the copies
        before it.

        relocate(first, last): the owner appends (spare=True) again what still matters of the
        records whose loc lies in first <= loc < last.
        """
        b = self._dirty()
        if b < 0:
            if not self.needs_housekeeping():
                return False
            b = self.oldest()
            if b < 0:
                return False
            self._churn += 1
            relocate(b * self.block_size, (b + 1) * self.block_size)
        self._erase(b)
        return True

    def prepare(self, relocate, pulse=None):
        """Housekeeping until append() has its room: at boot, never on the payment path."""
        while self.ready_blocks() < self._wanted and self.housekeep(relocate):
            (pulse or _no_pulse)()

    def _erase(self, b):
        mark = bytearray(_MARK)
        back = bytearray(_MARK)
        self._dev.readblocks(b, back, 0)
        wear = max(0, _wear_of(back)) + 1  # the count begins anew after an erase that was cut
        mark[:4] = _MARK_MAGIC
        struct.pack_into("<II", mark, 4, _VERSION, wear)
        struct.pack_into("<I", mark, 12, binascii.crc32(memoryview(mark)[:12]))
        self._state[b] = _DIRTY
        try:
            self._dev.ioctl(6, b)
            self.erases += 1
            self._dev.writeblocks(b, mark, 0)
            self.programmed += _MARK
            self._dev.readblocks(b, back, 0)
        except OSError:
            pass
        if back != mark:
            self._state[b] = _BAD
            log.error("flash block %d cannot be erased", b)
            return
        self._state[b] = _BLANK

    def wear(self):
        """(least, most) erases of a block over its life."""
        mark = bytearray(_MARK)
        least = most = None
        for b in range(self.blocks):
            self._dev.readblocks(b, mark, 0)
            n = max(0, _wear_of(mark))
            least = n if least is None else min(least, n)
            most = n if most is None else max(most, n)
        return least, most
