# Faults that a hostile reading of store and forward found: each with the story that showed it.

import asyncio

from fakehost import SETTINGS
from shop import Shop, device

from app.kernel.supervisor import ONESHOT, Supervisor
from app.pay import totals, types
from app.services import App
from app.store.flashlog import FlashError
from app.ui import lists

SETTINGS["offline_count_max"] = 30


def offline_shop(**options):
    _, dev = device()
    return Shop(dev, **options).boot()


async def offline_sale(shop, amount=100):
    """A sale while the host is away; its Result."""
    shop.host.faults.insert(0, "refuse")
    result = await shop.sale(amount)
    assert result.approved
    return result


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
    app = App(SETTINGS, None, shop.journal, shop.session, shop.engine, shop.reversals,
              shop.settlement, shop.saf, shop.link)  # fmt: skip
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
