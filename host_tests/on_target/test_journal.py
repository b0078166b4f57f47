# The journal: what it keeps, what follows from it, and every power cut of a day's commits.

import binascii
import gc

from harness import Rng, flash, raises

from app.pay import txn
from app.store import records
from app.store.flashlog import FlashLog
from app.store.journal import Journal, JournalFull
from app.store.records import Txn
from models.nor import PowerCut

BLOCK = 1024
BLOCKS = 16
SALE, VOID = 1, 2


def device():
    return flash(BLOCK, BLOCKS)


def opened(dev, capacity=36):
    j = Journal(FlashLog(dev, ready=3), capacity)
    j.recover()
    return j


def sale(amount=1234):
    t = Txn(SALE, amount)
    t.when = (2026, 11, 23, 9, 30, 15)
    t.pan_masked = "622500******0014"
    t.expiry = "3012"
    t.entry_mode = 21
    t.pin_entered = True
    return t


def approve(t):
    t.state = txn.APPROVED
    t.response_code = "00"
    t.rrn = "093015000002"
    t.auth_code = "831635"
    t.host_date, t.host_time, t.settle_date = "1123", "093015", "1123"
    t.issuer, t.acquirer, t.org = "90310000", "00095840", "CUP"


FIELDS = (
    "kind amount batch trace entry_mode pin_entered operator when pan_masked expiry "
    "original_trace original_rrn original_auth state response_code reason rrn auth_code "
    "host_date host_time settle_date issuer acquirer org printed tries"
).split()


def as_dict(t):
    return {f: getattr(t, f) for f in FIELDS}


def snapshot(j):
    return [as_dict(j.load(i)) for i in range(len(j))]


# ---- what it keeps ------------------------------------------------------------------------------


def test_a_transaction_comes_back_with_every_field():
    _, dev = device()
    j = opened(dev)
    t = sale()
    j.begin(t)
    assert as_dict(j.load(0))["state"] == txn.SENDING
    approve(t)
    j.finish(t)
    t.printed = True
    j.mark(t)
    want = as_dict(t)
    assert as_dict(j.load(0)) == want
    assert as_dict(opened(dev).load(0)) == want


def test_a_void_and_its_original_change_in_one_commit():
    nor, dev = device()
    j = opened(dev)
    first = sale()
    j.begin(first)
    approve(first)
    j.finish(first)
    void = Txn(VOID, first.amount)
    void.original_trace, void.original_rrn, void.original_auth = (
        first.trace,
        first.rrn,
        first.auth_code,
    )
    void.other_trace, void.other_state = first.trace, txn.VOIDED
    j.begin(void)
    approve(void)
    programs = nor.programs
    j.finish(void)
    assert nor.programs == programs + 1
    for k in (j, opened(dev)):
        assert k.state(0) == txn.VOIDED
        assert k.state(1) == txn.APPROVED
        assert k.load(1).original_rrn == first.rrn


def test_no_card_data_is_in_the_flash():
    """[I13] Neither track nor number."""
    nor, dev = device()
    j = opened(dev)
    t = sale()
    t.pan_masked = records.mask_pan(b"6225000000000014")
    j.begin(t)
    approve(t)
    j.finish(t)
    image = bytes(nor.storage.data)
    assert b"6225000000000014" not in image
    assert bytes.fromhex("6225000000000014") not in image
    assert t.pan_masked == "622500******0014"


def test_mask_of_short_and_long_numbers():
    assert records.mask_pan(b"1234567890123") == "123456***0123"
    assert records.mask_pan(b"1234567890123456789") == "123456*********6789"
    assert records.mask_pan(b"12345678") == "********"


def test_an_unknown_schema_is_counted_and_not_believed():
    """[I12] Later ones are kept, those of nobody are counted."""
    _, dev = device()
    j = opened(dev)
    t = sale()
    t.batch = j.batch
    data = bytearray(records.encode_intent(t))
    data[0] = records.SCHEMA + 1
    j._log.append(1, data)
    j._log.append(200, bytes(data[:9]) + b"kind of a later firmware")
    j._log.append(200, bytes((records.SCHEMA,)) + bytes(data[1:9]) + b"kind of nobody")
    again = opened(dev)
    assert len(again) == 0
    # What a later firmware wrote is kept for it.
    assert again.unreadable == 1 and again.newer() == 2


