# The journal of a training, in files: a block device over a folder of the data volume.
#
# Small files, one a block, no longer than what was programmed: an erased block is no file.
# littlefs commits a file when it is closed, so a program operation is there as a whole or not at
# all, also when the power goes.

import os

from micropython import const

from ..kernel import log

_ENOENT = const(2)
_BLANK = b"\xff" * 64


class FileBlocks:
    """`folder`: where the files lie, must exist; `blocks` of `size` bytes. The extended protocol
    of esp32.Partition; programming a place again replaces what was there (the journal never
    does)."""

    def __init__(self, folder, blocks, size):
        self._folder = folder
        self._blocks = blocks
        self._size = size

    def _path(self, n):
        if not 0 <= n < self._blocks:
            raise OSError(22)  # EINVAL
        return "%s/block%d" % (self._folder, n)

    def _open(self, n, mode):
        """The file of block n, None when the block is erased."""
        try:
            return open(self._path(n), mode)  # noqa: SIM115  the caller closes it
        except OSError as e:
            if e.args[0] != _ENOENT:
                raise
            return None

    def readblocks(self, n, buf, offset=0):
        """Fill `buf` from block n, from byte `offset` on; it may go on into the next blocks."""
        view = memoryview(buf)
        while len(view):
            if offset >= self._size:
                n, offset = n + offset // self._size, offset % self._size
            part = view[: self._size - offset]
            self._read(n, part, offset)
            view = view[len(part) :]
            n, offset = n + 1, 0

    def _read(self, n, part, offset):
        got = 0
        f = self._open(n, "rb")
        if f is not None:
            with f:
                f.seek(offset)
                got = f.readinto(part)
        for i in range(got, len(part)):
            part[i] = 0xFF

    def writeblocks(self, n, buf, offset=None):
        """Program `buf` into block n from byte `offset` on; without `offset` whole blocks, which
        are erased first."""
        view = memoryview(buf)
        if offset is None:
            for at in range(0, len(view), self._size):
                self.ioctl(6, n)
                self._program(n, view[at : at + self._size], 0)
                n += 1
        elif offset + len(view) > self._size:
            raise OSError(22)
        else:
            self._program(n, view, offset)

    def _program(self, n, data, offset):
        with self._open(n, "r+b") or self._open(n, "w+b") as f:
            end = f.seek(0, 2)
            while end < offset:  # left out on purpose: it stays erased
                end += f.write(_BLANK[: min(len(_BLANK), offset - end)])
            f.seek(offset)
            f.write(data)

    def ioctl(self, op, arg=0):
        """3 sync, 4 number of blocks, 5 size of one, 6 erase block `arg`."""
        if op == 4:
            return self._blocks
        if op == 5:
            return self._size
        if op == 6:
            try:
                os.remove(self._path(arg))
            except OSError as e:
                if e.args[0] != _ENOENT:
                    raise
        return 0


def wipe(folder):
    """Remove `folder` and the files in it, if it is there. OSError."""
    try:
        names = os.listdir(folder)
    except OSError as e:
        if e.args[0] != _ENOENT:
            raise
        return
    for name in names:
        os.remove(folder + "/" + name)
    os.rmdir(folder)
    log.info("removed %s", folder)
