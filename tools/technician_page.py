"""Writes docs/technician.md: what a technician does, with the real output of every command.

The session runs against the firmware in MicroPython's Unix port, on the bench (tools/simulator),
in virtual time: the same seed gives the same page. `--check` writes nothing and fails when the
page is not up to date. What happens in the session is in technician_session.py.
"""

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

import technician_session

from shouyin import cli, errors
from shouyin.output import Output
from simulator import protocol_bench

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "technician.md"


def _round(m):
    """Milliseconds as good as they are on another day."""
    return f"{m[1]}{round(int(m[2]), -2):{len(m[2])}d} ms"


# What differs from run to run, or with every small change of the firmware, and what stands for it
# on the page.
VOLATILE = (
    (re.compile(r"(memory_free: )\d+"), r"\g<1>96224"),
    (re.compile(r"((?:uptime_s|ago_s): )\d+"), r"\g<1>60"),
    (re.compile(r"(max_lag_ms: )\d+"), r"\g<1>0"),
    (re.compile(r"((?:bytes_\w+|erases|draws|heard): )\d+"), r"\g<1>1200"),
    (re.compile(r"(memory +pass +\d+ ms  )\d+"), r"\g<1>96224"),
    (re.compile(r"(vfs +pass +\d+ ms  )\d+"), r"\g<1>294912"),
    (re.compile(r"(machine: ).*"), r"\1ESP32S3"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "5e1c" * 8),  # of what holds a signature or a salt
    (re.compile(r"(文件/FILE: )[0-9a-f]{16}"), r"\g<1>" + "5e1c" * 4),
    (re.compile(r"\b(\d\d:\d\d):\d\d\b"), r"\1:00"),
    (re.compile(r"\b(09\d\d)\d\d(000\d{3})?\b"), r"\g<1>00\2"),  # host's time, its reference
    (re.compile(r"(?m)^ *\d+ (?=[<>] )"), "  6400 "),  # of the modem's dialogue
    (re.compile(r"(?m)^\d+ (?=[IWE] )"), "42 "),  # of the log
    (re.compile(r"((?:pass|fail|skip|: |in |after ) *)(\d+) ms"), _round),
)


class SessionError(Exception):
    """A command of the session ended otherwise than the page says."""


class _Hands:
    """Standard input with somebody at the keyboard, whose terminal echoes into `said`."""

    def __init__(self, lines, said):
        self._lines = list(lines)
        self._said = said

    def isatty(self):
        return True

    def readline(self):
        line = self._lines.pop(0) + "\n"
        self._said.write(line)
        return line


@contextlib.contextmanager
def _inside(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class Session:
    """What the technician types and reads, as Markdown. `bench`: the terminal before him."""

    def __init__(self, bench, folder):
        self.bench = bench
        self.folder = Path(folder)
        self._name = "page"
        self._port = protocol_bench.plug(bench, self._name)
        self._out = []

    # ---- prose ----------------------------------------------------------------------------------

    def text(self, *lines):
        self._out += [*lines, ""]

    def screen(self):
        """What is on the terminal's glass now."""
        # The signs of signal and battery are no text.
        rows = [row.replace("\ufffd", " ").rstrip() for row in self.bench.screen()]
        while rows and not rows[-1]:
            rows.pop()
        self.block(rows)

    def block(self, lines):
        self._out += ["```", *self._clean("\n".join(lines)), "```", ""]

    def page(self):
        return "\n".join(self._out).rstrip() + "\n"

    # ---- commands -------------------------------------------------------------------------------

    def run(self, command, typed=(), person=None, code=errors.DONE, secrets=(), pipe=False):
        """A command of the tool. `typed`: what is typed when it asks, [(text, whether it is
        seen)]; `secrets`: what is typed unseen when it should ask. `person`: a generator for
        protocol_bench.person, who is at the terminal meanwhile. `pipe`: nobody can be asked."""
        said = io.StringIO()
        hidden = [t for t, seen in typed if not seen] + list(secrets)

        def getpass(prompt):
            said.write(prompt + "\n")
            return hidden.pop(0)

        hands = io.StringIO() if pipe else _Hands([t for t, seen in typed if seen], said)
        if person is not None:
            protocol_bench.person(self._name, person)
        argv = shlex.split(command)
        wants_port = argv[0] not in ("ports", "respond") and argv[:2] != ["keys", "kcv"]
        argv += ["--port", self._port] if wants_port else []
        with _inside(self.folder):
            got = cli.main(argv, Output("--json" in argv, said, said), hands, getpass)
        lines = self._clean(said.getvalue())
        self.block([f"$ shouyin {command}", *lines])
        if got != code:
            raise SessionError(f"{command}: exit {got}, not {code}\n" + "\n".join(lines))
        return lines

    def mpremote(self, *statements, shown=None, code=0):
        """The same with mpremote alone, beside the running terminal. `shown`: how the last
        statement stands on the page, when it holds a secret."""
        from mpremote import main

        heard = io.BytesIO()
        said = io.TextIOWrapper(heard, "utf-8", write_through=True)
        argv = ["mpremote", "connect", self._port, "resume", "exec", "; ".join(statements)]
        before, sys.argv = sys.argv, argv
        try:
            with contextlib.redirect_stdout(said):
                got = main.main()
        except SystemExit as e:
            got = e.code
        finally:
            sys.argv = before
        lines = self._clean(heard.getvalue().decode())
        block = "; ".join([*statements[:-1], f"print({shown})"]) if shown else argv[-1]
        self.block([f"$ mpremote resume exec {shlex.quote(block)}", *lines])
        if (got or 0) != code:
            raise SessionError(f"mpremote: exit {got}\n" + "\n".join(lines))

    def _clean(self, text):
        text = text.replace(self._port, "/dev/ttyACM0").replace(str(self.folder) + os.sep, "")
        for pattern, stand_in in VOLATILE:
            text = pattern.sub(stand_in, text)
        return [line.rstrip() for line in text.splitlines()]


def document(seed=1):
    """The page, from a session that runs now."""
    with tempfile.TemporaryDirectory() as folder:
        return technician_session.play(Path(folder), seed, Session)


def main(argv):
    page = document()
    if "--check" in argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
            print(f"{PAGE.relative_to(ROOT)} is not up to date: python tools/technician_page.py")
            return 1
        return 0
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {page.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
