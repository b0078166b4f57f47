"""Rules of this project that no general tool knows. check(root) lists the violations."""

import ast
import re
from pathlib import Path

# A person must hold a module and a function in mind: about 400 and 50 lines, some more is no
# crime.
MODULE_LINES = 450
FUNCTION_LINES = 60
# Longer, with a reason.
LONG_FUNCTIONS = {
    "firmware/app/crypto/des.py:_crypt",  # 16 rounds in one viper function: a call costs too much
}
LONG_MODULES = ("host_tests/",)

# What runs on the device must not know of: the simulator, other languages' habits, unsafe ways.
FORBIDDEN_IMPORTS = {
    "random", "pickle", "bus", "loop", "wires", "models", "simulator", "acquirer",
}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "print"}

# Addresses of package registries come from the machine's own configuration. (In pieces: this file
# is read too.)
REGISTRIES = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.", "deb" +
                                  r"ian\.org")))  # fmt: skip

# Digits that could be a card's number (not what follows the separator of a track), and the test
# numbers that may stand in this repository: the acquirer's cards and published examples. Any other
# number with a right check digit may be somebody's card.
_NUMBER = re.compile(r"(?<![\dA-Fa-f._=^])\d{13,19}(?![\dA-Fa-f_])")
TEST_NUMBERS = (
    "62250000000000", "62242429000001",  # the acquirer's
    "4012345678909",  # ANSI X9.24-1:2009 A.4
    "4000000000006", "4111111111111111",  # of issuers that the acquirer does not know
)  # fmt: skip
# No cards: a SIM's number of a Chinese network; fields that are mostly zeros.
_OTHERS = re.compile(r"460\d{12}|\d+0{10}")

_TEXTS = {".py", ".md", ".txt", ".json", ".csv", ".toml", ".mk", ".cmake", ".h", ".c", ".html"}
_SKIP = {".git", ".venv", "build", "out", "__pycache__", ".pytest_cache", ".mypy_cache",
         ".ruff_cache", ".import_linter_cache"}  # fmt: skip


def files(root):
    """All text files of the project."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if not _SKIP.intersection(parts) and path.is_file():
            if path.suffix in _TEXTS or path.name == "Makefile" or parts[0] == ".ci":
                yield path


def luhn(digits):
    """Whether the last digit is the check digit of the rest (ISO/IEC 7812-1 annex B)."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        d = int(c)
        if i & 1:
            d = d * 2 - 9 if d > 4 else d * 2
        total += d
    return total % 10 == 0


def check(root):
    root = Path(root)
    found = []
    for path in files(root):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        found += check_text(name, text)
        if path.suffix == ".py":
            found += check_python(name, ast.parse(text), text)
    return found


def check_text(name, text):
    found = []
    for n, line in enumerate(text.splitlines(), 1):
        if REGISTRIES.search(line):
            found.append(f"{name}:{n}: the address of a package registry")
        for number in _NUMBER.findall(line):
            if number[0] not in "23456" or not luhn(number) or _OTHERS.fullmatch(number):
                continue
            if not number.startswith(TEST_NUMBERS):
                found.append(f"{name}:{n}: a card number that is none of the test cards'")
    return found


def check_python(name, tree, text):
    found = []
    lines = text.count("\n")
    if lines > MODULE_LINES and not name.startswith(LONG_MODULES):
        found.append(f"{name}: {lines} lines, at most {MODULE_LINES}")
    firmware = name.startswith("firmware/")
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            n = node.end_lineno - node.lineno + 1
            if n > FUNCTION_LINES and f"{name}:{node.name}" not in LONG_FUNCTIONS:
                found.append(
                    f"{name}:{node.lineno}: {node.name} has {n} lines, at most {FUNCTION_LINES}"
                )
        if firmware:
            found += [f"{name}:{node.lineno}: {what}" for what in _on_the_device(node)]
    return found


def _on_the_device(node):
    """What is wrong with a node of a module that runs on the device."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        for name in names:
            if name and name.split(".")[0] in FORBIDDEN_IMPORTS and not getattr(node, "level", 0):
                yield f"import of {name} on the device"
    elif isinstance(node, ast.Call):
        f = node.func
        if isinstance(f, ast.Name) and f.id in FORBIDDEN_CALLS:
            yield f"{f.id}() on the device"
        if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name) and f.value.id == "log":
            if any(isinstance(a, ast.JoinedStr) for a in node.args):
                yield "an f-string in a log call: it is built even when nobody reads it"
    elif isinstance(node, ast.Attribute):
        if node.attr == "platform" and isinstance(node.value, ast.Name) and node.value.id == "sys":
            yield "sys.platform: ask the board for a capability"
    elif isinstance(node, ast.ExceptHandler):
        # Errors of the money path are handled or named; silence hides a lost sale.
        broad = node.type is None or (
            isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
        )
        if broad and all(isinstance(n, ast.Pass) for n in node.body):
            yield "an exception of any kind is passed over in silence"
