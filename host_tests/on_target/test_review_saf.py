# Faults that a hostile reading of store and forward found: each with the story that showed it.

import asyncio
import gc

from fakehost import SETTINGS, FakeHost
from harness import araises
from shop import Shop, device

from app.host import cup
from app.kernel.supervisor import ONESHOT, Supervisor
from app.pay import totals, txn, types
from app.pay.settlement import ERROR, UNBALANCED, Settled
from app.pay.types import Refused
from app.services import App
from app.store.flashlog import FlashError
from app.store.records import Txn
from app.text import strings
from app.ui import lists
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


async def test_a_round_that_a_customer_cancels_before_it_has_begun_is_not_the_last_one():
    """[F4] Nothing would be uploaded any more until the next power cycle."""
    supervisor = Supervisor(lambda why: None)
    shop = offline_shop(spawn=lambda f: supervisor.spawn("round", f, ONESHOT).task)
    await offline_sale(shop)
    shop.saf.kick()
    rounds = asyncio.create_task(shop.saf.run())
    while shop.saf._round_task is None:
        await asyncio.sleep_ms(0)
    async with shop.engine.turn:  # a flow that was ready to run in the same pass of the loop
        assert not shop.host.connected
    await asyncio.sleep_ms(30_000)
    rounds.cancel()
    assert shop.states() == ["UPLOADED"] and not shop.host.violations


async def refused_for_good(shop, i=-1):
    """Rounds until the host has refused what is owed for good."""
    while shop.saf.owes():
        shop.host.faults.insert(0, "code 05")
        await shop.saf._round()
    assert shop.states()[i] == "REJECTED"


async def test_i6_a_refused_sale_is_not_forgotten_because_the_host_is_in_another_batch():
    """The goods are gone: the refused list and the slip are all that the shop has of it."""
    shop = offline_shop()
    await offline_sale(shop, 700)
    await refused_for_good(shop)
    shop.host.batch = 7
    shop.session.sign_off()
    assert (await shop.sale(100)).why == types.BATCH_DIFFERS
    assert shop.states() == shop.reboot().states() == ["REJECTED"]
    s = await shop.settle()
    assert [row for row in s.rows if row[0] == totals.STATE] == [(totals.STATE, "9", 1, 700)]
    assert (await shop.sale(100)).approved and shop.journal.batch == 7


async def test_i12_records_of_newer_firmware_are_not_forgotten_with_the_batch():
    shop = offline_shop()
    await shop.engine.sign_in("01", shop.stage)
    shop.journal._newer.append(512)  # all that the boot has kept of one
    assert not shop.journal.set_signed_on(True, 7)
    assert shop.journal.batch == 1 and shop.journal.newer() == 1


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


class Terse(FakeHost):
    """Has every advice already, and says no more than that: a decline needs no F37."""

    def _offline(self, mti, fields, key):
        FakeHost._offline(self, mti, fields, key)
        return "94", self.number, None

    def _deliver(self, mti, answer, fault, signed):
        if mti[:3] == "022":
            answer.pop(37)
        FakeHost._deliver(self, mti, answer, fault, signed)


async def test_a_sale_of_which_the_host_gave_no_reference_can_be_voided():
    """[F3] 94 without F37. The void names its original by batch and trace; without a word to the
    host it failed as "no connection", for ever."""
    shop = offline_shop(host=Terse())
    await offline_sale(shop)
    await shop.saf._round()
    assert shop.states() == ["UPLOADED"] and shop.journal.load(0).rrn == ""
    sent = len(shop.host.seen)
    result = await shop.void(shop.journal.trace(0))
    assert [mti for mti, _ in shop.host.seen[sent:]] == ["0200"]
    assert result.code == "30", result.why  # what the model says to a void without F37


async def test_a_sale_that_the_host_has_refused_once_is_to_be_voided_later():
    shop = offline_shop()
    await offline_sale(shop)
    shop.host.faults = ["code 05"]
    await shop.saf._round()
    assert shop.states() == ["UPLOADING"]
    shop.host.faults = ["code 05"]
    assert (await shop.void(shop.journal.trace(0))).why == types.UPLOAD_FIRST
    assert (await shop.void(shop.journal.trace(0))).approved and shop.books_agree()


async def test_f11_a_receipt_that_comes_out_during_an_upload_stays_printed():
    shop = offline_shop()
    result = await offline_sale(shop)
    app = services(shop)
    shop.host.faults = ["code 05"]
    shop.host.on_send = lambda mti: mti == "0220" and app.receipt_printed(result.txn)
    await shop.saf._round()
    assert shop.states() == ["UPLOADING"]
    assert not app.receipts_owed() and shop.reboot().journal.printed(0)


async def test_nothing_is_sent_while_a_supervisor_gives_it_up():
    """What is on the exception report is booked by hand: uploaded as well it is booked twice."""
    shop = offline_shop(spawn=lambda f: asyncio.create_task(f()))
    await offline_sale(shop)
    rounds = asyncio.create_task(shop.saf.run())
    shop.saf.kick()
    shop.saf.hold(True)
    await asyncio.sleep_ms(600_000)  # the report is printed, paper is looked for
    assert shop.states() == ["STORED"]
    assert await shop.settlement.override("01", types.UPLOAD_OWED) is None
    shop.saf.hold(False)
    await asyncio.sleep_ms(600_000)
    rounds.cancel()
    assert shop.states() == ["EXPIRED"] and not shop.host.booked


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
