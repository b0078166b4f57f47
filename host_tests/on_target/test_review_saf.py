# Faults that a hostile reading of store and forward found: each with the story that showed it.

import asyncio

import harness
from fakehost import SETTINGS, FakeHost
from shop import Shop, device

from app.kernel.supervisor import ONESHOT, Supervisor
from app.pay import limits, totals, types
from app.pay.card import Card

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


async def refused_for_good(shop, i=-1):
    """Rounds until the host has refused what is owed for good."""
    while shop.saf.owes():
        shop.host.faults.insert(0, "code 05")
        await shop.saf._round()
    assert shop.states()[i] == "REJECTED"


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


async def test_i11_a_record_that_the_flash_has_lost_is_told_at_the_boot():
    """A sale that is gone from the books without a trace would be missed by nobody."""
    shop = offline_shop()
    for amount in (100, 200, 300):
        await offline_sale(shop, amount)
    n = len(shop.journal)
    place = shop.journal._base[1] << 4
    harness._cells[place + 20] ^= 0x10  # a cell that has lost its charge
    again = shop.reboot()
    assert len(again.journal) == n - 1 and again.owed.unreadable == 1


def test_the_service_code_for_cash_is_not_taken_for_goods():
    for code, taken in ((b"101", True), (b"104", False), (b"103", False), (b"100", False)):
        c = Card(bytearray(b"6225000000000014=3012" + code + b"0000000000"))
        assert limits.card_allowed(c, "") == taken, code
        assert limits.card_allowed(c, "9,62250000000000140,") is False
        assert limits.card_allowed(c, "9,6225000000000014") == taken
