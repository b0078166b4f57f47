"""settings get, set, export, import."""

import json

from ..errors import ToolError
from ..output import table
from ..work import read_text, write_text


def register(add, group):
    settings = group("settings", "the terminal's parameters")
    p = add("get", "one parameter, or all", run_get, settings)
    p.add_argument("name", nargs="?")
    p = add("set", "change parameters; nothing is changed when one is refused", run_set, settings)
    p.add_argument("values", nargs="+", metavar="NAME=VALUE")
    p = add("export", "write all parameters to a file; keys and passwords are not in it",
            run_export, settings)  # fmt: skip
    p.add_argument("file")
    p = add("import", "set the parameters of an exported file", run_import, settings)
    p.add_argument("file")
    p.add_argument("--password-stdin", action="store_true", help="password from a pipe")


def run_get(work):
    if work.args.name:
        data = work.call("settings.get", work.args.name)
        value = data.get("value") if isinstance(data, dict) else data
        work.out.result(data, [str(value)])
        return
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
        now = work.call("settings.get", name)
        now = now.get("value") if isinstance(now, dict) else now
        if isinstance(now, int):
            try:
                typed[name] = int(text)
            except ValueError:
                raise ToolError(f"{name} must be a whole number, not {text!r}") from None
        else:
            typed[name] = text
    return typed


def run_set(work):
    work.show("settings.set", **_typed(work, parse(work.args.values)))


def run_export(work):
    data = work.call("settings.export")
    write_text(work.args.file, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    values = data.get("settings", data)
    work.out.result({"file": work.args.file, "parameters": len(values)},
                    [f"{len(values)} parameters in {work.args.file}"])  # fmt: skip


def run_import(work):
    text = read_text(work.args.file)
    try:
        compact = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except ValueError as e:
        raise ToolError(f"{work.args.file} is no JSON: {e}", "use a file of settings export")
    work.key_show("settings.import_", compact)


def changes(rows):
    """Lines for [{name, was, is}]."""
    return table(rows, ["name", "was", "is"])
