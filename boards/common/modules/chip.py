# What every board of an ESP32 has, whatever hangs on its pins. A board's own board.py hands it on.

import os

from esp32 import NVS, Partition
from machine import RTC, WDT, unique_id

DATA = "/flash"  # littlefs: settings, operators, vault
ASSETS = "/rom"  # fonts, read-only

_NVS_NOT_FOUND = -4354  # ESP_ERR_NVS_NOT_FOUND


def make_watchdog(timeout_ms):
    return WDT(timeout=timeout_ms)


def make_rtc():
    return RTC()


def serial():
    """A number that differs from board to board."""
    n = 0
    for b in unique_id():
        n = n * 31 + b & 0xFFFFFF
    return n


def vfs_partition():
    return Partition.find(Partition.TYPE_DATA, label="vfs")[0]


def journal_partition():
    return Partition.find(Partition.TYPE_DATA, label="journal")[0]


def device_secret():
    """32 bytes that no other device has, made at the first call. On a product NVS is an encrypted
    partition."""
    nvs = NVS("shouyin")
    secret = bytearray(32)
    try:
        nvs.get_blob("device", secret)
    except OSError as e:
        if e.args[0] != _NVS_NOT_FOUND:
            raise  # another secret would make the vault worthless
        secret = bytearray(os.urandom(32))
        nvs.set_blob("device", secret)
        nvs.commit()
    return secret
