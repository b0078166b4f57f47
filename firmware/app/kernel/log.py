# The terminal's log: the last lines in a ring of bytes, for the technician and the diagnostics
# export.
#
# Never put a PAN, track, PIN, PIN block or key into a line. As a second net under that rule every
# run of 13 or more digits is blotted out as the line is written.

import time

DEBUG, INFO, WARNING, ERROR = 0, 1, 2, 3
_LEVELS = "DIWE"
_PAN_MIN = 13
_LINE_MAX = 120

_ring = bytearray(2048)
_head = 0  # where the next line begins
_used = 0
_level = INFO
echo = None  # callable(str): a second place for every line (the technician's console)


def blot(line):
    """bytearray `line` with every run of 13 or more digits replaced by '*', in place."""
    run = 0
    n = len(line)
    for i in range(n + 1):
        if i < n and 48 <= line[i] <= 57:
            run += 1
        else:
            if run >= _PAN_MIN:
                for j in range(i - run, i):
                    line[j] = 42
            run = 0
    return line


def _append(data):
    # A line is stored with its end, '\n'; the oldest lines are overwritten.
    global _head, _used
    size = len(_ring)
    for b in data:
        _ring[_head] = b
        _head = (_head + 1) % size
    _used = min(size, _used + len(data))


def write(level, text, *args):
    """One line: `text % args`, cut at 120 bytes."""
    if level < _level:
        return
    line = bytearray((text % args if args else text).encode())
    end = _LINE_MAX
    while end < len(line) and line[end] & 0xC0 == 0x80:
        end -= 1  # not in the middle of a character
    line = blot(line[:end])
    for i, b in enumerate(line):
        if b < 32:
            line[i] = 32
    stamp = time.ticks_ms() // 1000
    data = b"%d %s " % (stamp, _LEVELS[level].encode()) + line + b"\n"
    _append(data)
    if echo is not None:
        echo(data.decode().rstrip())


def debug(text, *args):
    write(DEBUG, text, *args)


def info(text, *args):
    write(INFO, text, *args)


def warning(text, *args):
    write(WARNING, text, *args)


def error(text, *args):
    write(ERROR, text, *args)


def exception(where, exc):
    """An exception that nobody handled: its type and place. Its arguments only when they are plain
    numbers, because a library may have put data into them."""
    args = exc.args
    number = args[0] if args and isinstance(args[0], int) else ""
    write(ERROR, "%s: %s %s", where, type(exc).__name__, number)


def set_level(level):
    global _level
    _level = level


def lines():
    """The kept lines, oldest first."""
    size = len(_ring)
    start = (_head - _used) % size
    data = bytes(_ring[start:_head]) if start < _head else bytes(_ring[start:] + _ring[:_head])
    if not _used:
        return []
    parts = data.split(b"\n")[:-1]
    if _used == size and parts:
        parts = parts[1:]  # the oldest line may have lost its beginning
    out = []
    for p in parts:
        try:
            out.append(p.decode())
        except UnicodeError:
            out.append("?")
    return out


def clear():
    global _head, _used
    _head = _used = 0
