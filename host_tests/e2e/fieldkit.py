"""A till at work, its cable, and a technician with the tool: what the tests of the tool need."""

import contextlib
import io
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conftest import Till

from shouyin import cli, errors
from shouyin.output import Output
from simulator import bench as benches
from simulator import board_process, preset
from simulator.ptyport import Served

ROOT = Path(__file__).resolve().parents[2]
TECHNICIAN = ("90", "24681357")
ADMIN = ("07", "741852963")
SERVICE_KEY = bytes(range(16))


def spec():
    """A terminal that is set up, with a technician and a second custodian of keys."""
    made = preset.classic(benches._PORT)
    made["operators"].append([TECHNICIAN[0], "technician", TECHNICIAN[1], False])
    made["operators"].append([ADMIN[0], "admin", ADMIN[1], False])
    return made


class Field:
    """A till, its cable, and a technician. `said` is what the tool told on the way. `groups`: what
    is in the batch already, as Till.fill() wants it."""

    def __init__(self, folder, *groups):
        self.till = Till(folder)
        board_process.provision(self.till.flash, spec())
        script = folder / "service_key.py"
        script.write_text(
            f"from app.tech.context import Context\nContext().vault().put(SVC={SERVICE_KEY!r})\n"
        )
        board_process.run(self.till.flash, script)
        if groups:
            self.till.fill(*groups)
        self.till.start()
        self.till.expect("未签到", 120_000)
        self.served = Served(self.till)
        self.served.__enter__()
        self.path = self.served.path
        self.said = ""

    @classmethod
    def of(cls, till, served):
        """The same for a till that is served already."""
        field = cls.__new__(cls)
        field.till, field.served, field.path, field.said = till, served, served.path, ""
        return field

    def close(self):
        self.served.__exit__()
        self.till.close()

    def do(self, function, *args, **kw):
        return self.served.do(function, *args, **kw)

    def run(self, *argv, typed=""):
        """(exit code, the JSON document) of a command of the tool."""
        out, err = io.StringIO(), io.StringIO()
        argv = [*argv, "--json", "--port", self.path]
        code = cli.main(argv, Output(True, out, err), io.StringIO(typed))
        self.said = err.getvalue()
        return code, json.loads(out.getvalue()) if out.getvalue() else None

    def good(self, *argv, typed=""):
        code, data = self.run(*argv, typed=typed)
        assert code == errors.DONE, (argv, data, self.said)
        return data

    @contextlib.contextmanager
    def somebody(self, action, after=b">OK"):
        """Context: as soon as the terminal has printed `after` (the default: it has accepted a
        command of the tool), action() happens there. Time that passes in it costs none here."""
        console = self.till.console
        printed, ready, out = bytearray(), threading.Event(), console.on_output

        def listen(data):
            out(data)
            printed.extend(data)
            if after in printed:
                ready.set()

        def act():
            if not ready.wait(300):
                raise AssertionError(f"the terminal never printed {after!r}")
            self.do(action)

        self.do(setattr, console, "on_output", listen)
        try:
            with ThreadPoolExecutor(1) as people:
                acting = people.submit(act)
                yield
                acting.result(300)
        finally:
            self.do(setattr, console, "on_output", out)

    def quickly(self, ms):
        """Context: the command takes `ms` of the terminal's time, and none of ours."""
        return self.somebody(lambda: self.till.run_for(ms))

    def unlock(self):
        return self.good("unlock", typed=TECHNICIAN[1] + "\n")


def mpremote(path, *argv):
    """stdout of mpremote as a user starts it."""
    command = [str(Path(sys.executable).with_name("mpremote")), "connect", path, *argv]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
