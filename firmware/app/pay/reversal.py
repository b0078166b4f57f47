# Reversals: what is owed for every transaction whose outcome is not known, oldest first, and never
# given up.

from ..host import cup
from ..host.session import BadMac, NoAnswer
from ..kernel import log
from . import txn
from .steps import apply, count_send


class Reversals:
    """`session` must be connected by the caller; reconnects itself between tries."""

    def __init__(self, journal, session, settings):
        self._journal = journal
        self._session = session
        self._settings = settings

    def pending(self):
        """(count, amount in fen) of the reversals owed, None when there are none."""
        count = amount = 0
        for i in range(len(self._journal)):
            if self._journal.state(i) == txn.UNKNOWN:
                count += 1
                amount += self._journal.amount(i)
        return (count, amount) if count else None

    def exhausted(self):
        """Whether a reversal has been sent as often as the setting says, and is still owed."""
        tries = self._settings["reversal_tries"]
        return any(
            self._journal.state(i) == txn.UNKNOWN and self._journal.tries(i) >= tries
            for i in range(len(self._journal))
        )

    async def drain(self, sign_in, tries=0):
        """Send every reversal that is owed, oldest first; True when none is left. `tries`: how
        often each at the most (0: as the setting says). `sign_in` is an async callable for a host
        that asks for it. NotSent when the host cannot be reached at all."""
        tries = tries or self._settings["reversal_tries"]
        for i in range(len(self._journal)):
            if self._journal.state(i) != txn.UNKNOWN:
                continue
            if not await self._reverse(i, sign_in, tries):
                return False
        return True

    async def _reverse(self, i, sign_in, tries):
        # A record that has become unreadable is reversed by what the index knows of it.
        t = self._journal.load_whatever(i)
        t.reason = t.reason or txn.REASON_98
        for _ in range(tries):
            again = False
            await self._session.connect()
            repeat = count_send(self._journal, self._session, t, txn.REVERSAL_SENDING)
            try:
                fields = cup.reversal(t, self._settings, self._session.reader)
                answer = await self._session.exchange("0400", fields, True, repeat)
                if answer.code in cup.REVERSED:
                    apply(self._journal, self._session, t, txn.REVERSAL_DONE)
                    log.info("trace %d reversed, rc %s", t.trace, answer.code)
                    return True
                log.warning("reversal of %d refused: %s", t.trace, answer.code)
                again = answer.code in cup.SIGN_IN_AGAIN
            except NoAnswer as e:
                log.warning("reversal of %d: no answer: %s", t.trace, e.args[0])
            except BadMac:
                again = True
            await self._session.disconnect()
            if again:
                self._session.sign_off()
                await sign_in()
        return False
