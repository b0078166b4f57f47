# The flash model: cell rules, cuts, planted defects, block protocol. Runs inside MicroPython.

import os

from models.nor import BlockDevice, FlashFault, NorFlash, PowerCut, RamStorage


def flash(blocks=4, block=256, **kw):
    return NorFlash(RamStorage(blocks * block), blocks * block, block, **kw)


def raises(kind, fn, *args):
    try:
        fn(*args)
    except kind as e:
        return e
    raise AssertionError("nothing raised")


def test_program_clears_bits_and_refuses_a_second_time():
    f = flash()
    assert f.read(0, 4) == b"\xff" * 4
    f.program(2, b"\x0f\xf0")
    assert f.read(0, 5) == b"\xff\xff\x0f\xf0\xff"
    e = raises(FlashFault, f.program, 0, b"abc")
    assert "0x000002" in str(e)
    assert f.read(0, 5) == b"\xff\xff\x0f\xf0\xff"
    assert f.programs == 1 and f.ops == 1


def test_plain_nor_ands():
    f = flash(strict=False)
    f.program(0, b"\x0f")
    f.program(0, b"\xf5")
    assert f.read(0, 1) == b"\x05"


def test_erase_is_one_block():
    f = flash()
    f.program(250, b"\x00" * 12)
    f.erase(0)
    assert f.read(250, 12) == b"\xff" * 6 + b"\x00" * 6
    assert f.block_erases == [1, 0, 0, 0]
    raises(FlashFault, f.erase, 4)
    raises(FlashFault, f.program, 1023, b"ab")
    raises(FlashFault, f.read, -1, 2)


def test_counters_and_log():
    log = []
    f = flash(log=lambda op, addr, n: log.append((op, addr, n)))
    f.erase(1)
    f.program(256, b"abc")
    buf = bytearray(5)
    f.read_into(255, buf)
    assert buf == b"\xffabc\xff"
    assert (f.erases, f.programs, f.programmed_bytes, f.reads, f.read_bytes) == (1, 1, 3, 1, 5)
    assert log == [("erase", 256, 256), ("program", 256, 3), ("read", 255, 5)]


def cut(torn, op="program", seed=None):
    f = flash()
    f.program(0, bytes(range(64)))
    f.cut_at(1, torn, seed)
    if op == "program":
        raises(PowerCut, f.program, 64, b"\x00" * 64)
    else:
        raises(PowerCut, f.erase, 0)
    raises(PowerCut, f.read, 0, 1)
    raises(PowerCut, f.erase, 1)
    raises(PowerCut, f.program, 200, b"x")
    assert f.ops == 2
    f.power_on()
    return f


def test_torn_program_by_share():
    for torn, done in ((0, 0), (0.25, 16), (0.5, 32), (0.75, 48), (1, 64)):
        f = cut(torn)
        assert f.read(64, 64) == b"\x00" * done + b"\xff" * (64 - done)


def test_torn_erase_by_share():
    for torn, done in ((0, 0), (0.25, 64), (0.5, 128), (1, 256)):
        f = cut(torn, "erase")
        expected = b"\xff" * min(done, 64) + bytes(range(64))[min(done, 64) :] + b"\xff" * 192
        assert f.read(0, 256) == expected, torn


def test_random_tear_only_moves_bits_the_right_way():
    f = cut("random", seed=5)
    data = f.read(64, 64)
    assert data != b"\x00" * 64 and data != b"\xff" * 64
    assert cut("random", seed=5).read(64, 64) == data
    assert cut("random", seed=6).read(64, 64) != data
    f = cut("weak", "erase", seed=9)
    data = f.read(0, 64)
    for i in range(64):
        assert data[i] & i == i  # an erase never clears a bit
    assert data != bytes(range(64)) and data != b"\xff" * 64


def test_power_cut_passes_except_exception():
    f = flash()
    f.cut_at(0)
    try:
        try:
            f.program(0, b"a")
        except Exception:  # noqa: BLE001  what a careless firmware writes
            raise AssertionError("eaten")
    except PowerCut:
        return
    raise AssertionError("no cut")


def test_cut_counts_operations_not_refusals():
    f = flash()
    f.program(0, b"a")
    raises(FlashFault, f.program, 0, b"b")
    f.cut_at(2, 1)
    f.erase(1)
    raises(PowerCut, f.erase, 2)
    assert f.block_erases == [0, 1, 1, 0]
    f.power_on()
    f.erase(3)
    raises(ValueError, f.cut_at, 1)


def test_lying_program():
    f = flash(lie_program=3)
    for i in range(6):
        f.program(i, b"\x00")
    assert f.read(0, 6) == b"\x00\x00\xff\x00\x00\xff"


def test_stuck_bit():
    f = flash(stuck_bit=(10, 3, 0))
    assert f.read(9, 3) == b"\xff\xf7\xff"
    f = flash(stuck_bit=(10, 3, 1))
    f.program(8, b"\x00" * 4)
    assert f.read(8, 4) == b"\x00\x00\x08\x00"


def test_block_protocol():
    f = flash()
    dev = BlockDevice(f, 1, 2)
    assert dev.ioctl(4, 0) == 2 and dev.ioctl(5, 0) == 256 and dev.ioctl(1, 0) == 0
    dev.writeblocks(0, b"\x00" * 256)
    dev.writeblocks(0, b"\x55" * 256)  # erases first
    assert f.block_erases == [0, 2, 0, 0]
    assert dev.ioctl(6, 1) == 0
    dev.writeblocks(1, b"abc", 5)
    buf = bytearray(4)
    dev.readblocks(1, buf, 4)
    assert buf == b"\xffabc"
    raises(FlashFault, dev.writeblocks, 1, b"x", 5)  # with off: no erase
    raises(OSError, dev.writeblocks, 1, b"ab", 255)  # would reach the neighbour
    raises(OSError, dev.readblocks, 2, buf)
    raises(OSError, dev.ioctl, 6, 2)
    raises(OSError, dev.writeblocks, 0, b"short")
    assert dev.ioctl(99, 0) is None


def write_settings(fs, text):
    with fs.open("new", "wb") as f:
        f.write(text)
    fs.rename("new", "settings")


def test_littlefs_of_micropython():
    if not hasattr(os, "VfsLfs2"):
        return  # CPython: host_tests/tools/test_models_nor_host.py does it with littlefs-python
    f = flash(blocks=12, block=512)
    dev = BlockDevice(f, 2, 10)
    os.VfsLfs2.mkfs(dev, progsize=16, readsize=16)
    fs = os.VfsLfs2(dev, progsize=16, readsize=16)
    for i in range(10):
        write_settings(fs, b"%d " % i * 60)  # strict mode raises FlashFault on a second program
    fs = os.VfsLfs2(dev, progsize=16, readsize=16)
    with fs.open("settings", "rb") as file:
        assert file.read() == b"9 " * 60
    assert f.programs > 20 and f.erases > 5
    assert f.block_erases[:2] == [0, 0]
    # Power fails in the middle of the next change: afterwards the old or the new text is there.
    f.cut_at(f.ops + 2, 0.5)
    cut = False
    try:
        write_settings(fs, b"x " * 60)
    except PowerCut:
        cut = True
    assert cut
    f.power_on()
    fs = os.VfsLfs2(dev, progsize=16, readsize=16)
    with fs.open("settings", "rb") as file:
        assert file.read() in (b"9 " * 60, b"x " * 60)
