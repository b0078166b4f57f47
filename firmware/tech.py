# The technician's commands as attributes, for `import tech` at a real prompt:
#
#   import tech
#   tech.status()           tech.journal.summary().json()           tech.settings
#
# The same table as on the service console (app.tech.commands). At the prompt of a stopped terminal
# commands open what they need from flash; beside a running one (development) attach() gives them
# the running terminal.

import asyncio

from app.tech import commands
from app.tech.context import Context, TechError

_context = None


def attach(context):
    """Work on `context`, None: on a stopped terminal."""
    global _context
    _context = context


def _current():
    global _context
    if _context is None:
        from app.tech.session import Session

        _context = Context(None, None, None)
        _context.session = Session(_context)
    return _context


class _Node:
    """A command, or the group of commands below it. Shown at the prompt, a command that is also a
    group (settings) runs."""

    def __init__(self, path):
        self._path = path

    def __getattr__(self, name):
        return _node(self._path + "." + name, name)

    def __call__(self, *args, **kw):
        context = _current()
        result = commands.call(context, self._path, args, kw)
        if not hasattr(result, "send"):
            return result
        if context.terminal is not None:
            result.close()
            raise TechError("tech.%s() takes time: call it on a line of its own" % self._path)
        return asyncio.run(result)

    def __repr__(self):
        row = commands.find(self._path)
        if row is not None and commands.is_group(self._path):
            return repr(self())
        return "tech.%s: %s" % (self._path, "a group" if row is None else row[4])

    def json(self):
        return self().json()


def _node(path, name):
    if commands.find(path) is None and not commands.is_group(path):
        raise AttributeError(name)
    return _Node(path)


def __getattr__(name):
    return _node(name, name)
