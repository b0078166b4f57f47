# The journal's index: fixed arrays, so that it never grows, and the search in them.

from array import array

import micropython
from micropython import const

# In the index the flags of a mark share their byte with the tries: bits 1 to 4.
_TRIES_AT = const(1)
_TRIES_MAX = const(15)
_TRIES = const(0x1E)


class JournalFull(Exception):
    """No room for another transaction: settle first."""


@micropython.viper
def find_last(values: ptr32, n: int, value: int) -> int:
    """The last of values[:n] that is `value`, -1 when none is."""
    # The index is searched for every record of a boot: in bytecode that alone took seconds.
    i = n - 1
    while i >= 0:
        if int(values[i]) == value:
            return i
        i -= 1
    return -1


def reserve(capacity, log_size):
    """The index of a journal of `capacity` transactions over a log of `log_size` bytes: taken
    early, while the heap is in one piece. 15 bytes a transaction."""
    # Places in the log are kept in units of 16 bytes: two bytes are enough for 1 MiB.
    kind, size = ("I", 4) if log_size > 1 << 20 else ("H", 2)
    return (
        array("I", bytes(4 * capacity)),  # trace
        array("I", bytes(4 * capacity)),  # amount
        array(kind, bytes(size * capacity)),  # intent or full record
        array(kind, bytes(size * capacity)),  # latest outcome
        bytearray(capacity),  # state
        bytearray(capacity),  # kind
        bytearray(capacity),  # flags
    )


def sort(arrays, keys):
    """Put the first len(keys) items of all arrays into the order of `keys`."""
    n = len(keys)
    if all(keys[i] <= keys[i + 1] for i in range(n - 1)):
        return
    order = sorted(range(n), key=lambda i: keys[i])
    for a in arrays:
        old = [a[i] for i in order]
        for i in range(n):
            a[i] = old[i]


def with_tries(flags, tries):
    """The index's byte for the flags of a mark and a number of tries, 15 at the most."""
    return flags & ~_TRIES | min(tries, _TRIES_MAX) << _TRIES_AT


def tries_of(byte):
    return (byte & _TRIES) >> _TRIES_AT
