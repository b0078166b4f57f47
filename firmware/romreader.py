# A ROMFS image in a partition as a file system, for ports whose partitions have no memory to map.
#
# Source: MicroPython, extmod/vfs_rom.c and docs/reference/romfs. Made for images of tools/bundle:
# all data lie in one record at the front, the directories after it, small enough to be kept in
# memory. What does not look like that is an OSError (EINVAL); no image can make it read outside of
# itself.

import errno
import io

from micropython import const

_MAGIC = b"\xd2\xcd\x31"
_POINTER, _DIRECTORY, _FILE = const(3), const(4), const(5)
_VERBATIM = const(2)
_ENOTDIR, _EROFS = const(20), const(30)  # not in the port's errno
_DIRECTORIES_MAX = const(16_384)  # bytes
_IS_DIR, _IS_FILE = const(0x4000), const(0x8000)
_GET_BUFFER_SIZE, _CLOSE, _FLUSH = const(11), const(4), const(1)
_BUFFER = const(255)  # bytes that the interpreter fetches at a time when it imports


def _uint(buf, at, end):
    """(number, where it ends): seven bits in a byte, the high ones first, bit 7 of all but the
    last."""
    n = 0
    stop = min(end, at + 5)
    while at < stop:
        b = buf[at]
        at += 1
        n = n << 7 | b & 0x7F
        if not b & 0x80:
            return n, at
    raise OSError(errno.EINVAL)


def _record(buf, at, end):
    """(kind, where its payload begins, where it ends)"""
    kind, at = _uint(buf, at, end)
    n, at = _uint(buf, at, end)
    return kind, at, at + n


class File(io.IOBase):
    """A file that was opened for reading."""

    def __init__(self, part, at, size):
        self._part, self._at, self._size = part, at, size
        self._pos = 0

    def readinto(self, buf):
        n = min(len(buf), self._size - self._pos)
        if n > 0:
            self._part.readblocks(0, memoryview(buf)[:n], self._at + self._pos)
            self._pos += n
        return max(n, 0)

    def read(self, n=-1):
        left = max(self._size - self._pos, 0)
        buf = bytearray(left if n is None or n < 0 else min(n, left))
        self.readinto(buf)
        return bytes(buf)

    def seek(self, offset, whence=0):
        base = (0, self._pos, self._size)[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL)
        self._pos = base + offset
        return self._pos

    def tell(self):
        return self._pos

    def ioctl(self, request, arg):
        if request == _GET_BUFFER_SIZE:
            return _BUFFER
        return 0 if request in (_CLOSE, _FLUSH) else -errno.EINVAL

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class RomReader:
    """`part` has readblocks(block, buf, offset); the image of `size` bytes begins at byte `at`."""

    def __init__(self, part, at, size):
        head = bytearray(min(size, 32))
        part.readblocks(0, head, at)
        if head[:3] != _MAGIC:
            raise OSError(errno.EINVAL)
        n, start = _uint(head, 3, len(head))
        end = start + n
        kind, _, first = _record(head, start, len(head))
        if kind != _VERBATIM:
            first = start  # no file has data
        if end > size or not 0 <= end - first <= _DIRECTORIES_MAX:
            raise OSError(errno.EINVAL)
        self._part = part
        self._base = at + start  # what pointers count from
        self._room = n
        self._dirs = bytearray(end - first)
        part.readblocks(0, self._dirs, at + first)
        self._cwd = ""

    # ---- the tree -------------------------------------------------------------------------------

    def _entries(self, at, end):
        """(kind, name, where its content begins, where it ends) of what a directory holds."""
        buf = self._dirs
        while at < end:
            kind, at, after = _record(buf, at, end)
            if after > end:
                raise OSError(errno.EINVAL)
            if kind in (_DIRECTORY, _FILE):
                n, at = _uint(buf, at, after)
                if at + n > after:
                    raise OSError(errno.EINVAL)
                yield kind, at, at + n, after
            at = after

    def _find(self, path):
        """(kind, where its content begins, where it ends). OSError(ENOENT)"""
        if not path.startswith("/"):
            path = self._cwd + "/" + path
        kind, at, end = _DIRECTORY, 0, len(self._dirs)
        for name in path.split("/"):
            if name in ("", "."):
                continue
            entry = self._entry(at, end, name.encode()) if kind == _DIRECTORY else None
            if entry is None:
                raise OSError(errno.ENOENT)
            kind, at, end = entry
        return kind, at, end

    def _entry(self, at, end, name):
        for kind, name_at, content, after in self._entries(at, end):
            if self._dirs[name_at:content] == name:
                return kind, content, after
        return None

    def _data(self, at, end):
        """(where in the partition, bytes) of a file's data."""
        buf = self._dirs
        while at < end:
            kind, at, after = _record(buf, at, end)
            if kind == _POINTER:
                size, at = _uint(buf, at, end)
                offset, at = _uint(buf, at, end)
                if offset + size <= self._room:
                    return self._base + offset, size
                break
            at = after
        raise OSError(errno.EINVAL)

    # ---- what vfs.mount() wants -----------------------------------------------------------------

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        if mode != "rb":  # text is not needed, and writing not possible
            raise OSError(_EROFS if set(mode) & set("wax+") else errno.EINVAL)
        kind, at, end = self._find(path)
        if kind != _FILE:
            raise OSError(errno.EISDIR)
        return File(self._part, *self._data(at, end))

    def stat(self, path):
        kind, at, end = self._find(path)
        if kind == _DIRECTORY:
            return (_IS_DIR,) + (0,) * 9
        return (_IS_FILE, 0, 0, 0, 0, 0, self._data(at, end)[1], 0, 0, 0)

    def ilistdir(self, path):
        kind, at, end = self._find(path)
        if kind != _DIRECTORY:
            raise OSError(_ENOTDIR)
        for kind, name_at, content, after in self._entries(at, end):
            try:
                name = self._dirs[name_at:content].decode()
            except UnicodeError:
                raise OSError(errno.EINVAL)
            if kind == _DIRECTORY:
                yield name, _IS_DIR, 0, 0
            else:
                yield name, _IS_FILE, 0, self._data(content, after)[1]

    def chdir(self, path):
        if self._find(path)[0] != _DIRECTORY:
            raise OSError(_ENOTDIR)
        self._cwd = path.rstrip("/") if path.startswith("/") else self._cwd + "/" + path

    def getcwd(self):
        return self._cwd or "/"
