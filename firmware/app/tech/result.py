# What a technician's command returns: plain values, readable as text and as JSON.

import json


class Result:
    """`data`: dict, list or plain value of plain values (what json.dumps() takes). `lines`: how a
    person reads it, a list of str or a callable that yields them; None: made from the data."""

    def __init__(self, data, lines=None):
        self.data = data
        self._lines = lines

    def lines(self):
        """Iterable of str, one line each."""
        if self._lines is None:
            return _plain(self.data)
        return self._lines() if callable(self._lines) else self._lines

    def __repr__(self):
        return "\n".join(self.lines())

    def json(self):
        """One line of JSON; not ASCII only."""
        return "".join(self.pieces())

    def pieces(self):
        """The same, piece by piece: a long list is never text as a whole."""
        return _json(self.data, _DEPTH)


_DEPTH = 2  # {"records": [{...}, ...]}


def _json(data, depth):
    if depth and isinstance(data, dict):
        before = "{"
        for name in data:
            yield before + json.dumps(name) + ": "
            yield from _json(data[name], depth - 1)
            before = ", "
        yield "}" if data else "{}"
    elif depth and isinstance(data, (list, tuple)):
        before = "["
        for value in data:
            yield before
            yield from _json(value, depth - 1)
            before = ", "
        yield "]" if data else "[]"
    else:
        yield json.dumps(data)


def _plain(data, indent=""):
    if isinstance(data, dict):
        for name in sorted(data):
            value = data[name]
            if isinstance(value, (dict, list, tuple)):
                yield "%s%s:" % (indent, name)
                yield from _plain(value, indent + "  ")
            else:
                yield "%s%s: %s" % (indent, name, _word(value))
    elif isinstance(data, (list, tuple)):
        for value in data:
            if isinstance(value, (dict, list, tuple)):
                yield indent + "-"
                yield from _plain(value, indent + "  ")
            else:
                yield "%s- %s" % (indent, _word(value))
    else:
        yield indent + _word(data)


def _word(value):
    if value is None:
        return "-"
    if value is True:
        return "yes"
    return "no" if value is False else str(value)
