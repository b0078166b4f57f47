# Faults that a hostile reading of store and forward found, as the shop sees it: lists,
# slips, receipts.

import gc

from fakehost import SETTINGS
from harness import araises
from shop import Shop, device

from app.host import cup
from app.pay import totals, txn, types
from app.pay.settlement import ERROR, UNBALANCED, Settled
from app.pay.types import Refused
from app.services import App
from app.store.flashlog import FlashError
from app.store.records import Txn
from app.text import strings
from app.ui import lists
from app.ui.flows import lists as flow_lists
from app.ui.flows import printing

SETTINGS.update({"offline_count_max": 30, "operator_timeout_s": 60, "merchant_name": "shop",
                 "merchant_name_en": ""})  # fmt: skip


def offline_shop(**options):
    _, dev = device()
    return Shop(dev, **options).boot()


async def offline_sale(shop, amount=100):
    """A sale while the host is away; its Result."""
    shop.host.faults.insert(0, "refuse")
    result = await shop.sale(amount)
    assert result.approved
    return result


class Counter:
    """A screen where everything is confirmed, and a printer whose paper never ends."""

    def __init__(self):
        self.shown = []
        self.printed = []

    def show(self, screen):
        pass

    async def ask(self, screen):
        self.shown.append(screen.text)
        return "ok"

    async def print(self, lines):
        self.printed += [text for text, _ in lines]
        return type("Job", (), {"status": "ok"})


def services(shop):
    app = App(SETTINGS, None, shop.journal, shop.session, shop.engine, shop.reversals,
              shop.settlement, shop.saf, shop.link)  # fmt: skip
    app.ui = app.printer = Counter()
    return app


async def refused_for_good(shop, i=-1):
    """Rounds until the host has refused what is owed for good."""
    while shop.saf.owes():
        shop.host.faults.insert(0, "code 05")
        await shop.saf._round()
    assert shop.states()[i] == "REJECTED"


async def test_i11_what_cannot_be_read_is_on_the_list_and_on_the_exception_report():
    """A supervisor gives up what is owed: it must be on the paper that he signs."""
    shop = offline_shop()
    app = services(shop)
    await offline_sale(shop, 100)
    await offline_sale(shop, 200)
    load = shop.journal.load

    def unreadable(i):
        if i == 0:
            raise FlashError("record", 1)
        return load(i)

    shop.journal.load = unreadable
    owed = list(app.problem_records(True))
    assert [(r.trace, r.amount) for r in owed] == [
        (shop.journal.trace(i), shop.journal.amount(i)) for i in shop.settlement.given_up()
    ]
    assert all(len(lists.entry(r)) == 2 for r in owed)
    assert [r.amount for r in app.records()] == [100, 200]
    assert app.load(0) is None  # and no receipt of it


async def test_f11_a_receipt_that_comes_out_during_an_upload_stays_printed():
    shop = offline_shop()
    result = await offline_sale(shop)
    app = services(shop)
    shop.host.faults = ["code 05"]
    shop.host.on_send = lambda mti: mti == "0220" and app.receipt_printed(result.txn)
    await shop.saf._round()
    assert shop.states() == ["UPLOADING"]
    assert not app.receipts_owed() and shop.reboot().journal.printed(0)


async def test_a_settlement_that_is_under_way_has_no_slip_yet():
    """It said that all details were at the host, and was then not owed any more."""
    shop = offline_shop()
    app = services(shop)
    await shop.sale(100)
    shop.host.booked[1, 999] = ["sale", 7, "approved"]
    shop.host.faults = ["", "lost", "lost"]
    assert (await araises(Refused, shop.settle())).args[0].why == types.SETTLE_UNKNOWN
    await printing.reprint_settlement(app)
    assert not app.printer.printed and app.ui.shown == [strings.problem("print.nothing")]
    await shop.settle()
    assert shop.settlement.slip_owed() is not None
    await printing.reprint_settlement(app)
    assert "DETAILS WERE UPLOADED" in app.printer.printed
    assert shop.settlement.slip_owed() is None


async def test_an_error_of_the_host_uploads_nothing_and_the_slip_does_not_say_so():
    s = Settled()
    for s.verdict in (UNBALANCED, ERROR):
        lines = [text for text, _ in lists.settlement(s, SETTINGS, [])]
        assert "DETAILS WERE UPLOADED" not in lines


async def test_i15_a_difference_is_explained_without_memory_for_each_record():
    """A thousand tickets of one price, and one of them is missing at the host."""

    class Many:
        asked = kept = 0

        def __len__(self):
            return 999

        def kind(self, i):
            return cup.SALE

        def load_whatever(self, i):
            t = Txn(cup.SALE, 300)
            t.trace, t.state = 999 - i, txn.APPROVED
            return t

    most = 0
    real, totals._suspicion = totals._suspicion, None

    def suspicion(*args):
        nonlocal most
        if args[0].trace % 100 == 0:
            gc.collect()
            most = max(most, gc.mem_alloc())
        return real(*args)

    totals._suspicion = suspicion
    try:
        gc.collect()
        before = gc.mem_alloc()
        found = await totals.explain(Many(), (999 * 300, 999, 0, 0), (998 * 300, 998, 0, 0))
    finally:
        totals._suspicion = real
    assert [line[0] for line in found] == list(range(1, 21))
    assert most - before < 10_000, most - before


async def test_the_total_of_the_list_is_the_total_of_the_settlement():
    shop = offline_shop()
    app = services(shop)
    await shop.sale(100)
    await offline_sale(shop, 700)
    await refused_for_good(shop)
    shop.host.faults = ["no answer"]
    await shop.sale(900)
    await flow_lists.details(app)
    assert len([line for line in app.printer.printed if "待冲正" in line or "被拒" in line]) == 2
    assert app.printer.printed[-1].split() == ["合计/TOTAL", "1", "1.00"]
    await flow_lists.fault_slip(app)
    assert "       9.00" in app.printer.printed[-1]  # the reversal alone


async def test_i5_a_batch_that_is_closed_without_the_host_is_on_paper_record_by_record():
    """Neither the host nor the terminal has it after that."""
    shop = offline_shop()
    app = services(shop)
    await shop.sale(100)
    await shop.sale(200)
    assert await flow_lists.exception_report(app, True)
    for i in range(2):
        assert [line for line in app.printer.printed if line.startswith(
            "%06d S" % shop.journal.trace(i))]  # fmt: skip
    app.printer.printed.clear()
    assert await flow_lists.exception_report(app, False)  # nothing is owed
    assert not [line for line in app.printer.printed if " S " in line]
