"""Values as literals of the console's grammar: what a release terminal accepts of Python."""

_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal(value):
    """Source text of None, True, False, an int or a str. TypeError for anything else.

    A text keeps its letters (UTF-8); control characters are escaped: a raw Ctrl-C or Ctrl-D would
    end the command instead of being part of it.
    """
    if value is None or isinstance(value, bool | int):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no literal of the console")
    return '"' + "".join(_NAMED.get(c) or _character(c) for c in value) + '"'


def _character(c):
    return f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 else c


def call(path, args=(), kwargs=None):
    """Source text of a call: call("net.ping", ("host",)) -> 'tech.net.ping("host")'."""
    given = [literal(a) for a in args]
    given += [f"{name}={literal(v)}" for name, v in (kwargs or {}).items()]
    return f"tech.{path}({', '.join(given)})"
