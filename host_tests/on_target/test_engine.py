# The engine: order of what is written, sent and told; every fault of a host; cancellation at every
# await.

import asyncio

from fakehost import FakeHost
from harness import araises, cancel_at, raises
from shop import Shop, device, new_shop

from app.host import cup
from app.pay import engine, txn, types
from app.pay.types import Refused
from app.store import records
from app.store.flashlog import FlashError

# ---- the table ----------------------------------------------------------------------------------


def test_every_pair_of_state_and_event_is_in_the_table_or_refused():
    events = [v for n, v in txn.__dict__.items() if n in (
        "BEGIN", "STORE", "APPROVE", "DECLINE", "NOT_SENT", "NO_ANSWER", "BAD_MAC", "FAULT",
        "NOT_COMPLETED", "POWER_CUT", "REVERSAL_SENDING", "REVERSAL_DONE", "UPLOAD_SENDING",
        "UPLOAD_DONE", "UPLOAD_REFUSED", "PARK", "CANCEL", "GIVE_UP", "VOID_APPROVED",
        "PRINT_DONE")]  # fmt: skip
    assert len(events) == 20
    allowed = 0
    pairs = [row[:2] for row in txn.TABLE]
    assert len(pairs) == len(set(pairs)) and txn.SENDING == records.SENDING
    for state in range(len(txn.NAMES)):
        for event in events:
            if (state, event) in pairs:
                allowed += 1
                after, actions = txn.step(state, event)
                assert 0 <= after < len(txn.NAMES)
            else:
                e = raises(txn.IllegalTransition, txn.step, state, event)
                assert e.args == (txn.NAMES[state], event)
    assert allowed == len(txn.TABLE)


def test_states_only_move_forward():
    """[I2] No way leads back: a state that was left is never entered again."""
    edges = {}
    for state, _, after, _ in txn.TABLE:
        if after != state:
            edges.setdefault(state, set()).add(after)

    def reachable(state, seen):
        for after in edges.get(state, ()):
            if after not in seen:
                seen.add(after)
                reachable(after, seen)
        return seen

    for state in edges:
        assert state not in reachable(state, set()), txn.NAMES[state]
    for state in txn.FINAL:
        assert not edges.get(state), txn.NAMES[state]


def test_whatever_ends_sending_is_written_and_what_is_unknown_is_owed():
    for state, event, after, actions in txn.TABLE:
        if state == txn.SENDING:
            assert txn.WRITE_OUTCOME in actions, event
            # the reason must be set before the outcome is written
            if after == txn.UNKNOWN:
                assert actions[0] in txn.REASONS and actions.index(txn.WRITE_OUTCOME) > 0, event
        elif event in (txn.BEGIN, txn.STORE):
            assert actions == (txn.WRITE_INTENT,)
        elif event in (txn.UPLOAD_DONE, txn.PARK):
            assert actions == (txn.WRITE_OUTCOME,)  # with what the host said
        elif after != state and actions:
            assert txn.WRITE_MARK in actions, event
        if event in (txn.REVERSAL_SENDING, txn.UPLOAD_SENDING):
            assert actions == (txn.COUNT_TRY, txn.WRITE_MARK), event  # counted before it is sent
    assert txn.SIGN_OFF in txn.step(txn.SENDING, txn.BAD_MAC)[1]


# ---- order --------------------------------------------------------------------------------------


async def test_intent_is_durable_before_the_first_byte_and_outcome_before_the_result():
    """[I1] Looked at in the flash at both moments."""
    shop = new_shop()
    seen = []
    shop.host.on_send = lambda mti: seen.append((mti, shop.on_flash()))
    result = await shop.sale()
    assert result.approved and result.code == "00"
    assert seen[-1] == ("0200", ["SENDING"])
    assert shop.on_flash() == ["APPROVED"]
    assert [m for m, _ in seen] == ["0800", "0200"]
    assert shop.stages == [types.CONNECTING, types.SIGNING_IN, types.SENDING]
    t = shop.journal.load(0)
    assert (t.amount, t.auth_code, t.response_code, t.pan_masked) == (
        1234,
        "000002",
        "00",
        "622500******0014",
    )
    assert shop.books_agree()


