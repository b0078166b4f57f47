# What store and forward does when a store fails in an odd moment, and what explains a difference.

import shop as _shop
from fakehost import FakeHost
from harness import araises, raises
from shop import Shop, device

from app.host import cup
from app.host.cardstore import CardStoreError
from app.pay import settlement, totals, txn, types
from app.pay.types import Refused
from app.services import App
from app.store.flashlog import FlashError
from app.store.settings import SettingsError, check
from app.store.vault import VaultError

_shop.SETTINGS.update({"offline_count_max": 100, "offline_txn_max": 20_000,
                       "offline_total_max": 900_000})  # fmt: skip


def new_shop():
    return Shop(device()[1], FakeHost()).boot()


async def stored(s, amount):
    s.host.faults = ["refuse"]
    r = await s.sale(amount)
    assert r.approved and r.txn.kind == cup.OFFLINE
    s.host.faults = []
    return r.txn.trace


def fails(*args, **kwargs):
    raise FlashError("program", 0)


def no_vault(**slots):
    raise VaultError("vault cannot be written: 28")


async def test_a_vault_that_cannot_be_written_stops_no_sale_and_no_settlement():
    """[I13] Cards of the old batch stay readable for now, which the log says; trading goes on."""
    s = new_shop()
    put, s.vault.put = s.vault.put, lambda **k: put(**k) if "SAF" not in k else no_vault()
    s.vault.slots["SAF"] = None
    assert (await s.sale(100)).approved  # sign-in and sale without a card store
    assert s.journal.load(0).sealed == b""
    raises(CardStoreError, s.cards.open, s.journal.load(0))
    assert (await s.settle()).balanced
    s = s.reboot()
    assert (await s.sale(100)).approved
    s.vault.put = put
    assert (await s.settle()).balanced and s.vault.slots["SAF"] is not None


async def test_a_vault_that_fails_at_the_boot_of_an_empty_terminal_is_no_reason_to_stop():
    s = new_shop()
    s.vault.put = no_vault
    s.vault.slots["SAF"] = None
    again = Shop(s.dev, s.host, s.vault).boot()
    assert again.owed.unreadable == 0


async def test_a_void_whose_original_wants_a_sign_in_first_gets_it():
    """[I6 F10] 77 on the advice that goes before the void."""
    s = new_shop()
    await s.sale(50)
    trace = await stored(s, 700)
    s.host.faults = ["no answer"]
    await s.saf._round()
    s.host.faults = ["sign in"]
    n = s.host.sign_ins
    assert (await s.void(trace)).approved and s.host.sign_ins == n + 1
    assert not s.host.violations


async def test_a_settlement_whose_uploads_want_a_sign_in_gets_it():
    """[F10] The advices go out before the totals."""
    s = new_shop()
    await s.sale(50)
    await stored(s, 700)
    s.host.faults = ["sign in"]
    n = s.host.sign_ins
    assert (await s.settle()).balanced and s.host.sign_ins == n + 1


async def test_upload_now_says_what_a_host_has_against_it():
    s = new_shop()
    await stored(s, 700)
    s.session.sign_off()
    sign_in = s.session.sign_in

    async def refused(operator):
        from app.host.session import SignInError

        raise SignInError("refused", "58")

    s.session.sign_in = refused
    r = await s.saf.upload_now("01", s.stage)
    assert (r.why, r.code) == (types.SIGN_IN_FAILED, "58")
    s.session.sign_in = sign_in
    assert (await s.saf.upload_now("01", s.stage)).approved


async def test_the_age_that_cannot_be_written_is_written_later():
    """[I9 I11] Operating time goes on in memory."""
    s = new_shop()
    await stored(s, 700)
    s.saf._age_noted -= 4000
    note, s.journal.put_note = s.journal.put_note, fails
    s.saf._note_age()
    s.journal.put_note = note
    s.saf._age_noted -= 4000
    s.saf._note_age()
    assert s.journal.get_note(2) is not None


async def test_a_settlement_that_the_flash_cannot_note_is_not_sent():
    """[I1 I11 F8] Its note goes before its first byte."""
    s = new_shop()
    await s.sale(100)
    n = len(s.host.seen)
    note, s.journal.put_note = s.journal.put_note, fails
    e = await araises(Refused, s.settle())
    assert e.args[0].why == types.FLASH and len(s.host.seen) == n
    s.journal.put_note = note
    assert (await s.settle()).balanced


async def test_a_verdict_of_error_ends_nothing():
    """[F3] 3 in F48: the host has compared nothing."""
    s = new_shop()
    await s.sale(100)
    answer = s.host._answer

    def error(mti, fields, with_mac, delay=None):
        if mti == "0500":
            fields[48] = fields[48][:30] + "3" + fields[48][31:61] + "3"
        answer(mti, fields, with_mac, delay)

    s.host._answer = error
    e = await araises(Refused, s.settle())
    assert e.args[0].why == types.SETTLE_REFUSED and s.journal.batch == 1
    s.host._answer = answer
    assert (await s.settle()).balanced


