# Operators: who may do what, with salted slow hashes of their passwords.
#
# Owns the file of operators, and the lock after wrong passwords, which is in the file too so that
# switching the terminal off does not help. `derive(password, salt, rounds)` is the slow hash
# (crypto.seal.pbkdf2_sha256).

import binascii
import os

from ..kernel import clock
from . import files

CASHIER = "cashier"
SUPERVISOR = "supervisor"
ADMIN = "admin"
_ROLES = (CASHIER, SUPERVISOR, ADMIN)

PASSWORD_MIN = 6
PASSWORD_MAX = 12
_ROUNDS = 300
_WRONG_MAX = 5
_LOCK_S = 30 * 60


class OperatorError(Exception):
    """args: (what,): unknown, wrong, locked, short, ..."""


class Operators:
    def __init__(self, path, derive, rounds=_ROUNDS):
        self._path = path
        self._derive = derive
        self._rounds = rounds
        self._all = {}
        self._locked_at = {}  # number -> uptime [s] when the lock was seen or made in this run
        self._told = set()  # numbers whose lock fresh_lock() has told

    def load(self):
        try:
            self._all = files.load_json(self._path) or {}
        except ValueError:
            raise OperatorError("damaged")
        for no, o in self._all.items():
            if o["wrong"] >= _WRONG_MAX:
                # The time served before the power cut does not count.
                self._locked_at[no] = clock.uptime_s()
                self._told.add(no)

    def _save(self):
        files.replace_json(self._path, self._all)

    def numbers(self):
        return sorted(self._all)

    def role(self, no):
        return self._all[no]["role"]

    def must_change(self, no):
        return self._all[no]["change"]

    def add(self, no, role, password, must_change=True):
        """A new operator, `no` two digits."""
        if len(no) != 2 or not no.isdigit() or role not in _ROLES:
            raise OperatorError("number or role")
        if no in self._all:
            raise OperatorError("exists")
        if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
            raise OperatorError("short")
        self._all[no] = {"role": role, "change": must_change, "wrong": 0}
        self._set_password(no, password)
        self._save()

    def _set_password(self, no, password):
        if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
            raise OperatorError("short")
        salt = os.urandom(8)
        o = self._all[no]
        o["salt"] = binascii.hexlify(salt).decode()
        o["hash"] = binascii.hexlify(self._derive(bytes(password), salt, self._rounds)).decode()

    def change_password(self, no, password):
        """The new one must differ from the old one."""
        if self._matches(no, password):
            raise OperatorError("same")
        self._set_password(no, password)
        self._all[no]["change"] = False
        self._save()

    def _matches(self, no, password):
        o = self._all[no]
        want = binascii.unhexlify(o["hash"])
        got = self._derive(bytes(password), binascii.unhexlify(o["salt"]), self._rounds)
        d = 0
        for i in range(len(want)):
            d |= want[i] ^ got[i]
        return d == 0

    def _locked(self, no):
        since = self._locked_at.get(no)
        if since is None:
            return False
        if clock.uptime_s() - since < _LOCK_S:
            return True
        del self._locked_at[no]
        self._told.discard(no)
        self._all[no]["wrong"] = 0
        self._save()
        return False

    def fresh_lock(self, no):
        """Whether the lock of operator `no` is new since this was asked last."""
        if no in self._told or no not in self._locked_at:
            return False
        self._told.add(no)
        return True

    def tries_left(self, no):
        return _WRONG_MAX - self._all[no]["wrong"]

    def verify(self, no, password, roles=None):
        """Return if `password` (bytes-like digits) is the operator's and his role is one of
        `roles` (None: any). OperatorError: unknown, role, locked, wrong."""
        if no not in self._all:
            raise OperatorError("unknown")
        o = self._all[no]
        if roles is not None and o["role"] not in roles:
            raise OperatorError("role")
        if self._locked(no):
            raise OperatorError("locked")
        # The try is counted before it is judged: a power cut after a wrong guess must not give
        # another one.
        o["wrong"] += 1
        self._save()
        if not self._matches(no, password):
            if o["wrong"] >= _WRONG_MAX:
                self._locked_at[no] = clock.uptime_s()
                raise OperatorError("locked")
            raise OperatorError("wrong")
        o["wrong"] = 0
        self._save()
