# The flash log: records, ring, torn tails, and every power cut of a workload against a dict model.

import gc

import harness
from harness import Rng, flash, raises

from app.store import flashlog
from app.store.flashlog import FlashError, FlashLog, LogFull
from models.nor import PowerCut

BLOCK = 512  # small blocks: a short workload then goes round the ring several times
BLOCKS = 16


def device(blocks=BLOCKS, block=BLOCK, **options):
    return flash(block, blocks, **options)


class Store:
    """A dict over a flash log, the smallest owner there can be: the latest record counts."""

    def __init__(self, dev, log_class=FlashLog):
        self.log = log_class(dev, ready=6)
        self.values = {}
        self.locs = {}

    def open(self):
        self.values = {}
        self.locs = {}
        self.log.mount(self._visit)
        self.log.prepare(self._relocate)

    def _visit(self, kind, data, loc):
        self.values[kind] = bytes(data)
        self.locs[kind] = loc

    def put(self, key, value):
        self.locs[key] = self.log.append(key, value)
        self.values[key] = value

    def _relocate(self, first, last):
        for key, loc in list(self.locs.items()):
            if first <= loc < last:
                self.locs[key] = self.log.append(key, self.values[key], True)

    def idle(self):
        while self.log.needs_housekeeping() and self.log.housekeep(self._relocate):
            pass


def test_a_record_comes_back_as_it_was():
    _, dev = device()
    s = Store(dev)
    s.open()
    loc = s.log.append(7, b"hello")
    buf = bytearray(100)
    assert s.log.read(loc, buf) == (7, 5)
    assert bytes(buf[:5]) == b"hello"
    again = Store(dev)
    again.open()
    assert again.values == {7: b"hello"}


def test_one_commit_is_one_program_operation_without_an_erase():
    nor, dev = device()
    s = Store(dev)
    s.open()
    for i in range(40):
        programs, erases = nor.programs, nor.erases
        s.put(1, bytes(i))
        assert nor.programs == programs + 1
        assert nor.erases == erases
        if not s.log.room() > 100:
            s.idle()


def test_every_record_is_16_byte_aligned_and_nothing_is_programmed_twice():
    bad = []

    def look(op, addr, n):
        if op == "program" and (addr % 16 or n % 16):
            bad.append((addr, n))

    nor, dev = device(log=look)  # strict: programming twice is a FlashFault
    s = Store(dev)
    s.open()
    for i in range(300):
        s.put(i % 5, bytes(i % 61))
        s.idle()
    assert not bad, bad
    assert nor.erases > 40  # it went round


def test_the_longest_record_fits_and_a_longer_one_is_refused():
    _, dev = device(block=1024, blocks=12)
    s = Store(dev)
    s.open()
    s.put(1, b"x" * flashlog.PAYLOAD_MAX)
    raises(ValueError, s.put, 1, b"x" * (flashlog.PAYLOAD_MAX + 1))
    again = Store(dev)
    again.open()
    assert len(again.values[1]) == flashlog.PAYLOAD_MAX


def test_append_never_erases_and_says_when_it_is_full():
    """[I10 F8] Erasing is for idle times."""
    nor, dev = device()
    s = Store(dev)
    s.open()
    erases = nor.erases
    n = 0
    try:
        while True:
            s.put(1, b"x" * 100)
            n += 1
            assert n < 1000
    except LogFull:
        pass
    assert nor.erases == erases
    assert s.log.ready_blocks() > 0  # the spare ones are kept for copies
    s.idle()
    s.put(1, b"y")
    assert s.values[1] == b"y"


def test_a_torn_tail_is_skipped_and_nothing_is_appended_behind_it():
    """[I10 F1] However much of it was programmed."""
    for torn in (0.25, 0.5, 0.75, "random"):
        nor, dev = device()
        s = Store(dev)
        s.open()
        s.put(1, b"first")
        nor.cut_at(nor.ops, torn, seed=5)
        raises(PowerCut, s.put, 1, b"second" * 10)
        nor.power_on()
        again = Store(dev)
        again.open()
        assert again.values[1] == b"first", torn
        again.put(1, b"third")  # a FlashFault if it went over half-programmed flash
        last = Store(dev)
        last.open()
        assert last.values[1] == b"third"


def test_a_damaged_record_does_not_hide_those_behind_it():
    """[I10] A check sum for each record."""
    nor, dev = device()
    s = Store(dev)
    s.open()
    s.put(1, b"one")
    s.put(2, b"two")
    s.put(3, b"three")
    nor.storage.data[s.locs[2] + 13] ^= 0x01  # bit rot
    again = Store(dev)
    again.open()
    assert again.values == {1: b"one", 3: b"three"}
    assert again.log.damaged == 1


def test_flash_that_does_not_take_a_record_is_noticed():
    nor, dev = device(lie_program=2)
    s = Store(dev)
    raises_or_heals = 0
    s.open()
    for i in range(20):
        try:
            s.put(i % 3, b"value %d" % i)
        except FlashError:
            raises_or_heals += 1
        except LogFull:
            s.idle()
    again = Store(dev)
    nor.lie_program = 0
    again.open()
    for key, value in s.values.items():
        assert again.values[key] == value, "an acknowledged record is missing"


def test_a_block_that_cannot_be_erased_is_left_alone():
    _, dev = device(stuck_bit=(3 * BLOCK + 2, 0, 0))
    s = Store(dev)
    s.open()
    for i in range(200):
        s.put(i % 4, b"v%d" % i)
        s.idle()
    again = Store(dev)
    again.open()
    assert again.values == s.values


def test_wear_is_even():
    """[I10] The ring goes round."""
    _, dev = device()
    s = Store(dev)
    s.open()
    for i in range(2000):
        s.put(i % 3, bytes(i % 50))
        s.idle()
    least, most = s.log.wear()
    assert most - least <= 2, (least, most)


