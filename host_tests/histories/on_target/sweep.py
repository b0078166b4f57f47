# Power cuts at every operation of the flash, and at moments between them, in the scenarios; after
# each the books are judged, twice: when the power is back, and when everything is well again.

from day import Day
from harness import Rng
from scenarios import SCENARIOS
from watch import UNEXPLAINED

TORN = (0, 0.25, 0.5, 0.75, 1, "twice")  # "twice": 0.5, and again while it boots
TORN_QUICK = (0, 0.5)
MOMENT_MS = 20
QUICK_MS = 140


def _begin(scenario, say):
    day = Day(Rng(1), scenario.settings, say=say)
    day.background = False
    day.watch.flash_every = 1
    if scenario.boots:
        day.boot()
    for step in scenario.before(day):
        day.run(step)
        day.run(day.tidy())
    if day.findings or day.cuts:
        day.tell(UNEXPLAINED, "before: %s" % scenario.name)
    day.note("---- %s", day.watch.states())
    return day


def _steps(scenario, day):
    """The steps of the act, with what the terminal does between customers."""
    for step in scenario.act(day):
        yield step
        yield day.tidy()


def _end(day):
    day.make_well()
    return day.judge()


def length(scenario, say=None):
    """(operations of the flash, milliseconds, findings) of the scenario without a cut. A finding,
    too: that it does not do what it is there for."""
    lines = []

    def keep(line):
        lines.append(line)
        if say:
            say(line)

    day = _begin(scenario, keep)
    ops, start = day.nor.ops, day.board.now_us()
    for step in _steps(scenario, day):
        day.run(step)
    ops, ms = day.nor.ops - ops, (day.board.now_us() - start) // 1000
    day.note("---- %s", day.watch.states())
    text = "\n".join(lines)
    for must in scenario.must:
        if must not in text:
            day.tell(UNEXPLAINED, "no '%s' in %s" % (must, scenario.name))
    return ops, ms, _end(day)


# A point is (number of the operation, torn) or ("ms", milliseconds since the beginning).


def cut(scenario, point, say=None):
    """[(class, text)]: the findings after a cut at `point`; ("none", 0): without one."""
    if point[0] == "none":
        return length(scenario, say)[2]
    day = _begin(scenario, say)
    moment = point[0] == "ms"
    end = 0
    if moment:
        end = day.board.now_us() + point[1] * 1000
    else:
        twice = point[1] == "twice"
        day.nor.cut_at(day.nor.ops + point[0], 0.5 if twice else point[1])
        if twice:
            day.before_boot = lambda: _in_the_boot(day)
    for step in _steps(scenario, day):
        left = (end - day.board.now_us()) // 1000
        if moment and left <= 0:
            step.close()
            day.reboot()
            break
        if not day.run(step, left if moment else 0):
            break
    if not moment and not day.cuts:
        day.tell(UNEXPLAINED, "the operation was not reached")
    return _end(day)


def _in_the_boot(day):
    if day.boots < 4:  # the first of them before the scenario
        day.nor.cut_at(day.nor.ops, 0.5)


def points(operations, ms, quick=False, stride=1):
    """The points of a scenario of so many operations and milliseconds."""
    for k in range(0, operations, stride if quick else 1):
        for torn in TORN_QUICK if quick else TORN:
            yield k, torn
    for m in range(1, ms, QUICK_MS if quick else MOMENT_MS):
        yield "ms", m


def plan(quick=False):
    """[(Scenario, operations, milliseconds, number of points)]. A scenario that has a finding
    without any cut has one point, ("none", 0)."""
    out = []
    for scenario in SCENARIOS:
        operations, ms, findings = length(scenario)
        n = sum(1 for _ in points(operations, ms, quick, scenario.stride))
        out.append((scenario, operations, ms, 0 if findings else n))
    return out


def name(scenario, point):
    return "%s:%s:%s" % (scenario.name, point[0], point[1])


def parse(text):
    """(Scenario, point) of a name()."""
    title, at, how = text.rsplit(":", 2)
    for scenario in SCENARIOS:
        if scenario.name == title:
            if at in ("ms", "none"):
                return scenario, (at, int(how))
            torn = [t for t in TORN if str(t) == how]
            return scenario, (int(at), torn[0])
    raise ValueError("no such scenario: " + title)
