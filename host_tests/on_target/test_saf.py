# Store and forward against the acquirer model: classes, order, repeats, parking, rounds.

import asyncio

import shop as _shop
from fakehost import FakeHost
from harness import araises, raises, until
from shop import Shop, device

from app.host import cup
from app.host.cardstore import CardStoreError
from app.pay import retry, txn, types
from app.pay.types import Refused

_shop.SETTINGS.update({"offline_count_max": 100, "offline_txn_max": 20_000,
                       "offline_total_max": 900_000, "offline_age_max_h": 24,
                       "uploads_per_round": 5})  # fmt: skip


def new_shop(host=None):
    return Shop(device()[1], host or FakeHost()).boot()


async def stored(s, *amounts):
    """Offline sales of these amounts; the host is then there again. Their trace numbers."""
    out = []
    for amount in amounts:
        s.host.faults = ["refuse"]
        r = await s.sale(amount)
        assert r.approved and r.txn.kind == cup.OFFLINE, (r.why, r.code)
        out.append(r.txn.trace)
    s.host.faults = []
    return out


async def drain(s, rounds=50):
    """Rounds until nothing is owed."""
    for _ in range(rounds):
        if not s.saf.owes():
            return
        s.idle()
        await s.saf._round()
    raise AssertionError("still owed: %s" % s.states())


def money(s):
    return sorted(e[1] for e in s.host.booked.values() if e[2] == "approved")


# ---- keys, repeats ------------------------------------------------------------------------------


async def test_an_advice_has_one_key_from_its_creation_on():
    """[I3 I4 F2] Lost requests, lost answers, cuts: the same number each time, marked from the
    second send on, booked once."""
    s = new_shop()
    (trace,) = await stored(s, 700)
    await s.engine.sign_in("01", s.stage)
    for fault in ("lost", "no answer", "cut before", "cut after", "wrong trace", "garbage"):
        s.host.faults = [fault]
        await s.saf._round()
        assert s.states() == ["UPLOADING"], fault
        s = s.reboot()
    await drain(s)
    sent = [m for m in s.host.seen if m[0][:3] == "022"]
    assert sent == [("0220", trace)] + [("0221", trace)] * 6
    assert money(s) == [700] and s.states() == ["UPLOADED"] and not s.host.violations


async def test_the_mark_is_there_after_a_power_cut_in_the_middle_of_the_send():
    """[I1 I3 F1] The send is counted before its first byte goes out."""
    s = new_shop()
    await stored(s, 700)
    await s.engine.sign_in("01", s.stage)
    seen = []
    s.host.on_send = lambda mti: seen.append((mti, s.on_flash()))
    s.host.faults = ["lost"]
    await s.saf._round()
    assert seen == [("0220", ["UPLOADING"])]
    s.host.on_send = None
    s = s.reboot()
    await drain(s)
    assert [m[0] for m in s.host.seen if m[0][:3] == "022"] == ["0220", "0221"]


async def test_a_duplicate_answer_counts_as_uploaded():
    """[I4 F3] 94: the host has it."""
    s = new_shop()
    await stored(s, 700)
    s.host.faults = ["code 94"]
    await drain(s)
    assert s.states() == ["UPLOADED"] and s.journal.load(0).response_code == "94"


async def test_reversals_are_marked_from_the_second_send_on_also_after_a_reboot():
    """[I3 F2] And their number is the original's."""
    s = new_shop()
    await s.engine.sign_in("01", s.stage)
    s.host.faults = ["no answer", "lost", "no answer"]
    await s.sale(100)
    await s.saf._round()
    s = s.reboot()
    await s.saf._round()
    await drain(s)
    sent = [m[0] for m in s.host.seen if m[0][:3] == "040"]
    assert sent == ["0400", "0401", "0401"] and s.states() == ["REVERSED"]
    assert not s.host.violations and not money(s)


# ---- order --------------------------------------------------------------------------------------


