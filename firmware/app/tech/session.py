# The technician's session: who may do what at the console, and for how long.
#
# Locked at first. It is unlocked by the technician's password (store.operators) or by the service
# desk's answer to a challenge, and locked again after 15 minutes without a command. Commands that
# touch keys want the proof again, within a minute before them. A terminal that has no technician,
# no service key, no master key and no operators is new and open. One that was set up without a
# technician knows its supervisors by number and password, until there is one.

import binascii
import os

import board
import bootstate

from ..crypto import seal
from ..crypto.keys import SVC, TMK
from ..crypto.mac import same
from ..kernel import clock
from ..store.operators import ADMIN, SUPERVISOR, TECHNICIAN, OperatorError
from ..store.vault import VaultError
from .commands import FREE, KEY, TECH
from .context import TechError
from .result import Result

_IDLE_S = 15 * 60
_KEY_S = 60
_CHALLENGE_S = 5 * 60
_PURPOSE = b"shouyin service 1"
_SERVICE = "svc"  # under this name wrong answers are counted, beside the operators' passwords
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648, section 6

_WHY = {
    "wrong": "wrong",
    "locked": "locked for 30 minutes after wrong tries",
    "unknown": "no such operator",
    "role": "not a supervisor",
    "damaged": "the file of operators is damaged",
}


def response(key, serial, challenge):
    """str, 8 characters of base32: the answer to `challenge` (8 bytes) of the terminal `serial`
    (str): the first 40 bits of HMAC-SHA-256(key, b"shouyin service 1" | serial | challenge)."""
    n = int.from_bytes(seal.hmac_sha256(key, _PURPOSE, serial.encode(), challenge)[:5], "big")
    return bytes(_BASE32[n >> shift & 31] for shift in range(35, -1, -5)).decode()


class Session:
    """`ctx`: Context. `on_lock`: callable(), when a session has ended by itself."""

    def __init__(self, ctx):
        self._ctx = ctx
        self._level = FREE
        self._proved_s = 0
        self._used_s = 0
        self._challenge = None
        self._challenge_s = 0

    # ---- levels ---------------------------------------------------------------------------------

    def is_open(self):
        """Whether the terminal is new: nobody has a password or key for it yet, and it has none
        to lose."""
        if bootstate.vfs_problem:
            return False  # what cannot be read may say otherwise
        try:
            if self._technician() or self._service_key() is not None:
                return False
            return not self._ctx.operators().numbers() and self._ctx.vault().get(TMK) is None
        except (OperatorError, VaultError, ValueError, KeyError, TypeError, OSError):
            return False

    def level(self):
        """FREE, TECH or KEY, now."""
        now = clock.uptime_s()
        if self._level != FREE and now - self._used_s >= _IDLE_S:
            self.end("idle")
        if self._level == FREE:
            return KEY if self.is_open() else FREE
        return KEY if now - self._proved_s < _KEY_S else TECH

    def unlocked(self):
        return self._level != FREE

    def allow(self, level):
        """Return if a command of this level may run now. TechError."""
        have = self.level()
        if level == KEY:
            self._ctx.real()
        if level > have:
            if have == FREE:
                raise TechError("locked: tech.unlock(password), or tech.challenge()")
            raise TechError("give the password again: tech.unlock(password), within 60 s before")
        self._used_s = clock.uptime_s()

    def end(self, why):
        """Lock; a challenge that is under way is void."""
        if self._level != FREE:
            self._ctx.audit("lock", why)
        self._level = FREE
        self._challenge = None

    def _begin(self, how):
        self._level = TECH
        self._proved_s = self._used_s = clock.uptime_s()
        self._challenge = None
        self._ctx.audit("unlock", how)

    # ---- proofs ---------------------------------------------------------------------------------

    def _technician(self):
        found = self._ctx.operators().of_role(TECHNICIAN)
        return found[0] if found else None

    def _service_key(self):
        return self._ctx.vault().get(SVC)

    def _failed(self, how, why):
        self._ctx.audit("unlock_wrong", how)
        raise TechError("%s: %s" % (how, _WHY.get(why, why)))

    def unlock(self, password, number=None):
        if self.is_open():
            return Result({"unlocked": True, "open": True}, [_OPEN])
        try:
            number, roles = self._who(number)
        except OperatorError as e:
            self._failed("password", e.args[0])
        typed = bytearray(str(password).encode())
        try:
            self._ctx.operators().verify(number, typed, roles)
        except OperatorError as e:
            self._failed("password", e.args[0])
        finally:
            for i in range(len(typed)):
                typed[i] = 0
        self._begin("password" if TECHNICIAN in roles else "operator " + number)
        return Result({"unlocked": True}, ["unlocked"])

    def _who(self, number):
        """(number, roles) of whom unlock() must be. TechError."""
        technician = self._technician()
        if technician is not None:
            if number not in (None, technician):
                raise TechError("there is a technician: tech.unlock(his password)")
            return technician, (TECHNICIAN,)
        if number is None:
            raise TechError(
                "there is no technician: tech.unlock(password, number of a supervisor), or "
                "tech.challenge()"
            )
        return str(number), (SUPERVISOR, ADMIN)

    def challenge(self):
        if self._service_key() is None:
            raise TechError("there is no service key in this terminal")
        self._challenge = os.urandom(8)
        self._challenge_s = clock.uptime_s()
        data = {
            "challenge": binascii.hexlify(self._challenge).decode().upper(),
            "serial": str(board.serial()),
            "valid_s": _CHALLENGE_S,
        }
        return Result(data)

    def respond(self, code):
        key = self._service_key()
        challenge = self._challenge
        if key is None or challenge is None:
            raise TechError("no challenge is open: tech.challenge()")
        if clock.uptime_s() - self._challenge_s >= _CHALLENGE_S:
            self._challenge = None
            raise TechError("the challenge is too old: tech.challenge()")
        want = response(key, str(board.serial()), challenge).encode()
        got = str(code).upper().replace("-", "").replace(" ", "").encode()
        try:
            self._ctx.operators().judge(_SERVICE, lambda: same(want, got))
        except OperatorError as e:
            # Nothing can be counted then; 40 bits and one try for a challenge are enough.
            self._challenge = None if e.args[0] == "damaged" else challenge
            if e.args[0] != "damaged" or not same(want, got):
                self._failed("response", e.args[0])
        self._begin("response")
        return Result({"unlocked": True}, ["unlocked"])


_OPEN = "open: neither people nor keys have been set up"


# ---- commands -----------------------------------------------------------------------------------


def unlock(ctx, password, number=None):
    """Begin a session, or prove again who is there. `number`: of a supervisor or admin, on a
    terminal that has no technician yet."""
    return ctx.session.unlock(password, number)


def challenge(ctx):
    """data: challenge (16 hex digits), serial, valid_s. The answer to it is response()."""
    return ctx.session.challenge()


def respond(ctx, code):
    """Begin a session with the service desk's answer, once."""
    return ctx.session.respond(code)


def lock(ctx):
    ctx.session.end("lock")
    return Result({"unlocked": False}, ["locked"])
