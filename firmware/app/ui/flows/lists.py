# Lists: on the screen what fits, on paper the rest; uploading what is owed.

from ...pay.types import REJECTED, UNKNOWN
from ...text import strings
from ...text.money import yuan
from .. import lists
from ..screens import Message
from .common import notice, pages, problem, progress, refused
from .printing import document

t = strings.text
_AT_ONCE = 30  # lines of a print job: a list of a thousand records must not be in memory at once


async def print_long(app, title, lines):
    """Print what the generator `lines` gives, piece by piece. True when all of it is on paper."""
    piece = []
    for line in lines:
        piece.append(line)
        if len(piece) == _AT_ONCE:
            if not await document(app, title, piece):
                return False
            piece = []
    return not piece or await document(app, title, piece)


def _records(head, records, foot, unpaid=()):
    """Lines of a list. The total is without what is in one of the states `unpaid`."""
    yield from head
    count = amount = 0
    for record in records:
        yield from lists.entry(record)
        if record.state in unpaid:
            continue
        count += 1
        amount += lists.signed(record)
    yield ("", "-")
    yield (lists.row("合计/TOTAL", count, amount), "b")
    yield from foot


async def details(app):
    head = lists.head("交易明细单", "TRANSACTION LIST", app.settings, app.batch())
    # The total is that of the settlement's slip.
    records = _records(head, app.records(), [], (UNKNOWN, REJECTED))
    await print_long(app, t("details"), records)


async def problems(app):
    """未成功上送 and 上送后被平台拒绝: what the host does not have, or has refused."""
    if not any(True for _ in app.problem_records()):
        await problem(app, t("problem_list"), "nothing_owed")
        return
    head = lists.head("未上送和被拒明细", "UNSUCCESSFUL / DENIED", app.settings, app.batch())
    await print_long(app, t("problem_list"), _records(head, app.problem_records(), []))


async def exception_report(app, whole):
    """What a supervisor gives up; True when it is on paper. `whole`: the host's consent to the
    batch is given up too, so all of the batch is on it: after that it is nowhere else."""
    head = lists.head("异常报告单", "EXCEPTION REPORT", app.settings, app.batch())
    if whole:
        lines = _records(head, app.records(), lists.SIGNED, (UNKNOWN, REJECTED))
    else:
        lines = _records(head, app.problem_records(True), lists.SIGNED)
    return await print_long(app, t("exceptions"), lines)


async def fault_slip(app):
    head = lists.fault_slip(app.settings, app.batch())
    await print_long(app, t("print"), _records(head, app.records((UNKNOWN,)), []))


async def totals_report(app):
    app.ui.show(Message(t("totals_report"), t("please_wait")))
    lines = lists.head("交易总计单", "TOTALS", app.settings, app.batch())
    lines += lists.totals(await app.totals_rows())
    lines += [("状态/STATE", "b")] + lists.states(app.states()) + [("", "-")]
    await print_long(app, t("totals_report"), iter(lines))


async def states(app):
    """Count and amount by state."""
    counts = app.states()
    if not counts:
        await problem(app, t("states"), "empty_batch")
        return
    lines = ["%s %d %s" % (t("state.%d" % s), count, yuan(fen)) for s, count, fen in counts]
    await pages(app, t("states"), lines)


async def upload_now(app):
    title = t("upload_now")
    if not app.owes():
        await problem(app, title, "nothing_owed")
        return
    result = await app.saf.upload_now(app.operator, progress(app, title))
    if result.approved:
        await notice(app, title, t("upload_ok"), "", 2000)
    else:
        await refused(app, title, result)
