"""activate, acceptance, install-report."""

import base64
import os
import re

from ..errors import NEGATIVE, ToolError
from ..work import read_bytes

PIECE = 384  # bytes in one command: the console's line holds them as base64
NAME_MAX = 32

NEXT = ("next: the supervisor signs on; then two custodians enter the master key,",
        "at the terminal's own offer or with: shouyin keys enter")  # fmt: skip


def register(add, group):
    p = add("activate", "send an activation file to the terminal and activate it", run_activate)
    p.add_argument("file")
    p.add_argument("--password-stdin", action="store_true", help="password from a pipe")
    add(
        "acceptance",
        "the acceptance test after installation; exit 1 when it fails",
        run_acceptance,
    )
    add("install-report", "print the installation report on the terminal", run_install_report)


def send(work, path, data):
    """Send `data`, the bytes of the file `path`, in pieces; its name on the terminal."""
    # The terminal takes 32 letters, digits, - _ . and no others.
    name = re.sub(r"[^A-Za-z0-9._-]", "_", os.path.basename(path))[-NAME_MAX:]
    with work.out.progress() as tell:
        for at in range(0, len(data), PIECE):
            piece = base64.b64encode(data[at : at + PIECE]).decode()
            work.key_call("receive", name, at, piece)
            tell(f"sending {name}", min(at + PIECE, len(data)), len(data))
    return name


def run_activate(work):
    path = work.args.file
    data = read_bytes(path)
    if not data:
        raise ToolError(f"{path} is empty", "ask the acquirer for it again")
    name = send(work, path, data)
    work.key_show("activate", name)
    for line in NEXT:
        work.out.say(line)


def run_acceptance(work):
    data = work.call("acceptance", wait_s=300)
    work.out.result(data, ["PASSED" if data["passed"] else "NOT PASSED"])
    return 0 if data["passed"] else NEGATIVE


def run_install_report(work):
    data = work.call("install_report", wait_s=120)
    verdict = "passed" if data["acceptance"]["passed"] else "NOT passed"
    paper = "printed" if data["on_paper"] else "NOT printed: see the printer, then repeat"
    line = f"terminal {data['tid']}, KCV {data['kcv']}, acceptance test {verdict}; {paper}"
    work.out.result(data, [line])
    return 0 if data["on_paper"] else NEGATIVE
