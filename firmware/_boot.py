# First step of the boot: mount the data file system. A volume that cannot be mounted is never
# formatted, unless it is blank (a new board): there may be keys and settings on it.

import vfs

import board
import bootstate


def _blank(dev):
    """Whether the two blocks of the littlefs superblock are erased."""
    buf = bytearray(256)
    for block in (0, 1):
        for at in range(0, dev.ioctl(5, 0), len(buf)):
            dev.readblocks(block, buf, at)
            if buf.count(b"\xff") != len(buf):
                return False
    return True


def _mount():
    dev = board.vfs_partition()
    try:
        vfs.mount(vfs.VfsLfs2(dev), board.DATA)
    except OSError:
        if not _blank(dev):
            bootstate.vfs_problem = "vfs"
            return
        vfs.VfsLfs2.mkfs(dev)
        vfs.mount(vfs.VfsLfs2(dev), board.DATA)


_mount()
