"""The device models' on_target tests, run on CPython too: one source, both interpreters."""

import importlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
for folder in (HERE.parent / "on_target", HERE.parents[1] / "tools"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

NAMES = sorted(p.stem for p in (HERE.parent / "on_target").glob("test_models_*.py"))


def cases():
    for name in NAMES:
        module = importlib.import_module(name)
        for attribute in sorted(dir(module)):
            if attribute.startswith("test_"):
                yield pytest.param(getattr(module, attribute), id=f"{name}.{attribute}")


def test_all_six_files_are_here():
    for model in ("keymatrix", "magreader", "modem", "nor", "printer", "st7567"):
        assert "test_models_" + model in NAMES


@pytest.mark.parametrize("case", list(cases()))
def test_on_cpython(case):
    case()
