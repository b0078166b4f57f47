# Settlement 结算: the batch's totals against the host's.

from ...pay.types import Refused
from ...text import strings
from ...text.money import yuan
from ..screens import OK, Message
from . import printing
from .common import notice, out_ms, problem, progress, refused

t = strings.text


async def settle(app):
    """True when the batch was closed: the operator must then sign on again."""
    title = t("settle")
    sale, void = app.totals()
    text = "%s %d %s\n%s %d %s" % (
        t("sale"),
        sale[0],
        yuan(sale[1]),
        t("void"),
        void[0],
        yuan(void[1]),
    )
    if await app.ui.ask(Message(t("confirm_settle"), text, t("ok_cancel"), out_ms(app))) != OK:
        return False
    try:
        s = await app.settlement.run(app.operator, progress(app, title))
    except Refused as e:
        await refused(app, title, e.args[0])
        return False
    if s.balanced:
        await notice(
            app, title, "%s\nRMB %s" % (t("balanced"), yuan(s.own[0] - s.own[2])), "", 3000
        )
    else:
        own = t("own_line", s.own[1] + s.own[3], yuan(s.own[0] - s.own[2]))
        host = t("host_line", s.host[1] + s.host[3], yuan(s.host[0] - s.host[2]))
        await notice(app, t("unbalanced"), own + "\n" + host, t("press_enter"))
        await problem(app, t("unbalanced"), "not_balanced")
    await printing.settlement_slip(app, s)
    return s.balanced
