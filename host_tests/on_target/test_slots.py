# The choice of a bundle at the boot: what is refused, what is believed, what is remembered.
#
# The bundles are made by host_tests/bundles.py (CPython, the cryptography package), which names
# their folder in SHOUYIN_BUNDLES.

import os
import sys

import vfs
import wires
from harness import Rng, Skip, raises, seed

import bootstate
import flavour
import slots
from models.nor import PowerCut

_ROOM = 16 * 1024
_BLOCK = 4096


class Slot:
    """A partition of a port that does not map partitions."""

    def __init__(self, data):
        self.data = data

    def readblocks(self, block, buf, offset):
        at = block * _BLOCK + offset
        assert 0 <= at and at + len(buf) <= len(self.data), "read outside of the partition"
        buf[:] = memoryview(self.data)[at : at + len(buf)]

    def ioctl(self, request, arg):
        return {4: len(self.data) // _BLOCK, 5: _BLOCK}[request]


class MappedSlot(bytearray):
    """One that has the buffer protocol."""

    def readblocks(self, block, buf, offset):
        at = block * _BLOCK + offset
        buf[:] = self[at : at + len(buf)]

    def ioctl(self, request, arg):
        return {4: len(self) // _BLOCK, 5: _BLOCK}[request]


_BLANK = b"\xff" * _ROOM
_keys = None


def load(name):
    """The contents of a slot that holds the named bundle."""
    global _keys
    folder = wires.setting("BUNDLES")
    if not folder:
        raise Skip("no bundles: SHOUYIN_BUNDLES is not set")
    if _keys is None:
        sys.path.append(folder)
        from bundle_keys import KEYS

        sys.path.pop()
        _keys = KEYS
    with open(folder + "/" + name + ".syb", "rb") as f:
        return bytearray(f.read())


def refused(part, keys=None):
    """The reason why the header of a slot is refused, None when it is not."""
    try:
        slots.read(part, keys or _keys)
    except slots.Refused as e:
        return e.args[0]
    return None


class Chip:
    """Two slots and the NVS of a chip, which lose power at commit number `cut_at`, before or after
    it is done. What runs is recorded, not mounted."""

    def __init__(self, first=None, second=None):
        self.parts = [Slot(load(n) if n else bytearray(_BLANK)) for n in (first, second)]
        self.text = ""
        self.commits = 0
        self.nvs = {}  # "load", "store": error of ESP-IDF
        self.cut_at = None
        self.cut_done = False
        self.mounted = None

    def __enter__(self):
        self._kept = (wires.nvs_load, wires.nvs_store, slots.partition, slots._mount,
                      slots.signers.KEYS)  # fmt: skip
        wires.nvs_load, wires.nvs_store = self._load, self._store
        slots.partition = lambda n: self.parts[n]
        slots._mount = self._mount
        slots.signers.KEYS = _keys
        return self

    def __exit__(self, *error):
        (wires.nvs_load, wires.nvs_store, slots.partition, slots._mount,
         slots.signers.KEYS) = self._kept  # fmt: skip
        self._fresh()

    def _load(self):
        if "load" in self.nvs:
            raise OSError(self.nvs["load"])
        return self.text

    def _store(self, text):
        if "store" in self.nvs:
            raise OSError(self.nvs["store"])
        self.commits += 1
        cut = self.commits - 1 == self.cut_at
        if not cut or self.cut_done:
            self.text = text
        if cut:
            raise PowerCut("no power")

    def _mount(self, part, size, runs):
        self.mounted = (self.parts.index(part), runs)

    def _fresh(self):
        slots._active = None
        bootstate.bundle = bootstate.bundle_slot = None
        bootstate.bundle_reason = ""

    def put(self, slot, name):
        self.parts[slot].data = load(name) if name else bytearray(_BLANK)

    def boot(self, tired=False):
        """The counter of the bundle that runs after a start, 0: the frozen firmware."""
        self._fresh()
        self.mounted = None
        self.given_up = slots.start(lambda: None, tired)
        return bootstate.bundle["counter"] if bootstate.bundle else 0

    def floor(self):
        return slots._floor(slots.NVS("boot"))


_FROZEN = slots._frozen_counter()
_GOOD, _NEWER, _NEWEST = _FROZEN + 4, _FROZEN + 5, _FROZEN + 6


# ---- what is refused ----------------------------------------------------------------------------


def test_sec17_a_good_bundle_is_believed():
    for name in ("good", "newer", "bytecode"):
        assert refused(Slot(load(name))) is None, name


def test_sec17_every_bit_of_the_header_counts():
    part = Slot(load("good"))
    data = part.data
    reasons = {}
    for at in range(_BLOCK):
        for bit in range(8):
            data[at] ^= 1 << bit
            why = refused(part, _keys[:1])
            data[at] ^= 1 << bit
            assert why is not None, (at, bit)
            reasons[why] = reasons.get(why, 0) + 1
    assert sum(reasons.values()) == _BLOCK * 8
    # Nothing that is not signed has been looked into.
    assert set(reasons) <= {"magic", "length", "padding", "signature"}, reasons
    assert refused(part) is None


def test_sec17_bits_of_the_image_count():
    rng = Rng(seed(17))
    with Chip("good") as chip:
        data = chip.parts[0].data
        size = slots.read(chip.parts[0])[0]["size"]
        for i in range(200):
            at = _BLOCK + (i if i < 16 else rng.below(size))
            bit = 1 << rng.below(8)
            data[at] ^= bit
            assert chip.boot() == 0 and chip.mounted is None, (at, bit)
            assert bootstate.bundle_reason == "slot 0: hash, slot 1: blank"
            data[at] ^= bit
        assert chip.boot() == _GOOD


def test_sec17_what_is_signed_but_not_for_this_board_is_refused():
    for reason in ("signature", "board", "mpy", "arch", "format", "size", "dev", "signer"):
        assert refused(Slot(load("wrong_" + reason))) == reason
    for n in ("", "2", "3"):
        assert refused(Slot(load("wrong_manifest" + n))) == "manifest"


def test_sec17_unsigned_is_refused():
    assert refused(Slot(load("unsigned"))) == "signature"


def test_sec17_a_board_that_believes_nobody_refuses_everything():
    part = Slot(load("good"))
    assert raises(slots.Refused, slots.read, part, ()).args == ("signer",)


def test_sec17_a_cut_off_image_is_refused():
    with Chip("wrong_hash") as chip:
        assert chip.boot() == 0
        assert bootstate.bundle_reason == "slot 0: hash, slot 1: blank"
        chip.put(0, "good")
        data = chip.parts[0].data
        size = slots.read(chip.parts[0])[0]["size"]
        for left in (0, 1, 4095, 4096, size - 1):
            kept = bytes(data)
            data[_BLOCK + left :] = b"\xff" * (_ROOM - _BLOCK - left)
            assert chip.boot() == 0 and "slot 0: hash" in bootstate.bundle_reason, left
            data[:] = kept


def test_sec16_bundles_of_development_run_on_development_firmware_only():
    part = Slot(load("dev"))
    assert not flavour.DEV and refused(part) == "dev"
    flavour.DEV = True
    try:
        assert refused(part) is None
    finally:
        flavour.DEV = False


def test_signature_follows_rfc_8017():
    digest = bytes(range(32))
    prefix = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
    n = b"\xff" * 256

    def signed(message):
        # With the exponent 1 the signature is the encoded message.
        return slots.signed_by(digest, message, n, 1)

    right = b"\x00\x01" + b"\xff" * 202 + b"\x00" + prefix + digest
    assert len(right) == 256 and signed(right)
    assert not signed(right[1:]) and not signed(right + b"\x00")
    # Bleichenbacher 2006: rubbish behind the hash, a short filler
    assert not signed(b"\x00\x01" + b"\xff" * 8 + b"\x00" + prefix + digest + bytes(194))
    assert not signed(b"\x00\x02" + right[2:])
    assert not signed(right[:2] + b"\xfe" + right[3:])
    assert not signed(right[:-1] + b"\x00")
    # not below the modulus; a key too short
    assert not slots.signed_by(digest, n, n, 1)
    assert not slots.signed_by(digest, bytes(128), b"\xff" * 128, 1)


# ---- what is chosen -----------------------------------------------------------------------------


def test_the_newest_of_two_runs():
    for first, second in (("good", "newer"), ("newer", "good")):
        with Chip(first, second) as chip:
            assert chip.boot() == _NEWER
            assert bootstate.bundle["version"] == "1.1" and bootstate.bundle_reason == ""
            assert chip.mounted == (bootstate.bundle_slot, True)


def test_when_the_newest_is_damaged_the_other_runs():
    with Chip("good", "newer") as chip:
        chip.parts[1].data[_BLOCK + 100] ^= 1
        assert chip.boot() == _GOOD and bootstate.bundle_slot == 0
        assert bootstate.bundle_reason == "slot 1: hash"


def test_sec18_what_is_not_newer_than_the_frozen_firmware_never_runs():
    with Chip("wrong_old") as chip:
        assert chip.boot() == 0
        assert bootstate.bundle_reason == "slot 0: old, slot 1: blank"
        # but its assets are there for the frozen firmware, which has none of its own
        assert chip.mounted == (0, False)


def test_sec18_the_number_of_the_frozen_firmware_is_enough_for_developers_only():
    with Chip("same_dev", "wrong_old") as chip:
        assert chip.boot() == 0
        assert bootstate.bundle_reason == "slot 0: dev, slot 1: old"
        flavour.DEV = True
        try:
            assert chip.boot() == _FROZEN and bootstate.bundle_slot == 0
            assert bootstate.bundle_reason == "slot 1: old"
            slots._frozen = _FROZEN + 1
            assert chip.boot() == 0 and "slot 0: old" in bootstate.bundle_reason
        finally:
            flavour.DEV, slots._frozen = False, _FROZEN


def test_a_verdict_says_what_the_next_start_will_and_writes_nothing():
    with Chip("good", "wrong_old") as chip:
        assert slots.verdict(0) == (None, _FROZEN + 1)
        assert slots.verdict(1) == ("old", _FROZEN + 1)
        assert chip.commits == 0
        chip.put(1, "newer")
        chip.boot()
        slots.confirm()
        assert slots.verdict(0) == ("floor", _NEWER)
        chip.put(0, "newest")
        for _ in range(3):
            assert slots.verdict(0) == (None, _NEWER)
            chip.boot()
        commits = chip.commits
        assert slots.verdict(0) == ("trial", _NEWER) and chip.commits == commits
        chip.boot()
        assert slots.verdict(0) == ("bad", _NEWER)
        chip.put(0, "unsigned")
        assert slots.verdict(0) == ("signature", None)
        chip.nvs = {"load": -4353}
        assert slots.verdict(1) == ("nvs", None)


def test_sec18_nothing_older_comes_back_after_a_bundle_was_confirmed():
    with Chip("newer") as chip:
        assert chip.boot() == _NEWER and chip.floor() == 0
        slots.confirm()
        assert chip.floor() == _NEWER
        chip.put(0, "good")
        assert chip.boot() == 0 and bootstate.bundle_reason == "slot 0: floor, slot 1: blank"
        chip.put(1, "newer")
        assert chip.boot() == _NEWER
        chip.put(1, "newest")
        assert chip.boot() == _NEWEST and chip.floor() == _NEWER  # on trial
        slots.confirm()
        assert chip.floor() == _NEWEST


def test_a_trial_ends_after_three_starts():
    with Chip("good", "newer") as chip:
        assert [chip.boot() for _ in range(3)] == [_NEWER] * 3
        assert not chip.given_up
        assert chip.boot() == _GOOD and chip.given_up
        assert bootstate.bundle_reason == "slot 1: trial"
        assert [chip.boot() for _ in range(2)] == [_GOOD] * 2 and not chip.given_up
        assert bootstate.bundle_reason == "slot 1: bad"
        assert chip.boot() == 0 and chip.given_up
        assert bootstate.bundle_reason == "slot 0: trial, slot 1: bad"
        assert chip.mounted == (1, False)
        # Another bundle in the same slot has a trial of its own.
        chip.put(1, "newest")
        assert chip.boot() == _NEWEST


def test_a_confirmed_bundle_starts_as_often_as_it_likes():
    with Chip("good") as chip:
        chip.boot()
        slots.confirm()
        commits = chip.commits
        assert [chip.boot() for _ in range(9)] == [_GOOD] * 9
        assert chip.commits == commits  # and wears out nothing


def test_after_too_many_crashes_no_bundle_runs():
    with Chip("good") as chip:
        chip.boot()
        slots.confirm()
        assert chip.boot(True) == 0
        assert bootstate.bundle_reason == "slot 0: crashes, slot 1: blank"
        assert chip.boot() == _GOOD


def test_confirm_without_a_bundle_writes_nothing():
    with Chip() as chip:
        assert chip.boot() == 0
        slots.confirm()
        assert chip.commits == 0


def test_sec18_without_nvs_no_bundle_runs_and_its_assets_are_there():
    """ESP_ERR_NVS_NOT_INITIALIZED: nothing can be read; ESP_ERR_NVS_NOT_ENOUGH_SPACE: nothing can
    be written. An error is never taken for a floor of 0."""
    for nvs in ({"load": -4353}, {"store": -4357}):
        with Chip("good", "newer") as chip:
            chip.nvs = nvs
            assert chip.boot() == 0 and chip.mounted == (1, False), nvs
            assert "slot 1: nvs" in bootstate.bundle_reason
            assert bootstate.nvs_error in nvs.values()
            slots.confirm()  # of nothing
            chip.nvs = {}
            assert chip.boot() == _NEWER
            chip.nvs = nvs
            bootstate.nvs_error = 0
            bootstate.healthy()  # a terminal that serves goes on serving
            assert bootstate.nvs_error in nvs.values()
    bootstate.nvs_error = 0


def test_a_confirmed_bundle_runs_on_when_nothing_can_be_written_any_more():
    with Chip("good") as chip:
        chip.boot()
        slots.confirm()
        chip.nvs = {"store": -4357}
        assert chip.boot() == _GOOD


def test_an_image_that_cannot_be_mounted_is_passed_over():
    with Chip("good", "newer") as chip:

        def mount(part, size, runs):
            if part is chip.parts[1]:
                raise OSError(22)
            chip._mount(part, size, runs)

        slots._mount = mount
        assert chip.boot() == _GOOD and chip.mounted == (0, True)
        assert bootstate.bundle_reason == "slot 1: image"


def test_sec18_a_counter_that_nvs_cannot_keep_is_refused():
    for n in ("", "2"):
        assert refused(Slot(load("wrong_counter" + n))) == "counter"


class Life:
    """An update of a terminal that runs a confirmed bundle: start, confirm, start; then a newer
    one that never works; then one that does."""

    def __init__(self, chip):
        self.chip = chip
        self.step = 0
        self.unconfirmed = {}  # counter: starts
        self.confirmed = 0  # the highest counter whose confirm() has returned
        self.begun = 0  # the highest whose confirm() has begun

    def start(self):
        counter = self.chip.boot()
        assert counter == 0 or counter >= self.chip.floor()
        assert self.confirmed <= self.chip.floor() <= self.begun
        assert counter >= self.confirmed, "a confirmed bundle was lost"
        if counter > self.begun:
            n = self.unconfirmed[counter] = self.unconfirmed.get(counter, 0) + 1
            assert n <= 3, "a trial without end"
        return counter

    def confirm(self):
        counter = bootstate.bundle["counter"]
        self.begun = max(self.begun, counter)
        slots.confirm()
        self.confirmed = max(self.confirmed, counter)

    def run(self):
        """The rest of it; a cut raises PowerCut."""
        while self.step < 4:
            if self.step == 0:
                assert self.start() == _GOOD
                self.confirm()
                assert self.start() == _GOOD
                self.chip.put(1, "newer")
            elif self.step == 1:
                while self.start() == _NEWER:
                    pass  # it never gets as far as to confirm itself
                assert bootstate.bundle["counter"] == _GOOD
            elif self.step == 2:
                self.chip.put(1, "newest")
                assert self.start() == _NEWEST
                self.confirm()
            else:
                assert self.start() == _NEWEST
                self.chip.put(1, None)
                assert self.chip.boot() == 0 and "floor" in bootstate.bundle_reason
            self.step += 1


def test_power_may_go_at_every_commit():
    with Chip("good") as chip:
        life = Life(chip)
        life.run()
        commits = chip.commits
    assert commits >= 9
    for k in range(commits):
        for done in (False, True):
            with Chip("good") as chip:
                life = Life(chip)
                chip.cut_at, chip.cut_done = k, done
                raises(PowerCut, life.run)
                chip.cut_at = None
                life.run()
                assert chip.floor() == _NEWEST


# ---- the running terminal's self-test -----------------------------------------------------------


async def test_sec19_a_slot_is_hashed_anew_while_others_run():
    import asyncio

    with Chip("good") as chip:
        chip.boot()
        turns = []

        async def other():
            while True:
                turns.append(1)
                await asyncio.sleep_ms(0)

        task = asyncio.create_task(other())
        assert await slots.digest(0)
        task.cancel()
        assert len(turns) >= 2
        chip.parts[0].data[_BLOCK + 4097] ^= 4
        assert not await slots.digest(0)
        chip.parts[0].data[0] ^= 4
        assert not await slots.digest(0)


# ---- mounting -----------------------------------------------------------------------------------


class Mounted:
    """A bundle, really mounted, and its modules forgotten afterwards."""

    def __init__(self, part, runs=True):
        self.part, self.runs = part, runs

    def __enter__(self):
        self.path = list(sys.path)
        self.modules = dict(sys.modules)
        slots._mount(self.part, slots.read(self.part, _keys)[0]["size"], self.runs)

    def __exit__(self, *error):
        sys.path[:] = self.path
        vfs.umount("/rom")
        for name in list(sys.modules):
            if name.endswith("_rom") or "_rom." in name:
                del sys.modules[name]
        sys.modules.update(self.modules)
        wires.mount_assets()


def tree(path="/rom"):
    """Path of each folder, (path, size) of each file."""
    found = []
    for name, kind, _, size in os.ilistdir(path):
        full = path + "/" + name
        stat = os.stat(full)
        assert stat[0] == kind, full
        if kind == 0x4000:
            found.append(full)
            found += tree(full)
        else:
            assert stat[6] == size, full
            found.append((full, size))
    return found


class FlashMap:
    """Stands for the module of boards/common/flashmap.c."""

    def __init__(self, data):
        self._data = data
        self.asked = []

    def view(self, label):
        self.asked.append(label)
        return memoryview(self._data)


class NamedSlot(Slot):
    def info(self):
        return (1, 0x41, 0x410000, 0x100000, "bundle_0", False)


def test_a_board_with_our_c_module_runs_code_out_of_flash():
    data = load("good")
    sys.modules["flashmap"] = mapped = FlashMap(data)
    try:
        with Mounted(NamedSlot(data)):
            assert mapped.asked == ["bundle_0"]
            import hello_rom

            assert hello_rom.WHO == "rom inner"
    finally:
        del sys.modules["flashmap"]


def test_modules_and_files_of_a_bundle_are_there_with_and_without_mapped_partitions():
    trees = []
    for kind in (Slot, MappedSlot):
        part = kind(load("good"))
        with Mounted(part):
            assert sys.path[0] == "/rom"
            import hello_rom
            from pkg_rom import inner

            assert hello_rom.WHO == "rom inner" and inner.add(40, 2) == 42
            assert inner.__file__ == "/rom/pkg_rom/inner.mpy"
            trees.append(tree())
            with open("/rom/cells.bin", "rb") as f:
                assert f.read(3) == b"\x00\x07\x0e"
                assert f.seek(5000) == 5000
                assert f.read(10) == bytes(i * 7 & 0xFF for i in range(5000, 5003))
                assert f.read(1) == b"" and f.seek(0) == 0
                assert f.read() == bytes(i * 7 & 0xFF for i in range(5003))
                buf = bytearray(4)
                assert f.seek(-2, 2) == 5001 and f.readinto(buf) == 2
            with open("/rom/pkg_rom/empty.bin", "rb") as f:
                assert f.read() == b""
            for path, mode, error in (
                ("/rom/none", "rb", 2),
                ("/rom/cells.bin/none", "rb", 2),
                ("/rom/cells.bin", "wb", 30),
            ):
                assert raises(OSError, open, path, mode).errno == error, path
    assert trees[0] == trees[1], trees
    assert len(trees[0]) == 7


def test_assets_only_are_no_modules():
    with Mounted(Slot(load("good")), False):
        assert "/rom" not in sys.path
        assert os.stat("/rom/cells.bin")[6] == 5003


def test_line_numbers_of_a_bundle_are_in_a_crash():
    with Mounted(Slot(load("good"))):
        import fails_rom

        text = bootstate.describe(raises(ValueError, fails_rom.fail))
        assert text.startswith("ValueError < fails_rom.py:2 fail < "), text


def test_a_damaged_image_makes_errors_and_reads_nothing_outside():
    from romreader import RomReader

    data = load("good")
    size = slots.read(Slot(data), _keys)[0]["size"]
    image = data[_BLOCK : _BLOCK + size]
    whole = RomReader(Slot(image), 0, size)
    first = size - len(whole._dirs)

    def walk(fs, path, depth=0):
        for name, kind, _, _ in fs.ilistdir(path):
            if kind == 0x4000:
                if depth < 4:
                    walk(fs, path + "/" + name, depth + 1)
            else:
                fs.open(path + "/" + name, "rb").read()

    walk(whole, "")
    errors = 0
    for at in list(range(16)) + list(range(first, size)):
        for bit in range(8):
            image[at] ^= 1 << bit
            try:
                walk(RomReader(Slot(image), 0, size), "")
            except OSError:
                errors += 1
            image[at] ^= 1 << bit
    assert errors > 200
    for n in range(64):
        raises(OSError, RomReader, Slot(image), 0, n)
