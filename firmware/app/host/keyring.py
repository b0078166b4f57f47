# The terminal's keys in their roles, over the vault. The only place that turns vault slots into
# keys.

from ..crypto import keys, mac, pinblock, track
from ..crypto.keys import KeyFault
from ..crypto.pinblock import PinError  # noqa: F401  for those who may not import crypto

# F62 of a sign-in response by its network code (host-protocol 4.2): (role, field width), a check
# value of 4 bytes behind each. The MAK of a double-length mode is 8 bytes in a field of 16; a host
# may also fill all 16.
_LAYOUTS = {
    "003": ((keys.PIK, 16), (keys.MAK, 16)),
    "004": ((keys.PIK, 16), (keys.MAK, 16), (keys.TDK, 16)),
}
_CHECK = 4


class KeyRing:
    def __init__(self, vault):
        self.vault = vault

    def _key(self, role):
        data = self.vault.get(role)
        if data is None:
            raise KeyFault(role, "missing")
        return keys.Key(role, data)

    def has_master(self):
        return self.vault.get(keys.TMK) is not None

    def has_working_keys(self):
        return self.vault.get(keys.MAK) is not None and self.vault.get(keys.PIK) is not None

    def load_working_keys(self, f62, mode):
        """Unwrap, check and store the working keys of a sign-in response: all of them or none.
        KeyFault. `mode`: the network code that was asked for; an answer has no MAC, and fewer
        keys than that are an attack (tracks would go out in clear)."""
        layout = _LAYOUTS[mode]
        if len(f62) != sum(width + _CHECK for _, width in layout):
            raise KeyFault("F62", "length")
        master = self._key(keys.TMK)
        slots = {keys.PIK: None, keys.MAK: None, keys.TDK: None}
        at = 0
        try:
            for role, width in layout:
                data = f62[at : at + width]
                check = f62[at + width : at + width + _CHECK]
                at += width + _CHECK
                if role == keys.MAK and bytes(data[8:]) == bytes(8):
                    data = data[:8]
                key = keys.unwrap(master, role, data, check)
                slots[role] = bytearray(key.use(role))
                key.wipe()
            self.vault.put(**slots)
        finally:
            master.wipe()
            for data in slots.values():
                if data is not None:
                    keys.wipe(data)

    def mac(self, buf, start, end):
        """bytes(8): F64 over buf[start:end]."""
        key = self._key(keys.MAK)
        try:
            return mac.union_pay_ecb(key, buf, start, end)
        finally:
            key.wipe()

    def pin_block(self, pin, pan):
        """bytes(8): F52. `pin` and `pan` are bytearrays of ASCII digits."""
        key = self._key(keys.PIK)
        try:
            return pinblock.encrypt_format_0(key, pin, pan)
        finally:
            key.wipe()

    def encrypt_track(self, data):
        """bytearray of the track as it is sent."""
        key = self._key(keys.TDK)
        try:
            return track.encrypt(key, data)
        finally:
            key.wipe()

    def check_values(self):
        """{role: KCV as hex} of the keys that are there (technician's view)."""
        out = {}
        for role in (keys.TMK, keys.PIK, keys.MAK, keys.TDK):
            if self.vault.get(role) is not None:
                key = self._key(role)
                out[role] = "".join("%02X" % b for b in key.check_value()[:3])
                key.wipe()
        return out
