"""A terminal at the other end of a serial port: calls of its commands, results as plain values.

The transport is mpremote's, unmodified. Opening it does not disturb a terminal at work: its
console answers Ctrl-C and the raw REPL beside the running application, and neither DTR nor RTS is
moved in the order that resets an ESP32 (both lines go up together, RTS goes down first).
"""

import contextlib
import io
import json

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from . import literals, ports
from .errors import LinkError, LockedError, RefusedError

READ_S = 1  # a read of the port returns after so long without a byte
ENTER_S = 10  # for the raw REPL's banner
ANSWER_S = 60  # without a byte, unless the command says otherwise

NOT_ANSWERING = "see that the terminal is on and the cable carries data; then try again"
PULLED = "plug it in again and repeat the command; the terminal has lost nothing"


def open_port(port):
    """mpremote's SerialTransport on a port. LinkError names why it cannot be opened."""
    try:
        return SerialTransport(port, timeout=READ_S)
    except TransportError:
        raise LinkError(*_why_not_open(port)) from None


class Link:
    """An open connection; a context manager. `port`: path or name. LinkError when nothing that is
    a Shouyin terminal answers."""

    def __init__(self, port, enter_s=ENTER_S):
        self.port = port
        self._enter_s = enter_s
        self._transport = None

    def __enter__(self):
        self._transport = open_port(self.port)
        try:
            self._enter()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Leave the raw REPL, so that the next one finds the friendly prompt, and the port."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        with contextlib.suppress(OSError):  # the cable may be gone
            if transport.in_raw_repl:
                transport.exit_raw_repl()
        with contextlib.suppress(OSError):
            transport.close()

    def _enter(self):
        heard = io.StringIO()  # mpremote prints what it did not understand
        try:
            with contextlib.redirect_stdout(heard):
                self._transport.enter_raw_repl(soft_reset=False, timeout_overall=self._enter_s)
        except TransportError:
            some = heard.getvalue().strip() not in ("", "b''")
            what = "something else talks on" if some else "nothing answers on"
            hint = "see that it is a terminal's port: shouyin ports" if some else NOT_ANSWERING
            raise LinkError(f"{what} {self.port}", hint) from None
        except OSError:
            raise LinkError(f"{self.port} went away", PULLED) from None
        _, error = self._run("import tech", ANSWER_S)
        if error:
            raise LinkError(
                f"{self.port} is a MicroPython board without Shouyin: {_last(error)}",
                f"flash the firmware first: shouyin flash IMAGE --port {self.port}",
            )

    def _run(self, source, wait_s, consumer=None):
        """(output, error) of source, both str."""
        out = bytearray()

        def collect(data):
            if data != b"\x04":
                out.extend(data)
                if consumer is not None:
                    consumer(out)

        try:
            self._transport.exec_raw_no_follow(source)
            _, error = self._transport.follow(wait_s, collect)
        except TransportError as e:
            raise LinkError(f"no answer from {self.port}: {e}", NOT_ANSWERING) from None
        except (OSError, TypeError, ValueError):
            # pyserial's errors; the others are its reads on a port that is gone
            raise LinkError(f"{self.port} went away in the middle", PULLED) from None
        return out.decode(errors="replace"), error.decode(errors="replace")

    def call(self, path, *args, say=None, wait_s=ANSWER_S, **kwargs):
        """The data of tech.<path>(*args, **kwargs). `say` gets each line that the terminal tells
        while it works. wait_s: how long it may be silent. RefusedError, LockedError, LinkError;
        after KeyboardInterrupt the command is cancelled on the terminal too."""
        lines = _Lines(say, keep_last=True)
        out = self._print(f"{literals.call(path, args, kwargs)}.json()", wait_s, lines)
        answer = out.strip().splitlines()
        try:
            return json.loads(answer[-1])
        except (IndexError, ValueError):
            heard = answer[-1][:60] if answer else ""
            what = f"{self.port} answered with no JSON: {heard!r}"
            raise LinkError(what, NOT_ANSWERING) from None

    def text(self, path, *args, say=None, wait_s=ANSWER_S, **kwargs):
        """The same as the terminal writes it for people: a str. `say` gets each line as it
        comes."""
        call = literals.call(path, args, kwargs)
        return self._print(call, wait_s, _Lines(say, keep_last=False))

    def _print(self, expression, wait_s, lines):
        """What print(expression) prints. Ctrl-C here is one there."""
        try:
            out, error = self._run(f"print({expression})", wait_s, lines)
        except KeyboardInterrupt:
            self._cancel()
            raise
        if error:
            raise _refused(_last(error))
        return out

    def _cancel(self):
        with contextlib.suppress(OSError, TransportError):
            self._transport.serial.write(b"\x03")
            self._transport.follow(5)


class _Lines:
    """Hands on each complete line as it comes; with keep_last all but the last one, which is the
    result."""

    def __init__(self, say, keep_last):
        self._say = say
        self._keep = 1 if keep_last else 0
        self._from = 0
        self._held = []

    def __call__(self, out):
        if self._say is None or not out.endswith(b"\n"):
            return
        self._held.append(out[self._from :].decode(errors="replace").rstrip())
        self._from = len(out)
        while len(self._held) > self._keep:
            self._say(self._held.pop(0))


def _last(error):
    lines = [n.strip() for n in error.splitlines() if n.strip()]
    return lines[-1] if lines else "unknown error"


# What an error's text says about the next step; the first that is in it counts.
_LOCKED = (
    ("for 30 minutes", "wait, or let the service desk answer: shouyin unlock --challenge"),
    ("password again", "give the technician's password once more: shouyin unlock"),
    ("locked:", "unlock it first: shouyin unlock"),
)
_OTHER_FIRMWARE = "its firmware is another version: shouyin info"
# Errors that a command raises on purpose; their words are for the technician.
_OURS = ("TechError", "SettingsError", "OperatorError", "VaultError", "FlashError", "LogFull")
_NOT_KNOWN = ("NameError", "SyntaxError", "GrammarError")


def _refused(line):
    """The error for the last line of a traceback, e.g. 'TechError: what'."""
    kind, _, what = line.partition(": ")
    for word, hint in _LOCKED:
        if kind in _OURS and word in what:
            return LockedError(what, hint)
    if kind == "TechError" and (what.startswith("no command ") or "not part of this" in what):
        return RefusedError(what, _OTHER_FIRMWARE)
    if kind in _OURS:
        return RefusedError(what)
    if kind in _NOT_KNOWN:
        return RefusedError(f"the terminal does not know this command ({line})", _OTHER_FIRMWARE)
    if line == "cancelled" or kind == "KeyboardInterrupt":
        return RefusedError("cancelled on the terminal")
    return RefusedError(line, "save a report for the developers: shouyin report")


def _why_not_open(port):
    return ports.problem(port) or (f"{port} cannot be opened",
                                   "close the other program that uses it")  # fmt: skip