async def test_no_connection_leaves_no_trace():
    """[F2] Cut before connect: nothing was promised, nothing is owed."""
    shop = new_shop()
    trace = shop.journal.next_trace
    shop.host.faults = ["refuse"]
    result = await shop.sale()
    assert not result.approved and result.why == types.NO_HOST
    assert len(shop.journal) == 0 and shop.journal.next_trace == trace


async def test_declined_owes_nothing():
    """[F3] A decline is an end."""
    shop = new_shop()
    shop.host.codes[20000] = "51"
    result = await shop.sale(20000)
    assert (result.approved, result.code, result.why) == (False, "51", "")
    assert shop.states() == ["DECLINED"]
    assert shop.reversals.pending() is None
    assert shop.books_agree()


FAULTS = {
    "no answer": "98",
    "cut before": "98",
    "cut after": "98",
    "wrong mac": "A0",
    "wrong trace": "98",
    "late": "98",
    "garbage": "98",
}


async def test_every_fault_of_an_answer_owes_a_reversal_that_goes_before_the_next_sale():
    """[I4 I5 F2 F3] With the reason of the protocol."""
    for fault, reason in FAULTS.items():
        shop = new_shop()
        await shop.engine.sign_in("01", shop.stage)
        shop.host.faults = [fault]
        result = await shop.sale(5678)
        assert (result.approved, result.why) == (False, types.UNKNOWN_RESULT), fault
        assert shop.states() == ["UNKNOWN"], fault
        assert shop.journal.load(0).reason == reason, fault
        assert shop.reversals.pending() == (1, 5678), fault
        assert shop.journal.signed_on == (fault != "wrong mac"), fault
        n = len(shop.host.seen)
        result = await shop.sale(800)
        assert result.approved, fault
        assert shop.states() == ["REVERSED", "APPROVED"], fault
        sent = [m for m in shop.host.seen[n:] if m[0] != "0800"]
        assert sent[0] == ("0400", shop.journal.trace(0)), (fault, sent)
        assert sent[1][0] == "0200", (fault, sent)
        assert shop.books_agree(), fault


async def test_an_answer_that_comes_twice_counts_once():
    """[F3] The second one is passed over."""
    shop = new_shop()
    shop.host.faults = ["twice"]
    assert (await shop.sale(100)).approved
    assert (await shop.sale(200)).approved
    assert shop.states() == ["APPROVED", "APPROVED"]
    assert shop.books_agree()


async def test_a_refused_reversal_is_kept_and_blocks_sales():
    """[I5 F3] Over a reboot too, with its tries."""
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    shop.host.faults = ["no answer", "no answer", "no answer"]
    await shop.sale(100)
    result = await shop.sale(200)
    assert result.why == types.REVERSAL_OWED and result.txn is None
    assert shop.states() == ["UNKNOWN"]
    assert shop.journal.load(0).tries == 2
    again = shop.reboot()
    assert again.states() == ["UNKNOWN"] and again.journal.load(0).tries == 2
    assert (await again.sale(200)).approved
    assert again.states() == ["REVERSED", "APPROVED"]
    assert again.books_agree()


async def test_a_host_that_wants_a_sign_in_gets_it_and_the_sale_goes_on_under_a_new_number():
    """[F3] 77, 99, A0: sign in, then a new request."""
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    shop.host.faults = ["sign in"]
    result = await shop.sale(100)
    assert result.approved
    assert shop.states() == ["DECLINED", "APPROVED"]
    assert shop.host.sign_ins == 2
    assert shop.journal.trace(0) != shop.journal.trace(1)
    assert shop.books_agree()


async def test_asked_twice_for_a_sign_in_the_terminal_gives_up():
    shop = new_shop()
    shop.host.faults = ["sign in", "sign in"]
    result = await shop.sale(100)
    assert (result.approved, result.code) == (False, "77")
    assert shop.states() == ["DECLINED", "DECLINED"]


async def test_amounts_out_of_range_are_refused():
    shop = new_shop()
    for amount in (0, -1, 5_000_001):
        result = await shop.sale(amount)
        assert result.why == types.AMOUNT
    assert not shop.host.seen


async def test_without_a_master_key_nothing_is_sent():
    shop = new_shop()
    shop.vault.slots.clear()
    result = await shop.sale()
    assert result.why == types.NO_MASTER_KEY
    assert not shop.host.seen