async def test_a_batch_of_which_no_totals_went_out_can_be_closed_too():
    """[I5] The host refuses the sign-in's batch, or everything: the report is the totals."""
    s = new_shop()
    await s.sale(100)
    done = await s.settlement.override("00", types.SETTLE_REFUSED)
    assert done.ended and done.forced and done.own == (100, 1, 0, 0) and not done.verdict
    s.settlement.close(done)
    assert s.journal.batch == 2


async def test_after_a_forced_close_nothing_is_sold_offline_before_the_host_has_named_the_batch():
    """[I7] An advice of a batch that the host does not have would never be taken."""
    s = new_shop()
    await s.sale(100)
    s.settlement.close(await s.settlement.override("00", types.SETTLE_REFUSED))
    for shop in (s, s.reboot()):
        shop.host.faults = ["refuse"]
        assert (await shop.sale(200)).why == types.OFFLINE_SIGN_IN
    assert not len(shop.journal) and settlement.unconfirmed(shop.journal)
    shop.host.faults = []
    assert (await shop.sale(300)).approved  # the host is in batch 1 still: it is taken over
    assert shop.journal.batch == shop.host.batch == 1
    trace = await stored(shop, 400)
    shop.idle()
    await shop.saf._round()
    assert shop.host.booked[1, trace][2] == "approved" and not shop.host.violations


async def test_services_say_when_the_flash_keeps_a_batch_from_closing():
    s = new_shop()
    app = App(_shop.SETTINGS, None, s.journal, s.session, s.engine, s.reversals, s.settlement,
              s.saf, s.session.link)  # fmt: skip
    app.operator = "01"
    await s.sale(100)
    done = await s.settlement.run("01", s.stage)
    close, s.journal.close_batch = s.journal.close_batch, fails
    assert app.close_batch(done).why == types.FLASH
    s.journal.close_batch = close
    assert app.close_batch(done) is None and s.journal.batch == 2
    await s.sale(100)
    note, s.journal.put_note = s.journal.put_note, fails
    ok, result = await app.override(types.SETTLE_REFUSED)
    assert not ok and result.why == types.FLASH
    s.journal.put_note = note


# ---- totals -------------------------------------------------------------------------------------


async def test_what_may_explain_a_difference():
    """[I14] The host has less: what it called a duplicate, what was sent again. The host has more:
    what it refused, what was given up, what was reversed with trouble, what never went out."""
    s = new_shop()
    for amount in (100, 200, 300):
        await stored(s, amount)
    s.host.faults = ["no answer"]
    await s.saf._round()
    s.host.faults = ["code 94", "", "code 05"]
    await s.saf._round()
    s.host.faults = ["code 05", "code 05"]
    await s.saf._round()
    await s.saf._round()
    assert s.states() == ["UPLOADED", "UPLOADED", "REJECTED"]
    s.host.faults = ["no answer", "no answer"]
    await s.sale(400)
    await s.saf._round()
    await s.saf._round()
    s.host.faults = ["no answer"]
    await s.sale(500)
    given = s.journal.load(4)
    s.host.faults = []
    from app.pay.steps import apply

    apply(s.journal, s.session, given, txn.GIVE_UP)
    assert s.states()[3:] == ["REVERSED", "EXPIRED"]
    less = await totals.explain(s.journal, (300, 2, 0, 0), (1, 1, 0, 0))
    assert [(amount, why) for _, _, amount, why in less] == [(100, totals.DUPLICATE)]
    more = await totals.explain(s.journal, (300, 2, 0, 0), (999, 4, 0, 0))
    assert [(amount, why) for _, _, amount, why in more] == [
        (300, totals.REJECTED), (400, totals.REPEATED), (500, totals.EXPIRED)
    ]  # fmt: skip
    same = await totals.explain(s.journal, (300, 2, 0, 0), (800, 3, 0, 0))
    assert same[0][2:] == (500, totals.SAME_AMOUNT)
    assert await totals.explain(s.journal, (300, 2, 0, 0), (300, 2, 0, 0)) == []


async def test_rows_beyond_the_note_go_into_one():
    """Thirty operators: the slip's note has room for twenty rows, the sums stay right."""
    s = new_shop()
    for n in range(28):
        s.idle()
        c = _shop.card()
        r = await s.engine.sale(100, c, None, "%02d" % n, s.stage)
        assert r.approved
    found = await totals.rows(s.journal)
    operators = [row for row in found if row[0] == totals.OPERATOR]
    assert sum(row[2] for row in operators) == 28 and sum(row[3] for row in operators) == 2800
    assert ("?" in [row[1] for row in operators]) and len(found) <= 24
    done = settlement.Settled()
    done.rows = found
    assert len(done.encode()) < 490


def test_beginnings_of_cards_are_digits_and_commas():
    assert check("offline_cards", "6225,4") == "6225,4"
    for bad in ("62-25", "6225;4", "6225, 4", "x"):
        e = raises(SettingsError, check, "offline_cards", bad)
        assert e.args == ("offline_cards", "must be digits and commas"), bad
