# What must be had before anything is mounted: partitions by their label, and a few bytes in NVS
# that survive everything but decommissioning. Namespace "shouyin", where chip.device_secret() has
# its own.

from esp32 import NVS, Partition

_NOT_FOUND = -4354  # ESP_ERR_NVS_NOT_FOUND
_SPACE = "shouyin"


def partition(label):
    """esp32.Partition of type data, None when this board's table has none of that label."""
    found = Partition.find(Partition.TYPE_DATA, label=label)
    return found[0] if found else None


def get(name, size):
    """The bytes (at most `size`) kept under `name` (1 to 15 characters), None when there are
    none."""
    buf = bytearray(size)
    try:
        n = NVS(_SPACE).get_blob(name, buf)
    except OSError as e:
        if e.args[0] != _NOT_FOUND:
            raise
        return None
    return bytes(buf[:n])


def put(name, data):
    """Keep bytes, None forgets them; durable when it returns."""
    nvs = NVS(_SPACE)
    if data is None:
        try:
            nvs.erase_key(name)
        except OSError as e:
            if e.args[0] != _NOT_FOUND:
                raise
            return
    else:
        nvs.set_blob(name, data)
    nvs.commit()


class Place:
    """A name in NVS as an object: what store.audit takes as its anchor."""

    def __init__(self, name, size):
        self._name = name
        self._size = size

    def get(self):
        return get(self._name, self._size)

    def put(self, data):
        put(self._name, data)
