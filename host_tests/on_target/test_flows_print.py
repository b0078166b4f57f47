# Flows: settlement, and what comes out of the printer.

from desk import App, Settled, play, problem, transaction

from app.pay.types import Result
from app.text import strings
from app.ui.flows import printing, settle

t = strings.text


async def test_a_settlement_is_asked_for_and_may_be_refused():
    app = App()
    assert await play(app, settle.settle(app), (t("confirm_settle"), "CANCEL")) is False
    app.settlement.refusal = Result(code="96")
    steps = ((t("confirm_settle"), "ENTER"), ("[96]", "ENTER"))
    assert await play(app, settle.settle(app), *steps) is False
    assert app.printer.printed == []


async def test_totals_that_differ_are_shown_side_by_side_and_the_batch_stays():
    app = App()
    app.settlement.settled = Settled(False)
    assert (
        await play(
            app,
            settle.settle(app),
            (t("confirm_settle"), "ENTER"),
            (t("own_line", 4, "115.45"), "ENTER"),
            (problem("not_balanced"), "ENTER"),
        )
        is False
    )
    assert len(app.printer.printed) == 1
    both = "".join(text for text, _ in app.printer.printed[0])
    assert "123.45" in both and "111.11" in both


async def test_what_cannot_be_reprinted():
    app = App()
    await play(app, printing.reprint_last(app), (problem("print.nothing"), "ENTER"))
    await play(app, printing.reprint_settlement(app), (problem("print.nothing"), "ENTER"))
    await play(app, printing.reprint_any(app), (t("enter_voucher"), "CANCEL"))
    await play(
        app, printing.reprint_any(app), (t("enter_voucher"), "5", "ENTER"),
        (problem("not_found"), "ENTER"),
    )  # fmt: skip
    assert app.printer.printed == []
    app.transaction = transaction()
    await play(app, printing.reprint_any(app), (t("enter_voucher"), "4", "2", "ENTER"))
    assert len(app.printer.printed) == 1 and app.transaction.printed


async def test_a_document_that_broke_off_comes_out_whole_and_marked_or_not_at_all():
    app = App()
    app.printer.faults = ["paper", "cover"]
    lines = [("first", ""), ("last", "")]
    steps = ((problem("print.paper"), "ENTER"), (problem("print.cover"), "ENTER"))
    assert await play(app, printing.document(app, t("print"), lines), *steps)
    (printed,) = app.printer.printed
    assert [n[0] for n in printed] == ["first", "****重打印/DUPLICATED****", "last"]
    app.printer.faults = ["paper"]
    steps = ((problem("print.paper"), "CANCEL"),)
    assert not await play(app, printing.document(app, t("print"), lines), *steps)
    assert len(app.printer.printed) == 1
    app.settings["receipt_copies"] = 2
    app.printer.faults = [None, "heat"]
    steps = ((t("tear_first"), "ENTER"), (problem("print.heat"), "CANCEL"))
    assert await play(app, printing.receipts(app, transaction()), *steps)  # the merchant has his
    assert await play(app, printing.receipts(app, transaction()), (t("tear_first"), "CANCEL"))
    assert len(app.printer.printed) == 3


async def test_receipts_that_are_owed_come_out_once_each_until_the_cashier_says_later():
    app = App()
    owed = [transaction() for _ in range(3)]
    for n, record in enumerate(owed):
        record.trace = n + 1
    app.receipts_owed = lambda: any(not r.printed for r in owed)
    app.receipts_owed_list = lambda: [i for i, r in enumerate(owed) if not r.printed]
    app.load = lambda i: owed[i]
    prompt = (problem("receipts_owed"), "ENTER")
    app.printer.faults = [None, "paper"]
    await play(app, printing.owed(app), prompt, (problem("print.paper"), "CANCEL"))
    assert [r.printed for r in owed] == [True, False, False]
    await play(app, printing.owed(app), (problem("receipts_owed"), "CANCEL"))
    assert len(app.printer.printed) == 1
    app.load = lambda i: owed[i] if i else None
    await play(app, printing.owed(app), prompt)
    assert [r.printed for r in owed] == [True, True, True]
    await play(app, printing.owed(app))  # nothing is owed: nothing is asked
    assert len(app.printer.printed) == 3


async def test_a_settlement_slip_that_is_owed_comes_out_and_says_that_it_is_late():
    app = App()
    slip = Settled(True)
    app.settlement.slip_owed = lambda: slip
    await play(app, printing.owed(app))
    assert len(app.printer.printed) == 1 and app.slips == 1 and slip.printed
    assert any("DUPLICATED" in text for text, _ in app.printer.printed[0])