async def test_lost_working_keys_lead_to_a_sign_in():
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    shop.vault.put(PIK=None, MAK=None, TDK=None)
    assert (await shop.sale()).approved
    assert shop.host.sign_ins == 2


# ---- void ---------------------------------------------------------------------------------------


async def test_void_voids_once_and_only_what_it_may():
    """[I6] A void needs its sale."""
    shop = new_shop()
    sale = (await shop.sale(1234)).txn
    assert (await shop.void(sale.trace)).approved
    assert shop.states() == ["VOIDED", "APPROVED"]
    assert shop.reboot().states() == ["VOIDED", "APPROVED"]
    for trace, why in (
        (sale.trace, types.NOT_VOIDABLE),
        (sale.trace + 1, types.NOT_VOIDABLE),
        (999, types.NOT_FOUND),
    ):
        e = raises(Refused, shop.engine.find_voidable, trace)
        assert e.args[0].why == why
    assert shop.books_agree()


async def test_a_void_without_an_answer_is_reversed_and_the_sale_stands():
    """[I4] Both change in one commit or not at all."""
    shop = new_shop()
    sale = (await shop.sale(1234)).txn
    shop.host.faults = ["cut after"]
    assert (await shop.void(sale.trace)).why == types.UNKNOWN_RESULT
    assert shop.states() == ["APPROVED", "UNKNOWN"]
    assert (await shop.sale(100)).approved
    assert shop.states() == ["APPROVED", "REVERSED", "APPROVED"]
    assert shop.books_agree()
    assert (await shop.void(sale.trace)).approved
    assert shop.books_agree()


async def test_a_void_needs_the_card_of_the_sale():
    from app.pay.card import Card

    shop = new_shop()
    sale = (await shop.sale(1234)).txn
    other = Card(bytearray(b"6224242900000113=30121010000000000"))
    original = shop.engine.find_voidable(sale.trace)
    result = await shop.engine.void(original, other, None, "01", shop.stage)
    assert result.why == types.CARD_DIFFERS


# ---- settlement ---------------------------------------------------------------------------------


async def test_settlement_balances_closes_and_signs_off():
    shop = new_shop()
    sale = (await shop.sale(1234)).txn
    await shop.sale(800)
    await shop.void(sale.trace)
    s = await shop.settle()
    assert s.balanced and s.own == (2034, 2, 1234, 1) == s.host
    assert (len(shop.journal), shop.journal.batch, shop.journal.signed_on) == (0, 2, False)
    assert shop.reboot().settlement.slip_owed().own == s.own
    assert (await shop.sale(100)).approved
    assert shop.journal.batch == 2


async def test_settlement_reverses_first_and_an_empty_batch_is_refused():
    """[I5] The queue is empty before the totals go out."""
    shop = new_shop()
    e = await araises(Refused, shop.settle())
    assert e.args[0].why == types.EMPTY
    shop.host.faults = ["cut after"]
    await shop.sale(100)
    s = await shop.settle()
    assert s.balanced and s.own == (0, 0, 0, 0)


async def test_unbalanced_totals_upload_the_batch_and_then_close_it():
    shop = new_shop()
    await shop.sale(100)
    shop.host.booked[1, 77] = ["sale", 5000, "approved"]
    s = await shop.settle()
    assert not s.balanced and s.own == (100, 1, 0, 0) and s.host == (5100, 2, 0, 0)
    assert shop.host.uploads == {(1, s.trace - 1): "match"}
    assert len(shop.journal) == 0 and shop.journal.batch == 2 and shop.host.batch == 2
    assert shop.reboot().settlement.last().closed and not shop.host.violations


async def test_a_settlement_whose_answer_is_lost_can_be_done_again():
    """[F2] Also after a reboot; nothing is sold in between."""
    shop = new_shop()
    await shop.sale(100)
    shop.host.faults = ["cut after"]
    e = await araises(Refused, shop.settle())
    assert e.args[0].why == types.SETTLE_UNKNOWN
    assert len(shop.journal) == 1
    for again in (shop, shop.reboot()):
        assert again.settlement.unfinished()
        assert (await again.sale(100)).why == types.SETTLE_FIRST
    s = await again.settle()
    assert s.balanced and again.journal.batch == 2
    assert not again.settlement.unfinished()
    assert (await again.sale(100)).approved