async def test_reversals_go_before_advices_and_those_before_notices():
    """[I5] Classes in order, each oldest first."""
    s = new_shop()
    a, b = await stored(s, 100, 200)
    # Two sales whose answers are lost; the second after the first was reversed and so on
    s.host.faults = ["no answer", "lost", "lost"]
    r = await s.sale(300)
    assert r.why == types.UNKNOWN_RESULT
    (c,) = await stored(s, 400)
    s.session.status_wanted = True
    del s.host.seen[:]
    await drain(s)
    assert [m for m in s.host.seen if m[0] != "0800"] == [
        ("0400", r.txn.trace), ("0220", a), ("0220", b), ("0220", c), ("0820", 0)
    ]  # fmt: skip
    assert s.host.statuses == 1 and not s.session.status_wanted and money(s) == [100, 200, 400]


async def test_nothing_is_uploaded_while_a_reversal_is_owed():
    """[I5] A reversal that the host refuses keeps everything behind it."""
    s = new_shop()
    await stored(s, 100)
    s.host.faults = ["no answer"]
    await s.sale(300)
    s.host.faults = ["code 96"] * 3
    for _ in range(3):
        await s.saf._round()
    assert s.states() == ["STORED", "UNKNOWN"]
    assert not [m for m in s.host.seen if m[0] == "0220"]
    assert (await s.sale(50)).why in ("", types.REVERSAL_OWED)
    await drain(s)
    assert s.states()[:2] == ["UPLOADED", "REVERSED"]


async def test_after_the_last_try_of_a_reversal_the_policy_decides():
    """[I5] Block, or offline only; never delete."""
    for policy, approved in (("block", False), ("offline", True)):
        _shop.SETTINGS["reversal_policy"] = policy
        s = new_shop()
        await s.engine.sign_in("01", s.stage)
        s.host.faults = ["no answer"] + ["code 96"] * 20
        await s.sale(300)
        r = await s.sale(50)
        assert r.approved == approved, policy
        assert r.why == ("" if approved else types.REVERSAL_OWED)
        assert s.reboot().states()[0] == "UNKNOWN"
        s.host.faults = []
        assert (await s.sale(60)).approved  # the host takes it at last
        assert s.states()[0] == "REVERSED"
    _shop.SETTINGS["reversal_policy"] = "block"


async def test_a_void_of_a_stored_sale_never_reaches_the_host():
    """[I6] Nothing was sent: nothing need be."""
    s = new_shop()
    (trace,) = await stored(s, 700)
    r = await s.void(trace)
    assert r.approved and r.txn.state == txn.CANCELLED and s.states() == ["CANCELLED"]
    assert not s.host.seen
    e = raises(Refused, s.engine.find_voidable, trace)
    assert e.args[0].why == types.NOT_VOIDABLE
    assert s.reboot().states() == ["CANCELLED"] and not s.saf.owes()


async def test_a_void_of_a_sale_that_is_on_its_way_goes_behind_it():
    """[I6] First the advice, then the void."""
    s = new_shop()
    other, trace = await stored(s, 600, 700)
    await s.engine.sign_in("01", s.stage)
    s.host.faults = ["", "no answer"]
    await s.saf._round()
    assert s.states() == ["UPLOADED", "UPLOADING"]
    del s.host.seen[:]
    r = await s.void(trace)
    assert r.approved and [m[0] for m in s.host.seen] == ["0221", "0200"]
    assert s.states() == ["UPLOADED", "VOIDED", "APPROVED"] and money(s)[:1] == [600]
    assert not s.host.violations
    (trace,) = await stored(s, 800)
    s.host.faults = ["no answer"]
    await s.saf._round()
    s.host.faults = ["no answer"]
    assert (await s.void(trace)).why == types.UPLOAD_FIRST
    # Refused for the third time in the void's own upload: there is nothing left to void.
    s.host.faults = ["code 57"] * 3
    await s.saf._round()
    await s.saf._round()
    assert (await s.void(trace)).why == types.NOT_VOIDABLE
    assert s.states()[-1] == "REJECTED"


# ---- parking ------------------------------------------------------------------------------------


async def test_a_poisoned_record_is_parked_after_three_refusals_and_the_rest_go_on():
    """[I6 F3] 05, 51, 54 ...: counted over reboots, on the list, and final."""
    for code in ("05", "51", "54", "14"):
        s = new_shop()
        await stored(s, 100, 200, 300)
        s.host.codes[200] = code
        for _ in range(3):
            assert "REJECTED" not in s.states()
            await s.saf._round()
            s = s.reboot()
        assert s.states() == ["UPLOADED", "REJECTED", "UPLOADED"], code
        assert s.journal.load(1).response_code == code and not s.saf.owes()
        assert (await s.settle()).balanced


