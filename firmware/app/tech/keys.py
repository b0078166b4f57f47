# The master key from two components, by two people (security.md, item 8): the key work behind the
# screens of app.ui.flows.keyentry, and the technician's commands.
#
#   tech.keys.enter()            the two custodians type at the terminal's own keypad
#   tech.keys.enter("service")   the same for the service key (servicekey.py)
#   tech.keys.status()           which keys there are, as check values
#
# Everything in between lies in bytearrays that are wiped when they are done with. A component is
# shown to nobody; its holder sees its check value (KCV, 3 bytes).

from micropython import const

from ..crypto import keys
from ..staff import Staff
from ..store.vault import VaultError
from ..text import strings
from .context import TechError
from .result import Result

CUSTODIANS = ("supervisor", "admin")  # not who may also command the terminal to take a key
_LENGTH = const(16)

# NIST SP 800-67 rev. 2, section 3.3.2 (and FIPS 46-3): keys under which DES repeats or undoes
# itself; 4 weak ones, then 6 semi-weak pairs.
_WEAK = (
    b"\x01\x01\x01\x01\x01\x01\x01\x01" b"\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe"
    b"\xe0\xe0\xe0\xe0\xf1\xf1\xf1\xf1" b"\x1f\x1f\x1f\x1f\x0e\x0e\x0e\x0e"
    b"\x01\x1f\x01\x1f\x01\x0e\x01\x0e" b"\x1f\x01\x1f\x01\x0e\x01\x0e\x01"
    b"\x01\xe0\x01\xe0\x01\xf1\x01\xf1" b"\xe0\x01\xe0\x01\xf1\x01\xf1\x01"
    b"\x01\xfe\x01\xfe\x01\xfe\x01\xfe" b"\xfe\x01\xfe\x01\xfe\x01\xfe\x01"
    b"\x1f\xe0\x1f\xe0\x0e\xf1\x0e\xf1" b"\xe0\x1f\xe0\x1f\xf1\x0e\xf1\x0e"
    b"\x1f\xfe\x1f\xfe\x0e\xfe\x0e\xfe" b"\xfe\x1f\xfe\x1f\xfe\x0e\xfe\x0e"
    b"\xe0\xfe\xe0\xfe\xf1\xfe\xf1\xfe" b"\xfe\xe0\xfe\xe0\xfe\xf1\xfe\xf1"
)  # fmt: skip


def _des_weak(half):
    """Whether 8 bytes are a weak or semi-weak DES key; the parity bits do not count."""
    for at in range(0, len(_WEAK), 8):
        for i in range(8):
            if (half[i] ^ _WEAK[at + i]) & 0xFE:
                break
        else:
            return True
    return False


def weak(data):
    """Whether 16 bytes are no double-length key: equal halves, or a half that is weak for DES."""
    view = memoryview(data)
    return data[:8] == data[8:] or _des_weak(view[:8]) or _des_weak(view[8:])


def kcv(data):
    """The check value of 16 bytes of key: 6 hex digits."""
    key = keys.Key(keys.TMK, data)
    try:
        return "".join("%02X" % b for b in key.check_value()[:3])
    finally:
        key.wipe()


