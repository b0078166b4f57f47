# The journal when the ring goes round: what was copied forward is what it was, in its order; and
# commits that the flash does not take.

from harness import flash, raises

from app.pay import txn
from app.store.flashlog import FlashError, FlashLog
from app.store.journal import Journal
from app.store.records import RecordError, Txn

BLOCK, BLOCKS = 512, 24


class Flash:
    """A block device that refuses to program while it is `broken`."""

    def __init__(self, dev):
        self._dev = dev
        self.broken = False
        self.readblocks = dev.readblocks
        self.ioctl = dev.ioctl

    def writeblocks(self, *args):
        if self.broken:
            raise OSError(5)
        return self._dev.writeblocks(*args)


def opened(dev, capacity=20):
    j = Journal(FlashLog(dev, ready=3), capacity)
    j.recover()
    return j


def approved(j, amount):
    t = Txn(1, amount)
    t.pan_masked = "622500******0014"
    j.begin(t)
    t.state = txn.APPROVED
    t.rrn, t.auth_code, t.response_code = "%012d" % amount, "831635", "00"
    j.finish(t)
    return t


def idle(j):
    while j.needs_housekeeping() and j.housekeep():
        pass


def picture(j):
    """All that the journal knows, in its order."""
    out = [j.batch, j.next_trace, j.signed_on, j.unreadable, j.get_note(5)]
    for i in range(len(j)):
        t = j.load(i)
        out.append((t.trace, t.amount, t.state, t.rrn, t.auth_code, t.printed, t.tries))
    return out


def test_what_is_copied_forward_round_after_round_stays_what_it_was_and_where_it_was():
    """[I10] Compaction never loses the only copy."""
    _, dev = flash(BLOCK, BLOCKS)
    j = opened(dev)
    j.set_signed_on(True)
    j.put_note(5, b"a note")
    erases = 0
    for n in range(900):
        if n % 150 == 10:
            t = approved(j, 100 + n)
            t.printed = n > 300
            j.mark(t)
        if n == 400:
            t = Txn(1, 77)
            j.begin(t)
            t.state, t.tries = txn.UNKNOWN, 3
            j.finish(t)
            j.mark(t)
        j.take_trace()
        idle(j)
        if n % 37 == 0:
            before = picture(j)
            erases += j._log.erases
            j = opened(dev)
            assert picture(j) == before, n
            assert j.unreadable == 0
    assert erases > 2 * BLOCKS, "the ring has not gone round"
    assert len(j) == 7 and [p[6] for p in picture(j)[5:]].count(3) == 1


def test_a_commit_that_the_flash_does_not_take_has_not_happened():
    """[I11 F8] Neither in memory nor after a boot."""
    _, dev = flash(BLOCK, BLOCKS)
    dev = Flash(dev)
    j = opened(dev)
    j.set_signed_on(True)
    approved(j, 1)
    before = picture(j)
    for commit in (
        j.close_batch,
        lambda: j.set_signed_on(False),
        lambda: j.put_note(5, b"x"),
        lambda: j.begin(Txn(1, 5)),
    ):
        dev.broken = True
        raises(FlashError, commit)
        dev.broken = False
        idle(j)
        assert picture(j) == before
        assert picture(opened(dev)) == before
    j.close_batch()
    for journal in (j, opened(dev)):
        assert len(journal) == 0 and journal.batch == 2 and not journal.signed_on


def test_a_transaction_of_a_settled_batch_cannot_be_changed_any_more():
    _, dev = flash(BLOCK, BLOCKS)
    j = opened(dev)
    t = approved(j, 1)
    j.close_batch()
    assert raises(RecordError, j.mark, t).args == ("no such transaction",)
    assert raises(RecordError, j.finish, t).args == ("no such transaction",)


def test_a_firmware_with_a_smaller_index_says_how_many_it_cannot_hold():
    _, dev = flash(BLOCK, BLOCKS)
    j = opened(dev)
    for n in range(5):
        approved(j, 100 + n)
        idle(j)
    small = opened(dev, 3)
    assert small.unreadable == 2 and [small.amount(i) for i in range(len(small))] == [
        100,
        101,
        102,
    ]


def test_a_log_needs_blocks_to_turn_round():
    _, dev = flash(BLOCK, 4)
    e = raises(ValueError, lambda: FlashLog(dev, ready=3).mount(lambda *a: None))
    assert "blocks" in e.args[0]


def test_a_block_that_lost_its_blankness_is_passed_over():
    nor, dev = flash(BLOCK, BLOCKS)
    j = opened(dev)
    for b in range(BLOCKS):  # one cell at the end of every erased block leaks, but for three
        block = nor.storage.data[b * BLOCK + 16 : (b + 1) * BLOCK]
        if all(c == 0xFF for c in block) and b % 8:
            nor.storage.data[(b + 1) * BLOCK - 1] = 0x7F
    for n in range(60):
        approved(j, n + 1)
        idle(j)
        if n % 15 == 14:
            assert [j.load(i).amount for i in range(len(j))] == list(range(n - 13, n + 2))
            j.close_batch()
    assert opened(dev).batch == 5