async def test_trouble_that_passes_parks_nothing():
    """[I6 F3] 91, 96, 98: the round ends, nothing counts as refused."""
    s = new_shop()
    await stored(s, 100, 200)
    await s.engine.sign_in("01", s.stage)
    for code in cup.TEMPORARY + cup.OF_TERMINAL:
        s.host.faults = ["code " + code]
        await s.saf._round()
        assert s.states() == ["UPLOADING", "STORED"] and s.journal.load(0).refusals == 0, code
    await drain(s)
    assert money(s) == [100, 200]


async def test_a_card_that_cannot_be_read_any_more_is_parked_at_once():
    """[I11] The key store was lost: the others of the new key go on."""
    s = new_shop()
    await stored(s, 100)
    s.vault.slots["SAF"] = None
    await stored(s, 200)
    await drain(s)
    assert s.states() == ["REJECTED", "UPLOADED"] and money(s) == [200]


# ---- keys and sessions --------------------------------------------------------------------------


async def test_keys_that_changed_meanwhile_are_used_at_the_send():
    """[F10 F3] 77 or A0: sign in, the MAC is made with the new keys."""
    for how in ("77", "A0"):
        s = new_shop()
        await s.sale(50)
        await stored(s, 100, 200)
        s.host.change_keys(how)
        await drain(s)
        assert money(s) == [50, 100, 200], how
        assert not s.host.violations


async def test_without_a_key_of_its_own_the_terminal_approves_nothing_offline():
    """[I13] What the host will want cannot be kept: no approval."""
    s = new_shop()

    def fails(**slots):
        from app.store.vault import VaultError

        raise VaultError("vault cannot be written: 28")

    s.vault.put, s.vault.slots["SAF"] = fails, None
    s.host.faults = ["refuse"]
    assert (await s.sale(100)).why == types.OFFLINE_KEYS and not s.states()


async def test_no_card_number_is_in_the_flash_and_the_key_goes_with_the_batch():
    """[I13] Neither as text nor as BCD; sealed ones cannot be opened after the settlement."""
    nor, dev = device()
    s = Shop(dev, FakeHost()).boot()
    await s.sale(50)
    await stored(s, 100)
    old = [s.journal.load(i) for i in range(2)]
    assert bytes(s.cards.open(old[0])[0]) == b"6225000000000014"
    assert s.cards.open(old[1])[1] == "3012"
    cells = bytes(nor.read(0, nor.size))
    for secret in (b"6225000000000014", bytes((0x62, 0x25, 0, 0, 0, 0, 0, 0x14)), b"30121010000"):
        assert secret not in cells
    await drain(s)
    assert (await s.settle()).balanced
    for t in old:
        raises(CardStoreError, s.cards.open, t)
    t = old[0]
    t.trace += 1
    raises(CardStoreError, s.cards.open, t)


# ---- rounds -------------------------------------------------------------------------------------


def test_pauses_double_up_to_five_minutes_and_differ_from_terminal_to_terminal():
    """[I8] 2 s .. 300 s, +-20 %, seeded by the serial number."""
    fleets = []
    for serial in (1, 2, 77777):
        r = retry.Retry(serial)
        pauses = [r.next() for _ in range(12)]
        for n, pause in enumerate(pauses):
            middle = min(2000 << n, 300_000)
            assert middle * 8 // 10 <= pause <= middle * 12 // 10, (serial, n)
        r.reset()
        assert r.next() <= 2400
        assert retry.Retry(serial).next() == pauses[0]  # the same terminal, the same jitter
        fleets.append(pauses)
    assert fleets[0] != fleets[1] != fleets[2]
    r = retry.Retry(5)
    assert max(r.next(retry.PROBE_MS) for _ in range(20)) <= 144_000


