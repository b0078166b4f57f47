"""What can go wrong, with the exit code of the process and what to do next."""

DONE = 0
NEGATIVE = 1  # the command ran, and its result is bad: a self-test failed, a check did not match
USAGE = 2  # argparse's
NO_TERMINAL = 3
LOCKED = 4
REFUSED = 5
LOCAL = 6
INTERRUPTED = 130

CODES = (
    (DONE, "done"),
    (NEGATIVE, "the command ran and its result is bad: a self-test failed, a check differs"),
    (USAGE, "the command line is wrong"),
    (NO_TERMINAL, "no terminal: the port cannot be opened, nothing answers, another device"),
    (LOCKED, "the terminal wants a technician: `shouyin unlock`"),
    (REFUSED, "the terminal refused; it says why"),
    (LOCAL, "something on this computer: a file, the flashing tool, a build"),
    (INTERRUPTED, "Ctrl-C; the terminal runs on"),
)


class ToolError(Exception):
    """`what` happened, and the `next` step that helps; one line each."""

    code = LOCAL

    def __init__(self, what, next_step=""):
        super().__init__(what)
        self.what = what
        self.next = next_step


class LinkError(ToolError):
    """The port cannot be opened, nothing answers, or what answers is no terminal."""

    code = NO_TERMINAL


class LockedError(ToolError):
    """The command needs a technician, or his password once more."""

    code = LOCKED


class RefusedError(ToolError):
    """The terminal understood the command and does not do it."""

    code = REFUSED