class KeyLoad:
    """One entry of a master key. `app` gives check_password(no, password, roles), operators, note;
    `vault` store.vault.Vault; `signed_off`: called when the working keys have gone; `turn`: the
    engine's (async with), None without one."""

    # Rows of app.text.strings.
    title = "key_entry"
    confirm = "master_kcv"
    kept = "key_stored"

    def __init__(self, app, vault, signed_off=None, turn=None):
        self._app = app
        self._vault = vault
        self._signed_off = signed_off
        self._turn = turn
        self.people = []  # operator numbers, as they identify themselves
        self._parts = (bytearray(_LENGTH), bytearray(_LENGTH))
        self._typed = bytearray(_LENGTH)
        self._whole = bytearray(_LENGTH)

    def kcv(self, data):
        return kcv(data)

    def weak(self, data):
        return weak(data)

    def custodian(self, no, password):
        """The next custodian gives his number and password: None when he may type, else (why,
        text)."""
        if no in self.people:
            return "same_person", strings.text("err.same_person")
        wrong = self._app.check_password(no, password, CUSTODIANS)
        if wrong is None:
            self.people.append(no)
        elif wrong[0] == "role":
            return "role", strings.text("err.custodian")
        return wrong

    def first(self, which, digits):
        """Component `which` (1, 2) as typed for the first time: 32 hex digits in a bytearray,
        which is wiped."""
        _unhex(digits, self._parts[which - 1])

    def second(self, which, digits):
        """As typed for the second time: None when it is the same and fit to be a component, else
        the key of a problem; the component is then forgotten."""
        part = self._parts[which - 1]
        _unhex(digits, self._typed)
        same = self._typed == part
        keys.wipe(self._typed)
        problem = None
        if not same:
            problem = "key_differs"
        elif self.weak(part) or (which == 2 and part == self._parts[0]):
            problem = "key_weak"
        if problem:
            keys.wipe(part)
        return problem

    def component_kcv(self, which):
        return self.kcv(self._parts[which - 1])

    def combined_kcv(self):
        """The check value of the key; None when it is a weak one."""
        for i in range(_LENGTH):
            self._whole[i] = self._parts[0][i] ^ self._parts[1][i]
        return None if self.weak(self._whole) else self.kcv(self._whole)

    async def keep(self):
        """store() between two requests: an answer that is on its way is judged with the keys of
        its request."""
        if self._turn is None:
            return self.store()
        async with self._turn:
            return self.store()

    def store(self):
        """Keep the key; those that were loaded under the old one go. None, or the key of a
        problem."""
        if len(self.people) != 2 or weak(self._whole):
            return "key_weak"
        if self._whole == self._vault.get(keys.SVC):
            return "key_used"
        try:
            self._vault.put(TMK=self._whole, PIK=None, MAK=None, TDK=None)
        except VaultError:
            return "key_failed"
        detail = kcv(self._whole) + " " + self.people[1]
        self._app.note("master_key", detail, self.people[0])
        if self._signed_off is not None:
            self._signed_off()
        return None

    def wipe(self):
        for data in self._parts + (self._typed, self._whole):
            keys.wipe(data)


def _unhex(digits, out):
    """32 ASCII hex digits into 16 bytes; `digits` is wiped."""
    for i in range(_LENGTH):
        out[i] = _value(digits[2 * i]) << 4 | _value(digits[2 * i + 1])
    keys.wipe(digits)


def _value(c):
    return c - 48 if c < 58 else (c & 0x5F) - 55


# ---- the technician's commands ------------------------------------------------------------------


class Desk(Staff):
    """What the screens need of services.App on a terminal that cannot trade: one whose key vault
    is gone."""

    def __init__(self, terminal):
        self.ui = terminal.ui
        self.settings = terminal.settings
        self.operators = terminal.operators
        self.audit = terminal.audit
        self._terminal = terminal

    def key_load(self):
        return KeyLoad(self, self._terminal.new_keys, self._terminal.unlock)


def _master(ctx):
    """(app, make) for the screens. TechError."""
    app = ctx.terminal.app
    if app is None:
        try:
            app = Desk(ctx.terminal)
        except AttributeError:
            raise TechError("activate the terminal first: there are no operators")
    return app, app.key_load


def _service(ctx):
    app = ctx.terminal.app
    if app is None:
        raise TechError("the terminal cannot trade: that first (tech.status())")
    from .servicekey import ServiceKeyLoad

    return app, lambda: ServiceKeyLoad(app, ctx.vault())


_WHICH = {"master": _master, "service": _service}


async def enter(ctx, which="master"):
    """Have the two custodians type the components of the "master" or the "service" key at the
    terminal. Its screen must be one that can be interrupted: idle, login, or the one that says
    what is wrong. TechError."""
    from ..ui.flows import keyentry
    from ..ui.manager import Busy

    if which not in _WHICH:
        raise TechError("keys.enter('master') or keys.enter('service')")
    terminal = ctx.terminal
    if terminal is None:
        raise TechError("components are typed at the keypad of a running terminal")
    app, make = _WHICH[which](ctx)
    ctx.say("two custodians at the keypad, please")
    try:
        value = await terminal.ui.borrow(lambda: keyentry.enter(app, make()))
    except Busy:
        raise TechError("somebody is using the terminal: go back to its first screen")
    if value is not None and terminal.app is None:
        terminal.restart_soon()  # now it can trade
    health = getattr(terminal, "health", None)
    if value is not None and health is not None:
        health.again()  # the lock E-19-2 may go now
    if value is None:
        raise TechError("no key was stored: it was given up at the keypad")
    return Result({"stored": True, "kcv": value}, ["%s key stored, KCV %s" % (which, value)])


def status(ctx):
    """The keys' roles and check values."""
    from ..host.keyring import KeyRing

    try:
        vault = ctx.vault()
        values = KeyRing(vault).check_values()
    except VaultError as e:
        raise TechError("the key vault cannot be read: %s" % e.args[0])
    if vault.get(keys.SVC) is not None:
        from . import servicekey

        values[keys.SVC] = servicekey.check_value(vault.get(keys.SVC))
    lines = ["%s  KCV %s" % (role, values[role]) for role in sorted(values)]
    return Result(values, lines or ["no keys"])
