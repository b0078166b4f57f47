"""What a connection shall do, as plain values: the border between the host and any transport."""

from typing import NamedTuple


class Send(NamedTuple):
    """Send these bytes, `after_ms` milliseconds from now."""

    data: bytes
    after_ms: int = 0


class Close(NamedTuple):
    """Close the connection, `after_ms` milliseconds from now; with a TCP reset if `reset`."""

    after_ms: int = 0
    reset: bool = False
