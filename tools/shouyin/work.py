"""What every subcommand gets: its arguments, the output, the terminal, and the person in front."""

import getpass
import os
import sys

from . import ports
from .errors import LinkError, LockedError, ToolError
from .link import ANSWER_S, Link


class Work:
    """One run of the tool. The terminal is opened when it is first asked for."""

    def __init__(self, args, out, stdin=None, getpass_=getpass.getpass):
        self.args = args
        self.out = out
        self._stdin = stdin or sys.stdin
        self._getpass = getpass_
        self._link = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._link is not None:
            self._link.close()
            self._link = None

    def port(self):
        """--port, else $SHOUYIN_PORT, else the only port that may be a terminal's. LinkError."""
        named = self.args.port or os.environ.get("SHOUYIN_PORT")
        if named:
            return named
        found = [p["port"] for p in ports.found() if p["guess"] != ports.OTHER]
        if len(found) == 1:
            return found[0]
        what = "no terminal is plugged in" if not found else "more than one: " + " ".join(found)
        raise LinkError(what, "name the port: --port, or see shouyin ports")

    def link(self):
        if self._link is None:
            self._link = Link(self.port()).__enter__()
        return self._link

    def call(self, path, *args, wait_s=ANSWER_S, **kwargs):
        """The data of a command of the terminal; what it tells on the way is shown."""
        return self.link().call(path, *args, say=self.out.say, wait_s=wait_s, **kwargs)

    def show(self, path, *args, wait_s=ANSWER_S, **kwargs):
        """Run a command and show its result: the terminal's own words, or with --json its
        data."""
        if self.out.as_json:
            self.out.result(self.call(path, *args, wait_s=wait_s, **kwargs))
        else:
            self.link().text(path, *args, say=self.out.say, wait_s=wait_s, **kwargs)

    def key_call(self, path, *args, **kwargs):
        """call() for a command that wants the technician's password once more: it is asked for
        when the terminal does."""
        return self._proved(self.call, path, *args, **kwargs)

    def key_show(self, path, *args, **kwargs):
        """show() for such a command."""
        self._proved(self.show, path, *args, **kwargs)

    def _proved(self, function, path, *args, **kwargs):
        try:
            return function(path, *args, **kwargs)
        except LockedError:
            if not self._stdin.isatty() and not getattr(self.args, "password_stdin", False):
                raise
        self.call("unlock", self.secret("technician's password"))
        return function(path, *args, **kwargs)

    # ---- the person -----------------------------------------------------------------------------

    def secret(self, what):
        """A text that is typed unseen; without a terminal window the next line of standard
        input."""
        if self._stdin.isatty():
            typed = self._getpass(what + ": ")
        else:
            typed = self._stdin.readline().rstrip("\r\n")
        if not typed:
            raise ToolError(f"no {what} given", "type it, or pipe it in as a line")
        return typed

    def ask(self, what):
        """A line that is typed and seen."""
        if self._stdin.isatty():
            self.out.ask(what)
        return self._stdin.readline().strip()


def read_text(path):
    """A file's text. ToolError."""
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except (OSError, UnicodeDecodeError) as e:
        raise ToolError(f"{path} cannot be read: {_reason(e)}", "see the path") from None


def read_bytes(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        raise ToolError(f"{path} cannot be read: {_reason(e)}", "see the path") from None


def write_text(path, text):
    """Write a file anew. ToolError."""
    try:
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(text)
    except OSError as e:
        raise ToolError(f"{path} cannot be written: {_reason(e)}", "name another file") from None


def _reason(e):
    return getattr(e, "strerror", None) or str(e)
