# The tests that decide whether the terminal may trade: firmware, keys, cryptography, journal. Each
# returns (status, reason); the long ones await pause() between pieces of a few milliseconds.

import hashlib
from binascii import hexlify

import bootstate

from ..store.flashlog import FlashError
from ..store.records import RecordError
from ..store.vault import VaultError

PASS, FAIL, SKIP = "pass", "fail", "skip"

# ESP-IDF, "App Image Format": a header of 24 bytes (magic, number of segments; its last byte says
# whether a SHA-256 is appended), segments with a header of 8 bytes (address, length), one byte of
# checksum at the end of a piece of 16, then the SHA-256 of everything before it.
_MAGIC = 0xE9
_HEADER = 24
_SEGMENTS_MAX = 16
_PIECE = 1024
_PIECES = 4  # between two pauses


def crypto():
    """Known answers (kat.py)."""
    from . import kat

    wrong = kat.failed()
    if wrong:
        return FAIL, "wrong answer: " + ", ".join(wrong)
    return PASS, "%d known answers" % len(kat.NAMES)


def keys(vault):
    """The key store opens, is authentic and holds what is in use."""
    try:
        vault.verify()
    except (VaultError, OSError) as e:
        return FAIL, str(e.args[0] if isinstance(e, VaultError) else "file system")
    names = vault.names()
    return PASS, "%d keys" % len(names) if names else "no keys yet"


# ---- journal ------------------------------------------------------------------------------------


async def journal(j, pause, known=0):
    """Every record of the journal by its CRC, and every transaction of the open batch. `known`:
    damaged records of batches that are over. (status, reason, damaged records)."""
    try:
        return await _journal(j, pause, known)
    except OSError:
        return FAIL, "flash cannot be read", known


async def _journal(j, pause, known):
    damaged = 0
    for b in range(j.flash.blocks):
        damaged += j.flash.verify(b)
        await pause()
    i = 0
    while i < len(j):  # it may be settled meanwhile
        try:
            j.load(i)
        except (FlashError, RecordError, ValueError, IndexError):
            return FAIL, "transaction %06d cannot be read" % j.trace(i), damaged
        i += 1
        if not i & 7:
            await pause()
    if damaged > known:
        return FAIL, "%d damaged records" % damaged, damaged
    if j.unreadable:
        return FAIL, "%d records could not be understood" % j.unreadable, damaged
    return PASS, "%d transactions" % len(j), damaged


# ---- firmware -----------------------------------------------------------------------------------


async def firmware(pause):
    """The code that runs: the image in its partition, and the bundle before it if there is one."""
    try:
        status, reason = await image(_running(), pause)
        manifest = getattr(bootstate, "bundle", None)
        if manifest is None or status == FAIL:
            return status, reason
        import slots

        good = await slots.digest(bootstate.bundle_slot)
    except OSError:
        return FAIL, "flash cannot be read"
    if not good:
        return FAIL, "bundle is not what was signed"
    return PASS, "bundle %s" % manifest["version"]


def _running():
    from esp32 import Partition

    return Partition(Partition.RUNNING)


class _Reader:
    """Bytes of a partition in their order, hashed as they come."""

    def __init__(self, partition, pause):
        self._partition = partition
        self._pause = pause
        self._block = partition.ioctl(5, 0)
        self.left = partition.ioctl(4, 0) * self._block
        self.at = 0
        self.buf = bytearray(_PIECE)
        self.hash = hashlib.sha256()

    async def take(self, n, hashed=True):
        """A view of the next n bytes, at most _PIECE, valid until the next call."""
        view = memoryview(self.buf)[:n]
        done = 0
        while done < n:
            offset = self.at % self._block
            part = view[done : done + min(n - done, self._block - offset)]
            self._partition.readblocks(self.at // self._block, part, offset)
            self.at += len(part)
            done += len(part)
        self.left -= n
        if hashed:
            self.hash.update(view)
        return view

    async def skip(self, n):
        """Hash n bytes. False when there are not so many."""
        if n > self.left:
            return False
        pieces = 0
        while n:
            piece = min(n, _PIECE)
            await self.take(piece)
            n -= piece
            pieces += 1
            if not pieces % _PIECES:
                await self._pause()
        return True


async def image(partition, pause):
    """(status, reason) of the ESP32 image in a partition: the SHA-256 that was appended to it."""
    reader = _Reader(partition, pause)
    head = await reader.take(_HEADER)
    segments = head[1]
    if head[0] != _MAGIC:
        return SKIP, "no image"
    if not head[23]:
        return SKIP, "image without a hash"
    if not 1 <= segments <= _SEGMENTS_MAX:
        return FAIL, "image header"
    for _ in range(segments):
        if reader.left < 8:
            return FAIL, "image length"
        head = await reader.take(8)
        length = head[4] | head[5] << 8 | head[6] << 16 | head[7] << 24
        if not await reader.skip(length):
            return FAIL, "image length"
    if not await reader.skip(16 - reader.at % 16) or reader.left < 32:
        return FAIL, "image length"
    want = reader.hash.digest()
    if bytes(await reader.take(32, False)) != want:
        return FAIL, "image is not what was built"
    return PASS, "image %s" % hexlify(want[:4]).decode()
