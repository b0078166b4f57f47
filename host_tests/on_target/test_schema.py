# Updates and going back with a queue that is not empty: the real modules of schema 1 (in schema1/)
# and the present ones over the same flash.

import shop as _shop
from fakehost import FakeHost
from harness import araises, flash
from schema1 import journal as old_journal
from schema1 import records as old
from shop import Shop

from app.host import cup
from app.pay import settlement, txn, types
from app.pay.types import Refused
from app.store import records
from app.store.flashlog import FlashLog
from app.store.journal import Journal

PENDING = 10
_shop.SETTINGS.update({"offline_count_max": 30, "offline_txn_max": 90_000})


def device():
    return flash(512, 32)


def old_one(dev):
    """The journal as firmware of schema 1 opens it."""
    j = old_journal.Journal(FlashLog(dev, ready=3), 30)
    j.recover()
    return j


def idle(j):
    while j.needs_housekeeping() and j.housekeep():
        pass


def old_sale(amount, kind=1):
    t = old.Txn(kind, amount)
    t.entry_mode, t.pin_entered, t.when = 21, True, (2026, 11, 23, 9, 30, 0)
    t.pan_masked, t.expiry = "622500******0014", "3012"
    return t


def old_day(dev, host):
    """What schema 1 leaves behind: approved sales, a void, a decline, reversals that are owed."""
    j = old_one(dev)
    j.set_signed_on(True)
    for n in range(4):
        idle(j)
        t = old_sale(100 + n)
        j.begin(t)
        t.state, t.response_code, t.rrn = txn.APPROVED, "00", "%012d" % (n + 1)
        t.auth_code = "%06d" % n
        host.booked[j.batch, t.trace] = ["sale", t.amount, "approved", None, n + 1]
        if n == 1:
            t.state, t.response_code = txn.DECLINED, "51"
            host.booked[j.batch, t.trace][2] = "declined"
        j.finish(t)
        t.printed = True
        j.mark(t)
    for n in range(PENDING):
        idle(j)
        t = old_sale(500 + n)
        j.begin(t)
        t.state, t.reason = txn.UNKNOWN, "98"
        host.booked[j.batch, t.trace] = ["sale", t.amount, "approved"]
        j.finish(t)
        if n & 1:
            t.tries = n
            j.mark(t)
    return j


def picture(j):
    """What must survive: number, kind, amount, state, receipt, tries."""
    out = []
    for i in range(len(j)):
        t = j.load(i)
        out.append((t.batch, t.trace, t.kind, t.amount, t.state, t.printed, t.tries, t.rrn,
                    t.pan_masked, t.reason))  # fmt: skip
    return j.batch, j.next_trace, j.signed_on, out


def turn_the_ring(j, dev, turns=2):
    """Housekeeping until every block was emptied some times: everything live is copied."""
    for _ in range(turns * 32):
        j.put_note(99, bytes(400))
        idle(j)


def test_a_journal_of_schema_1_is_read_as_it_was():
    """[I12 F9] Record by record; also after every record was copied by the new firmware."""
    _, dev = device()
    before = picture(old_day(dev, FakeHost()))
    j = Journal(FlashLog(dev, ready=3), 30)
    j.recover()
    assert picture(j) == before and not j.unreadable and not j.newer()
    turn_the_ring(j, dev)
    again = Journal(FlashLog(dev, ready=3), 30)
    again.recover()
    assert picture(again) == before


async def test_an_update_with_ten_reversals_owed_goes_on_trading():
    """[I12 F9] The new firmware reverses what the old one owed, sells, settles."""
    _, dev = device()
    host = FakeHost()
    old_day(dev, host)
    s = Shop(dev, host).boot()
    assert s.reversals.pending() == (PENDING, sum(500 + n for n in range(PENDING)))
    s.session.sign_off()
    assert (await s.sale(999)).approved
    assert s.states().count("REVERSED") == PENDING
    assert s.books_agree()
    # The first send by this firmware of what the old one had sent is marked.
    marked = [m for m in host.seen if m[0] == "0401"]
    assert len(marked) == PENDING // 2
    assert (await s.settle()).balanced


