# The simulated board's boot ROM: what runs before the firmware.
#
#   micropython launch.py              boot the terminal: _boot, boot, main
#   micropython launch.py SCRIPT ...   mount the data file system, then run SCRIPT (tools, tests)
#   micropython -i launch.py --repl    mount, then the prompt
#
# SHOUYIN_BOARD names the board (a folder of boards/) whose board.py and pins are used.

import sys

_HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
_ROOT = _HERE + "/../.."


def _paths():
    # The shadows of machine, esp32, network and time must come before everything else.
    sys.path[:] = [_HERE, _ROOT + "/firmware", _ROOT + "/tools", ".frozen"]
    import wires

    sys.path[1:1] = wires.modules()
    wires.mount_assets()


def _run(path):
    with open(path) as f:
        source = f.read()
    exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": path})


def launch(argv):
    _paths()
    import loop

    loop.install()
    if not argv:
        import esp32

        esp32.bootloader()
    _run(_ROOT + "/firmware/_boot.py")
    if argv and argv[0] == "--repl":
        return
    if argv:
        sys.argv[:] = argv
        _run(argv[0])
        return
    _run(_ROOT + "/firmware/boot.py")
    _run(_ROOT + "/firmware/main.py")


launch(sys.argv[1:])