async def test_the_task_uploads_by_itself_when_the_link_is_back():
    """[I8] Nothing is tried while there is no network; then soon, in rounds."""
    s = new_shop()
    await stored(s, *range(100, 112))
    s.host.ready = False
    task = asyncio.create_task(s.saf.run())
    await asyncio.sleep_ms(600_000)
    assert not s.host.seen and s.states() == ["STORED"] * 12
    s.host.ready = True
    await until(lambda: "UPLOADED" in s.states(), 6000, "the first round")
    await until(lambda: not s.saf.owes(), 60_000, "all")
    assert money(s) == list(range(100, 112))
    task.cancel()


async def test_a_host_that_does_not_answer_is_asked_less_and_less_often():
    """[I8 F3] One message in flight, a time-out counts as a try, the mark says so."""
    s = new_shop()
    await stored(s, 100)
    await s.engine.sign_in("01", s.stage)
    s.host.schedule = lambda mti, kind, key: "lost"
    del s.host.seen[:]
    task = asyncio.create_task(s.saf.run())
    counts = []
    for _ in range(6):
        before = len(s.host.seen)
        await asyncio.sleep_ms(600_000)
        counts.append(len(s.host.seen) - before)
    assert counts[0] > counts[-1] and 1 <= counts[-1] <= 3, counts
    assert {m[0] for m in s.host.seen[1:]} == {"0221"} and s.journal.tries(0) == 15
    task.cancel()


async def test_a_customer_interrupts_a_round_and_nothing_is_lost():
    """[I8 F4] At every moment of a round: the sale does not wait for the host's silence."""
    served = 0
    for ms in range(2600, 6000, 70):
        s = new_shop()
        await stored(s, 100, 200, 300)
        s.saf._spawn = lambda make: asyncio.create_task(make())
        s.host.faults = ["", "no answer"]
        task = asyncio.create_task(s.saf.run())
        await asyncio.sleep_ms(ms)
        if s.engine.busy:
            served += 1
        s.host.faults = []
        r = await s.sale(50)
        assert r.approved, (ms, r.why)
        await until(lambda s=s: not s.saf.owes(), 700_000, "the rest")
        assert money(s) == [50, 100, 200, 300], ms
        assert not s.host.violations, s.host.violations
        task.cancel()
    assert served > 5


async def test_a_round_after_each_online_transaction():
    """[I8] Five at a time, while the link works."""
    s = new_shop()
    await stored(s, *range(100, 107))
    task = asyncio.create_task(s.saf.run())
    await asyncio.sleep_ms(10)
    assert (await s.sale(50)).approved
    await until(lambda: s.states().count("UPLOADED") == 5, 5000, "a round")
    await asyncio.sleep_ms(2000)
    assert s.states().count("UPLOADED") == 5  # the next one after a pause
    await until(lambda: not s.saf.owes(), 20_000, "the rest")
    task.cancel()


async def test_upload_now_sends_everything_and_says_what_stays():
    """[I14] While the cashier waits."""
    s = new_shop()
    await stored(s, *range(100, 115))
    assert (await s.saf.upload_now("01", s.stage)).approved
    assert s.saf.outstanding() == (0, 0) and types.UPLOADING in s.stages
    for fault, why in (("refuse", types.NO_HOST), ("no answer", types.UPLOAD_OWED)):
        await stored(s, 300)
        s.host.faults = [fault]
        assert (await s.saf.upload_now("01", s.stage)).why == why
    s.host.faults = []
    assert (await s.saf.upload_now("01", s.stage)).approved


# ---- settlement ---------------------------------------------------------------------------------


async def test_settlement_waits_for_what_is_owed_and_a_supervisor_may_give_it_up():
    """[I5 I2] Nothing is forgotten: what is given up is listed first, then final."""
    s = new_shop()
    await s.sale(50)
    a, b = await stored(s, 100, 200)
    s.host.faults = ["", "code 91"]
    e = await araises(Refused, s.settle())
    assert e.args[0].why == types.UPLOAD_OWED and s.states() == ["APPROVED", "UPLOADED",
                                                                 "UPLOADING"]  # fmt: skip
    assert [s.journal.trace(i) for i in s.settlement.given_up()] == [b]
    assert await s.settlement.override("01", types.UPLOAD_OWED) is None
    assert s.states() == ["APPROVED", "UPLOADED", "EXPIRED"]
    assert s.reboot().states() == ["APPROVED", "UPLOADED", "EXPIRED"]
    done = await s.settle()
    assert done.balanced and done.own == (150, 2, 0, 0) and (3, "13", 1, 200) in done.rows


