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
TECHNICIAN = "technician"  # at the service console; never signs on to trade
_TRADE = (CASHIER, SUPERVISOR, ADMIN)
_ROLES = _TRADE + (TECHNICIAN,)

PASSWORD_MIN = 6
PASSWORD_MAX = 12
TECHNICIAN_MIN = 8
TECHNICIAN_MAX = 32
_ROUNDS = 300
_WRONG_MAX = 5
_LOCK_S = 30 * 60


class OperatorError(Exception):
    """args: (what,): unknown, wrong, locked, short, ..."""


def _check_length(role, password):
    least, most = PASSWORD_MIN, PASSWORD_MAX
    if role == TECHNICIAN:
        least, most = TECHNICIAN_MIN, TECHNICIAN_MAX
    if not least <= len(password) <= most:
        raise OperatorError("short")


def _is_entry(o):
    return isinstance(o, dict) and all(name in o for name in ("role", "change", "wrong"))


class Operators:
    def __init__(self, path, derive, rounds=_ROUNDS):
        self._path = path
        self._derive = derive
        self._rounds = rounds
        self._all = {}
        self._damaged = False
        self._locked_at = {}  # number -> uptime [s] when the lock was seen or made in this run
        self._told = set()  # numbers whose lock fresh_lock() has told

    def load(self):
        """OperatorError when the file is damaged: then nobody is who he says, and nothing is
        written over it."""
        self._all = {}
        self._damaged = True
        try:
            found = files.load_json(self._path)
        except ValueError:
            raise OperatorError("damaged")
        if found is None:
            found = {}
        if not isinstance(found, dict) or not all(_is_entry(o) for o in found.values()):
            raise OperatorError("damaged")
        self._all = found
        self._damaged = False
        for no, o in self._all.items():
            if o["wrong"] >= _WRONG_MAX:
                # The time served before the power cut does not count.
                self._locked_at[no] = clock.uptime_s()
                self._told.add(no)

    def _whole(self):
        """The entries by number. OperatorError."""
        if self._damaged:
            raise OperatorError("damaged")
        return self._all

    def _save(self):
        files.replace_json(self._path, self._all)

    def numbers(self):
        """Who may sign on."""
        return sorted(no for no, o in self._whole().items() if o["role"] in _TRADE)

    def of_role(self, role):
        return sorted(no for no, o in self._whole().items() if o["role"] == role)

    def role(self, no):
        return self._all[no]["role"]

    def must_change(self, no):
        return self._all[no]["change"]

    def add(self, no, role, password, must_change=True):
        """A new operator, `no` two digits."""
        if len(no) != 2 or not no.isdigit() or role not in _ROLES:
            raise OperatorError("number or role")
        if no in self._whole():
            raise OperatorError("exists")
        _check_length(role, password)
        self._all[no] = {"role": role, "change": must_change, "wrong": 0}
        self._set_password(no, password)
        self._save()

    def _set_password(self, no, password):
        o = self._all[no]
        _check_length(o["role"], password)
        salt = os.urandom(8)
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
        """Return if `password` (bytes-like) is the operator's and his role is one of `roles`
        (None: any that may sign on). OperatorError: unknown, role, locked, wrong."""
        if no not in self._whole():
            raise OperatorError("unknown")
        role = self._all[no]["role"]
        if roles is None and role not in _TRADE:
            raise OperatorError("unknown")
        if roles is not None and role not in roles:
            raise OperatorError("role")
        self._judge(no, lambda: self._matches(no, password))

    def judge(self, name, right):
        """Count and lock, as for a password, what is not one: return if right() says so. The
        count is kept under `name`. OperatorError: locked, wrong."""
        if name not in self._whole():
            self._all[name] = {"role": "", "change": False, "wrong": 0}
        self._judge(name, right)

    def _judge(self, no, right):
        o = self._all[no]
        if self._locked(no):
            raise OperatorError("locked")
        # The try is counted before it is judged: a power cut after a wrong guess must not give
        # another one.
        o["wrong"] += 1
        self._save()
        if not right():
            if o["wrong"] >= _WRONG_MAX:
                self._locked_at[no] = clock.uptime_s()
                raise OperatorError("locked")
            raise OperatorError("wrong")
        o["wrong"] = 0
        self._save()
