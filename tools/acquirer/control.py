"""The command line inside the running host: a line of text in, text out.

Owns the commands and their words; knows no terminal and no socket.
"""

from . import report
from .faults import FAULTS


class Quit(Exception):
    """The person wants to end the host."""


class Control:
    """Commands for a Host; `tid` is the terminal meant when none is named."""

    def __init__(self, host, tid):
        self._host = host
        self._tid = tid

    def line(self, text):
        """Answer to a line, "" for an empty one. Raises Quit. Errors come back as text."""
        words = text.split()
        if not words:
            return ""
        entry = COMMANDS.get(words[0])
        if entry is None:
            return f"unknown command {words[0]}; try help"
        try:
            return entry[0](self, words[1:])
        except ValueError as error:
            return f"error: {error}"

    def _help(self, words):
        width = max(len(entry[1]) for entry in COMMANDS.values())
        lines = [f"{usage:{width}}  {what}" for _, usage, what in COMMANDS.values()]
        lines.append("faults:")
        for name, kind in FAULTS.items():
            words = [name, *(f"{key}={value}" for key, value in kind.params.items())]
            lines.append(f"  {' '.join(words)} - {kind.description}")
        return "\n".join(lines)

    def _fault(self, words):
        if not words:
            raise ValueError("which fault? try help")
        count, params = 1, {}
        for word in words[1:]:
            key, equals, value = word.partition("=")
            if equals:
                params[key] = value
            else:
                count = _number(word, int)
        if "field" in params:
            params["field"] = _number(params["field"], int)
        for key, convert in (("after", int), ("chance", float)):
            if key in params:
                params[key] = _number(params[key], convert)
        for key in ("name", "count"):
            if key in params:
                raise ValueError("write: fault NAME [COUNT] [key=value ...]")
        return f"armed: {self._host.faults.arm(words[0], count, **params)}"

    def _faults(self, words):
        return "\n".join(self._host.faults.armed()) or "nothing armed"

    def _clear(self, words):
        self._host.faults.clear()
        return "nothing armed"

    def _totals(self, words):
        tid, batch = self._whose(words)
        return "\n".join(report.totals_lines(self._host.books.totals(tid, batch)))

    def _ledger(self, words):
        tid, batch = self._whose(words)
        return "\n".join(report.ledger_lines(self._host.books.transactions(tid, batch)))

    def _uploads(self, words):
        tid, batch = self._whose(words)
        return "\n".join(report.uploads_lines(self._host.books.uploads(tid, batch)))

    def _block(self, words):
        self._host.block_terminal(self._whose(words)[0])
        return "blocked"

    def _unblock(self, words):
        self._host.block_terminal(self._whose(words)[0], False)
        return "active"

    def _quit(self, words):
        raise Quit

    def _whose(self, words):
        """(tid, batch or None) from [TID] [BATCH]; a TID has 8 characters, a batch fewer."""
        tid, batch = self._tid, None
        for word in words:
            if len(word) == 8:
                tid = word
            else:
                batch = _number(word, int)
        if self._host.ledger.terminal(tid) is None:
            raise ValueError(f"terminal {tid} is not registered")
        return tid, batch


def _number(text, convert):
    try:
        return convert(text)
    except ValueError:
        raise ValueError(f"{text} is no number") from None


# name: (method, usage, what it does)
COMMANDS = {
    "fault": (
        Control._fault,
        "fault NAME [COUNT] [mti=0200] [kind=sale] [after=N] [chance=P] [param=value ...]",
        "arm a fault for the next COUNT messages",
    ),
    "faults": (Control._faults, "faults", "what is armed"),
    "clear": (Control._clear, "clear", "disarm everything"),
    "totals": (Control._totals, "totals [TID] [BATCH]", "counts and amounts by type"),
    "ledger": (Control._ledger, "ledger [TID] [BATCH]", "every sale, offline sale and void"),
    "uploads": (Control._uploads, "uploads [TID] [BATCH]", "batch upload, beside the books"),
    "block": (Control._block, "block [TID]", "answer 58 to this terminal"),
    "unblock": (Control._unblock, "unblock [TID]", "serve it again"),
    "help": (Control._help, "help", "this list"),
    "quit": (Control._quit, "quit", "end the host"),
}
