"""Files of tests that run inside MicroPython (host_tests/on_target): what is in them, and what
their runner printed."""

import ast


def test_names(source):
    """Names of the test functions of a file, in its order."""
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
    ]


def parse(output):
    """{test name: (passed, text)} of what runner.py printed; passed None: skipped."""
    results = {}
    current, text = None, []
    for line in output.splitlines():
        word, _, name = line.partition(" ")
        if word == "skip" and name.startswith("test_"):
            name, _, why = name.partition(" ")
            results[name] = (None, [why])
            current, text = None, []
        elif word in ("ok", "FAIL") and name.startswith("test_"):
            results[name] = (word == "ok", text if word == "ok" else [])
            current, text = (results[name][1], []) if word == "FAIL" else (None, [])
        elif current is not None:
            current.append(line)
        else:
            text.append(line)
    return {n: (ok, "\n".join(lines)) for n, (ok, lines) in results.items()}
