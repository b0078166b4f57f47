# What the host calls over the raw REPL: boot() to start the firmware as a board would, test() to
# run a file of tests.

import sys

import wires


def _mount():
    """The assets: a read-only file system in memory."""
    import vfs

    try:
        vfs.mount(vfs.VfsRom(wires.memory("rom")), "/rom")
    except OSError as e:
        print("no assets in memory: %d" % e.args[0])


def _heap():
    import mcu
    import micropython

    _, used, free, largest = mcu.heap()
    return free, used, largest, micropython.mem_total()


def boot():
    """The firmware, for ever: from here on the serial line carries the frames of
    tools/models/frames.py."""
    import mcu
    import micropython

    micropython.kbd_intr(-1)  # frames are bytes of any value
    mcu.mark()
    mcu.pause()
    _mount()
    wires.use_line()
    mcu.write(b"\x02bus\n")
    import bus

    try:
        import loop

        bus.count_instructions(mcu, _heap)
        loop.install()
        mcu.resume()
        import board

        wires.fit(board)
        import _boot  # noqa: F401  a release: it runs boot and main, and ends in a reset
    except BaseException as e:  # noqa: BLE001  nobody else will say it
        import io

        text = io.StringIO()
        sys.print_exception(e, text)
        for line in text.getvalue().split("\n"):
            bus.current.console(line)
    bus.current.reset(bus.SOFT_RESET)


def test(name, names=(), **settings):
    """Run a file of tests (host_tests/on_target, frozen): see runner.run()."""
    for key, value in settings.items():
        wires.set_setting(key, value)
    _mount()
    import runner

    runner.run(name, names)
