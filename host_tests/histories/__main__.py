"""`make histories` and `make powercut`.

python -m histories days [--n N] [--seed SEED] [--firmware FOLDER]
python -m histories powercut [--quick] [--at SCENARIO:CUT:TORN] [--at SCENARIO:ms:MOMENT]

Exit code 1 when anything was lost, duplicated or unexplained.
"""

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from .workers import FIRMWARE, WorkerError, Workers, jobs

CLASSES = ("lost", "duplicated", "unexplained")
_SHOWN = 12
_EVERY_S = 20  # a plain line, where there is no terminal


class Progress:
    """A bar on a terminal, a line now and then elsewhere; on stderr."""

    def __init__(self, total, what):
        self.total = total
        self.what = what
        self.done = 0
        self.start = self._said = time.monotonic()
        self._tty = sys.stderr.isatty()

    def step(self, n=1):
        self.done += n
        now = time.monotonic()
        wait = 0.1 if self._tty else _EVERY_S
        if now - self._said < wait:
            return
        self._said = now
        text = f"{self.done} of {self.total} {self.what}, {self.rate():.0f}/s"
        if self._tty:
            bar = ("#" * (30 * self.done // max(1, self.total))).ljust(30, ".")
            print(f"\r\x1b[K[{bar}] {text}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def rate(self):
        return self.done / max(0.001, time.monotonic() - self.start)

    def end(self):
        if self._tty:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class Findings:
    """What was found: counted by class, the first ones shown with the command that shows them
    again."""

    def __init__(self, again):
        self._again = again
        self.count = Counter()
        self._first = {}

    def add(self, where, what, text):
        self.count[what] += 1
        if where in self._first or len(self._first) < _SHOWN:
            self._first.setdefault(where, []).append(f"{what}: {text}")

    def show(self):
        for where, texts in self._first.items():
            print(f"{where}:  {self._again(where)}")
            for text in texts[:4]:
                print(f"    {text}")

    def summary(self):
        return ", ".join(f"{self.count[c]} {c}" for c in CLASSES)


# ---- random days --------------------------------------------------------------------------------


def days(args):
    seed = random.SystemRandom().randrange(1, 1_000_000_000) if args.seed is None else args.seed
    n = max(1, args.n)
    print(f"SEED={seed}", flush=True)
    log = ("log",) if n == 1 else ()
    parts = min(n, args.jobs)
    runs = [("days", seed + k, len(range(k, n, parts)), parts, *log) for k in range(parts)]
    progress = Progress(n, "histories")
    findings = Findings(lambda s: f"make histories SEED={s} N=1")
    sums = [0] * 7
    for line in Workers(runs, args.firmware):
        word, _, rest = line.partition(" ")
        if word == "day":
            sums = [a + int(b) for a, b in zip(sums, rest.split()[1:], strict=True)]
            progress.step()
        elif word == "found":
            where, what, text = rest.split(" ", 2)
            findings.add(where, what, text)
        else:
            print(rest if word == "log" else line)
    progress.end()
    findings.show()
    operations, cuts, boots, sales, offline, voids, batches = sums
    print(
        f"{n} histories: {operations} operations, {cuts} power cuts, {boots} boots, {sales} "
        f"sales, {offline} of them offline, {voids} voids, {batches} batches; "
        f"{progress.rate():.0f} histories a second"
    )
    print(findings.summary())
    return sum(findings.count.values())


# ---- power cuts ---------------------------------------------------------------------------------


def powercut(args):
    if args.at:
        return _one_cut(args)
    quick = ("quick",) if args.quick else ()
    runs = [("powercut", k, args.jobs, *quick) for k in range(args.jobs)]
    progress = Progress(0, "power cuts")
    findings = Findings(lambda where: f"make powercut AT='{where}'")
    scenarios = {}
    for line in Workers(runs, args.firmware):
        word, _, rest = line.partition(" ")
        if word == "plan":
            progress.total += int(rest)
        elif word == "done":
            progress.step(int(rest))
        elif word == "points":
            operations, points, moments, name = rest.split(" ", 3)
            before = scenarios.get(name, (0, 0, 0))
            scenarios[name] = int(operations), before[1] + int(points), before[2] + int(moments)
        elif word == "found":
            where, what, text = rest.split("\t")
            findings.add(where, what, text)
        else:
            print(line)
    progress.end()
    print(f"{'scenario':<42}{'operations':>11}{'cut points':>12}{'moments':>9}")
    for name, numbers in scenarios.items():
        print(f"{name:<42}{numbers[0]:>11}{numbers[1]:>12}{numbers[2]:>9}")
    findings.show()
    points, moments = (sum(s[k] for s in scenarios.values()) for k in (1, 2))
    operations = sum(s[0] for s in scenarios.values())
    print(f"{points} cut points at {operations} operations, {moments} moments between them")
    print(f"{points + moments} cut points, {findings.summary()}")
    return sum(findings.count.values())


def _one_cut(args):
    found = 0
    for line in Workers([("powercut", "at", args.at)], args.firmware):
        word, _, rest = line.partition(" ")
        found += word == "found"
        print(rest if word == "log" else line)
    return found


def main():
    parser = argparse.ArgumentParser(prog="histories")
    parser.add_argument("--firmware", type=Path, default=FIRMWARE, help="another copy of it")
    parser.add_argument("--jobs", type=int, default=jobs(), help="processes at a time")
    commands = parser.add_subparsers(required=True)
    sub = commands.add_parser("days")
    sub.add_argument("--n", type=int, default=10_000, help="how many")
    sub.add_argument("--seed", type=int, help="of the first; the others follow it")
    sub.set_defaults(run=days)
    sub = commands.add_parser("powercut")
    sub.add_argument("--quick", action="store_true", help="torn 0 and 1/2, every 7th moment")
    sub.add_argument("--at", help="one cut, with its log")
    sub.set_defaults(run=powercut)
    args = parser.parse_args()
    try:
        sys.exit(1 if args.run(args) else 0)
    except WorkerError as e:
        print(e.args[0])
        sys.exit("a process of MicroPython did not come to its end")


if __name__ == "__main__":
    main()
