# The data volume at the boot: it is made only on flash that was never used. What a crash leaves.

import os

import vfs
import wires
from harness import flash

import bootstate
import volume
from models.nor import PowerCut

DATA = "/boot_test"


def boot(dev):
    return volume.mount(dev, DATA)


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


def test_a_first_boot_whose_power_goes_is_finished_by_the_next():
    """The volume is half made then, and no longer blank."""
    for torn in (0, 1, "random"):
        at, stuck = 0, 0
        while True:
            nor, dev = flash(1024, 16)
            with Nvs():
                nor.cut_at(nor.ops + at, torn, seed=5)
                try:
                    boot(dev)
                    done = True
                except PowerCut:
                    done = False
                nor.power_on()
                power_off()
                stuck += boot(dev) is not None
                assert stuck == 0 and mounted(), (at, torn)
                power_off()
                # From now on it is a volume like others: damaged, it is never formatted.
                for block in (0, 1024):
                    nor.storage.data[block : block + 64] = b"\x00" * 64
                assert boot(dev) == "vfs" and not mounted(), (at, torn)
            if done:
                break
            at += 1
        assert at > 2


# ---- crashes ------------------------------------------------------------------------------------


class Nvs:
    """The chip's NVS, in memory, for the time of a test."""

    def __enter__(self):
        self._kept = wires.nvs_load, wires.nvs_store
        self.text = ""
        wires.nvs_load, wires.nvs_store = self._load, self._store
        self.restart()
        return self

    def _load(self):
        return self.text

    def _store(self, text):
        self.text = text

    def restart(self):
        """What a start of the firmware makes of bootstate."""
        bootstate.crash, bootstate.crashes, bootstate.safe = "", 0, False
        bootstate.load()

    def __exit__(self, *error):
        wires.nvs_load, wires.nvs_store = self._kept
        bootstate.crash, bootstate.crashes, bootstate.safe = "", 0, False


PAN = "6225000000000001"


def _fails(number):
    raise ValueError('card %s\n  File "%s", line 1, in x' % (number, number))


def _exception():
    try:
        _fails(PAN)
    except ValueError as e:
        return e


def test_a_crash_is_kept_with_type_and_places_and_without_what_it_says():
    with Nvs() as nvs:
        bootstate.crashed(_exception())
        nvs.restart()
        assert bootstate.crashes == 1
        kind, inner, *outer = bootstate.crash.split(" < ")
        assert kind == "ValueError", bootstate.crash
        assert inner.endswith(" _fails") and ":" in inner and len(outer) == 1, bootstate.crash
        assert "6225" not in nvs.text and "card" not in bootstate.crash


def _deep(n):
    if n:
        _deep(n - 1)
    raise OSError(5)


def test_a_long_trace_is_cut_at_its_outer_end():
    with Nvs() as nvs:
        try:
            _deep(30)
        except OSError as e:
            bootstate.crashed(e)
        nvs.restart()
        assert len(bootstate.crash) == 400
        assert bootstate.crash.startswith("OSError < ")


def test_a_minute_of_service_ends_a_row_of_crashes():
    with Nvs() as nvs:
        for n in (1, 2, 3):
            bootstate.note("watchdog")
            nvs.restart()
            assert (bootstate.crashes, bootstate.crash) == (n, "watchdog")
        bootstate.healthy()
        nvs.restart()
        assert (bootstate.crashes, bootstate.crash) == (0, "watchdog")


def test_after_safe_mode_one_more_start_is_tried_and_one_crash_is_enough():
    with Nvs() as nvs:
        for _ in range(4):
            bootstate.note("watchdog")
        bootstate.safe = True
        bootstate.healthy()
        nvs.restart()
        assert bootstate.crashes == bootstate.SAFE_AFTER - 1
        bootstate.note("watchdog")
        assert bootstate.crashes == bootstate.SAFE_AFTER
