# Which application the simulated chip starts: as ESP-IDF keeps it in flash.

import struct

import esp32
from esp32 import Partition
from harness import raises

from models.nor import NorFlash, RamStorage

_OTA_0, _OTA_1 = 0x10000, 0x210000


class Chip:
    """A flash of 8 MiB with cells for otadata, and for the first block of both applications."""

    block = 4096
    blocks = 2048

    def __init__(self):
        self.data = NorFlash(RamStorage(8192), 8192)
        self.apps = [NorFlash(RamStorage(4096), 4096) for _ in range(2)]
        self.programs = self.erases = 0

    def _at(self, addr):
        for base, nor in ((0xD000, self.data), (_OTA_0, self.apps[0]), (_OTA_1, self.apps[1])):
            if base <= addr < base + nor.size:
                return nor, addr - base
        raise ValueError("0x%x was not expected" % addr)

    def read_into(self, addr, buf):
        nor, at = self._at(addr)
        nor.read_into(at, buf)

    def program(self, addr, data):
        self.programs += 1
        nor, at = self._at(addr)
        nor.program(at, data)

    def erase(self, block):
        self.erases += 1
        nor, at = self._at(block * 4096)
        nor.erase(at // 4096)

    def has_image(self, number):
        self.apps[number].program(0, b"\xe9\x05")

    def entry(self, number):
        """(ota_seq, ota_state) of an entry, as it lies in flash."""
        seq, _, state, _ = struct.unpack("<I20sII", self.data.read(number * 4096, 32))
        return seq, state


def with_chip(function):
    chip = Chip()
    esp32.use_flash(chip)
    try:
        function(chip)
    finally:
        esp32.use_flash(None)


def running():
    return Partition(Partition.RUNNING).info()[4]


def boots():
    return Partition(Partition.BOOT).info()[4]


def test_a_new_chip_starts_the_first_application_and_calls_it_valid():
    def check(chip):
        assert boots() == "ota_0" and chip.programs == 0
        assert running() == "ota_0"
        assert chip.entry(0) == (1, 2)  # ESP_OTA_IMG_VALID
        # As ESP-IDF's tools compute it: binascii.crc32(struct.pack("<I", 1), 0xFFFFFFFF)
        assert chip.data.read(28, 4) == b"\x9a\x98\x43\x47"
        n = chip.programs
        Partition.mark_app_valid_cancel_rollback()
        assert running() == "ota_0" and chip.programs == n

    with_chip(check)


def test_the_next_update_goes_to_the_other_application():
    def check(chip):
        assert Partition(Partition.RUNNING).get_next_update().info()[4] == "ota_1"
        assert Partition("ota_1").get_next_update().info()[4] == "ota_0"

    with_chip(check)


def test_only_an_application_image_can_be_chosen():
    def check(chip):
        e = raises(OSError, Partition("ota_1").set_boot)
        assert e.args == (-0x1503, "ESP_ERR_OTA_VALIDATE_FAILED")
        assert boots() == "ota_0"

    with_chip(check)


def test_what_is_never_confirmed_is_rolled_back():
    def check(chip):
        esp32.bootloader()
        chip.has_image(1)
        Partition("ota_1").set_boot()
        assert (running(), boots()) == ("ota_0", "ota_1")
        assert chip.entry(1) == (2, 0)  # ESP_OTA_IMG_NEW
        esp32.bootloader()
        assert running() == "ota_1" and chip.entry(1) == (2, 1)  # PENDING_VERIFY
        esp32.bootloader()
        assert (running(), boots()) == ("ota_0", "ota_0")
        assert chip.entry(1) == (2, 4)  # ABORTED

    with_chip(check)


def test_what_is_confirmed_stays():
    def check(chip):
        esp32.bootloader()
        for number in (0, 1):
            chip.has_image(number)
        for seq, label in ((2, "ota_1"), (3, "ota_0"), (4, "ota_1")):
            Partition(label).set_boot()
            esp32.bootloader()
            Partition.mark_app_valid_cancel_rollback()
            assert chip.entry((seq - 1) % 2) == (seq, 2)
            for _ in range(3):
                esp32.bootloader()
                assert running() == label

    with_chip(check)


def test_an_entry_with_a_wrong_checksum_does_not_count():
    def check(chip):
        esp32.bootloader()
        chip.has_image(1)
        Partition("ota_1").set_boot()
        chip.data.storage.data[4096 + 28] ^= 1
        esp32.bootloader()
        assert running() == "ota_0"

    with_chip(check)
