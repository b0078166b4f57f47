"""The firmware's process: MicroPython's Unix port on the simulated board, with a capped heap."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "boards" / "unix" / "launch.py"
ON_BOARD = Path(__file__).resolve().parent / "on_board"

# The 64-bit Unix port needs some 1.7 times the memory of the 32-bit target, and compiles the
# sources into it, which a board with frozen code does not.
HEAP = "1536k"
BOARD = "SY_CLASSIC"  # unless another is named


class BoardError(Exception):
    """A program on the board failed. The text is its last output."""


def interpreter():
    """Path of the Unix port: $MICROPYTHON, or the one beside this Python. BoardError when there is
    none."""
    named = os.environ.get("MICROPYTHON")
    found = named or shutil.which("micropython", path=str(Path(sys.executable).parent))
    if not found or not Path(found).exists():
        raise BoardError(
            f"no MicroPython Unix port: {named or 'not installed in this environment'}"
        )
    return found


def environment(flash, **more):
    """Environment of the board's process. Its home is its own: the REPL keeps a history file
    there."""
    kept = ("PATH", "LANG", "TMPDIR", "SHOUYIN_FLAVOUR", "SHOUYIN_MODULES")
    keep = {k: v for k, v in os.environ.items() if k in kept}
    keep.update(HOME=str(Path(flash).parent), SHOUYIN_FLASH=str(flash))
    keep.update({k: str(v) for k, v in more.items() if v is not None})
    return keep


def run(flash, script, *args, heap=HEAP, board=BOARD, **more):
    """Run a script on the board, without devices; its output as str. `more`: of its
    environment."""
    command = [interpreter(), "-X", f"heapsize={heap}", str(LAUNCH), str(script), *map(str, args)]
    done = subprocess.run(
        command,
        env=environment(flash, SHOUYIN_BOARD=board, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise BoardError((done.stdout + done.stderr)[-2000:])
    return done.stdout


def run_with(flash, script, data, board=BOARD):
    """run() a script of on_board with the path of a JSON file that holds `data`."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as f:
        json.dump(data, f)
        f.flush()
        return run(flash, ON_BOARD / script, f.name, board=board)


def provision(flash, spec, board=BOARD):
    """Set up the terminal whose flash image is `flash` (made when missing); returns the KCV."""
    return run_with(flash, "provision.py", spec, board).split()[-1]


def fill(flash, groups, board=BOARD):
    """Put transactions into the open batch of a terminal that is off: groups as fill_batch.py
    wants them. Returns their traces."""
    said = run_with(flash, "fill_batch.py", groups, board)
    return [int(n.split()[1]) for n in said.splitlines() if n.startswith("trace ")]


def journal(flash, board=BOARD):
    """The terminal's own books: the open batch as a dict, read from a copy of the flash image."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "flash.bin"
        shutil.copyfile(flash, copy)
        nvs = Path(str(flash) + ".nvs")
        if nvs.exists():
            shutil.copyfile(nvs, str(copy) + ".nvs")
        lines = run(copy, ON_BOARD / "dump_journal.py", board=board).splitlines()
    head, *rows = (json.loads(n[8:]) for n in lines if n.startswith("journal "))
    return {**head, "transactions": rows}


class BoardProcess:
    """One run of the firmware, from power-on to power-off. `script` runs in the place of boot.py
    and main.py. `console`: its standard input and output are pipes (stdin, stdout), which somebody
    must read; otherwise what it prints goes to the log. `flavour`: release (None) or "dev"."""

    def __init__(
        self,
        flash,
        port,
        log,
        heap=HEAP,
        script=None,
        board=BOARD,
        console=False,
        flavour=None,
    ):
        self._log = open(log, "ab")  # noqa: SIM115  closed in kill()
        command = [interpreter(), "-X", f"heapsize={heap}", str(LAUNCH)]
        command += [str(script)] if script else []
        env = environment(
            flash,
            SHOUYIN_BUS=f"127.0.0.1:{port}",
            SHOUYIN_BOARD=board,
            SHOUYIN_CONSOLE="1" if console else None,
            SHOUYIN_FLAVOUR=flavour,
        )
        self._process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE if console else subprocess.DEVNULL,
            stdout=subprocess.PIPE if console else self._log,
            stderr=self._log,
            bufsize=0,
        )
        self.stdin, self.stdout = self._process.stdin, self._process.stdout
        self.pid = self._process.pid

    def logged(self, data):
        """Append to the log what came out of the console."""
        self._log.write(data)
        self._log.flush()

    def alive(self):
        return self._process.poll() is None

    def returncode(self):
        return self._process.poll()

    def kill(self):
        """The power is cut: SIGKILL, at once."""
        if self.alive():
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                pipe.close()
        self._log.close()
