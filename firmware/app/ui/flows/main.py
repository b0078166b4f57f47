# The day: login, idle, and what the keys and cards lead to. What a shop needs once a day is loaded
# when it is entered.

from ...kernel.modules import forget
from ...text import strings
from ..screens import Idle, Menu
from . import operator, printing, sale, void
from .common import ended, notice, out_ms, problem, progress, refused

t = strings.text

# Entered seldom, and not kept
_RARE = ("app.ui.flows.settle", "app.ui.flows.lists", "app.ui.lists")

# What leads somewhere from the idle screen; an amount does not begin with 0.
_KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "ENTER", "MENU", "F1")


async def day(app):
    """For ever. Every error that a flow did not expect ends in the idle screen, not in a dead
    terminal."""
    while True:
        await operator.login(app)
        app.saf.operator = app.operator
        if app.lacks_master_key():
            from . import keyentry

            await keyentry.offer(app)
        await interrupted(app)
        await printing.owed(app)
        if app.settlement.unfinished():
            await problem(app, t("settle"), "settle_first")
            await settle_and_leave(app)
        while app.operator is not None:
            kind, value = await app.ui.ask(Idle(app.idle_state, _KEYS))
            if kind == "card":
                await sale.sale(app, swipe=value)
            elif kind == "key":
                await key(app, value)


async def interrupted(app):
    """What a power cut interrupted: the cashier must know before the customer asks."""
    if app.owed.interrupted:
        app.owed.interrupted = 0
        await problem(app, t("notice"), "interrupted")
    if app.owed.unreadable:
        app.owed.unreadable = 0
        await problem(app, t("notice"), "records_lost")


async def key(app, name):
    if name.isdigit():
        await sale.sale(app, first=name)
    elif name in ("ENTER", "MENU"):
        await main_menu(app)
    elif name == "F1":
        await printing.reprint_last(app)


async def main_menu(app):
    items = [
        (sale.sale, t("sale")),
        (void.void, t("void")),
        (settle_and_leave, t("settle")),
        (print_menu, t("print")),
        (manage_menu, t("manage")),
    ]
    await choose(app, t("menu"), items)


async def choose(app, title, items):
    flow = await app.ui.ask(Menu(title, items, out_ms(app)))
    if not ended(flow):
        await flow(app)


async def settle_and_leave(app):
    from . import settle

    settled = await settle.settle(app)
    del settle
    forget(*_RARE)
    if settled:
        app.operator = None


def _list(name):
    """The flow of that name in flows.lists."""

    async def flow(app):
        from . import lists

        await getattr(lists, name)(app)
        forget(*_RARE)

    return flow


async def print_menu(app):
    items = [
        (printing.reprint_last, t("reprint_last")),
        (printing.reprint_any, t("reprint_any")),
        (printing.reprint_settlement, t("reprint_settlement")),
        (_list("totals_report"), t("totals_report")),
        (_list("details"), t("details")),
        (_list("problems"), t("problem_list")),
    ]
    await choose(app, t("print"), items)


async def manage_menu(app):
    items = [
        (sign_in, t("sign_in")),
        (echo, t("echo")),
        (printing.totals, t("totals")),
        (language, t("language")),
        (logout, t("logout")),
        (version, t("version")),
        (_list("upload_now"), t("upload_now")),
        (_list("states"), t("states")),
    ]
    if app.settings["receipt_code"]:
        items.append((shop_code, t("shop_code")))
    items.append((training, t("training")))
    await choose(app, t("manage"), items)


async def sign_in(app):
    title = t("sign_in")
    result = await app.engine.sign_in(app.operator, progress(app, title))
    if result.approved:
        await notice(app, title, t("sign_in_ok"), "", 2000)
    else:
        await refused(app, title, result)


async def echo(app):
    title = t("echo")
    result = await app.engine.echo(progress(app, title))
    if result.approved:
        await notice(app, title, t("echo_ok"), "", 2000)
    else:
        await refused(app, title, result)


async def language(app):
    chosen = await app.ui.ask(
        Menu(t("language"), [("zh", "中文"), ("en", "English")], out_ms(app))
    )
    if not ended(chosen):
        app.set_language(chosen)


async def logout(app):
    app.operator = None


async def training(app):
    from . import training as flows

    await flows.menu(app)


async def shop_code(app):
    from ...text import qr
    from ..code import Code

    code = qr.encode(app.settings["receipt_code"].encode())
    await app.ui.ask(Code(code, out_ms(app)))


async def version(app):
    await notice(app, t("version"), app.version_text(), "", out_ms(app))
