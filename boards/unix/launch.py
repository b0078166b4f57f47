# The simulated board's boot ROM: what runs before the firmware.
#
#   micropython launch.py              boot the terminal, as the port's main.c does: _boot with
#                                      Ctrl-C off, then boot and main with it; with -i the prompt
#                                      after that. A release never comes out of _boot.
#   micropython launch.py SCRIPT ...   mount the data file system, then run SCRIPT (tools, tests)
#   micropython -i launch.py --repl    mount, then the prompt
#
# SHOUYIN_BOARD names the board (a folder of boards/) whose board.py and pins are used;
# SHOUYIN_FLAVOUR=dev and SHOUYIN_MODULES are explained in wires.py. The folder firmware/ stands
# for what is frozen into an image.

import sys

import micropython

_HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
_ROOT = _HERE + "/../.."
_CTRL_C = 3


def _paths():
    # The shadows of machine, esp32, network and time must come before everything else.
    sys.path[:] = [_HERE, _ROOT + "/firmware", _ROOT + "/tools", ".frozen"]
    import wires

    sys.path[1:1] = wires.modules()
    wires.mount_assets()


def _mount():
    import board
    import bootstate
    import volume

    bootstate.vfs_problem = volume.mount(board.vfs_partition(), board.DATA)


def _run(path):
    with open(path) as f:
        source = f.read()
    exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": path})


def launch(argv):
    _paths()
    import loop

    loop.install()
    if argv:
        _mount()
        if argv[0] != "--repl":
            sys.argv[:] = argv
            _run(argv[0])
        else:
            import machine
            import wires

            machine.reset = wires.power_off  # who started this process starts it again
        return
    import esp32

    esp32.bootloader()
    micropython.kbd_intr(-1)
    _run(_ROOT + "/firmware/_boot.py")
    micropython.kbd_intr(_CTRL_C)
    for step in ("boot", "main"):
        _run(_ROOT + "/firmware/" + step + ".py")


launch(sys.argv[1:])
