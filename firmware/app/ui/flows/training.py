# Training mode 培训: into it, out of it, and what amounts to practise with.

from ...text import strings
from ..screens import OK, Menu, Message
from .common import ended, out_ms, pages, problem, supervisor

t = strings.text


async def menu(app):
    title = t("training")
    if app.training is None:
        await enter(app, title)
        return
    items = [(leave, t("training_leave")), (amounts, t("training_amounts"))]
    flow = await app.ui.ask(Menu(title, items, out_ms(app)))
    if not ended(flow):
        await flow(app, title)


async def _confirmed(app, title, key):
    text = strings.problem(key)
    return await app.ui.ask(Message(title, text, t("ok_cancel"), out_ms(app))) == OK


async def enter(app, title):
    """A supervisor restarts the terminal into training; what is owed to the real host waits."""
    if not await supervisor(app):
        return
    if app.owed_count() and not await _confirmed(app, title, "training_waits"):
        return
    if await _confirmed(app, title, "training_enter"):
        await _switch(app, title, True)


async def leave(app, title):
    if await _confirmed(app, title, "training_leave"):
        await _switch(app, title, False)


async def _switch(app, title, on):
    async with app.engine.turn:  # nothing is under way when the terminal restarts
        done = app.switch_training(on)
    if not done:
        await problem(app, title, "training_failed")


async def amounts(app, title):
    """What an amount must end with to be declined, or not answered at all."""
    lines = []
    for ending, code in app.training.outcomes:
        text = strings.response(code) if code else t("training_no_answer")
        lines.append("**.%02d %s" % (ending, text))
    await pages(app, t("training_amounts"), lines)
