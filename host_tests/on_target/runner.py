# Runs the tests of one file inside MicroPython: micropython runner.py test_xxx.py [name ...]
#
# Every function test_* is a test; an async one runs in an event loop of its own. Each test gets a
# fresh simulated board in virtual time. Prints "ok NAME", or "FAIL NAME" and a traceback, and "ran
# N" at the end (a run that breaks off is thereby told from a run that passed). Exits with 1 when a
# test failed or none was found.

import gc
import sys

# Code stays, what the compiler needed goes: collecting often keeps the small heap in one piece.
gc.threshold(8192)

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
ROOT = HERE + "/../.."
sys.path[:] = [ROOT + "/boards/unix", ROOT + "/firmware", ROOT + "/tools", HERE, ".frozen"]

import bus  # noqa: E402
import loop  # noqa: E402

bus.use(bus.LocalBus())
loop.install()

import asyncio  # noqa: E402

from harness import Skip  # noqa: E402


def run_one(function):
    bus.use(bus.LocalBus())
    asyncio.new_event_loop()
    gc.collect()
    result = function()
    if hasattr(result, "send"):
        asyncio.run(result)


def main(path, wanted):
    name = path.rsplit("/", 1)[-1][:-3]
    module = __import__(name)
    tests = [n for n in dir(module) if n.startswith("test_") and callable(getattr(module, n))]
    failed = 0
    ran = 0
    for n in tests:
        if wanted and n not in wanted:
            continue
        ran += 1
        try:
            run_one(getattr(module, n))
            print("ok", n)
        except Skip as e:
            print("skip", n, e.args[0])
        except (Exception, bus.BoardReset) as e:  # noqa: BLE001  a test may fail in any way
            failed += 1
            print("FAIL", n)
            sys.print_exception(e, sys.stdout)
    print("ran", ran)
    sys.exit(1 if failed or not ran else 0)


main(sys.argv[1], sys.argv[2:])
