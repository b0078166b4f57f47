# Every await of a round, of an upload and of a settlement can be cancelled, and what the terminal
# failed to complete is taken back.

import asyncio

import shop as _shop
from fakehost import FakeHost
from harness import cancel_at
from shop import Shop, device

from app.host import cup
from app.pay import engine, txn, types
from app.pay.types import Refused
from app.store.flashlog import FlashError

_shop.SETTINGS.update({"offline_count_max": 100, "offline_txn_max": 20_000,
                       "offline_total_max": 900_000})  # fmt: skip


def new_shop():
    return Shop(device()[1], FakeHost()).boot()


async def owing(amounts=(100, 200, 300)):
    """A shop with an answer lost and offline sales stored."""
    s = new_shop()
    await s.engine.sign_in("01", s.stage)
    s.host.faults = ["no answer"]
    await s.sale(50)
    for amount in amounts:
        s.host.faults = ["refuse"]
        assert (await s.sale(amount)).approved
    s.host.faults = []
    return s


async def drained(s):
    for _ in range(20):
        if not s.saf.owes():
            break
        s.idle()
        await s.saf._round()
    assert sorted(e[1] for e in s.host.booked.values() if e[2] == "approved") == [100, 200, 300]
    assert not s.host.violations, s.host.violations


async def test_a_round_can_be_cancelled_at_any_moment():
    """[I3 I4 F1] The lock is free afterwards; the rest goes out, marked where it was sent."""
    early = 0
    for ms in range(0, 1200, 15):
        s = await owing()
        early += not await cancel_at(ms, s.saf._round)
        assert not s.engine.busy and not s.host.connected, ms
        await drained(s.reboot() if ms & 1 else s)
    assert early > 40


async def test_upload_now_can_be_cancelled_at_any_moment():
    early = 0
    for ms in range(0, 1200, 45):
        s = await owing()
        early += not await cancel_at(ms, lambda s=s: s.saf.upload_now("01", s.stage))
        assert not s.engine.busy, ms
        await drained(s)
    assert early > 10


async def test_an_unbalanced_settlement_can_be_cancelled_at_any_moment():
    """[F2 I2] Totals, details, notices, end: it goes on where it was."""
    early = 0
    for ms in range(0, 1400, 35):
        s = await owing()
        await drained(s)
        for amount in range(401, 411):
            s.idle()
            assert (await s.sale(amount)).approved
        s.host.booked[1, 999] = ["sale", 7, "approved"]
        done = await cancel_at(ms, lambda s=s: s.settle())
        early += not done
        s = s.reboot()
        if s.journal.batch == 1:
            await s.settle()
        assert s.journal.batch == s.host.batch == 2, ms
        assert len(s.host.uploads) == 13 and not s.host.violations, (ms, s.host.violations)
        assert set(s.host.uploads.values()) == {"match"}
    assert early > 20


async def test_an_answer_that_the_terminal_could_not_take_in_is_reversed_with_reason_06():
    """[I4] The host answered, the transaction was not completed: nobody is told approved."""
    s = new_shop()
    take = engine.take_answer

    def interrupted(t, fields):
        raise asyncio.CancelledError

    engine.take_answer = interrupted
    try:
        await s.sale(100)
        raise AssertionError("it was completed")
    except asyncio.CancelledError:
        pass
    finally:
        engine.take_answer = take
    assert s.states() == ["UNKNOWN"] and s.journal.load(0).reason == txn.REASON_06
    assert (await s.sale(200)).approved and s.states() == ["REVERSED", "APPROVED"]
    assert not s.host.violations


async def test_a_round_that_meets_a_broken_flash_ends_and_comes_back_later():
    """[I11 F8] Neither a crash nor a busy loop."""
    s = await owing()

    def broken(kind, payload, spare=False):
        raise FlashError("program", 0)

    append, s.journal._log.append = s.journal._log.append, broken
    s.session.sign_off = lambda: None
    s.journal.signed_on = False  # a sign-in needs a number, which cannot be written
    await s.saf._round()
    assert not s.engine.busy and s.saf.owes()
    assert (await s.saf.upload_now("01", s.stage)).why == types.FLASH
    s.journal._log.append = append
    await drained(s)


async def test_a_supervisor_cannot_give_up_what_the_flash_will_not_forget():
    s = await owing()

    def broken(kind, payload, spare=False):
        raise FlashError("program", 0)

    append, s.journal._log.append = s.journal._log.append, broken
    try:
        await s.settlement.override("01", types.UPLOAD_OWED)
        raise AssertionError("it was given up")
    except Refused as e:
        assert e.args[0].why == types.FLASH
    s.journal._log.append = append
    s = s.reboot()
    assert len(s.settlement.given_up()) == 4
    await drained(s)


async def test_a_host_that_wants_a_sign_in_for_each_advice_ends_the_round():
    """[F3] Once more after a sign-in, then later."""
    s = await owing()
    s.host.schedule = lambda mti, kind, key: "sign in" if kind == "offline" else ""
    await s.saf._round()
    sent = [m[0] for m in s.host.seen if m[0][:3] == "022"]
    assert sent == ["0220", "0221"] and s.states().count("STORED") == 2
    s.host.schedule = None
    await drained(s)


async def test_an_upload_message_that_wants_a_sign_in_gets_it():
    """[F3 F10] In the middle of a batch upload."""
    s = new_shop()
    for amount in range(401, 411):
        s.idle()
        await s.sale(amount)
    s.host.booked[1, 999] = ["sale", 7, "approved"]
    s.host.faults = ["", "", "code 77"]
    n = s.host.sign_ins
    assert not (await s.settle()).balanced
    assert s.host.sign_ins == n + 1 and s.host.batch == 2
    assert len(s.host.uploads) == 10 and not s.host.violations


async def test_a_void_without_its_card_is_uploaded_with_the_card_of_its_sale():
    """What the host compares is the number; one that was lost goes out as zeros, not at all it
    would be missing."""
    s = new_shop()
    await s.sale(100)
    original = s.engine.find_voidable(s.journal.trace(0))
    s.idle()
    assert (await s.engine.void(original, None, None, "01", s.stage)).approved
    s.host.booked[1, 999] = ["sale", 7, "approved"]
    seen = []
    receive = s.host._receive

    def spy(mti, fields):
        if mti == "0320" and fields[60][8:11] == "201":
            seen.append(fields[48])
        receive(mti, fields)

    s.host._receive = spy
    await s.settle()
    assert seen[0][:2] == "02" and seen[0].count("00006225000000000014") == 2
    s = new_shop()
    await s.sale(100)
    s.vault.slots["SAF"] = None
    s.host.booked[1, 999] = ["sale", 7, "approved"]
    await s.settle()
    assert s.host.batch == 2 and cup.DETAILS_MAX == 8
