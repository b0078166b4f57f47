# Setting up a terminal: parameters, operators, master key. For the technician at the REPL, and for
# tools that do the same.
#
#   from app.tech import provision
#   provision.settings(tid="12345678", mid="123456789012345", ...)
#   provision.operator("01", "cashier", "246813")
#   provision.wifi(1, "name of the network", "its password")
#   provision.master_key("<32 hex digits>", "<32 hex digits>")     two components, by two people
#
# Everything is checked before anything is written. Errors name what is wrong and print no secret.

import binascii

import board

from ..crypto import keys, seal
from ..store import wifi as wifi_store
from ..store.operators import Operators
from ..store.settings import Settings
from ..store.vault import Vault, VaultError


class ProvisionError(Exception):
    """args: (what,)"""


def settings(**values):
    """Set parameters (names and limits: app.store.settings.SCHEMA). SettingsError names the wrong
    one."""
    s = Settings(board.DATA + "/settings.json")
    s.load()
    s.set(**values)
    return s.missing()


def operator(no, role, password, must_change=True):
    """Add an operator: `no` two digits, role cashier, supervisor or admin. OperatorError."""
    o = Operators(board.DATA + "/operators.json", seal.pbkdf2_sha256)
    o.load()
    o.add(no, role, password.encode(), must_change)


def _vault():
    return Vault(board.DATA + "/vault.bin", seal.Sealer(board.device_secret()))


def wifi(place, ssid, password=""):
    """A Wi-Fi network that the terminal may join: `place` 1 to 3, 1 is tried first; no password
    for an open one; ssid "" forgets the place. It counts from the next start on. SettingsError,
    VaultError; neither shows the password."""
    s = Settings(board.DATA + "/settings.json")
    s.load()
    vault = _vault()
    vault.load()
    wifi_store.store(s, vault, place, ssid, password)


def _component(text, which):
    try:
        data = binascii.unhexlify(text)
    except ValueError:
        raise ProvisionError("component %d is not hexadecimal" % which)
    if len(data) != 16:
        raise ProvisionError("component %d must have 32 hex digits" % which)
    return data


def master_key(first, second):
    """XOR two components into the TMK and store it; working keys of the old one are forgotten.
    Returns the check value (6 hex digits) to compare with the acquirer's."""
    a, b = _component(first, 1), _component(second, 2)
    data = bytearray(16)
    for i in range(16):
        data[i] = a[i] ^ b[i]
    if data[:8] == data[8:] or a == b:
        raise ProvisionError("the components make a weak key")
    vault = _vault()
    try:
        vault.load()
    except VaultError:
        pass  # a damaged vault is replaced: that is what this function is for
    key = keys.Key(keys.TMK, data)
    check = key.check_value()
    vault.put(TMK=data, PIK=None, MAK=None, TDK=None)
    key.wipe()
    keys.wipe(data)
    return "".join("%02X" % c for c in check[:3])


def from_spec(spec):
    """All of it from a dict: {"settings": {...}, "operators": [[no, role, password, must_change]],
    "master_key": [component, component], "wifi": [[ssid, password], ...] or nothing of it}.
    Returns the check value."""
    missing = settings(**spec["settings"])
    if missing:
        raise ProvisionError("missing: " + " ".join(missing))
    for entry in spec["operators"]:
        operator(*entry)
    value = master_key(*spec["master_key"])
    # Behind the key: a damaged vault was replaced by it.
    for i, (ssid, password) in enumerate(spec.get("wifi", ())):
        wifi(i + 1, ssid, password)
    return value
