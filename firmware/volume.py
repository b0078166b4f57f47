# The data volume: settings, operators, keys. One that cannot be mounted is never formatted, unless
# it is blank (a new board): what is on it cannot be had again.

import vfs

import bootstate
import kept

_MAKING = "mkfs"  # in NVS, while a new volume is made


def _blank(dev):
    """Whether the two blocks of the littlefs superblock are erased."""
    buf = bytearray(256)
    for block in (0, 1):
        for at in range(0, dev.ioctl(5, 0), len(buf)):
            dev.readblocks(block, buf, at)
            if buf.count(b"\xff") != len(buf):
                return False
    return True


def _making(on=None):
    """Whether a volume is being made; `on`: that this begins or is over. An NVS that cannot be
    used knows of none."""
    try:
        if on is not None:
            kept.put(_MAKING, b"1" if on else None)
        return kept.get(_MAKING, 1) is not None
    except OSError as e:
        bootstate.nvs_error = e.args[0]
        return False


def mount(dev, place):
    """Mount block device `dev` at `place`; None, or why not (a key of strings.PROBLEM)."""
    try:
        vfs.mount(vfs.VfsLfs2(dev), place)
    except OSError:
        # Half made when the power went, it is not blank any more and holds nothing yet.
        if not _making() and not _blank(dev):
            return "vfs"
        _making(True)
        vfs.VfsLfs2.mkfs(dev)
        vfs.mount(vfs.VfsLfs2(dev), place)
    if _making():
        _making(False)
    return None
