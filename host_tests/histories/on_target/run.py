# Inside MicroPython: micropython run.py FIRMWARE days FIRST COUNT STEP [log]
#                     micropython run.py FIRMWARE powercut PART PARTS [quick]
#                     micropython run.py FIRMWARE powercut at SCENARIO:CUT:TORN (or :ms:MOMENT)
#
# days: "day SEED operations cuts boots sales offline voids batches" for each seed, then its
# findings as "found SEED class text"; with `log`, what happened as "log text". powercut: "plan
# COUNT", "done COUNT" as it goes on, "points OPERATIONS CUTS MOMENTS SCENARIO", "found" with tabs.
# The last line is "end".

import sys


def paths(here, firmware):
    """sys.path for whoever runs histories. `here`: this folder."""
    root = here + "/../../.."
    return [root + "/boards/unix", firmware, root + "/tools", root + "/host_tests/on_target",
            here, ".frozen"]  # fmt: skip


def _log(line):
    print("log", line)


def days(first, count, step, log=""):
    import chance

    first, step = int(first), int(step)
    for seed in range(first, first + int(count) * step, step):
        findings, history = chance.one(seed, _log if log else None)
        day = history.day
        print("day", seed, day.operations, day.cuts, day.boots, len(day.book.sales), day.offline,
              day.book.voids, day.watch.epoch)  # fmt: skip
        for what, text in findings:
            print("found", seed, what, text)


def powercut(part, parts, quick=""):
    if part == "at":
        _cut_at(parts)
        return
    import sweep

    part, parts = int(part), int(parts)
    plan = sweep.plan(bool(quick))
    print("plan", sum(n for _, _, _, n in plan) // parts)
    for scenario, operations, ms, n in plan:
        cuts = done = 0
        every = sweep.points(operations, ms, bool(quick), scenario.stride) if n else [("none", 0)]
        for number, point in enumerate(every):
            if number % parts != part:
                continue
            for what, text in sweep.cut(scenario, point):
                print("found %s\t%s\t%s" % (sweep.name(scenario, point), what, text))
            cuts += point[0] != "ms"
            done += 1
            if done % 20 == 0:
                print("done", 20)
        print("done", done % 20)
        print("points", operations, cuts, done - cuts, scenario.name)


def _cut_at(where):
    import sweep

    scenario, point = sweep.parse(where)
    for what, text in sweep.cut(scenario, point, _log):
        print("found %s\t%s\t%s" % (where, what, text))


def main(firmware, what, *args):
    sys.path[:] = paths(__file__.rsplit("/", 1)[0] if "/" in __file__ else ".", firmware)
    import bus
    import loop

    bus.use(bus.LocalBus())
    loop.install()
    {"days": days, "powercut": powercut}[what](*args)
    print("end")


if __name__ == "__main__":
    main(*sys.argv[1:])
