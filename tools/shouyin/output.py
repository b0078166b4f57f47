"""What the tool says: readable text, or one JSON document with --json."""

import contextlib
import json
import sys

_WORDS = {None: "-", True: "yes", False: "no"}


class Output:
    """`result` goes to standard output; with as_json nothing else does. Progress is a bar on a
    terminal window and plain lines elsewhere."""

    def __init__(self, as_json=False, stream=None, err=None):
        self.as_json = as_json
        self._stream = stream or sys.stdout
        self._err = err or sys.stderr

    def result(self, data, lines=None):
        """The outcome: `data` for --json, else `lines` (made from the data when there are
        none)."""
        if self.as_json:
            json.dump(data, self._stream, ensure_ascii=False, indent=1)
            self._stream.write("\n")
        else:
            for line in render(data) if lines is None else lines:
                self._stream.write(line + "\n")
        self._stream.flush()

    def say(self, text):
        """A line on the way."""
        stream = self._err if self.as_json else self._stream
        stream.write(text + "\n")
        stream.flush()

    def error(self, error):
        """A ToolError, with its next step."""
        if self.as_json:
            self.result({"error": error.what, "next": error.next, "exit": error.code})
            return
        self._stream.flush()
        self._err.write(f"shouyin: {error.what}\n")
        if error.next:
            self._err.write(f"  next: {error.next}\n")

    def ask(self, question):
        """A question to the person in front; the answer is typed behind it."""
        self._err.write(question + " ")
        self._err.flush()

    @contextlib.contextmanager
    def progress(self):
        """Context: tell(what, done, total), to call while something is under way."""
        if not self._err.isatty():
            told = {}
            yield lambda what, done, total: self._quarters(told, what, done, total)
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(file=self._err)) as bars:
            tasks = {}

            def tell(what, done, total):
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=total)
                bars.update(tasks[what], completed=done, total=total)

            yield tell

    def _quarters(self, told, what, done, total):
        quarter = 4 * done // total if total else 4
        if quarter > told.get(what, -1):
            told[what] = quarter
            self.say(f"{what}: {25 * quarter} %")


def value(v):
    return _WORDS[v] if v is None or isinstance(v, bool) else str(v)


def table(rows, columns=None):
    """Lines of a table from a list of dicts."""
    if columns is None:
        columns = sorted({name for row in rows for name in row})
    cells = [columns] + [[value(row.get(c)) for c in columns] for row in rows]
    widths = [max(_width(r[i]) for r in cells) for i in range(len(columns))]
    return ["  ".join(_pad(c, w) for c, w in zip(r, widths, strict=True)).rstrip() for r in cells]


def _width(text):
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _pad(text, width):
    return text + " " * (width - _width(text))


def render(data, indent=""):
    """Lines for any data that a terminal sends."""
    if isinstance(data, dict):
        return _render_dict(data, indent)
    if isinstance(data, list):
        if data and all(isinstance(d, dict) and _flat(d) for d in data):
            return [indent + line for line in table(data)]
        out = []
        for item in data:
            nested = isinstance(item, dict | list)
            out += render(item, indent + "  ") if nested else [indent + value(item)]
        return out or [indent + "(none)"]
    return [indent + line for line in value(data).splitlines()]


def _flat(data):
    return not any(isinstance(v, dict | list) for v in data.values())


def _render_dict(data, indent):
    items = sorted(data.items())  # the terminal's own order means nothing
    width = max((_width(str(k)) for k, v in items if not _nested(v)), default=0)
    out = []
    for key, v in items:
        if _nested(v):
            out.append(f"{indent}{key}:")
            out += render(v, indent + "  ")
        elif isinstance(v, list):
            words = " ".join(value(i) for i in v) or "-"
            out.append(f"{indent}{_pad(str(key), width)}  {words}")
        else:
            first, *more = value(v).splitlines() or [""]
            out.append(f"{indent}{_pad(str(key), width)}  {first}".rstrip())
            out += [f"{indent}{' ' * width}  {line}" for line in more]
    return out


def _nested(v):
    if isinstance(v, dict):
        return True
    return isinstance(v, list) and any(isinstance(i, dict | list) for i in v)
