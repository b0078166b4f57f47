"""The list of lines that no test runs, with the reason for each: uncovered.toml.

Entries name no line numbers, which would be wrong after the next change, but the function or the
text of the line. An entry that matches no missed line any more is an error like a missed line
without an entry: the list stays true.
"""

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10; pytest brings it
    import tomli as tomllib


class ReasonsError(Exception):
    """uncovered.toml is not what it should be. args: (what,)"""


class Reason:
    """file: below firmware/. function: its missed lines (as Class.method). line: missed lines
    with this text in them. With both, both must match."""

    def __init__(self, file, reason, function=None, line=None):
        self.file = file
        self.reason = reason
        self._function = function
        self._line = line

    def matches(self, file, function, text):
        return (
            file == self.file
            and (self._function is None or function == self._function)
            and (self._line is None or self._line in text)
        )

    def __str__(self):
        what = [n for n in (self._function, self._line and repr(self._line)) if n]
        return f"{self.file}: {', '.join(what)}"


def load(text):
    """[Reason] of the text of uncovered.toml."""
    try:
        entries = tomllib.loads(text).get("uncovered", [])
    except tomllib.TOMLDecodeError as e:
        raise ReasonsError(str(e)) from None
    for entry in entries:
        unknown = set(entry) - {"file", "function", "line", "reason"}
        missing = {"file", "reason"} - set(entry)
        if unknown or missing or not set(entry) & {"function", "line"}:
            raise ReasonsError(f"needs file, reason, and function or line: {entry}")
        if len(entry["reason"].split()) < 3:
            raise ReasonsError(f"is no reason: {entry}")
    return [Reason(**entry) for entry in entries]


def judge(missed, reasons):
    """(missed lines without a reason, reasons without a missed line). missed: a list of (file,
    line number, function, text)."""
    used = set()
    unexplained = []
    for file, line, function, text in missed:
        matching = [r for r in reasons if r.matches(file, function, text)]
        used.update(map(id, matching))
        if not matching:
            unexplained.append((file, line, function, text))
    return unexplained, [r for r in reasons if id(r) not in used]
