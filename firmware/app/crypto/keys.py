# Keys with a role. A key is only ever used in its own role; nothing here prints or returns the
# bytes of a key.

from . import des

TMK = "TMK"  # terminal master key: unwraps the working keys
PIK = "PIK"  # PIN key
MAK = "MAK"  # MAC key
TDK = "TDK"  # track key
SVC = "SVC"  # service key: answers the challenges of the service console, and nothing else


class KeyFault(Exception):
    """A key is missing, wrong, or used for what it is not for. args: (role, what)"""


def wipe(buf):
    """Overwrite a bytearray with zeros."""
    for i in range(len(buf)):
        buf[i] = 0


class Key:
    """`data` 8 or 16 bytes; `role` one of the names above."""

    def __init__(self, role, data):
        if len(data) not in (8, 16):
            raise KeyFault(role, "length")
        self.role = role
        self._data = bytearray(data)

    def use(self, role):
        """The key's bytes for an operation that needs `role`. KeyFault when it is for something
        else."""
        if role != self.role:
            raise KeyFault(role, "key is for " + self.role)
        return self._data

    def check_value(self):
        """KCV: first 4 bytes of zeros encrypted under the key."""
        return bytes(des.ecb(self._data, bytes(8))[:4])

    def wipe(self):
        wipe(self._data)

    def __repr__(self):
        return "<Key %s>" % self.role


def unwrap(master, role, data, check):
    """Key `role` from its ECB ciphertext `data` (8 or 16 bytes) under Key `master`; `check` are
    the 4 bytes of its check value. KeyFault when they do not fit."""
    clear = des.ecb(master.use(TMK), data, True)
    key = Key(role, clear)
    wipe(clear)
    if key.check_value() != bytes(check):
        key.wipe()
        raise KeyFault(role, "check value")
    return key