async def test_a_host_that_never_settles_can_be_left_by_a_supervisor():
    """[I5 F3] No answer, nonsense, refusals: the batch closes on the printed report."""
    for fault in ("no answer", "garbage", "code 96", "code 58"):
        s = new_shop()
        await s.sale(50)
        s.host.faults = [fault] * 2
        e = await araises(Refused, s.settle())
        assert e.args[0].why in types.OVERRIDABLE, fault
        done = await s.settlement.override("02", e.args[0].why)
        assert done.ended and done.forced and not done.verdict
        assert s.reboot().journal.batch == 2  # a power cut now: the boot closes it
        s.host.faults = []
        s.host.batch = 2
        s = s.reboot()
        assert (await s.sale(60)).approved


async def test_totals_that_differ_are_uploaded_and_explained():
    """[I14] Details, notices, end; the record whose amount is the difference is named."""
    s = new_shop()
    s.host.faults = []
    for amount in range(101, 111):
        assert (await s.sale(amount)).approved
    await stored(s, 200, 300)
    await drain(s)
    victim = s.journal.trace(3)
    del s.host.booked[1, victim]
    done = await s.settle()
    assert not done.balanced and done.own[0] - done.host[0] == 104
    assert s.settlement.explanation(done) == [(victim, cup.SALE, 104, 5)]
    verdicts = sorted(s.host.uploads.values())
    assert verdicts == ["match"] * 11 + ["missing"] and s.host.uploads[1, victim] == "missing"
    assert s.journal.batch == s.host.batch == 2 and not s.host.violations
    assert s.reboot().settlement.explanation(s.settlement.last())  # also for a later slip


async def test_a_batch_upload_goes_on_where_it_broke_off():
    """[F2 F1] Any message of it lost, a reboot in between: each is marked, none is missing."""
    for broken in range(5):
        s = new_shop()
        for amount in range(101, 111):
            await s.sale(amount)
        await stored(s, 200, 300)
        await drain(s)
        del s.host.booked[1, s.journal.trace(3)]
        # 0500, details, details, notice, notice, end
        s.host.faults = [""] * (1 + broken) + ["no answer"] * 2
        e = await araises(Refused, s.settle())
        assert e.args[0].why == types.SETTLE_UNKNOWN, broken
        s = s.reboot()
        assert s.settlement.unfinished() and (await s.sale(1)).why == types.SETTLE_FIRST
        settlements = len([m for m in s.host.seen if m[0] == "0500"])
        s.host.faults = []
        done = await s.settle()
        assert len([m for m in s.host.seen if m[0] == "0500"]) == settlements  # not once more
        assert done.sent == 12 and len(s.host.uploads) == 12
        assert s.host.batch == s.journal.batch == 2 and not s.host.violations, broken


async def test_a_host_that_counted_otherwise_gets_all_records_again():
    """[F3] 79 at the end: from the beginning, what it knows it takes once."""
    s = new_shop()
    for amount in (101, 102):
        await s.sale(amount)
    del s.host.booked[1, s.journal.trace(0)]
    s.host.faults = ["", "", "code 79"]
    e = await araises(Refused, s.settle())
    assert (e.args[0].why, e.args[0].code) == (types.SETTLE_REFUSED, "79")
    assert s.settlement.last().sent == 0
    assert not (await s.settle()).balanced and s.host.batch == 2


async def test_a_balanced_batch_ends_with_its_message_where_the_host_wants_it():
    """[F2] 0320/207; without its answer the batch stays to be settled again."""
    _shop.SETTINGS["settle_end"] = 1
    try:
        s = new_shop()
        await s.sale(50)
        s.host.faults = ["", "no answer", "no answer"]
        e = await araises(Refused, s.settle())
        assert e.args[0].why == types.SETTLE_UNKNOWN
        s = s.reboot()
        assert s.settlement.unfinished() and s.journal.batch == 1
        assert (await s.settle()).balanced and s.journal.batch == 2
        assert [m[0] for m in s.host.seen if m[0][:2] == "03"] == ["0320", "0321", "0321"]
        assert not s.host.violations
    finally:
        _shop.SETTINGS["settle_end"] = 0
