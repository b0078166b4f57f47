# All commands of the technician: one table. What is not here does not exist for him in a release.
#
# A row names the module (app.tech.<module>) and its function(ctx, ...), which is loaded when it is
# called first, and the level that the session must have. Functions return result.Result (or a
# coroutine that does) and raise context.TechError.

from micropython import const

from .context import TechError
from .result import Result

# Levels. Constants, so that the rows of the table are constants too and stay in ROM.
FREE = const(0)
TECH = const(1)  # unlocked
KEY = const(2)  # unlocked, and the password given again within a minute

LEVEL_NAMES = ("free", "unlocked", "unlocked, password within 60 s")

# (path, module, function, level, help)
TABLE = (
    ("help", "commands", "help_", FREE, "this list"),
    ("status", "status", "status", FREE, "what the terminal does, what is wrong, what is owed"),
    ("version", "status", "version", FREE, "firmware, board, boot slots"),
    ("unlock", "session", "unlock", FREE, "unlock(password)"),
    ("challenge", "session", "challenge", FREE, "a text for the service desk, valid 5 minutes"),
    ("respond", "session", "respond", FREE, "respond(code): the service desk's answer"),
    ("lock", "session", "lock", FREE, "end the session"),
    ("selftest", "selftest", "selftest", TECH, "all tests, or those named: selftest('display')"),
    ("keypad", "peripherals", "keypad", TECH, "keypad(seconds): show keys as they are pressed"),
    ("display.test", "peripherals", "display_test", TECH, "pictures on the display"),
    ("printer.test", "peripherals", "printer_test", TECH, "a test page"),
    ("printer.status", "peripherals", "printer_status", TECH, "paper, heat, faults"),
    ("modem.status", "network", "modem_status", TECH, "SIM, registration, signal"),
    ("modem.trace", "network", "modem_trace", TECH, "modem.trace(seconds): its dialogue"),
    ("net.status", "network", "net_status", TECH, "the bearers and which one is used"),
    ("net.ping", "network", "net_ping", TECH, "net.ping(host=None): connect to the acquirer"),
    ("journal.summary", "books", "summary", TECH, "the open batch, what is owed"),
    ("journal.export", "books", "export", TECH, "journal.export(first, count): the open batch"),
    ("log", "status", "log", TECH, "log(n): the last lines of the log"),
    ("settings", "parameters", "list_", TECH, "all parameters"),
    ("settings.get", "parameters", "get", TECH, "settings.get(name)"),
    ("settings.set", "parameters", "set_", TECH, "settings.set(name=value, ...)"),
    ("settings.export", "parameters", "export", TECH, "all parameters as JSON text"),
    ("settings.import_", "parameters", "import_", KEY, "settings.import_(text of an export)"),
    ("settings.import_file", "parameters", "import_file", KEY, "import_file(name received)"),
    ("report", "report", "report", TECH, "everything for the workshop, in one"),
    ("counters", "status", "counters", TECH, "what has been counted since the start"),
    ("activate", "activation", "activate", KEY, "activate(name of a received file)"),
    ("receive", "activation", "receive", TECH, "receive(name, offset, base64): a piece of a file"),
    ("acceptance", "acceptance", "acceptance", TECH, "the acceptance test"),
    ("install_report", "acceptance", "install_report", TECH, "print and keep the report"),
    ("keys.enter", "keys", "enter", KEY, "keys.enter('master' or 'service'): two people"),
    ("keys.status", "keys", "status", TECH, "which keys there are, their check values"),
    ("audit.last", "auditlog", "last", TECH, "audit.last(n): the last events"),
    ("audit.verify", "auditlog", "verify", TECH, "check the chain of the audit log"),
    ("password", "service", "password", KEY, "password(new): the technician's password"),
    ("decommission", "service", "decommission", KEY, "decommission(confirm): destroy the keys"),
    ("stop", "control", "stop", TECH, "stop the terminal, to the prompt (development only)"),
    ("reboot", "control", "reboot", TECH, "start the terminal anew"),
)  # fmt: skip

_PATH = const(0)
_MODULE = const(1)
_FUNCTION = const(2)
_LEVEL = const(3)
_HELP = const(4)


def find(path):
    """The row of a path ("journal.summary"), None when there is none."""
    for row in TABLE:
        if row[_PATH] == path:
            return row
    return None


def is_group(path):
    """Whether paths begin with this one ("journal")."""
    start = path + "."
    for row in TABLE:
        if row[_PATH].startswith(start):
            return True
    return False


def function(row):
    """The function of a row; its module is loaded now. TechError when this firmware lacks it."""
    name = row[_MODULE]
    try:
        module = __import__("app.tech." + name, None, None, (name,))
        return getattr(module, row[_FUNCTION])
    except (ImportError, AttributeError):
        raise TechError("tech.%s is not part of this firmware" % row[_PATH])


def call(ctx, path, args=(), kw=None):
    """Call a command: its result, or a coroutine that gives it. TechError: no such command, or
    locked; and what the command raises."""
    row = find(path)
    if row is None:
        raise TechError("no command tech.%s; tech.help() lists them" % path)
    if ctx.session is not None:
        ctx.session.allow(row[_LEVEL])
    return function(row)(ctx, *args, **(kw or {}))


def help_(ctx):
    """What there is."""
    data = [
        {"command": "tech." + row[_PATH], "level": LEVEL_NAMES[row[_LEVEL]], "help": row[_HELP]}
        for row in TABLE
    ]
    return Result(data, _help_lines)


def _help_lines():
    marks = " *!"
    for row in TABLE:
        yield "%s tech.%-17s %s" % (marks[row[_LEVEL]], row[_PATH], row[_HELP])
    yield "* when unlocked, ! when the password was given within 60 s"
