# What a release understands at the console: calls of the technician's commands with literals.
#
#   import tech                          tech.log(20)                  tech.settings
#   print(tech.status().json())          tech.settings.set(port=5000, apn='cmnet')
#
# A parser of its own over bytes: nothing is ever given to the interpreter. Several statements, on
# lines or after ';'. A statement that is wrong makes all of them wrong: nothing has run then.

_ARGS_MAX = 24
_STATEMENTS_MAX = 32
_TEXT_MAX = 8192

_ESCAPES = {
    0x6E: 10, 0x72: 13, 0x74: 9, 0x5C: 0x5C, 0x27: 0x27, 0x22: 0x22, 0x30: 0, 0x61: 7, 0x62: 8,
    0x66: 12, 0x76: 11,
}  # fmt: skip
_NAMED = {"True": True, "False": False, "None": None}


class GrammarError(Exception):
    """The text is no list of commands. args: (what should be there, line, column), nothing of
    the text."""


class Statement:
    """path: "journal.summary". called: with parentheses. json: .json() behind it. `import tech`
    makes none."""

    def __init__(self, path):
        self.path = path
        self.args = []
        self.kw = {}
        self.called = False
        self.json = False


def parse(data):
    """[Statement, ...] of bytes. GrammarError."""
    if len(data) > _TEXT_MAX:
        raise GrammarError("shorter text", 1, 1)
    return _Parser(data).statements()


def _is_letter(c):
    return 65 <= c <= 90 or 97 <= c <= 122 or c == 95


class _Parser:
    def __init__(self, data):
        self._data = data
        self._at = 0

    def _fail(self, what):
        before = bytes(self._data[: self._at])
        column = self._at - before.rfind(b"\n")
        raise GrammarError(what, before.count(b"\n") + 1, column)

    def _peek(self):
        return self._data[self._at] if self._at < len(self._data) else -1

    def _skip(self, lines=False):
        """Blanks and a comment; with `lines` also ends of lines."""
        while True:
            c = self._peek()
            if c == 35:  # '#'
                while self._peek() not in (10, 13, -1):
                    self._at += 1
            elif c in (32, 9) or (lines and c in (10, 13)):
                self._at += 1
            else:
                return c

    def _take(self, c, lines=False):
        """Whether the next sign is chr(c), which is then passed."""
        if self._skip(lines) != c:
            return False
        self._at += 1
        return True

    def _need(self, c, lines=False):
        if not self._take(c, lines):
            self._fail("a " + chr(c))

    def _name(self):
        c = self._skip()
        if not _is_letter(c):
            self._fail("a name")
        start = self._at
        while _is_letter(c) or 48 <= c <= 57:
            self._at += 1
            c = self._peek()
        return bytes(self._data[start : self._at]).decode()

    # ---- statements -----------------------------------------------------------------------------

    def statements(self):
        found = []
        while True:
            while self._skip(True) == 59:  # ';'
                self._at += 1
            if self._peek() == -1:
                return found
            statement = self._statement()
            if statement is not None:
                found.append(statement)
            if len(found) > _STATEMENTS_MAX:
                self._fail("no more commands")
            if self._skip() not in (59, 10, 13, -1):
                self._fail("the end of the line")

    def _statement(self):
        name = self._name()
        if name == "import":
            if self._name() != "tech":
                self._fail("tech")
            return None
        if name == "print":
            self._need(40)
            self._skip(True)
            statement = self._command(self._name(), True)
            self._need(41, True)
            return statement
        return self._command(name, False)

    def _command(self, name, lines):
        if name != "tech":
            self._fail("tech. and a command")
        parts = []
        statement = None
        while self._take(46, lines):  # '.'
            part = self._name()
            if statement is None:
                if part == "json" and parts and self._skip() == 40:
                    statement = Statement(".".join(parts))
                    self._json(statement)
                    return statement
                parts.append(part)
                if self._take(40):
                    statement = Statement(".".join(parts))
                    statement.called = True
                    self._arguments(statement)
            elif part == "json":
                self._json(statement)
                return statement
            else:
                self._fail(".json() or the end of the command")
        if not parts:
            self._fail("a command")
        return statement or Statement(".".join(parts))

    def _json(self, statement):
        self._need(40)
        self._need(41)
        statement.json = True

    def _arguments(self, statement):
        while not self._take(41, True):
            c = self._skip(True)
            if _is_letter(c):
                name = self._name()
                if name in _NAMED:
                    self._positional(statement, _NAMED[name])
                elif name == "b" and self._peek() in (34, 39):
                    self._positional(statement, self._string(True))
                else:
                    self._need(61)  # '='
                    if name in statement.kw:
                        self._fail("another name")
                    statement.kw[name] = self._value()
            else:
                self._positional(statement, self._value())
            if len(statement.args) + len(statement.kw) > _ARGS_MAX:
                self._fail("no more arguments")
            if not self._take(44, True):  # ','
                self._need(41, True)
                return

    def _positional(self, statement, value):
        if statement.kw:
            self._fail("a named argument")
        statement.args.append(value)

    # ---- literals -------------------------------------------------------------------------------

    def _value(self):
        c = self._skip(True)
        if c in (34, 39):
            return self._string(False)
        if c == 45 or 48 <= c <= 57:
            return self._number()
        if _is_letter(c):
            name = self._name()
            if name in _NAMED:
                return _NAMED[name]
            if name == "b" and self._peek() in (34, 39):
                return self._string(True)
        self._fail("a text, a number, True, False or None")

    def _number(self):
        start = self._at
        if self._peek() == 45:
            self._at += 1
        c = self._peek()
        while 48 <= c <= 57 or _is_letter(c):
            self._at += 1
            c = self._peek()
        text = bytes(self._data[start : self._at]).decode()
        if len(text) > 24 or c == 46:
            self._fail("a whole number")
        try:
            return int(text, 0)
        except ValueError:
            self._fail("a whole number")

    def _string(self, binary):
        """A text in one line, as repr() writes it."""
        quote = self._peek()
        self._at += 1
        out = bytearray()
        while True:
            c = self._peek()
            if c in (10, 13, -1):
                self._fail("a " + chr(quote))
            self._at += 1
            if c == quote:
                break
            if c == 0x5C:
                self._escape(out, binary)
            else:
                out.append(c)
        if binary:
            return bytes(out)
        try:
            return bytes(out).decode()
        except UnicodeError:
            self._fail("UTF-8")

    def _escape(self, out, binary):
        c = self._peek()
        self._at += 1
        if c in _ESCAPES:
            out.append(_ESCAPES[c])
            return
        n = {0x78: 2, 0x75: 4, 0x55: 8}.get(c, 0)  # x, u, U
        if not n or (binary and n > 2):
            self._fail("a known escape")
        digits = bytes(self._data[self._at : self._at + n])
        for d in digits:
            if not (48 <= d <= 57 or 65 <= d <= 70 or 97 <= d <= 102):
                self._fail("hexadecimal digits")
        if len(digits) != n:
            self._fail("hexadecimal digits")
        self._at += n
        code = int(digits, 16)
        if binary:
            out.append(code)
        elif code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            self._fail("a character of Unicode")
        else:
            out += chr(code).encode()
