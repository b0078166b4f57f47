# The data volume: settings, operators, keys. One that cannot be mounted is never formatted, unless
# it is blank (a new board): what is on it cannot be had again.

import vfs


def _blank(dev):
    """Whether the two blocks of the littlefs superblock are erased."""
    buf = bytearray(256)
    for block in (0, 1):
        for at in range(0, dev.ioctl(5, 0), len(buf)):
            dev.readblocks(block, buf, at)
            if buf.count(b"\xff") != len(buf):
                return False
    return True


def mount(dev, place):
    """Mount block device `dev` at `place`; None, or why not (a key of strings.PROBLEM)."""
    try:
        vfs.mount(vfs.VfsLfs2(dev), place)
    except OSError:
        if not _blank(dev):
            return "vfs"
        vfs.VfsLfs2.mkfs(dev)
        vfs.mount(vfs.VfsLfs2(dev), place)
    return None
