"""What there is to be covered in a source file, and what of it a trace covers.

A statement is what coverage.py's own parser takes for one. Two of its answers need help, as it
knows another Python:

* Some statements are no code in MicroPython: `_NAME = const(...)`, `while True:`, the `def` below
  a decorator. Outside of functions they count as run when the module ran, in functions when the
  next statement with code ran.
* Functions in machine code (viper, native) have no lines to trace. They are left out of the
  count; that each of them is called at all is asked for apart.

One limit: a `pass` at the end of an if or else may count though it did not run, as what follows
is numbered like it.
"""

import ast
import bisect

from coverage.parser import PythonParser

from . import trace

NATIVE = r"@micropython\.(viper|native)\b"


class Source:
    """A parsed file. statements: line numbers. functions: (first line, last line, name), outer
    ones first."""

    def __init__(self, text):
        self._parser = PythonParser(text=text or "\n", exclude=NATIVE)
        self._parser.parse_source()
        self.lines = text.splitlines()
        self.statements = set(self._parser.statements)
        self.functions = []
        self.natives = []  # (first line, line of def, name)
        self._walk(ast.parse(text), "")

    def _walk(self, node, prefix):
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{prefix}.{child.name}" if prefix else child.name
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                self.functions.append((child.lineno, child.end_lineno, name))
                marks = {ast.unparse(d) for d in child.decorator_list}
                if marks & {"micropython.viper", "micropython.native"}:
                    self.natives.append((first, child.lineno, name))
            self._walk(child, name)

    def function(self, line):
        """Name of the innermost function in whose body a line is, as Class.method; "" outside."""
        inside = [name for first, last, name in self.functions if first < line <= last]
        return inside[-1] if inside else ""

    def text(self, line):
        return self.lines[line - 1].strip()

    def covered(self, kinds):
        """Statements that a trace of this file ({kind: lines}) covers."""
        ran = self._parser.translate_lines(kinds.get(trace.RAN, ())) & self.statements
        code = self._parser.translate_lines(kinds.get(trace.CODE, ())) & self.statements
        if not ran:
            return set()
        with_code = sorted(code)
        implied = set()
        for line in self.statements - code:
            after = bisect.bisect(with_code, line)
            if not self.function(line) or with_code[after : after + 1] in ([n] for n in ran):
                implied.add(line)
        return ran | implied

    def uncalled(self, kinds):
        """Names of functions in machine code that were not called."""
        called = kinds.get(trace.CALLED, ())
        return [
            name
            for first, last, name in self.natives
            if not any(first <= line <= last for line in called)
        ]
