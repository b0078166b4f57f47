"""Collects host_tests/on_target/test_*.py and runs them inside MicroPython, with a capped heap.

CPython never runs firmware code: each of those files is one process of the Unix port, each
function in it one test.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ON_TARGET = ROOT / "host_tests" / "on_target"
# A target has 151,552 bytes and frozen code (host_tests/mcu); here terminal, simulated board,
# models and tests are compiled into the heap, and a 64-bit machine needs some 1.7 times the
# memory.
HEAP = "448k"
# Terminal, services, cashier and judge at once.
HEAPS = {"test_histories.py": "1024k", "test_powercut_saf.py": "1024k"}
# Keys, printer and modem with their models.
HEAPS["test_keypad_load.py"] = "1024k"
# The root with all that it imports, compiled here.
HEAPS["test_review_root.py"] = "768k"
# A whole terminal, locked and started anew beside the one before.
HEAPS.update({f"test_tech_{n}.py": "768k" for n in ("health", "commands", "selftest")})
# The memory of a 320x480 controller in its model, or a naive driver's frame.
HEAPS.update({f"test_display_{n}.py": "1024k" for n in ("pains", "large", "font", "screens")})
LIMIT_S = 150


def _bundles(folder):
    import bundles

    return bundles.make(folder)


# What a file of tests needs that only CPython can make: callable(folder) -> environment
FIXTURES = {"test_slots.py": _bundles}

sys.path.insert(0, str(ROOT / "tools"))
os.environ.setdefault("SHOUYIN_VECTORS", str(ROOT.parent / "shared" / "vectors"))

from simulator import ontarget  # noqa: E402


def pytest_ignore_collect(collection_path, config):
    # Our own collector below takes these; pytest's would import them into CPython.
    return None


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.parent == ON_TARGET:
        return OnTargetFile.from_parent(parent, path=module_path)
    return None


class OnTargetFile(pytest.File):
    """One file, run once; its tests look their result up."""

    def collect(self):
        self.results = None
        for name in ontarget.test_names(self.path.read_text(encoding="utf-8")):
            yield OnTargetTest.from_parent(self, name=name)

    def result(self, name):
        if self.results is None:
            wanted = [i.name for i in self.session.items if i.parent is self]
            self.results, self.output = run_on_target(self.path, wanted)
        return self.results.get(name)


def run_on_target(path, names=()):
    """({test name: (passed, text)}, whole output) of a file inside MicroPython."""
    from simulator import board_process

    command = [
        board_process.interpreter(), "-X", f"heapsize={HEAPS.get(path.name, HEAP)}",
        str(ON_TARGET / "runner.py"), str(path), *names,
    ]  # fmt: skip
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "SHOUYIN_VECTORS")}
    if "SEED" in os.environ:
        env["SHOUYIN_SEED"] = os.environ["SEED"]
    env["HOME"] = os.environ.get("TMPDIR", "/tmp")
    with tempfile.TemporaryDirectory() as made:
        if path.name in FIXTURES:
            env.update(FIXTURES[path.name](Path(made)))
        return _run(command, env)


def _run(command, env):
    try:
        done = subprocess.run(
            command,
            env=env,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            errors="replace",
        )
        output = done.stdout + done.stderr
    except subprocess.TimeoutExpired as e:
        output = (e.stdout or b"").decode(errors="replace") + f"\nno end after {LIMIT_S} s"
    return ontarget.parse(output), output


class OnTargetFailure(Exception):
    pass


class OnTargetTest(pytest.Item):
    def runtest(self):
        result = self.parent.result(self.name)
        if result is None:
            output, self.parent.output = self.parent.output, "(shown above)"
            raise OnTargetFailure("did not run; the file's output:\n" + output[-4000:])
        passed, text = result
        if passed is None:
            pytest.skip(text)
        if not passed:
            raise OnTargetFailure(text)
        if text:
            self.add_report_section("call", "stdout", text)

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, OnTargetFailure):
            return f"{self.path.name}::{self.name} inside MicroPython\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, f"{self.path.name}::{self.name}"
