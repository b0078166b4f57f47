"""python -m coverage_mpy [--again]. `make coverage` calls this.

Runs the tests of host_tests/on_target and host_tests/e2e with an interpreter that says which lines
it runs. Exits with 1 when a test fails, when less than the required share of the firmware's lines
runs, when a line that does not run has no reason in uncovered.toml, or when a reason there has
become untrue.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys

from mcu import toolchain

from . import build, reasons, report, trace

ROOT = toolchain.ROOT
FIRMWARE = ROOT / "firmware"
OUT = ROOT / "out" / "coverage"
LINES = build.FOLDER / "lines"
CODE = build.FOLDER / "code"
LIST = build.VARIANT.parent / "uncovered.toml"
COMPILE = build.VARIANT.parent / "compile_all.py"

REQUIRED = 92.0

TESTS = ("host_tests/on_target", "host_tests/e2e")

# Tests that say nothing about this interpreter, or that it cannot pass.
SKIPPED = {
    "host_tests/on_target/test_ui.py::test_drawing_a_screen_again_allocates_little":
        "measures the heap, and this interpreter allocates more for a call",
    "host_tests/e2e/test_memory.py": "measures the heap, for 40 s, with sales like any other",
    "host_tests/on_target/test_histories.py": "days without number, too slow with a trace",
    "host_tests/on_target/test_powercut_saf.py": "cuts without number, too slow with a trace",
    "host_tests/e2e/test_saf_drain.py": "a thousand records, too slow with a trace",
    "host_tests/e2e/test_run.py": "the window around the terminal, in real time",
}  # fmt: skip


def fingerprint():
    """What the firmware is: traces of another state of it mean nothing."""
    digest = hashlib.sha256()
    for path in sorted(FIRMWARE.rglob("*.py")):
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def run_tests():
    """Runs the tests with trace; whether all passed."""
    shutil.rmtree(LINES, ignore_errors=True)
    LINES.mkdir(parents=True)
    before = fingerprint()
    command = [sys.executable, "-m", "pytest", *TESTS, "-n", "2", "--dist", "loadfile"]
    for test in SKIPPED:
        command += ["--deselect", test]
    env = {**os.environ, "MICROPYTHON": str(build.wrapper(LINES))}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    print("running", *TESTS, "with line trace", flush=True)
    passed = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode == 0
    (LINES / "firmware").write_text(before)
    (LINES / "passed").write_text("yes" if passed else "no")
    return passed


def lines_with_code():
    """Traces of kind CODE for all of the firmware."""
    shutil.rmtree(CODE, ignore_errors=True)
    CODE.mkdir(parents=True)
    subprocess.run(
        [str(build.interpreter()), "-X", "heapsize=64m", str(COMPILE)]
        + [str(path) for path in sorted(FIRMWARE.rglob("*.py"))],
        env={"SHOUYIN_TRACE": str(CODE), "SHOUYIN_TRACE_CODE": "1"},
        check=True,
    )
    return trace.read_folder(CODE, ROOT)


def complaints(measured):
    """What is wrong with the figures, as lines of text."""
    found = []
    n, missed = report.total(measured)
    share = report.percent(missed, n)
    if share < REQUIRED:
        found.append(f"{share:.2f} % of the lines run; {REQUIRED:.0f} % are required")
    found += [f"{m.name}: no test calls {name}" for m in measured for name in m.uncalled]
    listed = [
        (m.name, line, m.source.function(line), m.source.text(line))
        for m in measured
        for line in m.missed
    ]
    unexplained, stale = reasons.judge(listed, reasons.load(LIST.read_text(encoding="utf-8")))
    found += [f"{f}:{line}: no test, no reason: {text}" for f, line, _, text in unexplained]
    found += [f"{LIST.name}: matches no missed line any more: {r}" for r in stale]
    return found


def main():
    parser = argparse.ArgumentParser(prog="coverage_mpy", description=__doc__)
    parser.add_argument(
        "--again", action="store_true", help="judge the traces of the last run; run no tests"
    )
    args = parser.parse_args()
    try:
        if not args.again:
            run_tests()
        traces = trace.read_folder(LINES, ROOT)
        trace.merge(traces, lines_with_code())
    except toolchain.ToolchainError as e:
        print(e, file=sys.stderr)
        return 1
    if not (LINES / "firmware").exists() or (LINES / "firmware").read_text() != fingerprint():
        print("no traces, or the firmware was changed since the tests began: run it again")
        return 1
    measured = report.modules(FIRMWARE, traces)
    report.write(measured, OUT)
    print(report.table(measured))
    found = complaints(measured)
    if (LINES / "passed").read_text() != "yes":
        found.insert(0, "tests have failed")
    print(*found, f"{OUT.relative_to(ROOT)}/html/index.html shows the lines", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
