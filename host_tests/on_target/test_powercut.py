# A shop's day, cut at every flash operation: afterwards the books agree, nothing is lost and
# nothing is charged twice.

import asyncio
import gc

from fakehost import FakeHost
from harness import flash
from shop import Shop

from app.pay import types
from models.nor import PowerCut


async def day(shop):
    """Sign-in, sale, a sale whose answer is lost, the reversal before the next sale, a void, a
    settlement, and the first sale of the next batch."""
    sale = await shop.sale(1234)
    shop.host.faults = ["cut after"]
    await shop.sale(5678)
    await shop.sale(800)
    await shop.void(sale.txn.trace)
    shop.idle()
    s = await shop.settle()
    shop.settlement.slip_printed(s)
    await shop.sale(900)


def run(coroutine):
    """True when it ended, False when the power was cut."""
    try:
        asyncio.run(coroutine)
        return True
    except PowerCut:
        asyncio.new_event_loop()
        return False


async def afterwards(shop):
    """What a cashier does after the power is back: a sale, which first puts right what is owed."""
    shop.host.faults = []
    if shop.settlement.unfinished():
        assert (await shop.sale(77)).why == types.SETTLE_FIRST
        assert (await shop.settle()).balanced
    result = await shop.sale(77)
    assert result.approved, (result.why, result.code, shop.states())


def check(shop, where):
    states = shop.states()
    assert "SENDING" not in states, where
    assert shop.books_agree(), (where, states, shop.host.booked)


def once(cut, torn):
    """One day with a cut; True when the cut was reached."""
    nor, dev = flash(512, 24)
    shop = Shop(dev, FakeHost()).boot()
    first = nor.ops
    if cut is not None:
        nor.cut_at(first + cut, torn, seed=cut)
    if run(day(shop)):
        return nor.ops - first
    nor.power_on()
    shop = shop.reboot()
    shop.idle()
    assert run(afterwards(shop))
    check(shop, (cut, torn))
    settled = []

    async def settle():
        settled.append(await shop.settle())

    assert run(settle())
    assert settled[0].balanced, (cut, torn, settled[0].own, settled[0].host)
    return None


def test_power_cut_at_every_flash_operation_of_a_day():
    """[I1 I2 I4 F1] The books agree after each."""
    operations = once(None, 0)
    cuts = 0
    for cut in range(operations):
        for torn in (0, 0.5, "random", 1):
            assert once(cut, torn) is None, cut
            cuts += 1
        gc.collect()
    print("%d operations, %d cuts, books agree after each" % (operations, cuts))
    assert operations >= 20


def test_power_cut_at_every_moment_between_flash_operations():
    """[I1 I4 F1] The other cuts: at any time of the day, between any two bytes on the wire."""
    moments = 0
    for ms in range(20, 2600, 60):
        nor, dev = flash(512, 24)
        shop = Shop(dev, FakeHost()).boot()

        async def until_the_cut(shop=shop, nor=nor, ms=ms):
            task = asyncio.create_task(day(shop))
            await asyncio.sleep_ms(ms)
            if task.done():
                return
            # Cancelling would give the firmware a chance to write: a cut does not.
            nor.power_off()
            raise PowerCut("at %d ms" % ms)

        if run(until_the_cut()):
            break
        moments += 1
        nor.power_on()
        shop = shop.reboot()
        shop.idle()
        assert run(afterwards(shop))
        check(shop, ms)
        gc.collect()
    print("%d moments, books agree after each" % moments)
    assert moments > 20


# ---- negative control ---------------------------------------------------------------------------


class SendsFirst(Shop):
    """A terminal as some in the field are: it writes the intent only after sending."""

    def __init__(self, dev, host=None, vault=None):
        Shop.__init__(self, dev, host, vault)
        journal = self.journal
        append = journal._log.append
        late = []

        def begin(t, seal=None):
            # Numbers and index as always, but the record itself waits.
            journal._log.append = lambda kind, payload, spare=False: 0
            try:
                i = type(journal).begin(journal, t, seal)
            finally:
                journal._log.append = append
            late.append((i, t))
            return i

        def finish(t):
            from app.store import records

            for i, u in late:
                journal._base[i] = append(1, records.encode_intent(u)) >> 4
            late.clear()
            type(journal).finish(journal, t)

        journal.begin = begin
        journal.finish = finish


def test_the_cut_between_sending_and_writing_is_seen():
    """The same check finds the classic mistake: a sale that only the host remembers."""
    caught = False
    for ms in range(200, 500, 10):
        nor, dev = flash(512, 24)
        shop = SendsFirst(dev, FakeHost()).boot()

        async def until_the_cut(shop=shop, nor=nor, ms=ms):
            task = asyncio.create_task(shop.sale(1234))
            await asyncio.sleep_ms(ms)
            if not task.done():
                nor.power_off()
                raise PowerCut("cut")

        if run(until_the_cut()):
            continue
        nor.power_on()
        shop = Shop(dev, shop.host, shop.vault).boot()
        shop.idle()
        try:
            run(afterwards(shop))
        except AssertionError:
            caught = True  # the number was used before: the host refuses it
        caught = caught or not shop.books_agree()
        if caught:
            break
    assert caught