# ---- flash that fails ---------------------------------------------------------------------------


async def test_an_intent_that_cannot_be_written_is_not_sent():
    """[I1 I11 F8] Flash fault before the first byte."""
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    shop.journal._log.append = _fails
    result = await shop.sale()
    assert result.why == types.FLASH
    assert [m for m, _ in shop.host.seen] == ["0800"]


def _fails(kind, payload, spare=False):
    raise FlashError("program", 0)


async def test_an_approval_that_cannot_be_written_is_none_and_is_reversed():
    """[I1 F8] It is not shown."""
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    append = shop.journal._log.append

    def after_the_intent(kind, payload, spare=False):
        if kind != 1:
            raise FlashError("program", 0)
        return append(kind, payload, spare)

    shop.journal._log.append = after_the_intent
    result = await shop.sale(1234)
    assert (result.approved, result.why) == (False, types.UNKNOWN_RESULT)
    assert shop.states() == ["UNKNOWN"]
    shop.journal._log.append = append
    assert (await shop.sale(100)).approved
    assert shop.states() == ["REVERSED", "APPROVED"]
    assert shop.books_agree()


# ---- cancellation -------------------------------------------------------------------------------


async def test_a_sale_can_be_cancelled_at_any_moment():
    """[I4] Every 10 ms of the way: what reached the host is owed a reversal, what did not is no
    transaction; the link is closed, the lock is free."""
    ended = cancelled = owed = 0
    for ms in range(5, 800, 10):
        _, dev = device()
        shop = Shop(dev).boot()
        if await cancel_at(ms, shop.sale):
            ended += 1
        else:
            cancelled += 1
        assert not shop.engine.lock.locked(), ms
        assert not shop.host.connected, ms
        states = shop.states()
        assert states in ([], ["UNKNOWN"], ["APPROVED"]), (ms, states)
        owed += states == ["UNKNOWN"]
        assert shop.on_flash() == states, ms
        assert (await shop.sale(100)).approved, ms
        assert shop.books_agree(), ms
    print("%d cancelled (%d of them owed a reversal), %d had ended" % (cancelled, owed, ended))
    assert cancelled > 20 and owed > 5 and ended > 5


async def test_a_settlement_can_be_cancelled_at_any_moment():
    for ms in range(5, 700, 25):
        _, dev = device()
        shop = Shop(dev, FakeHost()).boot()
        await shop.sale(100)
        await cancel_at(ms, shop.settle)
        assert not shop.engine.lock.locked(), ms
        shop = shop.reboot()
        if len(shop.journal):
            assert (await shop.settle()).balanced, ms
        assert shop.journal.batch == 2 == shop.host.batch, ms


async def test_two_requests_at_once_come_one_after_the_other():
    shop = new_shop()
    results = await asyncio.gather(shop.sale(100), shop.sale(200))
    assert [r.approved for r in results] == [True, True]
    assert shop.books_agree()


def test_kinds_are_what_flash_holds():
    assert (cup.SALE, cup.VOID) == (1, 2)
    assert (txn.SENDING, txn.APPROVED, txn.UNKNOWN, txn.VOIDED) == (1, 2, 4, 10)
    assert engine.apply is not None


# ---- what the end-to-end fault matrix found -----------------------------------------------------


async def test_a_void_that_is_sent_again_after_a_sign_in_still_voids_its_sale():
    shop = new_shop()
    sale = (await shop.sale()).txn
    shop.host.faults = ["sign in"]
    result = await shop.void(sale.trace)
    assert result.approved
    assert shop.states() == ["VOIDED", "DECLINED", "APPROVED"]
    assert shop.books_agree()
    assert shop.on_flash() == shop.states()


async def test_a_sign_in_without_an_answer_is_done_again_before_the_next_sale():
    shop = new_shop()
    await shop.engine.sign_in("01", shop.stage)
    assert shop.journal.signed_on
    answer, shop.host._answer = shop.host._answer, lambda *args: None
    result = await shop.engine.sign_in("01", shop.stage)
    assert result.why == types.NO_HOST
    assert not shop.journal.signed_on
    shop.host._answer = answer
    n = shop.host.sign_ins
    assert (await shop.sale()).approved
    assert shop.host.sign_ins == n + 1
