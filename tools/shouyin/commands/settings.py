"""settings get, set, export, import."""

import json

from ..errors import ToolError
from ..work import read_text, write_text
from .activation import send

SAME = "the new host is another address of the acquirer that the open batch is for"


def register(add, group):
    settings = group("settings", "the terminal's parameters")
    p = add("get", "one parameter, or all", run_get, settings)
    p.add_argument("name", nargs="?")
    p = add("set", "change parameters; nothing is changed when one is refused", run_set, settings)
    p.add_argument("values", nargs="+", metavar="NAME=VALUE")
    p.add_argument("--same-acquirer", action="store_true", help=SAME)
    p = add("export", "write all parameters to a file; keys and passwords are not in it",
            run_export, settings)  # fmt: skip
    p.add_argument("file")
    p = add("import", "set the parameters of an exported file", run_import, settings)
    p.add_argument("file")
    p.add_argument("--same-acquirer", action="store_true", help=SAME)
    p.add_argument("--password-stdin", action="store_true", help="password from a pipe")


def run_get(work):
    if work.args.name:
        work.show("settings.get", work.args.name)
    else:
        work.show("settings")


def parse(texts):
    """{name: value} of NAME=VALUE texts. ToolError."""
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ToolError(f"{text!r} is no NAME=VALUE", "for example: language=en")
        values[name] = value
    return values


def _typed(work, values):
    """The texts as the parameters want them: whole numbers where the terminal has such."""
    typed = {}
    for name, text in values.items():
        if isinstance(work.call("settings.get", name), int):
            try:
                typed[name] = int(text)
            except ValueError:
                raise ToolError(f"{name} must be a whole number, not {text!r}") from None
        else:
            typed[name] = text
    return typed


def _same(work):
    return {"same_acquirer": True} if work.args.same_acquirer else {}


def run_set(work):
    values = parse(work.args.values)
    if "same_acquirer" in values:
        raise ToolError("same_acquirer is no parameter", "say --same-acquirer")
    work.show("settings.set", **_typed(work, values), **_same(work))


def run_export(work):
    data = work.call("settings.export")
    write_text(work.args.file, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    n = len(data["settings"])
    work.out.result({"file": work.args.file, "parameters": n},
                    [f"{n} parameters in {work.args.file}"])  # fmt: skip


def run_import(work):
    """The whole file in one step: all of it is taken over, or nothing."""
    file = work.args.file
    try:
        export = json.loads(read_text(file).removeprefix("\ufeff"))  # as some editors begin a file
        export["settings"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ToolError(f"{file} is no export of parameters", "use a file of settings export")
    text = json.dumps(export, ensure_ascii=False, separators=(",", ":"))
    name = send(work, file, text.encode())
    work.out.result(work.key_call("settings.import_file", name, **_same(work)))