# ---- numbers ------------------------------------------------------------------------------------


def test_trace_numbers_are_never_given_twice_even_after_a_cut():
    """[I3 F1] What may have reached the host is used up."""
    nor, dev = device()
    given = set()
    for i in range(60):
        j = opened(dev)
        nor.cut_at(nor.ops + i % 5, (0, 0.5, 1)[i % 3], seed=i)
        try:
            for k in range(5):
                if k % 2:
                    trace = j.take_trace()
                else:
                    t = sale()
                    j.begin(t)
                    trace = t.trace
                assert trace not in given, trace
                given.add(trace)
                if len(j) > 30:
                    j.close_batch()
                while j.needs_housekeeping() and j.housekeep():
                    pass
        except PowerCut:
            pass
        nor.power_on()


def test_trace_wraps_from_999999_to_1_and_skips_what_the_batch_holds():
    """[F7] Live numbers are not given again."""
    _, dev = device()
    j = opened(dev)
    t = sale()
    j.begin(t)
    assert t.trace == 1
    j.next_trace = 999_999
    assert j.take_trace() == 999_999
    assert j.take_trace() == 2  # 1 is still in the batch
    assert opened(dev).next_trace == 3


def test_batch_goes_from_999999_to_1_and_closing_forgets_its_transactions():
    _, dev = device()
    j = opened(dev)
    j.set_signed_on(True, 999_999)
    assert j.batch == 999_999
    j.begin(sale())
    trace = j.next_trace
    j.close_batch()
    for k in (j, opened(dev)):
        assert (k.batch, len(k), k.signed_on, k.next_trace) == (1, 0, False, trace)


def test_the_hosts_batch_number_is_not_taken_while_transactions_are_open():
    _, dev = device()
    j = opened(dev)
    assert j.set_signed_on(True, 7)
    j.begin(sale())
    assert not j.set_signed_on(True, 9)
    assert j.batch == 7
    assert opened(dev).batch == 7


def test_full_journal_refuses_before_anything_is_written():
    """[F7] The limit, and one more."""
    nor, dev = device()
    j = opened(dev, capacity=5)
    for _ in range(5):
        j.begin(sale())
    programs = nor.programs
    raises(JournalFull, j.begin, sale())
    assert nor.programs == programs


def test_full_flash_refuses_before_anything_is_written():
    """[I11 F8] Never idle: no block is erased, and the journal says so while there is still room
    for what was begun."""
    nor, dev = device()
    j = opened(dev)
    n = 0
    try:
        while True:
            t = sale(n)
            j.begin(t)
            approve(t)
            j.finish(t)
            n += 1
            for _ in range(3):
                j.mark(t)
    except JournalFull as e:
        assert e.args[0] == "flash", e.args
    assert 4 < n < 36, n
    t = j.load(n - 1)
    t.printed = True
    j.mark(t)
    want = [as_dict(j.load(i)) for i in range(n)]
    again = opened(dev)
    assert snapshot(again) == want
    assert again.has_room()  # the boot had the time to erase


def test_a_journal_that_its_flash_cannot_hold_is_refused():
    _, dev = device()
    raises(ValueError, Journal, FlashLog(dev), 1000)


def test_housekeeping_ends_when_everything_is_live():
    """A ring full of live records must not be erased round and round for ever."""
    nor, dev = device()
    j = opened(dev, capacity=38)
    for i in range(38):
        j.begin(sale(i))
        while j.needs_housekeeping() and j.housekeep():
            pass
    erases = nor.erases
    for _ in range(100):
        j.housekeep()
    assert nor.erases - erases <= 2 * BLOCKS
    assert [j.amount(i) for i in range(38)] == list(range(38))


def test_notes_keep_their_latest_value_over_many_rounds_of_the_ring():
    _, dev = device()
    j = opened(dev)
    j.put_note(1, b"kept from the beginning")
    for i in range(300):
        j.put_note(2, b"%d" % i)
        j.housekeep()
    k = opened(dev)
    assert k.get_note(1) == b"kept from the beginning"
    assert k.get_note(2) == b"299"
    assert k.get_note(3) is None


