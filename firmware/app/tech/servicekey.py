# The service key: what the service desk's answers to a challenge are made with (session.response).
# 16 bytes, entered as the master key is: two components, by two people (security.md, items 8 and
# 22). Loaded when it is entered or looked at.
#
# Its check value is no DES one, so that nobody can pass off the one key as the other: the first 3
# bytes of HMAC-SHA-256(key, b"shouyin check value"), of a component likewise.

from ..crypto import seal
from ..crypto.keys import TMK
from ..store.vault import VaultError
from .keys import KeyLoad

_PURPOSE = b"shouyin check value"  # begins otherwise than what answers are made of
_LEAST = 6  # different bytes: of 16 by chance fewer come once in 10 ** 11


def check_value(data):
    """6 hex digits for a service key or one of its components."""
    return "".join("%02X" % b for b in seal.hmac_sha256(data, _PURPOSE)[:3])


class ServiceKeyLoad(KeyLoad):
    title = "service_entry"
    confirm = "service_kcv"
    kept = "service_stored"

    def kcv(self, data):
        return check_value(data)

    def weak(self, data):
        """Whether somebody typed what is easy to type."""
        return len(set(data)) < _LEAST

    def store(self):
        """Keep the key. None, or the key of a problem."""
        if len(self.people) != 2 or self.weak(self._whole):
            return "key_weak"
        if self._whole == self._vault.get(TMK):
            return "key_used"
        try:
            self._vault.put(SVC=self._whole)
        except VaultError:
            return "key_failed"
        self._app.note("service_key", check_value(self._whole) + " " + self.people[1],
                       self.people[0])  # fmt: skip
        return None
