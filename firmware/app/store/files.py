# How a small file is replaced so that a power cut leaves the old one or the new one, never half of
# one.
#
# littlefs: write a new file, flush it, rename it over the old one. Never remove first, never in
# place.

import binascii
import json
import os


def replace(path, data):
    """Make `data` (bytes) the content of `path`."""
    tmp = path + ".new"
    with open(tmp, "wb") as f:
        f.write(data)
        f.flush()
    os.rename(tmp, path)


def load(path):
    """bytes of `path`, or None when there is no such file."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        if e.args[0] == 2:  # ENOENT
            return None
        raise


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError as e:
        if e.args[0] != 2:  # ENOENT
            raise
        return False


def replace_json(path, value):
    """Make `value` as JSON the content of `path`, with a checksum: some releases of MicroPython
    (1.25) take JSON that was cut off for whole."""
    data = json.dumps(value).encode()
    replace(path, data + b"\n%08x" % binascii.crc32(data))


def load_json(path):
    """What replace_json() left, None when there is no such file. ValueError when it is damaged."""
    data = load(path)
    if data is None:
        return None
    if len(data) < 9 or data[-9:] != b"\n%08x" % binascii.crc32(data[:-9]):
        raise ValueError("checksum")
    return json.loads(data[:-9])
