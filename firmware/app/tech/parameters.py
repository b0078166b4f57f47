# The terminal's parameters for the technician: tech.settings, .get, .set, .export, .import_,
# .import_file (what tech.receive() has received).
#
# There is no secret among them: keys and Wi-Fi passwords are in the vault and have no name here.

import json

import board

from ..store.flashlog import FlashError
from ..store.settings import SCHEMA, SettingsError, check
from .context import TechError
from .result import Result

FORMAT = 1
# Read once, when the terminal starts.
_AT_START = (
    "apn", "bearers", "wifi_ssid_1", "wifi_ssid_2", "wifi_ssid_3", "wifi_country",
)  # fmt: skip
# What the records of the open batch were made with, and what the host will look for.
_OF_BATCH = ("tid", "mid", "key_mode")
# Where they will be sent. Another host of another acquirer never books them; but an acquirer moves
# to another address while a batch is open, and only then can it be sent at all.
_OF_HOST = ("host", "port", "tpdu", "header")


def _values(settings):
    return {name: settings[name] for name in SCHEMA}


def list_(ctx):
    """{name: value} of all parameters."""
    data = _values(ctx.settings())
    return Result(data, ["%-20s %s" % (name, data[name]) for name in sorted(data)])


def get(ctx, name):
    """One parameter."""
    if name not in SCHEMA:
        raise TechError("%s: unknown parameter" % name)
    return Result(ctx.settings()[name])


def set_(ctx, same_acquirer=False, **changes):
    """Change parameters: all that are named or, when one is wrong, none. same_acquirer: the open
    batch shall go to the new address."""
    if not changes:
        raise TechError("settings.set(name=value, ...)")
    return _change(ctx, changes, same_acquirer)


def _change(ctx, changes, same_acquirer):
    ctx.real()
    settings = ctx.settings()
    new = {}
    for name in sorted(changes):
        try:
            value = check(name, changes[name])
        except SettingsError as e:
            raise TechError("%s %s" % e.args)
        if value != settings[name]:
            new[name] = value
    _allowed(ctx, new, same_acquirer is True)
    if new:
        try:
            settings.set(**new)
        except OSError as e:
            raise TechError("parameters cannot be written: %d" % (e.args[0] if e.args else 0))
        _changed(ctx, new)
    reboot = [name for name in _AT_START if name in new]
    data = {"changed": sorted(new), "reboot": reboot, "missing": settings.missing()}
    lines = ["changed: " + (" ".join(data["changed"]) or "nothing")]
    if reboot:
        lines.append("counts from the next start on: " + " ".join(reboot))
    if data["missing"]:
        lines.append("still missing: " + " ".join(data["missing"]))
    return Result(data, lines)


def _changed(ctx, new):
    """What follows from it."""
    ctx.audit("config", "%d changed" % len(new))
    if "language" in new:
        from ..text import strings

        strings.use(new["language"])
    if ctx.terminal is not None and any(name in new for name in _OF_BATCH):
        journal = ctx.journal()
        if journal.signed_on:
            journal.set_signed_on(False)  # the working keys are those of another terminal


def _allowed(ctx, new, same_acquirer):
    """TechError when a transaction would end with other parameters than it began with."""
    if ctx.app is not None and ctx.app.engine.busy:
        raise TechError("a transaction is under way: try again")
    batch = [name for name in _OF_BATCH if name in new]
    host = [name for name in _OF_HOST if name in new]
    if not (batch or host) or not ctx.settings()["tid"]:  # lost parameters must come back
        return
    try:
        journal = ctx.journal()
        left = len(journal) + journal.newer()
    except (FlashError, OSError) as e:
        raise TechError("the journal cannot be read, something may be owed: %s" % e)
    if not left:
        return
    why = "%d transactions of the open batch" % left
    if batch:
        raise TechError("%s: %s: settle the open batch first" % (" ".join(batch), why))
    if not same_acquirer:
        raise TechError(
            "%s: %s would go there: settle the open batch first, or, if it is the new address of "
            "the same acquirer, say same_acquirer=True" % (" ".join(host), why)
        )


def export(ctx):
    """{"format", "board", "settings"}: what import_() takes. Its text is one line of JSON."""
    ctx.real()  # nobody else is to become the merchant of a training
    data = {"format": FORMAT, "board": board.NAME, "settings": _values(ctx.settings())}
    return Result(data, lambda: (json.dumps(data),))


def _whole(text):
    """Whether every bracket and every string of a JSON text ends: some releases of MicroPython
    (1.25) take what was cut off for whole."""
    depth, inside, escaped = 0, False, False
    for c in text:
        if inside:
            inside = escaped or c != '"'
            escaped = c == "\\" and not escaped
        elif c == '"':
            inside = True
        elif c in "{[":
            depth += 1
        elif c in "}]":
            depth -= 1
    return not depth and not inside


def import_(ctx, text, same_acquirer=False):
    """Take over an export (JSON text, or its dict): all of it or nothing. A parameter that is
    wrong is named."""
    if isinstance(text, str):
        try:
            text = json.loads(text) if _whole(text) else None
        except ValueError:
            text = None
        if text is None:
            raise TechError("not JSON, or cut off")
    if not isinstance(text, dict) or not isinstance(text.get("settings"), dict):
        raise TechError("not an export of parameters")
    if text.get("format") != FORMAT:
        raise TechError("format %s, this firmware knows %d" % (text.get("format"), FORMAT))
    for name in text["settings"]:
        if not isinstance(name, str):
            raise TechError("not an export of parameters")
    return _change(ctx, text["settings"], same_acquirer)


def import_file(ctx, name, same_acquirer=False):
    """import_() of a file that came through receive(), which is then gone, taken over or not."""
    from . import activation

    data = activation.received(name)
    if not data:
        raise TechError("nothing was received under this name")
    activation.discard(name)
    try:
        text = str(data, "utf-8")
    except UnicodeError:
        raise TechError("not JSON: no UTF-8")
    return import_(ctx, text, same_acquirer)
