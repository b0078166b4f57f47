"""Reads what variant/trace.c wrote. Pure: text in, sets of line numbers out.

Traces are {path of a source file: {kind: line numbers}}.
"""

import os.path

RAN = ""  # the statement at this line began
CALLED = "!"  # a native function that was made at this line was called
CODE = "+"  # the compiler made code for this line


class TraceError(Exception):
    """A file that trace.c has not written. args: (what,)"""


def read(text, root):
    """The traces of one process. Paths are relative to `root`, or absolute. A last line without
    its end was being written when the process was killed: it does not count."""
    lines = text.split("\n")[:-1]
    paths, traces = {}, {}
    for line in lines:
        first, _, rest = line.partition(" ")
        if first == "=":
            number, _, path = rest.partition(" ")
            paths[number] = os.path.normpath(os.path.join(root, path))
            continue
        kind = rest[:1] if rest[:1] in (CALLED, CODE) else RAN
        if first not in paths or not rest[len(kind) :].isdigit():
            raise TraceError(f"no trace: {line[:60]!r}")
        kinds = traces.setdefault(paths[first], {})
        kinds.setdefault(kind, set()).add(int(rest[len(kind) :]))
    return traces


def merge(into, traces):
    """Adds traces to others."""
    for path, kinds in traces.items():
        for kind, lines in kinds.items():
            into.setdefault(path, {}).setdefault(kind, set()).update(lines)


def read_folder(folder, root):
    """The traces of all processes that wrote into a folder."""
    merged = {}
    for path in sorted(folder.glob("trace.*")):
        merge(merged, read(path.read_text(encoding="utf-8"), root))
    return merged
