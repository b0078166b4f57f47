# Which application the chip starts: the "otadata" partition as ESP-IDF keeps it.
#
# Two entries of 32 bytes, each at the beginning of an erase block of its own: ota_seq u32, label
# of 20 bytes (not used), ota_state u32, CRC-32 of ota_seq. The valid entry with the greater
# ota_seq counts; its application is (ota_seq - 1) modulo the number of applications.
#
# Sources: ESP-IDF, esp_flash_partitions.h (esp_ota_select_entry_t), app_update/esp_ota_ops.c,
# bootloader_support/src/bootloader_utility.c with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE.

import binascii
import struct

_ENTRY = "<I20sII"
_UNUSED = 0xFFFFFFFF

NEW = 0  # chosen by set_boot(), not started yet
PENDING_VERIFY = 1  # started once, not confirmed
VALID = 2
INVALID = 3
ABORTED = 4  # was started and not confirmed: never again


def _crc(seq):
    return binascii.crc32(struct.pack("<I", seq), _UNUSED)


class OtaData:
    """`dev`: the block device of the partition; `apps`: how many applications there are."""

    def __init__(self, dev, apps):
        self._dev = dev
        self._apps = apps

    def _entries(self):
        """[(ota_seq, ota_state)] of both; ota_seq None: nothing valid is there."""
        found = []
        for block in (0, 1):
            data = bytearray(32)
            self._dev.readblocks(block, data, 0)
            seq, _, state, crc = struct.unpack(_ENTRY, data)
            good = seq != _UNUSED and crc == _crc(seq)
            found.append((seq if good else None, state))
        return found

    def _active(self, entries):
        """Index of the entry that counts, None when none does."""
        best = None
        for i, (seq, state) in enumerate(entries):
            if seq is None or state in (INVALID, ABORTED):
                continue
            if best is None or seq > entries[best][0]:
                best = i
        return best

    def _write(self, block, seq, state):
        self._dev.ioctl(6, block)
        entry = struct.pack(_ENTRY, seq, b"\xff" * 20, state, _crc(seq))
        self._dev.writeblocks(block, entry, 0)

    def _slot(self, seq):
        return (seq - 1) % self._apps

    def chosen(self):
        """Number of the application that the next start takes."""
        entries = self._entries()
        active = self._active(entries)
        return 0 if active is None else self._slot(entries[active][0])

    def start(self):
        """What the bootloader does at a start; returns the number of the application."""
        entries = self._entries()
        for i, (seq, state) in enumerate(entries):
            if seq is not None and state == PENDING_VERIFY:
                entries[i] = (seq, ABORTED)
                self._write(i, seq, ABORTED)
        active = self._active(entries)
        if active is None:
            if entries[0][0] is None and entries[1][0] is None:  # a new chip
                self._write(0, 1, VALID)
            return 0
        seq, state = entries[active]
        if state == NEW:
            self._write(active, seq, PENDING_VERIFY)
        return self._slot(seq)

    def choose(self, slot):
        """Let the next start take an application (esp_ota_set_boot_partition)."""
        entries = self._entries()
        active = self._active(entries)
        if active is None:
            self._write(0, slot + 1, NEW)
            return
        seq = slot + 1
        while seq < entries[active][0]:
            seq += self._apps
        self._write(1 - active, seq, NEW)

    def confirm(self):
        """Mark the application that counts as valid; False when there is none."""
        entries = self._entries()
        active = self._active(entries)
        if active is None:
            return False
        seq, state = entries[active]
        if state != VALID:
            self._write(active, seq, VALID)
        return True
