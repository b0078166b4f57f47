# Flows: what the cashier sees, and what is done, when he goes the less trodden ways. The whole
# terminal is played end to end.

import asyncio

from desk import App, Settled, Swipe, play, problem, transaction, typed

from app.pay.types import NO_HOST, VOID, Result
from app.text import strings
from app.ui.flows import main as flows
from app.ui.flows import operator, sale, void

t = strings.text


# ---- menus --------------------------------------------------------------------------------------


async def test_the_menus_lead_where_they_say():
    app = App()
    manage = (t("menu"), "5")
    await play(app, flows.main_menu(app), manage, (t("manage"), "2"), (t("echo_ok"), "ENTER"))
    assert app.engine.asked == ["echo"]
    await play(app, flows.main_menu(app), manage, (t("manage"), "3"), ("123.45", "ENTER"))
    await play(app, flows.main_menu(app), manage, (t("manage"), "6"), ("Shouyin 1", "ENTER"))
    assert app.operator == "01"
    await play(app, flows.main_menu(app), manage, (t("manage"), "5"))
    assert app.operator is None
    await play(app, flows.main_menu(app), (t("menu"), "CANCEL"))
    app.settlement.settled = Settled(True)
    await play(app, flows.main_menu(app), (t("menu"), "4"), (t("reprint_any"), "3"))
    assert len(app.printer.printed) == 1 and app.slips == 1


async def test_an_echo_test_without_network_says_so():
    app = App()
    app.engine.result = Result(why=NO_HOST)
    await play(app, flows.echo(app), (problem("no_host"), "ENTER"))
    app.net = "no_sim"
    await play(app, flows.echo(app), (t("net.no_sim"), "ENTER"))


async def test_what_a_power_cut_left_is_said_and_settled_before_the_first_sale():
    app = App()
    app.owed.interrupted = 1
    app.settlement.open = True
    app.settlement.settled = Settled(True)
    day = asyncio.create_task(
        play(
            app,
            flows.day(app),
            (t("operator_no"), "0", "1", "ENTER"),
            (t("password"), "1", "ENTER"),
            (problem("interrupted"), "ENTER"),
            (problem("settle_first"), "ENTER"),
            (t("confirm_settle"), "ENTER"),
            (t("print_details"), "CANCEL"),
            (t("balanced"), "ENTER"),
            (t("operator_no"),),
        )
    )
    await asyncio.sleep_ms(2000)
    assert not app.settlement.open and app.operator is None  # a new day: log in again
    day.cancel()


async def test_records_that_cannot_be_read_are_told_once():
    app = App()
    app.owed.unreadable = 2
    await play(app, flows.interrupted(app), (problem("records_lost"), "ENTER"))
    await play(app, flows.interrupted(app))
    assert app.owed.unreadable == 0


# ---- operators ----------------------------------------------------------------------------------


async def test_a_login_that_was_left_begins_again_without_its_error():
    app = App()
    app.operator = None
    app.wrong = [("wrong", "4 tries left")]
    await play(
        app,
        operator.login(app),
        (t("operator_no"), "0", "1", "ENTER"),
        (t("password"), "9", "ENTER"),
        ("4 tries left", "CANCEL"),
        (t("operator_no"), "0", "2", "ENTER"),
        (t("password"), "CANCEL"),
        (t("operator_no"), "0", "3", "ENTER"),
        (t("password"), "1", "ENTER"),
    )
    assert app.operator == "03"


async def test_a_first_password_is_changed_or_there_is_no_login():
    app = App()
    app.operator = None
    app.operators.first_password = True
    begin = ((t("operator_no"), "0", "1", "ENTER"), (t("password"), "1", "ENTER"))
    new = typed(t("new_password"), "246813")
    await play(
        app,
        operator.login(app),
        *begin,
        (t("new_password"), "CANCEL"),
        *begin,
        new,
        (t("repeat_password"), "CANCEL"),
        *begin,
        new,
        typed(t("repeat_password"), "246814"),
        typed(t("err.differ"), "246813"),
        typed(t("repeat_password"), "246813"),
        ("OK", "ENTER"),
    )
    assert app.changed == [("01", b"246813")] and app.operator == "01"