# ---- power cuts ---------------------------------------------------------------------------------


def workload(rng, n):
    """[(key, value, idle)]: some keys are written once and must survive many rounds of the ring.
    Idle time is rare enough that the ring is nearly empty of erased blocks at times, so that
    recovery has to reclaim some."""
    steps = [(20 + i, b"old %d" % i, False) for i in range(4)]
    for _ in range(n):
        steps.append((rng.below(5), rng.bytes(rng.below(90)), rng.below(12) == 0))
    return steps


class Sweep:
    """Runs a workload until a cut, recovers, and compares with what was acknowledged."""

    def __init__(self, log_class=FlashLog, seed=1, steps=120):
        self.log_class = log_class
        self.steps = workload(Rng(seed), steps)
        self.violations = []
        self.found = 0
        self.cuts = 0

    def fresh(self):
        nor, dev = device()
        s = Store(dev, self.log_class)
        s.open()
        return nor, dev, s

    def operations(self):
        """How many program and erase operations the whole workload has."""
        nor, _, s = self.fresh()
        first = nor.ops
        for key, value, idle in self.steps:
            self.do(s, key, value, idle)
        return first, nor.ops

    def do(self, s, key, value, idle):
        if idle or s.log.room() < 200:
            s.idle()
        s.put(key, value)

    def run(self, cut, torn, second=None):
        """Cut at operation `cut`; with `second`, cut the recovery's own operation number `second`
        as well. True when the second cut was reached."""
        nor, dev, s = self.fresh()
        nor.cut_at(cut, torn, seed=cut)
        done = {}
        pending = None
        try:
            for key, value, idle in self.steps:
                pending = (key, value)
                self.do(s, key, value, idle)
                done[key] = value
                pending = None
        except PowerCut:
            pass
        nor.power_on()
        self.cuts += 1
        reached = False
        if second is not None:
            nor.cut_at(nor.ops + second, torn, seed=cut)
            try:
                Store(dev, self.log_class).open()
                nor.power_on()
            except PowerCut:
                reached = True
                nor.power_on()
        self.check(dev, done, pending, (cut, torn, second))
        return reached

    def check(self, dev, done, pending, where):
        after = Store(dev, self.log_class)
        try:
            after.open()
            allowed = [done]
            if pending is not None:
                allowed.append(dict(done))
                allowed[1][pending[0]] = pending[1]
            if after.values not in allowed:
                self.violation(where)
                return
            # It must go on working: more records, once round the ring, and all there after another
            # boot.
            kept = dict(after.values)
            for i in range(12):
                after.put(i % 3, b"after %d" % i)
                kept[i % 3] = b"after %d" % i
                after.idle()
            last = Store(dev, self.log_class)
            last.open()
            if last.values != kept:
                self.violation(where)
        except Exception as e:  # noqa: BLE001  whatever it is, it is a violation
            self.violation((where, type(e).__name__))

    def violation(self, what):
        self.found += 1
        if self.found <= 5:
            self.violations.append(what)


def sweep(log_class=FlashLog, torns=(0, 0.25, 0.5, 0.75, "random", 1), step=1):
    s = Sweep(log_class)
    first, last = s.operations()
    for cut in range(first, last, step):
        gc.collect()
        for torn in torns:
            s.run(cut, torn)
    return s, last - first


def test_power_cut_at_every_operation_of_commit_and_reclaim():
    """[I10 F1] Clean and torn."""
    s, operations = sweep()
    print("%d operations, %d cuts, %d violations" % (operations, s.cuts, s.found))
    assert operations > 150, operations
    assert not s.violations, s.violations[:5]


def test_power_cut_of_the_recovery_after_a_power_cut():
    """[F1] And again."""
    s = Sweep()
    first, last = s.operations()
    reached = 0
    for cut in range(first, last, 2):
        for torn in (0.5, "random"):
            for second in range(6):
                if s.run(cut, torn, second):
                    reached += 1
    print("%d double cuts reached of %d, %d violations" % (reached, s.cuts, s.found))
    assert reached > 200, reached
    assert not s.violations, s.violations[:5]


def test_random_workloads_and_cuts():
    rng = Rng(harness.seed(20261123))
    cuts = 0
    for _ in range(25):
        s = Sweep(seed=rng.bits(), steps=60)
        first, last = s.operations()
        for _ in range(12):
            s.run(first + rng.below(last - first), rng.choice((0, 0.25, 0.5, 0.75, "random", 1)))
        cuts += s.cuts
        assert not s.violations, s.violations[:5]
    print("%d cuts" % cuts)


# ---- negative controls: a harness that does not see these defects would prove nothing -----------


class Careless(FlashLog):
    """Believes every record whose length is plausible."""

    def _check(self, view, at):
        if view[at] != 0xA5:
            return -1
        n = view[at + 2] | view[at + 3] << 8
        return n if at + 12 + n <= len(view) and n <= flashlog.PAYLOAD_MAX else -1


class Hasty(FlashLog):
    """Erases the oldest block before its live records are copied."""

    def housekeep(self, relocate):
        b = self.oldest()
        if self._dirty() < 0 and b >= 0 and self.needs_housekeeping():
            self._erase(b)
            relocate(b * self.block_size, (b + 1) * self.block_size)
            return True
        return FlashLog.housekeep(self, relocate)


def test_the_sweep_catches_a_log_without_a_checksum():
    s, _ = sweep(Careless, (0.25, 0.5, 0.75, "random"), 2)
    assert s.violations


def test_the_sweep_catches_a_log_that_erases_first():
    s, _ = sweep(Hasty, (0, 1), 1)
    assert s.violations
