"""What the lists of host_tests/*.md have in common: the tests by name and docstring, and a file
that is written or compared."""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "host_tests"


def functions():
    """(file under host_tests, source, ast node, docstring in one line) of every function in a
    test_*.py."""
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = " ".join((ast.get_docstring(node) or "").split())
                yield path.relative_to(TESTS).as_posix(), source, node, doc


def sentence(doc):
    """The first sentence of a docstring."""
    return re.split(r"(?<=[.!])\s", doc)[0]


def main(file, found, complaints, document, argv):
    """Write document(found) to `file`, or with --check compare it; 1 when something is wrong."""
    wrong = complaints(found)
    text = document(found)
    name = file.relative_to(ROOT)
    if "--check" in argv:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            wrong.append(f"{name} is not up to date: python {Path(sys.argv[0]).name}")
    else:
        file.write_text(text, encoding="utf-8")
        print(f"{name}: {len(found)} tests")
    for line in wrong:
        print(line)
    return 1 if wrong else 0