async def test_going_back_with_ten_reversals_owed_goes_on_trading_too():
    """[I12 F9] What the new firmware wrote of online transactions the old one reads, copies, and
    hands back."""
    _, dev = device()
    host = FakeHost()
    s = Shop(dev, host).boot()
    for n in range(3):
        assert (await s.sale(100 + n)).approved
    for n in range(PENDING):
        t = records.Txn(cup.SALE, 500 + n)
        t.when, t.pan_masked, t.expiry = (2026, 11, 23, 9, 0, 0), "622500******0014", "3012"
        s.idle()
        s.journal.begin(t, lambda t: bytes(32))
        t.state, t.reason = txn.UNKNOWN, "98"
        host.booked[1, t.trace] = ["sale", t.amount, "approved"]
        s.journal.finish(t)
    before = picture(s.journal)
    j = old_one(dev)
    assert picture(j) == before and not j.unreadable
    turn_the_ring(j, dev)
    assert picture(old_one(dev)) == before
    # ... and forward again
    s = s.reboot()
    assert picture(s.journal) == before
    await s.saf._round()
    assert s.states().count("REVERSED") == PENDING
    assert (await s.sale(999)).approved
    assert s.books_agree() and (await s.settle()).balanced


async def test_firmware_of_schema_1_does_not_touch_what_it_cannot_judge():
    """[I12] It would take an offline sale for a request on its way and reverse it: it counts it as
    unreadable instead, and says so."""
    _, dev = device()
    s = Shop(dev, FakeHost()).boot()
    await s.sale(100)
    for n in range(PENDING):
        s.host.faults = ["refuse"]
        assert (await s.sale(500 + n)).approved
    j = old_one(dev)
    assert [j.state(i) for i in range(len(j))] == [txn.APPROVED]
    assert j.unreadable == PENDING


async def test_records_of_a_later_schema_are_kept_as_they_are_and_settled_by_it_only():
    """[I12 F9] Back from schema 3 to this one with ten of its records pending: they survive the
    ring, nothing is settled without them, and the later firmware finds them all."""
    _, dev = device()
    s = Shop(dev, FakeHost()).boot()
    assert (await s.sale(100)).approved
    later = []
    for n in range(PENDING):
        t = records.Txn(cup.SALE, 500 + n)
        t.batch, t.trace = s.journal.batch, 900 + n
        data = bytes((records.SCHEMA + 1,)) + records.encode_intent(t)[1:] + b"what it added"
        s.journal._log.append(1 if n & 1 else 77, data)
        later.append(data)
    s = s.reboot()
    assert s.states() == ["APPROVED"] and s.journal.newer() == PENDING
    assert s.owed.unreadable == PENDING  # the cashier is told
    assert (await s.sale(200)).approved
    e = await araises(Refused, s.settle())
    assert e.args[0].why == types.NEWER
    turn_the_ring(s.journal, dev)
    s = s.reboot()
    assert s.journal.newer() == PENDING and s.states() == ["APPROVED"] * 2
    found = []
    log = FlashLog(dev, ready=3)
    log.mount(lambda kind, data, loc: found.append(bytes(data)) if data[0] == 3 else None)
    assert sorted(set(found)) == sorted(later)


def test_the_settlement_note_of_schema_1_is_read_and_ours_is_read_by_it():
    """[I12] A batch that was balanced before the update closes after it."""
    s = settlement.Settled()
    s.step, s.batch, s.verdict, s.own, s.host = 2, 1, 1, (100, 1, 0, 0), (100, 1, 0, 0)
    short = s.encode()[:-2]  # as it was: nothing behind the totals
    got = settlement.decode(short)
    assert got.to_be_closed and got.own == s.own and got.rows == []
    s.rows = [(0, "1", 1, 100), (1, "CUP", 1, -100)]
    s.forced = True
    got = settlement.decode(s.encode())
    assert got.rows == s.rows and got.forced and got.encode() == s.encode()
