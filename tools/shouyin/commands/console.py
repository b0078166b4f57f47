"""console: this window becomes the terminal's service console."""

import contextlib
import sys

from ..errors import LinkError, ToolError
from ..link import PULLED, open_port

LEAVE = b"\x1d"  # Ctrl-]


def register(add, group):
    add("console", "the service console in this window; Ctrl-] leaves", run_console)


def run_console(work):
    if not sys.stdin.isatty():
        raise ToolError("the console needs a terminal window", "use the other commands in scripts")
    from mpremote.console import Console

    transport = open_port(work.port())
    work.out.say(f"connected to {work.port()}; Ctrl-] leaves, tech.help() helps")
    window = Console()
    window.enter()
    try:
        transport.serial.write(b"\r\x02")  # a prompt
        passing(window, transport.serial)
    except OSError:
        raise LinkError(f"{work.port()} went away", PULLED) from None
    finally:
        window.exit()
        with contextlib.suppress(OSError):
            transport.close()
    work.out.say("\nleft the console; the technician's session ends by itself, or: shouyin lock")


def passing(window, port):
    """Pass bytes both ways until Ctrl-]."""
    while True:
        window.waitchar(port)
        key = window.readchar()
        if key == LEAVE:
            return
        if key:
            port.write(key)
        if port.in_waiting:
            window.write(port.read(port.in_waiting))
