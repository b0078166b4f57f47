# First boot step: the data volume is mounted; it is made only on flash that was never used.

import os
import sys

import vfs
from harness import Skip, flash

STEP = __file__.rsplit("/", 1)[0] + "/../../firmware/_boot.py"
DATA = "/boot_test"


class Board:
    DATA = DATA
    dev = None

    def vfs_partition(self):
        return self.dev


class State:
    vfs_problem = None


def boot(dev):
    """Runs _boot.py over `dev`; what it left in bootstate.vfs_problem."""
    try:
        with open(STEP) as f:
            source = f.read()
    except OSError:
        raise Skip("no source of _boot.py here")
    board, state = Board(), State()
    board.dev = dev
    kept = {n: sys.modules.get(n) for n in ("board", "bootstate")}
    sys.modules["board"], sys.modules["bootstate"] = board, state
    try:
        exec(compile(source, STEP, "exec"), {})
    finally:
        for n, module in kept.items():
            del sys.modules[n]
            if module is not None:
                sys.modules[n] = module
    return state.vfs_problem


def mounted():
    try:
        os.listdir(DATA)
        return True
    except OSError:
        return False


def power_off():
    if mounted():
        vfs.umount(DATA)


def test_a_new_board_gets_a_volume_and_keeps_what_is_on_it():
    _, dev = flash(1024, 16)
    try:
        assert boot(dev) is None and mounted()
        with open(DATA + "/keys", "wb") as f:
            f.write(b"secret")
        power_off()
        assert boot(dev) is None
        with open(DATA + "/keys", "rb") as f:
            assert f.read() == b"secret"
    finally:
        power_off()


def test_a_damaged_volume_is_reported_and_never_formatted():
    nor, dev = flash(1024, 16)
    try:
        boot(dev)
        with open(DATA + "/keys", "wb") as f:
            f.write(b"secret" * 200)
        power_off()
        for at in (0, 1024):  # the superblock and its twin
            nor.storage.data[at : at + 64] = b"\x00" * 64
        before = bytes(nor.storage.data)
        assert boot(dev) == "vfs" and not mounted()
        assert bytes(nor.storage.data) == before
    finally:
        power_off()


def test_one_byte_somewhere_in_the_superblock_is_enough_not_to_format():
    nor, dev = flash(1024, 16)
    try:
        for at in (0, 255, 256, 1023, 1024, 2047):
            nor.storage.data[:2048] = b"\xff" * 2048
            nor.storage.data[at] = 0x7F
            assert boot(dev) == "vfs" and not mounted(), at
    finally:
        power_off()
