"""The commands that the pages name, typed in the repository's root as they stand there."""

import os
import subprocess
import sys

import pytest

from simulator import board_process

ENV = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}


def typed(*command, **more):
    return subprocess.Popen(
        [sys.executable, *command], cwd=board_process.ROOT, env=ENV, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


@pytest.mark.parametrize("tool", ["shouyin", "activation", "bundle", "acquirer"])
def test_a_tool_starts_from_the_root_without_any_setting(tool):
    with typed("-m", f"tools.{tool}", "--help") as p:
        out, err = p.communicate(timeout=60)
    assert p.returncode == 0 and out.startswith("usage:"), err


def test_the_wrong_python_is_named_and_which_one_is_right():
    with typed("-S", "-m", "tools.shouyin", "ports") as p:  # without what is installed in .venv
        out, err = p.communicate(timeout=60)
    assert p.returncode == 1 and out == ""
    assert err.startswith("shouyin: this Python has no ") and ".venv/bin/python -m" in err
    assert len(err.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error():
    with typed("-m", "tools.shouyin", "ports", "--json") as p:
        p.stdout.close()  # as `| head -0` does
        err = p.stderr.read()
        p.wait(60)
    assert (p.returncode, err) == (0, "")


def test_cleaning_keeps_the_keys(tmp_path):
    """A key that is lost cannot be had again, and boards trust it."""
    for name in ("build/keys/development.pem", "build/x/y.o", "out/bundle/b.syb", ".venv/v"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    for _ in range(2):
        makefile = board_process.ROOT / "Makefile"
        subprocess.run(["make", "-f", makefile, "clean"], cwd=tmp_path, check=True)
    left = [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()]
    assert left == ["build/keys/development.pem"]
