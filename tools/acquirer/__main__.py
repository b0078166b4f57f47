"""Command line of the acquirer: `PYTHONPATH=tools python -m acquirer --help`.

Owns arguments, the printed master key of a test installation, and the process: signals, standard
input, exit codes (0 ended on demand, 2 it could not start).
"""

import argparse
import asyncio
import contextlib
import os
import re
import signal
import sys

from . import DEFAULT_HEADER, DEFAULT_MID, DEFAULT_TID, DEFAULT_TPDU, keys
from .control import Control, Quit
from .host import Host
from .ledger import LedgerError
from .server import LOCALHOST, serve

DEFAULT_PORT = 8583
_EPILOG = """
The master key (TMK) of the terminal comes from --tmk-file: 32 hex digits, or two lines of 32 that
are its components. Without the file a ledger that knows the terminal keeps its key, and for a new
terminal two components are drawn and printed once, with their check values, to be typed into the
terminal. Test keys only. Cards, amounts and faults: see tools/acquirer/README.md, or "help" on the
control line.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line, as for every other thing that keeps the host from starting."""
        self.exit(2, f"acquirer: {message}\n")


class StartError(Exception):
    """The host cannot start; the text is for the person who started it."""


def _parser():
    parser = _Parser(
        prog="acquirer",
        description="Simulated UnionPay-style acquirer host for testing payment terminals.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default=LOCALHOST, metavar="ADDRESS", help="listen here (default %(default)s)")
    add(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help="TCP port, 0 for any free one (default %(default)s)",
    )
    add("--db", default=":memory:", help="ledger, an SQLite file (default: in memory)")
    add("--seed", type=int, help="repeatable keys, auth codes and faults (default: random)")
    add("--tid", default=DEFAULT_TID, help="terminal id (default %(default)s)")
    add("--mid", default=DEFAULT_MID, help="merchant id (default %(default)s)")
    add("--batch", type=int, default=1, help="open batch of a new terminal (default %(default)s)")
    add("--tpdu", default=DEFAULT_TPDU, help='its TPDU, or "any" (default %(default)s)')
    add("--header", default=DEFAULT_HEADER, help='its header, or "any" (default %(default)s)')
    add("--tmk-file", metavar="FILE", help="file with the terminal's master key")
    add(
        "--control",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="commands on standard input: faults, totals, ledger, uploads (default: when it is a "
        "terminal)",
    )
    add("--quiet", action="store_true", help="no line per message")
    return parser


def _port(text):
    number = int(text) if text.isdigit() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return number


def _read_tmk(path):
    """Master key in a file. Raises StartError; its text never holds what the file holds."""
    try:
        with open(path, encoding="ascii") as file:
            lines = [line.strip() for line in file if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise StartError(f"cannot read --tmk-file {path}: {reason}") from None
    if not 1 <= len(lines) <= 2 or any(not re.fullmatch("[0-9A-Fa-f]{32}", s) for s in lines):
        raise StartError(f"--tmk-file {path}: want one or two lines of 32 hex digits")
    return keys.combine(*(bytes.fromhex(line) for line in lines))


def _draw_tmk(randomness):
    """A new master key in two components, printed for the person who provisions the terminal."""
    parts = [randomness.des_key("TMK component", number, 16) for number in (1, 2)]
    tmk = keys.combine(*parts)
    for name, key in (("TMK component 1", parts[0]), ("TMK component 2", parts[1])):
        print(f"{name}  {key.hex().upper()}  KCV {keys.kcv(key, 3).hex().upper()}")
    print(f"TMK KCV {keys.kcv(tmk, 3).hex().upper()} (test key)")
    return tmk


def _provision(host, args):
    known = host.ledger.terminal(args.tid)
    if args.tmk_file:
        tmk = _read_tmk(args.tmk_file)
    elif known:
        tmk = known.tmk
        print(f"TMK kept from the ledger, KCV {keys.kcv(tmk, 3).hex().upper()}")
    else:
        tmk = _draw_tmk(host.randomness)
    tpdu, header = (None if text == "any" else text for text in (args.tpdu, args.header))
    host.add_terminal(args.tid, args.mid, tmk, args.batch, tpdu, header)


def _check(args):
    """Raises StartError for an argument that no terminal can have."""
    for name, pattern, words in (
        ("tid", r"[\x20-\x7e]{8}", "8 characters"),
        ("mid", r"[\x20-\x7e]{15}", "15 characters"),
        ("tpdu", r"60\d{8}|any", "60 and 8 digits"),
        ("header", r"\d{5}0\d{6}|any", "12 digits, the sixth 0"),
    ):
        if not re.fullmatch(pattern, getattr(args, name)):
            raise StartError(f"--{name} {getattr(args, name)}: want {words}")
    if not 1 <= args.batch <= 999999:
        raise StartError(f"--batch {args.batch}: want 1 to 999999")


def _read_commands(control, ended):
    """Answer the command lines that standard input has; the end of it ends the reading only."""
    loop = asyncio.get_running_loop()
    waiting = bytearray()

    def on_readable():
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            loop.remove_reader(sys.stdin.fileno())
            return False
        waiting.extend(data)
        while b"\n" in waiting and not ended.is_set():
            line, _, rest = bytes(waiting).partition(b"\n")
            waiting[:] = rest
            try:
                answer = control.line(line.decode("utf-8", "replace"))
            except Quit:
                ended.set()
            else:
                if answer:
                    print(answer, flush=True)
        return not ended.is_set()

    try:
        loop.add_reader(sys.stdin.fileno(), on_readable)
    except PermissionError:  # epoll takes no plain file; but a file never keeps us waiting
        while on_readable():
            pass


async def _run(host, args):
    try:
        server = await serve(host, args.host, args.port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        where = f"{args.host}:{args.port}"
        raise StartError(f"cannot listen on {where}: {reason}") from None
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with server:
        print(f"listening on {server.address}:{server.port}", flush=True)
        if args.control or (args.control is None and sys.stdin.isatty()):
            print('control line: type "help"', flush=True)
            _read_commands(Control(host, args.tid), ended)
        await ended.wait()


def main(argv=None):
    """Run the host until it is told to end. Returns the exit code."""
    args = _parser().parse_args(argv)
    log = None if args.quiet else lambda line: print(line, flush=True)
    try:
        _check(args)
        with contextlib.closing(Host(args.db, args.seed, log=log)) as host:
            _provision(host, args)
            asyncio.run(_run(host, args))
    except (StartError, LedgerError) as error:
        print(f"acquirer: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