# ---- void ---------------------------------------------------------------------------------------

SUPERVISOR = ((t("operator_no"), "0", "0", "ENTER"), (t("password"), "1", "ENTER"))
VOUCHER = (t("enter_voucher"), "4", "2", "ENTER")


async def test_a_void_can_be_left_at_every_screen_and_nothing_is_sent():
    app = App()
    app.engine.sale_to_void = transaction()
    whole = SUPERVISOR + (VOUCHER, (t("confirm_void"), "ENTER"))
    for n in range(len(whole)):
        await play(app, void.void(app), *(whole[:n] + ((whole[n][0], "CANCEL"),)))
    await play(app, void.void(app), *(whole + ((t("swipe_card"), "CANCEL"),)))
    swipe = Swipe()
    steps = whole + ((t("swipe_card"), swipe), (t("enter_pin"), "1", "CANCEL"))
    await play(app, void.void(app), *steps)
    assert not any(swipe.track2), "the card is still there"
    assert app.engine.asked == []
    steps = whole + ((t("swipe_card"), Swipe()), (t("enter_pin"), "ENTER"))
    app.engine.result = Result(code="25")
    await play(app, void.void(app), *(steps + (("[25]", "ENTER"),)))
    assert app.engine.asked == [("void", 42)]
    assert app.keypad.modes == [True, False] * 2, "PIN mode ends with the PIN screen"


async def test_a_void_without_the_card_where_the_settings_say_so():
    app = App()
    app.settings["void_card"] = False
    app.engine.sale_to_void = transaction()
    app.engine.result = Result(approved=True, record=transaction(VOID))
    steps = SUPERVISOR + (VOUCHER, (t("confirm_void"), "ENTER"), (t("approved"), "ENTER"))
    await play(app, void.void(app), *steps)
    assert app.engine.asked == [("void", 42)] and len(app.printer.printed) == 1


async def test_a_void_of_nothing_and_a_supervisor_who_is_locked():
    app = App()
    await play(
        app,
        void.void(app),
        *SUPERVISOR,
        (t("enter_voucher"), "7", "ENTER"),
        (problem("not_found"), "ENTER"),
    )
    app.wrong = [("wrong", "1 try left"), ("locked", "locked for long")]
    await play(
        app,
        void.void(app),
        *SUPERVISOR,
        ("1 try left", "0", "0", "ENTER"),
        (t("password"), "1", "ENTER"),
        ("locked for long", "ENTER"),
    )
    assert app.engine.asked == []


# ---- sale ---------------------------------------------------------------------------------------


async def test_a_card_swiped_first_is_kept_for_its_amount_and_wiped_with_it():
    app = App()
    swipe = Swipe()
    await play(app, sale.sale(app, swipe=swipe), (t("enter_amount"), "CANCEL"))
    assert not any(swipe.track2)
    swipe = Swipe()
    app.engine.result = Result(code="51")
    await play(
        app,
        sale.sale(app, swipe=swipe),
        (t("enter_amount"), "7", "00", "ENTER"),
        typed(t("enter_pin"), "1234"),
        ("[51]", "ENTER"),
    )
    assert app.engine.asked == [("sale", 700, b"1234")] and not any(swipe.track2)


async def test_the_idle_screen_takes_a_card():
    app = App()
    app.operator = None
    swipe = Swipe()
    day = asyncio.create_task(
        play(
            app,
            flows.day(app),
            (t("operator_no"), "0", "1", "ENTER"),
            (t("password"), "1", "ENTER"),
            (t("swipe_or_amount"), swipe),
            (t("enter_amount"), "CANCEL"),
            (t("swipe_or_amount"),),
        )
    )
    await asyncio.sleep_ms(1000)
    assert not any(swipe.track2) and app.ui.screen.timeout_ms is None  # idle again
    day.cancel()
