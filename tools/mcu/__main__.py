"""python -m mcu build | size | instructions | performance. The Makefile's targets call this."""

import argparse
import json
import sys

from . import budgets, build, instructions, report, size
from .toolchain import ROOT, ToolchainError

OUT = ROOT / "out" / "mcu"


def _keep(name, values):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n")


def _judge(section, values):
    wrong = budgets.judge(section, values, budgets.load())
    for text in wrong:
        print("BUDGET " + text)
    print(f"{section}: {'beyond its budget' if wrong else 'within its budget'}")
    return 1 if wrong else 0


def run_size():
    measured = size.measure()
    _keep("size", measured)
    print("\n".join(report.size_table(measured)))
    report.ram_chart(measured).save(OUT / "size.png")
    print(f"chart: {(OUT / 'size.png').relative_to(ROOT)}")
    return _judge("size", budgets.of_size(measured))


def run_instructions():
    measured = instructions.measure()
    _keep("instructions", measured)
    print("\n".join(report.instruction_table(measured)))
    return _judge("instructions", measured)


def run_performance():
    """Measure both, make them the budgets, write the page."""
    s, i = size.measure(), instructions.measure()
    _keep("size", s)
    _keep("instructions", i)
    budgets.store({"size": budgets.of_size(s), "instructions": i})
    report.write(s, i)
    print(f"written: {report.PAGE.relative_to(ROOT)}, {budgets.PATH.relative_to(ROOT)}")
    return 0


def run_build():
    """Everything that the other commands and the tests need; installs what is missing."""
    for variant in build.VARIANTS:
        build.elf(variant)
    build.assets()
    return 0


COMMANDS = {
    "build": run_build,
    "size": run_size,
    "instructions": run_instructions,
    "performance": run_performance,
}


def main():
    parser = argparse.ArgumentParser(prog="mcu", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    try:
        return COMMANDS[parser.parse_args().command]()
    except ToolchainError as e:
        print(f"cannot: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
