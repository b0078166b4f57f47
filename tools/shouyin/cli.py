"""The command line: subcommands, exit codes. See docs/technician.md."""

import argparse
import functools
import getpass
import os
import sys

from .commands import (
    access,
    activation,
    bench,
    build,
    console,
    device,
    endlife,
    journal,
    keys,
    settings,
)
from .errors import CODES, DONE, INTERRUPTED, ToolError
from .output import Output
from .work import Work

# In the order of --help.
GROUPS = (device, bench, settings, journal, keys, activation, access, endlife, build, console)


@functools.lru_cache
def parser():
    """The argparse parser of the tool."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on stdout")
    common.add_argument("--port", help="serial port (default: $SHOUYIN_PORT, or the only one)")
    top = argparse.ArgumentParser(
        prog="shouyin",
        description="Service of a Shouyin terminal over its USB or serial cable.",
        epilog="exit codes: " + "; ".join(f"{code} {what}" for code, what in CODES),
    )
    sub = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name, help_text, run, under=sub):
        p = under.add_parser(name, help=help_text, description=help_text, parents=[common])
        p.set_defaults(run=run)
        return p

    def group(name, help_text):
        p = sub.add_parser(name, help=help_text, description=help_text)
        return p.add_subparsers(title="commands", metavar="COMMAND", required=True)

    for module in GROUPS:
        module.register(add, group)
    return top


def main(argv, out=None, stdin=None, getpass_=getpass.getpass):
    """Run one command; its exit code."""
    args = parser().parse_args(argv)
    out = out or Output(args.json)
    try:
        with Work(args, out, stdin, getpass_) as work:
            return args.run(work) or 0
    except ToolError as e:
        out.error(e)
        return e.code
    except BrokenPipeError:  # ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        sys.stderr.write("shouyin: stopped; the terminal runs on\n")
        return INTERRUPTED
