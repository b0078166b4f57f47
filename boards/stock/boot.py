# The /boot.py of a board that runs an official MicroPython image: nothing of ours is frozen there,
# and its own _boot.py has mounted the data file system at "/". The boot chain lies in /chain of
# that file system, compiled. It is read into memory first, because it unmounts the file system
# that it came from: the firmware wants it at /flash, and two mounts of one volume would fight.
#
# `make image` puts this file into the image; only a development build runs this way.

import io
import os
import sys

import vfs
from machine import Timer

_DIR, _FILE = 0x4000, 0x8000


class _Memory:
    """A read-only file system of {path: bytes}."""

    def __init__(self, files):
        self._files = files

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        path = path.strip("/")
        if path in self._files:
            return (_FILE, 0, 0, 0, 0, 0, len(self._files[path]), 0, 0, 0)
        for name in self._files:
            if name.startswith(path + "/"):
                return (_DIR, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)  # ENOENT

    def open(self, path, mode):
        return io.BytesIO(self._files[path.strip("/")])


def _read(folder, prefix, files):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] == _DIR:
            _read(path, prefix + entry[0] + "/", files)
        else:
            with open(path, "rb") as f:
                files[prefix + entry[0]] = f.read()


def _start():
    files = {}
    _read("/chain", "", files)
    vfs.umount("/")
    vfs.mount(_Memory(files), "/chain")
    sys.path[:] = ["/chain", ".frozen"]
    import bootstate

    try:
        import _boot  # noqa: F401  mounts a bundle at /rom and the volume at /flash
    except ImportError as e:
        # The board's own module comes out of the bundle.
        print("No bundle runs (%s): %s" % (bootstate.bundle_reason, e))
        return bootstate
    try:
        import boot  # noqa: F401
        import main  # noqa: F401
    except KeyboardInterrupt:
        print("Stopped. The terminal starts again with Ctrl-D")
    return bootstate


def _feed_for_ever(watchdog):
    """A watchdog cannot be stopped, and somebody is at the prompt now."""
    if watchdog is not None:
        Timer(0, mode=Timer.PERIODIC, period=1000, callback=lambda t: watchdog.feed())


_feed_for_ever(_start().watchdog)
