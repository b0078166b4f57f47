# Faults that a hostile reading of store and forward found: each with the story that showed it.

import asyncio

from fakehost import SETTINGS
from shop import Shop, device

from app.kernel.supervisor import ONESHOT, Supervisor

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
