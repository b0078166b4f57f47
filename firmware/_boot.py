# First step of the boot: watchdog, choice of the firmware, safe mode, data volume.
#
# The port runs it with Ctrl-C off. In a release it never returns: it runs the other steps itself,
# so that there is no moment at which somebody at the console gets a prompt. In a development build
# it returns, and the port runs boot.py and main.py.

import sys

import machine

_WATCHDOG_MS = 8000
_BLANK = b"\xff\xff\xff\xff"

_dev = False  # also when it cannot be found out


def _used():
    """Whether there is something in a bundle slot."""
    from esp32 import Partition

    head = bytearray(4)
    for name in ("bundle_0", "bundle_1"):
        for part in Partition.find(Partition.TYPE_DATA, label=name):
            part.readblocks(0, head, 0)
            if head != _BLANK:
                return True
    return False


def _choose():
    """The firmware that is to run: a bundle, or what is frozen."""
    if not _dev:
        # Modules on the data volume are not signed.
        sys.path[:] = [p for p in sys.path if p not in ("", "/lib")]
    if not _used():
        return
    import slots

    tired = bootstate.crashes >= bootstate.FROZEN_AFTER
    if slots.start(bootstate.watchdog.feed, tired):
        bootstate.count(0)  # another firmware now: it has not crashed yet


def _panicked():
    """Whether the last run ended in a panic: reset_cause() says HARD_RESET then, as after
    machine.reset()."""
    try:
        from flashmap import panicked  # boards/common/flashmap.c
    except ImportError:
        return False
    return panicked()


def _start():
    import chip

    bootstate.cause = cause = machine.reset_cause()
    bootstate.watchdog = chip.make_watchdog(_WATCHDOG_MS)
    bootstate.load()
    if cause == machine.WDT_RESET:
        bootstate.note("watchdog")
    elif _panicked():
        bootstate.note("panic")
    _choose()
    import board

    held = cause == machine.PWRON_RESET and board.safe_key()
    bootstate.safe = held or bootstate.crashes >= bootstate.SAFE_AFTER
    import volume

    bootstate.vfs_problem = volume.mount(board.vfs_partition(), board.DATA)
    if _dev:
        sys.path.insert(0, board.DATA + "/lib")  # where `make deploy` puts files


try:
    import flavour

    _dev = flavour.DEV
    import bootstate

    _start()
    if not _dev:
        import boot  # noqa: F401
        import main  # noqa: F401
except BaseException as e:  # noqa: BLE001  SystemExit and KeyboardInterrupt would end at the prompt
    if _dev:
        raise
    bootstate.crashed(e)
finally:
    # Also when the crash itself could not be written down.
    if not _dev:
        machine.reset()
