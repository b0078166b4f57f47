# Operators as the flows see them: passwords, and what the audit log hears of them.

from .store.operators import OperatorError
from .text import strings

t = strings.text


class Staff:
    """What services.App and the desk of a terminal that cannot trade (tech.keys) have in common.
    `operators` store.operators.Operators, `audit` store.audit.AuditLog or None."""

    operators = None
    audit = None
    _operator = None

    def note(self, event, detail="", who=None):
        """An event for the audit log (names: store.audit.EVENTS); who: the operator on duty."""
        if self.audit is not None:
            self.audit.event(event, who or self._operator or "", detail)

    def check_password(self, no, password, roles=None):
        """None when it is right, else (why, text)."""
        try:
            self.operators.verify(no, password, roles)
            return None
        except OperatorError as e:
            why = e.args[0]
            if why == "wrong":
                self.note("logon_wrong", "", no)
            elif why == "locked" and self.operators.fresh_lock(no):
                self.note("lock_out", "", no)
            if why == "wrong":
                return why, t("err.wrong", self.operators.tries_left(no))
            return why, t("err." + why if strings.known("err." + why) else "err.unknown")

    def change_password(self, no, password):
        """None when it was changed, else a text."""
        try:
            self.operators.change_password(no, password)
            self.note("password", "", no)
            return None
        except OperatorError as e:
            return t("err." + e.args[0])
