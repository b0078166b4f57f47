# What the boot steps hand on to each other and to app.root, and what a crash leaves behind.
#
# NVS, namespace "boot": "crash" is the text of the last crash, "crashes" how many there were in a
# row, without a minute of service between them.

import io
import sys

from esp32 import NVS
from micropython import const

vfs_problem = None  # str: why the data file system is not mounted
watchdog = None  # started by _boot.py; a WDT is constructed once only
display = None  # started by boot.py
cause = 0  # of the reset: a constant of machine
safe = False  # nothing but the basics is to run: a key was held, or it crashed again and again
crash = (
    ""  # the last crash: type of the exception and places; no values, there may be data in them
)
crashes = 0  # in a row
bundle = None  # manifest of the bundle that runs, None: the frozen firmware
bundle_slot = None  # 0 or 1
bundle_reason = ""  # why a bundle does not run: "slot 0: hash, slot 1: blank"

SAFE_AFTER = const(3)  # crashes in a row
HEALTHY_MS = const(60_000)  # of service: then what runs is known to be good
FROZEN_AFTER = const(6)  # even the safe mode of a bundle crashes

_CRASH_MAX = const(400)  # bytes


def _name(path):
    """The last two parts of a path."""
    return "/".join(path.split("/")[-2:])


def describe(e):
    """Type and places of an exception, the innermost first; never its arguments."""
    text = io.StringIO()
    sys.print_exception(e, text)
    places = []
    for line in text.getvalue().split("\n")[1:]:
        if not line.startswith('  File "'):
            break  # the arguments begin here
        _, path, where = line.split('"', 2)
        places.insert(0, _name(path) + where.replace(", line ", ":").replace(", in ", " "))
    return " < ".join([type(e).__name__] + places)


def load():
    """Read what the last crash left."""
    global crash, crashes
    nvs = NVS("boot")
    buf = bytearray(_CRASH_MAX)
    try:
        crash = str(buf[: nvs.get_blob("crash", buf)], "utf-8")
        crashes = nvs.get_i32("crashes")
    except (OSError, UnicodeError):
        pass  # it never crashed


def note(text):
    """A crash of which only a text is known."""
    global crash, crashes
    crash = text[:_CRASH_MAX]
    crashes += 1
    nvs = NVS("boot")
    nvs.set_blob("crash", crash.encode())
    nvs.set_i32("crashes", crashes)
    nvs.commit()


def crashed(e):
    """An exception that ends the firmware."""
    try:
        text = describe(e)
    except MemoryError:
        text = type(e).__name__
    note(text)


def count(n):
    """Set the number of crashes in a row."""
    global crashes
    if n == crashes:
        return
    crashes = n
    nvs = NVS("boot")
    nvs.set_i32("crashes", n)
    nvs.commit()


def healthy():
    """The terminal serves, and has for a while: what runs is good. After a safe mode the next
    start tries it all again, once."""
    if safe:
        count(min(crashes, SAFE_AFTER - 1))
        return
    count(0)
    if bundle is not None:
        import slots

        slots.confirm()
