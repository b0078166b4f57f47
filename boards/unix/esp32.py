# The ESP32 port's `esp32` module over a file that behaves like NOR flash.
#
# The file named by SHOUYIN_FLASH holds 4 MiB laid out by partitions.csv; it is made, erased, when
# it is missing. Rules of NOR (tools/models/nor.py): an erase sets 4 KiB to 0xff, programming only
# clears bits, programming over a byte that is not erased is an error.

import json
import os

from models.nor import BlockDevice, NorFlash

_SIZE = 4 * 1024 * 1024
_BLOCK = 4096

_TYPES = {"app": 0, "data": 1}
_SUBTYPES = {"factory": 0x00, "phy": 0x01, "nvs": 0x02, "ota": 0x00, "fat": 0x81}


class FileStorage:
    """Cells in a file. Every write reaches the operating system at once: killing this process is a
    power cut."""

    def __init__(self, path, size):
        try:
            if os.stat(path)[6] != size:
                raise ValueError("flash image %s must have %d bytes" % (path, size))
        except OSError:
            with open(path, "wb") as f:
                blank = b"\xff" * _BLOCK
                for _ in range(size // _BLOCK):
                    f.write(blank)
        self._f = open(path, "r+b", buffering=0)

    def read(self, addr, n):
        self._f.seek(addr)
        return self._f.read(n)

    def write(self, addr, data):
        self._f.seek(addr)
        self._f.write(data)


_flash = None


def _the_flash():
    global _flash
    if _flash is None:
        path = os.getenv("SHOUYIN_FLASH")
        if not path:
            raise OSError("SHOUYIN_FLASH must name the flash image of the simulated board")
        _flash = NorFlash(FileStorage(path, _SIZE), _SIZE, _BLOCK)
    return _flash


def use_flash(nor):
    """Put another NorFlash of 4 MiB in the place of the file (tests)."""
    global _flash
    _flash = nor


def _number(text, names):
    return names[text] if text in names else int(text, 0)


def _table():
    rows = []
    with open(__file__.rsplit("/", 1)[0] + "/partitions.csv") as f:
        for line in f:
            line = line.strip()
            if line and not line.startswith("#"):
                name, kind, subtype, offset, size = [c.strip() for c in line.split(",")[:5]]
                rows.append(
                    (
                        _number(kind, _TYPES),
                        _number(subtype, _SUBTYPES),
                        int(offset, 0),
                        int(size, 0),
                        name,
                    )
                )
    return rows


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
    """Non-volatile storage: keys of up to 15 characters in namespaces, beside the flash image. As
    on the chip a change is durable after commit()."""

    def __init__(self, namespace):
        path = os.getenv("SHOUYIN_FLASH")
        if not path:
            raise OSError("SHOUYIN_FLASH must name the flash image of the simulated board")
        self._path = path + ".nvs"
        self._namespace = namespace
        self._all = self._load()

    def _load(self):
        try:
            with open(self._path) as f:
                return json.load(f)
        except OSError:
            return {}

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
        tmp = self._path + ".new"
        with open(tmp, "w") as f:
            json.dump(self._all, f)
        os.rename(tmp, self._path)
