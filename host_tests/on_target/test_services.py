# The services as the flows see them: what can be printed, what the idle screen says, and a flash
# that fails behind them.

from fakehost import SETTINGS
from harness import raises
from shop import Shop, device

from app.pay import txn, types
from app.pay.types import Refused
from app.services import App
from app.store.flashlog import FlashError
from app.store.records import RecordError
from app.text import strings


def desk():
    _, dev = device()
    shop = Shop(dev).boot()
    app = App(
        SETTINGS,
        None,
        shop.journal,
        shop.session,
        shop.engine,
        shop.reversals,
        shop.settlement,
        shop.saf,
        shop.session.link,
    )
    return shop, app


def fails(*args):
    raise FlashError("program", 0)


async def test_only_what_was_approved_can_be_printed():
    shop, app = desk()
    assert app.last_printable() is None and not app.receipts_owed()
    shop.host.codes[900] = "51"
    await shop.sale(100)
    await shop.sale(900)
    first, second = shop.journal.trace(0), shop.journal.trace(1)
    assert app.printable(first).amount == 100 and app.printable(second) is None
    assert app.printable(999) is None
    assert app.last_printable().trace == first
    assert app.receipts_owed_list() == [0]


async def test_a_receipt_is_owed_until_its_mark_is_written():
    """[F11] The sale stands, the receipt is owed."""
    shop, app = desk()
    await shop.sale(100)
    mark, shop.journal.mark = shop.journal.mark, fails
    app.receipt_printed(app.load(0))
    assert app.receipts_owed()
    shop.journal.mark = mark
    app.receipt_printed(app.load(0))
    assert not app.receipts_owed()
    used = shop.journal._log.programmed
    app.receipt_printed(app.load(0))
    assert shop.journal._log.programmed == used  # written once


async def test_a_slip_is_owed_until_its_note_is_written():
    shop, app = desk()
    await shop.sale(100)
    s = await shop.settle()
    note, shop.journal.put_note = shop.journal.put_note, fails
    app.slip_printed(s)
    assert shop.settlement.slip_owed() is not None
    shop.journal.put_note = note
    app.slip_printed(s)
    assert shop.settlement.slip_owed() is None


async def test_a_record_that_cannot_be_read_is_neither_printed_nor_voided():
    shop, app = desk()
    await shop.sale(100)
    trace = shop.journal.trace(0)
    for error in (FlashError("record", 1), RecordError("intent schema")):

        def unreadable(i, error=error):
            raise error

        shop.journal.load = unreadable
        assert app.load(0) is None and app.printable(trace) is None
        e = raises(Refused, shop.engine.find_voidable, trace)
        assert e.args[0].why == types.UNREADABLE


async def test_the_idle_screen_tells_the_most_urgent_thing_in_one_row():
    """[I14] Count and amount of what is owed."""
    shop, app = desk()
    assert app.idle_state()[3] == strings.text("not_signed_in")
    await shop.sale(100)
    assert app.idle_state()[3] == strings.text("receipt_owed_line")
    app.receipt_printed(app.load(0))
    app.operator = "01"
    assert app.idle_state()[3] == strings.text("operator_batch", "01", 1)
    shop.host.faults = ["no answer"]
    await shop.sale(5000)
    assert shop.states()[-1] == txn.NAMES[txn.UNKNOWN]
    assert app.idle_state()[3] == strings.text("reversal_owed_line", 1, "50.00")
    for owed in ((10, 100), (2, 1_000_000)):
        shop.reversals.pending = lambda owed=owed: owed
        shop.journal.changes += 1
        assert app.idle_state()[3] == strings.text("reversal_owed_short", owed[0])


async def test_totals_and_version():
    shop, app = desk()
    await shop.sale(100)
    await shop.sale(250)
    await shop.void(shop.journal.trace(0))
    assert app.totals() == ((2, 350), (1, 100))
    app.board = "unix"
    name, number, board = app.version_text().split()
    assert (name, board) == ("Shouyin", "unix") and number[0].isdigit()
