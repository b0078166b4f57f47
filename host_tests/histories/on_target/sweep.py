# Power cuts at every operation of the flash, and at moments between them, in the scenarios; after
# each the books are judged, twice: when the power is back, and when everything is well again.

from day import Day
from harness import Rng
from watch import UNEXPLAINED

TORN = (0, 0.25, 0.5, 0.75, 1)


def _begin(scenario, say):
    day = Day(Rng(1), scenario.settings, scenario.blocks, 1, say)
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


def at_operation(scenario, cut, torn, say=None):
    """Findings after a cut at operation number `cut`."""
    day = _begin(scenario, say)
    day.nor.cut_at(day.nor.ops + cut, torn)
    for step in _steps(scenario, day):
        if not day.run(step):
            break
    if not day.cuts:
        day.tell(UNEXPLAINED, "operation %d was not reached" % cut)
    return _end(day)


def at_moment(scenario, ms, say=None):
    """Findings after a cut `ms` milliseconds after the beginning."""
    day = _begin(scenario, say)
    end = day.board.now_us() + ms * 1000
    for step in _steps(scenario, day):
        left = (end - day.board.now_us()) // 1000
        if left <= 0:
            step.close()
            day.reboot()
            break
        if not day.run(step, left):
            break
    return _end(day)
