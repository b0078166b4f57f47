# Inside the simulated chip: what the firmware asks of a board, and whether this one has it. Prints
# "wrong: ..." for each answer.

import sys

import machine

from app.kernel import clock
from app.store.flashlog import FlashLog
from app.store.journal import Journal

NAMES = (
    "NAME", "CAPS", "CONSOLE", "ASSETS", "DATA", "device_secret", "journal_partition",
    "vfs_partition", "make_rtc", "make_watchdog", "serial", "make_display", "make_keypad",
    "make_printer", "make_card_reader", "make_bearer", "make_extra", "safe_key",
)  # fmt: skip
CAPS = ("display", "card", "printer", "bearers", "journal", "extras")
SETTINGS = {"apn": "", "wifi_country": "CN"}

users = {}  # UART -> name of what has it
making = None


_UART = machine.UART


class UART(_UART):
    def __init__(self, unit, *args, **kwargs):
        other = users.setdefault(unit, making)
        if other != making:
            print("wrong: %s and %s share UART %d" % (other, making, unit))
        super().__init__(unit, *args, **kwargs)


def make(name, function, *args):
    """What function(*args) makes, None when it cannot."""
    global making
    making = name
    try:
        made = function(*args)
    except Exception as e:  # noqa: BLE001  a new board may fail in any way
        print("wrong: %s: %s: %s" % (name, type(e).__name__, e))
        return None
    if not hasattr(made, "tasks"):
        print("wrong: %s gives no driver: it has no tasks()" % name)
        return None
    return made


def encode(text):
    return text.encode()


def drivers(board):
    caps = board.CAPS
    display = make("make_display", board.make_display)
    if display is not None and (display.width, display.height) != tuple(caps["display"][:2]):
        size = (display.width, display.height)
        print("wrong: CAPS says display %s, the driver %s" % (caps["display"][:2], size))
    make("make_keypad", board.make_keypad, clock)
    make("make_printer", board.make_printer, clock, encode)
    make("make_card_reader", board.make_card_reader, clock)
    for kind in caps["bearers"]:
        make("bearer " + kind, board.make_bearer, kind, clock, SETTINGS, ())
    for kind in caps["extras"]:
        make("extra " + kind, board.make_extra, kind, clock)
    try:
        board.make_extra("nothing", clock)
        print("wrong: make_extra makes what there is not")
    except ValueError:
        pass
    try:
        Journal(FlashLog(board.journal_partition()), caps["journal"])
    except (ValueError, OSError) as e:
        print("wrong: journal: %s" % e)


def main():
    import board

    # The boot has loaded the board's modules already.
    for module in list(sys.modules.values()):
        if getattr(module, "UART", None) is _UART:
            module.UART = UART

    missing = [n for n in NAMES if not hasattr(board, n)]
    missing += ["CAPS[%r]" % n for n in CAPS if n not in getattr(board, "CAPS", ())]
    for name in missing:
        print("wrong: modules/board.py has no %s" % name)
    if not missing:
        drivers(board)


main()
