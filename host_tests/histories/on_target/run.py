# Histories inside MicroPython: micropython run.py FIRMWARE histories FIRST COUNT [log]
#
# Prints for each seed "day SEED operations cuts boots sales offline voids batches", its findings
# as "found SEED class text", with `log` before that what happened as "log text", and "end".

import sys


def paths(here, firmware):
    root = here + "/../../.."
    return [root + "/boards/unix", firmware, root + "/tools", root + "/host_tests/on_target",
            here, ".frozen"]  # fmt: skip


def _log(line):
    print("log", line)


def histories(first, count, log):
    import chance

    for seed in range(first, first + count):
        findings, history = chance.one(seed, _log if log else None)
        day = history.day
        print("day", seed, day.operations, day.cuts, day.boots, len(day.book.sales), day.offline,
              day.book.voids, day.watch.epoch)  # fmt: skip
        for what, text in findings:
            print("found", seed, what, text)


def main(firmware, what, first, count, log=""):
    sys.path[:] = paths(__file__.rsplit("/", 1)[0] if "/" in __file__ else ".", firmware)
    import bus
    import loop

    bus.use(bus.LocalBus())
    loop.install()
    histories(int(first), int(count), bool(log))
    print("end")


if __name__ == "__main__":
    main(*sys.argv[1:])
