# The ESP32 port's `esp32` module over a chip that behaves like NOR flash.
#
# Laid out by the board's partitions.csv, as large as that needs. Rules of NOR: an erase sets 4 KiB
# to 0xff, programming only clears bits, programming over a byte that is not erased is an error.

import json

import bus
import wires

from models.nor import BlockDevice

_BLOCK = 4096

_TYPES = {"app": 0, "data": 1}
_SUBTYPES = {
    "factory": 0x00,
    "ota_0": 0x10,
    "ota_1": 0x11,
    "ota": 0x00,
    "phy": 0x01,
    "nvs": 0x02,
    "coredump": 0x03,
    "fat": 0x81,
}
_OTA_0 = 0x10

_OTA_VALIDATE_FAILED = -0x1503
_INVALID_ARG = -0x102

_flash = None
_running = None  # number of the application that was started, None: nobody has asked yet


def _the_flash():
    global _flash
    if _flash is None:
        _flash = wires.flash(_size(), _BLOCK)
    return _flash


def use_flash(nor):
    """Put another NorFlash, as large as the board's, in its place (tests)."""
    global _flash, _running
    _flash = nor
    _running = None


def _size():
    """Bytes of the chip: chips come in powers of two."""
    end = max(row[2] + row[3] for row in _table())
    size = 1 << 20
    while size < end:
        size *= 2
    return size


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


def _device(row):
    return BlockDevice(_the_flash(), row[2] // _BLOCK, row[3] // _BLOCK)


def _ota():
    """The chip's choice of applications, None when the board has only one."""
    import otadata

    rows = _table()
    apps = sum(1 for row in rows if row[0] == Partition.TYPE_APP and row[1] >= _OTA_0)
    for row in rows:
        if apps and row[:2] == (Partition.TYPE_DATA, 0):
            return otadata.OtaData(_device(row), apps)
    return None


def bootloader():
    """What runs before the firmware: chooses the application, rolls back what was never
    confirmed."""
    global _running
    ota = _ota()
    _running = ota.start() if ota else 0


def _app(number):
    """The row of an application in the partition table."""
    for row in _table():
        if row[0] == Partition.TYPE_APP and row[1] & 0x0F == number:
            return row
    raise OSError(2)  # ENOENT


class Partition:
    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id, block_size=_BLOCK):
        if id == self.BOOT:
            ota = _ota()
            self._info = _app(ota.chosen() if ota else 0)
        elif id == self.RUNNING:
            if _running is None:
                bootloader()
            self._info = _app(_running)
        else:
            self._info = self._named(id)
        if block_size != _BLOCK:
            raise ValueError("the bench has 4096-byte blocks")
        self._dev = _device(self._info)

    @staticmethod
    def _named(label):
        for row in _table():
            if row[4] == label:
                return row
        raise OSError(2)  # ENOENT

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
        """The port verifies the whole image first; here its first byte stands for that."""
        magic = bytearray(1)
        self._dev.readblocks(0, magic, 0)
        if magic[0] != 0xE9:  # ESP_IMAGE_HEADER_MAGIC
            raise OSError(_OTA_VALIDATE_FAILED, "ESP_ERR_OTA_VALIDATE_FAILED")
        ota = _ota()
        if self._info[0] != self.TYPE_APP or not ota:
            raise OSError(_INVALID_ARG, "ESP_ERR_INVALID_ARG")
        ota.choose(self._info[1] & 0x0F)

    def get_next_update(self):
        """The application partition behind this one, or the first."""
        rows = [row for row in _table() if row[0] == self.TYPE_APP and row[1] >= _OTA_0]
        if not rows:
            raise OSError(2)  # ENOENT: one application partition, no OTA
        labels = [row[4] for row in rows]
        at = labels.index(self._info[4]) + 1 if self._info[4] in labels else 0
        return Partition(labels[at % len(labels)])

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        ota = _ota()
        if _running is None and ota:
            bootloader()
        if not ota or not ota.confirm():
            raise OSError(1, "ESP_FAIL")


class NVS:
    """Non-volatile storage: keys of up to 15 characters in namespaces. As on the chip a change is
    durable after commit()."""

    def __init__(self, namespace):
        self._namespace = namespace
        text = wires.nvs_load() or "{}"
        if text.startswith("!"):  # a test has damaged it: the port's start-up has failed with that
            raise OSError(int(text[1:]))
        self._all = json.loads(text)

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
