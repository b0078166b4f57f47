# The key vault: keys rest in one sealed file, never in clear.
#
# Knows names and bytes, nothing of what a key is for. `sealer` (crypto.seal.Sealer) holds the
# device's secret.

from . import files

_VERSION = 1
_CONTEXT = b"shouyin vault 1"


class VaultError(Exception):
    """The vault cannot be read or written. args: (what,)"""


class Vault:
    def __init__(self, path, sealer):
        self._path = path
        self._sealer = sealer
        self._slots = {}

    def load(self):
        """Read the file. VaultError when it is damaged or of another device: keys must then be
        loaded anew."""
        sealed = files.load(self._path)
        self._slots = {}
        if sealed is None:
            return
        try:
            data = self._sealer.open(sealed, _CONTEXT)
        except ValueError as e:  # what a sealer raises for anything that it did not seal
            raise VaultError("vault does not open: " + type(e).__name__)
        try:
            self._slots = _parse(data)
        finally:
            _wipe(data)

    def verify(self):
        """Read the file again: VaultError unless it opens and holds what is in use."""
        twin = Vault(self._path, self._sealer)
        twin.load()
        same = twin._slots == self._slots
        for data in twin._slots.values():
            _wipe(data)
        if not same:
            raise VaultError("vault is not what is in use")

    def names(self):
        return sorted(self._slots)

    def get(self, name):
        """The stored bytes (the vault's own bytearray: do not change it), or None."""
        return self._slots.get(name)

    def forget(self):
        """Wipe what is in memory: the device's secret is gone, or will be."""
        for data in self._slots.values():
            _wipe(data)
        self._slots = {}

    def put(self, **slots):
        """Store the given keys (name=bytes, None removes) with one write; all or none are kept."""
        new = dict(self._slots)
        for name, data in slots.items():
            if data is None:
                new.pop(name, None)
            else:
                new[name] = bytearray(data)
        clear = _serialise(new)
        try:
            files.replace(self._path, self._sealer.seal(clear, _CONTEXT))
        except OSError as e:
            raise VaultError("vault cannot be written: %d" % (e.args[0] if e.args else 0))
        finally:
            _wipe(clear)
        old = self._slots
        self._slots = new
        for name, data in old.items():
            if new.get(name) is not data:
                _wipe(data)


def _wipe(data):
    for i in range(len(data)):
        data[i] = 0


def _serialise(slots):
    out = bytearray([_VERSION])
    for name, data in slots.items():
        n = name.encode()
        out += bytes([len(n)]) + n + bytes([len(data)]) + data
    return out


def _parse(data):
    if not data or data[0] != _VERSION:
        raise VaultError("vault version")
    slots = {}
    at = 1
    while at < len(data):
        n = data[at]
        name = bytes(data[at + 1 : at + 1 + n]).decode()
        at += 1 + n
        m = data[at]
        slots[name] = data[at + 1 : at + 1 + m]
        at += 1 + m
    return slots
