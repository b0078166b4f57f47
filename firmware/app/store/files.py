# How a small file is replaced so that a power cut leaves the old one or the new one, never half of
# one.
#
# littlefs: write a new file, flush it, rename it over the old one. Never remove first, never in
# place.

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
