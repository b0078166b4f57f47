# Runs the tests of one file inside MicroPython: micropython runner.py test_xxx.py [name ...]
#
# Every function test_* is a test; an async one runs in an event loop of its own. Each test gets a
# fresh simulated board in virtual time. Prints "ok NAME", "skip NAME why", or "FAIL NAME" and a
# traceback, and "ran N" at the end (a run that breaks off is thereby told from a run that passed).
# Under the Unix port it exits with 1 when a test failed or none was found. On a board the host
# calls run() (boards/qemu_rv32/modules/launch.py).

import gc
import sys


def _run_one(function, bus):
    import asyncio

    bus.use(bus.LocalBus())
    asyncio.new_event_loop()
    gc.collect()
    result = function()
    if hasattr(result, "send"):
        asyncio.run(result)


def run(name, wanted=()):
    """Run the tests of module `name`, all or the wanted ones; whether they passed."""
    # Code stays, what the compiler needed goes: collecting often keeps a small heap whole.
    gc.threshold(8192)
    import bus
    import loop

    bus.use(bus.LocalBus())
    loop.install()
    from harness import Skip

    module = __import__(name)
    tests = [n for n in dir(module) if n.startswith("test_") and callable(getattr(module, n))]
    failed = 0
    ran = 0
    for n in tests:
        if wanted and n not in wanted:
            continue
        ran += 1
        try:
            _run_one(getattr(module, n), bus)
            print("ok", n)
        except Skip as e:
            print("skip", n, e.args[0])
        except (Exception, bus.BoardReset) as e:  # noqa: BLE001  a test may fail in any way
            failed += 1
            print("FAIL", n)
            sys.print_exception(e, sys.stdout)
    print("ran", ran)
    return bool(ran) and not failed


if __name__ == "__main__":
    HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
    ROOT = HERE + "/../.."
    sys.path[:] = [ROOT + "/boards/unix", ROOT + "/firmware", ROOT + "/tools", HERE, ".frozen"]
    import wires

    sys.path[1:1] = wires.modules()
    wires.mount_assets()
    sys.exit(0 if run(sys.argv[1].rsplit("/", 1)[-1][:-3], sys.argv[2:]) else 1)
