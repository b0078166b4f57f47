"""What the person at the keyboard sees: sizes against partitions, and a bar while bytes travel."""

import sys

_BAR = 20


def size_table(rows):
    """Lines of a table: `rows` are (label, offset, bytes used or None, bytes there are, note)."""
    lines = ["region           offset          used       size"]
    for label, offset, used, size, note in rows:
        line = f"{label:<15} 0x{offset:06x} {'-' if used is None else f'{used:,}':>11} {size:>10,}"
        if used is not None:
            full = used / size
            filled = min(_BAR, round(full * _BAR)) or (used > 0)
            line += f" {full:>6.1%} [{'#' * filled}{'.' * (_BAR - filled)}]"
        lines.append(f"{line}  {note}".rstrip())
    return lines


class Bar:
    """A `progress` for a text window: one line for each `what`, rewritten in place when the stream
    is a terminal, written once when it is done otherwise."""

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()

    def __call__(self, what, done, total):
        finished = done >= total
        if not self.live and not finished:
            return
        filled = _BAR * done // total if total else _BAR
        bar = "#" * filled + "." * (_BAR - filled)
        end = "\n" if finished else ""
        start = "\r" if self.live else ""
        self.stream.write(f"{start}{what:<28} [{bar}] {done:,}/{total:,}{end}")
        self.stream.flush()
