"""Processes of MicroPython that print lines, several at a time."""

import os
import queue
import subprocess
import tempfile
import threading
from pathlib import Path

from simulator import board_process

ROOT = Path(__file__).resolve().parents[2]
RUN = Path(__file__).resolve().parent / "on_target" / "run.py"
FIRMWARE = ROOT / "firmware"
# Firmware, models and harness are compiled into it; a day adds what the notebook holds.
HEAP = "1m"
SILENCE_S = 120


class WorkerError(Exception):
    """A process did not come to its end. args: (what it said last,)"""


def jobs():
    """As many as there are processors."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Workers:
    """One process for each tuple of arguments in `runs`. Iterating gives their lines as they come;
    WorkerError when one breaks off or says nothing for two minutes."""

    def __init__(self, runs, firmware=FIRMWARE):
        self._lines = queue.Queue()
        self._processes = [self._start(firmware, args) for args in runs]
        for n, process in enumerate(self._processes):
            threading.Thread(target=self._read, args=(n, process), daemon=True).start()

    def _start(self, firmware, args):
        env = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG")}
        env["HOME"] = tempfile.gettempdir()
        command = [board_process.interpreter(), "-X", f"heapsize={HEAP}", str(RUN), str(firmware)]
        return subprocess.Popen(
            [*command, *map(str, args)], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip

    def _read(self, n, process):
        for line in process.stdout:
            self._lines.put((n, line.rstrip("\n")))
        process.wait()
        self._lines.put((n, None))

    def __iter__(self):
        last = {n: [] for n in range(len(self._processes))}
        running = set(last)
        try:
            while running:
                try:
                    n, line = self._lines.get(timeout=SILENCE_S)
                except queue.Empty:
                    raise WorkerError("nothing happens after:\n" + _tail(last, running)) from None
                if line is None:
                    running.discard(n)
                    if self._processes[n].returncode or last[n][-1:] != ["end"]:
                        raise WorkerError("broke off:\n" + _tail(last, [n]))
                    continue
                last[n] = last[n][-9:] + [line]
                if line != "end":
                    yield line
        finally:
            for process in self._processes:
                if process.poll() is None:
                    process.kill()


def _tail(last, which):
    return "\n".join("\n".join(last[n]) for n in which)
