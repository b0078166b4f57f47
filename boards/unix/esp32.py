# The ESP32 port's `esp32` module over a chip that behaves like NOR flash.
#
# 4 MiB laid out by partitions.csv. Rules of NOR: an erase sets 4 KiB to 0xff, programming only
# clears bits, programming over a byte that is not erased is an error.

import json

import bus
import wires

from models.nor import BlockDevice

_SIZE = 4 * 1024 * 1024
_BLOCK = 4096

_TYPES = {"app": 0, "data": 1}
_SUBTYPES = {"factory": 0x00, "phy": 0x01, "nvs": 0x02, "ota": 0x00, "fat": 0x81}


_flash = None


def _the_flash():
    global _flash
    if _flash is None:
        _flash = wires.flash(_SIZE, _BLOCK)
    return _flash


def use_flash(nor):
    """Put another NorFlash of 4 MiB in the place of the board's (tests)."""
    global _flash
    _flash = nor


def _number(text, names):
    return names[text] if text in names else int(text, 0)


def _table():
    rows = []
    for line in wires.table("partitions.csv").split("\n"):
        line = line.strip()
        if line and not line.startswith("#"):
            name, kind, subtype, offset, size = [c.strip() for c in line.split(",")[:5]]
            kind, subtype = _number(kind, _TYPES), _number(subtype, _SUBTYPES)
            rows.append((kind, subtype, int(offset, 0), int(size, 0), name))
    return rows


def mcu_temperature():
    """The chip's own temperature in whole degrees Celsius (ESP32-S3, C3; the plain ESP32 has
    raw_temperature() instead)."""
    return bus.current.celsius()


class Partition:
    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id, block_size=_BLOCK):
        for row in _table():
            if row[4] == id or (id in (self.BOOT, self.RUNNING) and row[0] == self.TYPE_APP):
                self._info = row
                break
        else:
            raise OSError(2)  # ENOENT
        if block_size != _BLOCK:
            raise ValueError("the bench has 4096-byte blocks")
        self._dev = BlockDevice(_the_flash(), self._info[2] // _BLOCK, self._info[3] // _BLOCK)

    @classmethod
    def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=_BLOCK):
        return [
            cls(row[4], block_size)
            for row in _table()
            if row[0] == type and subtype in (0xFF, row[1]) and label in (None, row[4])
        ]

    def info(self):
        """(type, subtype, address, size, label, encrypted)"""
        return self._info + (False,)

    def readblocks(self, block_num, buf, offset=0):
        self._dev.readblocks(block_num, buf, offset)

    def writeblocks(self, block_num, buf, offset=None):
        self._dev.writeblocks(block_num, buf, offset)

    def ioctl(self, cmd, arg=0):
        return self._dev.ioctl(cmd, arg)

    def set_boot(self):
        pass

    def get_next_update(self):
        raise OSError(2)  # one application partition, no OTA

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        pass


class NVS:
    """Non-volatile storage: keys of up to 15 characters in namespaces. As on the chip a change is
    durable after commit()."""

    def __init__(self, namespace):
        self._namespace = namespace
        self._all = json.loads(wires.nvs_load() or "{}")

    def _space(self):
        return self._all.setdefault(self._namespace, {})

    def _check(self, key):
        if not 0 < len(key) <= 15:
            raise OSError(-4361)  # ESP_ERR_NVS_KEY_TOO_LONG

    def _get(self, key, kind):
        value = self._space().get(key)
        if value is None or value[0] != kind:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        return value[1]

    def set_i32(self, key, value):
        self._check(key)
        self._space()[key] = ["i", value]

    def get_i32(self, key):
        return self._get(key, "i")

    def set_blob(self, key, value):
        self._check(key)
        self._space()[key] = ["b", bytes(value).hex()]

    def get_blob(self, key, buffer):
        data = bytes.fromhex(self._get(key, "b"))
        if len(data) > len(buffer):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(data)] = data
        return len(data)

    def erase_key(self, key):
        if self._space().pop(key, None) is None:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")

    def commit(self):
        wires.nvs_store(json.dumps(self._all))
