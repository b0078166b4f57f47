# Flows: settlement, and what comes out of the printer.

from desk import App, Settled, play, problem, transaction

from app.pay.types import SALE, Result
from app.text import strings
from app.ui.flows import lists, printing, settle

t = strings.text


async def test_a_settlement_is_asked_for_and_may_be_refused():
    app = App()
    assert await play(app, settle.settle(app), (t("confirm_settle"), "CANCEL")) is False
    app.settlement.refusal = Result(code="96")
    steps = ((t("confirm_settle"), "ENTER"), ("[96]", "ENTER"))
    assert await play(app, settle.settle(app), *steps) is False
    assert app.printer.printed == []


async def test_totals_that_differ_are_shown_line_by_line_and_the_batch_closes():
    app = App()
    app.settlement.settled = Settled(False)
    assert await play(
        app,
        settle.settle(app),
        (t("confirm_settle"), "ENTER"),
        (t("print_details"), "CANCEL"),
        (t("own_line", 4, "115.45"), "ENTER"),
        (t("why.5"), "ENTER"),
        (problem("uploaded_all"), "ENTER"),
    )
    assert app.closed == [app.settlement.settled] and len(app.printer.printed) == 1
    both = "".join(text for text, _ in app.printer.printed[0])
    assert "123.45" in both and "111.11" in both and "SAME AMOUNT" in both


async def test_a_list_is_printed_piece_by_piece_before_the_batch_is_closed():
    app = App()
    app.settlement.settled = Settled(True)
    app.journal = [transaction() for _ in range(40)]
    for n, record in enumerate(app.journal):
        record.trace, record.state = n + 1, 9 if n == 7 else 2
    app.close_fails = Result(why="flash")
    steps = ((t("confirm_settle"), "ENTER"), (t("print_details"), "ENTER"))
    assert not await play(app, settle.settle(app), *steps, (problem("flash"), "ENTER"))
    assert max(len(lines) for lines in app.printer.printed) <= 30
    text = [line for lines in app.printer.printed for line, _ in lines]
    assert any("UNSUCCESSFUL" in line for line in text)  # the one that was denied, unasked
    assert [line for line in text if line.startswith("000008")]
    assert len([line for line in text if line.startswith("0000")]) == 41
    for record in app.journal:
        record.state = 4
    app.printer.faults = [None, "paper"]  # the second piece does not come out
    steps = ((problem("print.paper"), "CANCEL"),)
    assert not await play(app, lists.exception_report(app, False), *steps)


async def test_a_supervisor_closes_what_the_host_will_not_settle_after_the_report_is_on_paper():
    """[I5] Never without it."""
    app = App()
    app.journal = [transaction()]
    app.journal[0].state = 4
    s = Settled(False)
    s.forced, s.verdict = True, 0
    app.override_result = (True, s)
    app.settlement.refusal = Result(why="settle_unknown")
    ask = ((t("confirm_settle"), "ENTER"), (problem("settle_unknown"), "ENTER"))
    assert not await play(app, settle.settle(app), *ask, (problem("settle_override"), "CANCEL"))
    allow = (
        (problem("settle_override"), "ENTER"), (t("supervisor"), "ENTER"), (t("password"), "1",
        "ENTER"),
    )  # fmt: skip
    app.printer.faults = ["paper"]
    paper = (problem("print.paper"), "CANCEL")
    assert not await play(app, settle.settle(app), *ask, *allow, paper)
    assert not app.overridden  # nothing is given up that is not on paper
    assert await play(
        app, settle.settle(app), *ask, *allow, (t("print_details"), "CANCEL"),
        (problem("settle_forced"), "ENTER"),
    )  # fmt: skip
    assert app.overridden == ["settle_unknown"] and app.closed == [s]
    text = "".join(line for lines in app.printer.printed for line, _ in lines)
    assert "EXCEPTION REPORT" in text and "NOT CONFIRMED" in text


async def test_an_override_that_fails_says_so():
    app = App()
    app.override_result = (False, Result(why="flash"))
    app.settlement.refusal = Result(why="upload_owed")
    assert not await play(
        app, settle.settle(app), (t("confirm_settle"), "ENTER"),
        (problem("upload_owed"), "ENTER"), (problem("settle_override"), "ENTER"),
        (t("supervisor"), "ENTER"), (t("password"), "1", "ENTER"), (problem("flash"), "ENTER"),
    )  # fmt: skip
    assert app.closed == []


async def test_what_is_owed_is_sent_and_shown():
    """[I14] By state, on screen and paper."""
    app = App()
    await play(app, lists.upload_now(app), (problem("nothing_owed"), "ENTER"))
    await play(app, lists.problems(app), (problem("nothing_owed"), "ENTER"))
    app.saf.owed = True
    await play(app, lists.upload_now(app), (t("upload_ok"), "ENTER"))
    app.saf.result = Result(why="upload_owed")
    await play(app, lists.upload_now(app), (problem("upload_owed"), "ENTER"))
    await play(
        app, lists.states(app), ("%s 2 3.00" % t("state.6"), "ENTER"),
        ("%s 1 8.00" % t("state.9"), "ENTER"),
    )  # fmt: skip
    await play(app, lists.states(app), (t("states"), "CANCEL"))
    app.states = list
    await play(app, lists.states(app), (problem("empty_batch"), "ENTER"))
    app.states = lambda: [(6, 2, 300)]
    await play(app, lists.totals_report(app))
    text = "".join(line for line, _ in app.printer.printed[-1])
    assert "TO SEND" in text and "CUP" in text and "OPERATOR" in text


async def test_i14_no_amount_is_cut_off_below_the_screen():
    """A shop's real totals are longer than a row."""
    app = App()
    app.totals = lambda: ((120, 1_234_567), (12, 345_678))
    app.states = lambda: [(2, 120, 1_234_567), (8, 120, 7_654_321), (9, 12, 345_678)]
    lower = "76,543.21%s 12 3,456.78" % t("state.9")
    await play(app, lists.states(app), ("12,345.67", "ENTER"), (lower, "ENTER"))
    await play(app, printing.totals(app), ("12,345.67", "ENTER"), ("3,456.78", "ENTER"))
    app.settlement.settled = s = Settled(False)
    s.own, s.host = (1_234_567, 120, 0, 0), (1_232_323, 119, 0, 0)
    app.settlement.explanation = lambda settled: [(42, SALE, 12_345_678, 5)]
    assert await play(
        app, settle.settle(app), ("12,345.67", "ENTER"), ("3,456.78", "ENTER"),
        (t("print_details"), "CANCEL"), ("12,345.67", "ENTER"), ("12,323.23", "ENTER"),
        ("123,456.78", "ENTER"), (t("why.5"), "ENTER"), (problem("uploaded_all"), "ENTER"),
    )  # fmt: skip


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
    """[F11] After the login."""
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