def test_a_transaction_whose_record_rots_away_keeps_its_money():
    """[I11] Kind, amount, number and state come from the index."""
    nor, dev = device()
    j = opened(dev)
    t = sale(777)
    j.begin(t)
    t.state, t.reason = txn.UNKNOWN, "98"
    j.finish(t)
    nor.storage.data[(j._base[0] << 4) + 30] ^= 0x10
    for _ in range(120):
        j.put_note(2, bytes(60))
        j.housekeep()
    assert j.unreadable >= 1
    k = opened(dev)
    assert (k.amount(0), k.trace(0), k.state(0)) == (777, t.trace, txn.UNKNOWN)


# ---- power cuts of a whole day ------------------------------------------------------------------


class Day:
    """Random but repeatable journal work; `model` is what was acknowledged, `next` what the call
    under way would make of it."""

    def __init__(self, dev, seed, steps):
        self.rng = Rng(seed)
        self.steps = steps
        self.j = opened(dev)
        self.model = self.picture(self.j)
        self.next = None

    @staticmethod
    def picture(j):
        """A digest of everything that the journal says, whatever the order of its transactions."""
        digest = 0
        for i in range(len(j)):
            t = j.load(i)
            digest ^= binascii.crc32(repr([getattr(t, f) for f in FIELDS]).encode())
        return (j.batch, j.signed_on, len(j), digest, j.get_note(1))

    def run(self):
        j, rng = self.j, self.rng
        for n in range(self.steps):
            step = rng.below(10)
            if step < 4 and len(j) < 30:
                t = sale(100 + n)
                j.begin(t)
                self.acknowledge()
                approve(t)
                if rng.below(4) == 0:
                    t.state, t.reason = txn.UNKNOWN, "98"
                j.finish(t)
            elif step < 6 and len(j):
                t = j.load(rng.below(len(j)))
                t.printed = True
                t.tries += 1
                if t.state == txn.UNKNOWN:
                    t.state = txn.REVERSED
                j.mark(t)
            elif step == 6:
                j.put_note(1, rng.bytes(20))
            elif step == 7:
                j.set_signed_on(not j.signed_on)
            elif step == 8 and n > self.steps // 2 and len(j) > 8:
                j.close_batch()
            else:
                j.housekeep()
            self.acknowledge()
            if not j.has_room():
                while j.needs_housekeeping() and j.housekeep():
                    pass

    def acknowledge(self):
        self.model = self.picture(self.j)


def pictures_of(seed, steps):
    """The picture after every program or erase operation of an uncut day: {operation: picture}."""
    nor, dev = device()
    d = Day(dev, seed, steps)
    first = nor.ops
    out = []
    d.acknowledge = lambda: out.append((nor.ops, Day.picture(d.j)))
    out.append((nor.ops, Day.picture(d.j)))
    d.run()
    return first, nor.ops, out


def test_power_cut_at_every_operation_of_a_day():
    """[I1 I2 F1] After a cut the journal is as it was before the commit under way, or as after
    it; nothing else."""
    seed, steps = 4, 60
    first, last, after = pictures_of(seed, steps)
    cuts = 0
    for cut in range(first, last):
        allowed = _allowed(after, cut)
        for torn in (0, 0.5, "random", 1):
            nor, dev = device()
            d = Day(dev, seed, steps)
            d.acknowledge = lambda: None
            nor.cut_at(cut, torn, seed=cut)
            try:
                d.run()
                raise AssertionError("no cut at %d" % cut)
            except PowerCut:
                pass
            nor.power_on()
            got = Day.picture(opened(dev))
            assert got in allowed, (cut, torn)
            cuts += 1
        gc.collect()
    print("%d operations, %d cuts, 0 violations" % (last - first, cuts))
    assert last - first > 60


def _allowed(after, cut):
    """Pictures between which operation number `cut` lies: the last one before it and the first one
    behind it."""
    before = [p for ops, p in after if ops <= cut]
    behind = [p for ops, p in after if ops > cut]
    return before[-1:] + behind[:1]
