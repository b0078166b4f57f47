# Settlement 结算: what is owed is sent, the totals go against the host's, the batch closes.

from ...pay.types import CLOSE_BY_FORCE, OVERRIDABLE, Refused
from ...text import strings
from ...text.money import yuan
from ..screens import OK, Message
from . import lists, printing
from .common import notice, out_ms, pages, problem, progress, refused, supervisor

t = strings.text
_ASK_MS = 30_000


async def settle(app):
    """True when the batch was closed: the operator must then sign on again."""
    title = t("settle")
    lines = printing.totals_lines(app)
    if await pages(app, t("confirm_settle"), lines, t("ok_cancel")) != OK:
        return False
    s = await with_host(app, title)
    if s is None:
        return False
    await before_closing(app)
    failed = app.close_batch(s)
    if failed is not None:
        await refused(app, title, failed)
        return False
    await tell(app, title, s)
    await printing.settlement_slip(app, s)
    return True


async def with_host(app, title):
    """Everything that the host has a part in; the Settled, None when it did not come to an end."""
    while True:
        try:
            return await app.settlement.run(app.operator, progress(app, title))
        except Refused as e:
            result = e.args[0]
        await refused(app, title, result)
        if result.why not in OVERRIDABLE:
            return None
        going, s = await override(app, title, result.why)
        if not going:
            return None
        if s is not None:
            return s


async def override(app, title, why):
    """A supervisor closes the batch all the same: (whether it goes on, Settled or None)."""
    text = strings.problem("settle_override")
    if await app.ui.ask(Message(title, text, "", out_ms(app))) != OK:
        return False, None
    app.saf.hold(True)
    try:
        if not await supervisor(app):
            return False, None
        if not await lists.exception_report(app, why in CLOSE_BY_FORCE):
            return False, None
        done, s = await app.override(why)
    finally:
        app.saf.hold(False)
    if not done:
        await refused(app, title, s)
        return False, None
    return True, s


async def before_closing(app):
    """What can be printed only as long as the journal has it."""
    if any(True for _ in app.problem_records()):
        await lists.problems(app)
    answer = await app.ui.ask(Message(t("details"), t("print_details"), t("ok_cancel"), _ASK_MS))
    if answer == OK:
        await lists.details(app)


async def tell(app, title, s):
    """The result on the screen; a difference line by line."""
    amount = s.own[0] - s.own[2]
    if s.balanced:
        await notice(app, title, "%s\nRMB %s" % (t("balanced"), yuan(amount)), "", 3000)
        return
    if s.forced and not s.verdict:
        await problem(app, title, "settle_forced")
        return
    own = t("own_line", s.own[1] + s.own[3], yuan(amount))
    host = t("host_line", s.host[1] + s.host[3], yuan(s.host[0] - s.host[2]))
    title = t("unbalanced")
    if await pages(app, title, [own, host], t("press_enter")) != OK:
        return
    for trace, _, fen, why in app.settlement.explanation(s):
        lines = ["%06d %s" % (trace, yuan(fen)), t("why.%d" % why)]
        if await pages(app, title, lines, t("press_enter")) != OK:
            return
    await problem(app, title, "settle_forced" if s.forced else "uploaded_all")
