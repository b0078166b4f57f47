# The journal: the transactions of the open batch, and the numbers that follow from them.
#
# Owns the records on the flash log, an index of them in fixed arrays, the batch number and the
# trace number. What the states mean is pay's business; here a state is a small integer. Every
# method that changes something returns only when the change is durable.

import struct
from array import array

from micropython import const

from . import records
from .flashlog import FlashError
from .index import JournalFull, find_last, reserve, sort, tries_of, with_tries
from .records import RecordError

_INTENT = const(1)
_OUTCOME = const(2)
_MARK = const(3)
_META = const(4)
_FULL = const(5)
_NOTE = const(6)

_NOWHERE = const(0xFFFFFFFF)
_META_FORMAT = "<BIIB"  # version, batch, next trace, flags
_SIGNED_ON = const(1)

_NUMBER_MAX = const(999999)
# What one transaction may need at the very most until it is final: intent, outcome, two marks and
# the trace number of a message in between, each with its header and a new block's mark.
_TXN_ROOM = const(1024)
# The longest full record with its header: what a transaction takes of the ring as long as its
# batch is open.
_FULL_ROOM = const(208)


class Journal:
    """`log` a mounted-to-be FlashLog; `capacity` the most transactions of a batch; `index` what
    reserve() gave for it.

    Transactions are named by their index 0..len-1 in order of their creation.
    """

    def __init__(self, log, capacity, index=None):
        if capacity * _FULL_ROOM > log.live_room():
            raise ValueError("flash is too small for a batch of %d" % capacity)
        self._log = self.flash = log  # .flash: for who looks at wear and damage
        self.capacity = capacity
        size = log.blocks * log.block_size
        (self._trace, self._amount, self._base, self._outcome, self._state, self._kind,
         self._flags) = index or reserve(capacity, size)  # fmt: skip
        # in _outcome: there is none, or it is in _base
        self._nowhere = 0xFFFFFFFF if size > 1 << 20 else 0xFFFF
        self._buf = bytearray(512)
        self.changes = 0  # goes up with every change: who has counted knows when to count again
        self._reset()

    def _reset(self):
        self._newer = array("I")  # places of records that only a newer firmware understands
        self._n = 0
        self._live = 1  # while the log is read: the open batch, records of others are skipped
        self._meta_loc = _NOWHERE
        self._notes = {}  # key -> loc
        self.batch = 1
        self.next_trace = 1
        self.signed_on = False
        self.unreadable = 0  # records that were there but could not be understood

    # ---- boot -----------------------------------------------------------------------------------

    def recover(self, pulse=None, writable=True):
        """Read the log from the oldest record to the newest: the index is then what it was.
        `pulse` is called all along, to feed a watchdog. writable=False leaves the flash as it is:
        for who only looks."""
        self._reset()
        self._log.mount(self._replay, (_META, self._note_live), pulse)
        self._order()
        if writable:
            self._log.prepare(self.relocate, pulse)

    def _note_live(self, data):
        # Before the first record is replayed: copies of the open batch may lie before its meta.
        self.batch = self._live = struct.unpack_from(_META_FORMAT, data, 0)[1]

    def _is_dead(self, kind, data):
        """Whether a record belongs to a batch that is settled: all kinds begin with version and
        batch, a full record with three bytes before them, in every schema there will be."""
        if kind in (_META, _NOTE) or len(data) < 8:
            return False
        return struct.unpack_from("<I", data, 4 if kind == _FULL else 1)[0] != self._live

    def _order(self):
        """Put the index into the order of creation: a record that was copied forward was read
        later than its successors."""
        last = self.next_trace
        sort(
            (self._trace, self._amount, self._base, self._outcome, self._state, self._kind,
             self._flags),
            [(self._trace[i] - last) % _NUMBER_MAX for i in range(self._n)],
        )  # fmt: skip

    def _replay(self, kind, data, loc):
        if self._is_dead(kind, data):
            return
        if kind not in (_META, _NOTE) and data and data[0] > records.SCHEMA:
            self._newer.append(loc)  # kept as it is until a newer firmware comes back
            return
        try:
            if kind == _INTENT:
                self._replay_base(data, loc)
            elif kind == _OUTCOME:
                self._replay_outcome(data, loc)
            elif kind == _MARK:
                self._replay_mark(data)
            elif kind == _META:
                self._replay_meta(data, loc)
            elif kind == _FULL:
                self._replay_full(data, loc)
            elif kind == _NOTE:
                self._notes[data[0]] = loc
            else:
                self.unreadable += 1
        except (RecordError, ValueError, IndexError, UnicodeError):
            self.unreadable += 1

    def _replay_base(self, data, loc):
        _, trace, kind, amount, state = records.intent_key(data)
        i = self._at(trace)
        if i < 0:
            i = self._add(trace, kind, amount, state)
        self._base[i] = loc >> 4
        self._outcome[i] = self._nowhere
        self.next_trace = self._after(trace)

    def _replay_outcome(self, data, loc):
        _, trace, state, other, other_state = records.outcome_key(data)
        i = self._at(trace)
        if i >= 0:
            self._outcome[i] = loc >> 4
            self._set_states(i, state, other, other_state)

    def _replay_mark(self, data):
        _, trace, state, flags, tries = records.decode_mark(data)
        i = self._at(trace)
        if i >= 0:
            self._state[i] = state
            self._set_flags(i, flags, tries)

    def _replay_full(self, data, loc):
        intent, _, mark = records.split_full(data)
        next_trace = self.next_trace  # a copy says nothing about the newest number
        self._replay_base(intent, loc)
        self.next_trace = next_trace
        self._replay_mark(mark)

    def _replay_meta(self, data, loc):
        _, batch, self.next_trace, flags = struct.unpack_from(_META_FORMAT, data, 0)
        if batch != self.batch:
            # Also when a number comes round again: what was read before is of another batch.
            self.batch = batch
            self._forget()
        self.signed_on = bool(flags & _SIGNED_ON)
        self._meta_loc = loc

    def _forget(self):
        self.changes += 1
        self._n = 0
        self._newer = array("I")

    def _set_flags(self, i, flags, tries):
        self.changes += 1
        self._flags[i] = with_tries(flags, tries)

    # ---- numbers --------------------------------------------------------------------------------

    def _after(self, trace):
        return trace % _NUMBER_MAX + 1

    def _fresh_trace(self):
        trace = self.next_trace
        while self._at(trace) >= 0:  # after the wrap: skip what the batch still holds
            trace = self._after(trace)
        return trace

    def take_trace(self, signed_on=True):
        """A trace number for a message that is no transaction (sign-in, settlement); never given
        again. signed_on=False also forgets the sign-in, in the same commit."""
        trace = self._fresh_trace()
        self.next_trace = self._after(trace)
        self.signed_on = self.signed_on and signed_on
        self._write_meta()
        return trace

    def set_signed_on(self, on, batch=0):
        """Remember the sign-in; `batch` (if > 0) is the host's number and is taken while all of
        ours may be forgotten. False when it differs from ours but transactions are open: ours is
        kept."""
        old = self.batch, self.signed_on
        taken = True
        if batch and batch != self.batch:
            taken = not self._newer and all(
                self._state[i] in records.FORGETTABLE for i in range(self._n)
            )
            if taken:
                self.batch = batch
        self.signed_on = on
        try:
            self._write_meta()
        except Exception:
            self.batch, self.signed_on = old
            raise
        if self.batch != old[0]:
            self._forget()
        return taken

    def close_batch(self):
        """The batch is settled: forget its transactions, go to the next number, sign off. One
        commit."""
        old = self.batch, self.signed_on
        self.batch = self._after(self.batch)
        self.signed_on = False
        try:
            self._write_meta()
        except Exception:
            self.batch, self.signed_on = old
            raise
        self._forget()

    def _write_meta(self, spare=False):
        flags = _SIGNED_ON if self.signed_on else 0
        data = struct.pack(_META_FORMAT, records.SCHEMA, self.batch, self.next_trace, flags)
        self._meta_loc = self._log.append(_META, data, spare)

    # ---- transactions ---------------------------------------------------------------------------

    def __len__(self):
        return self._n

    def has_room(self):
        """Whether another transaction may begin."""
        return self._n < self.capacity and self._log.room() >= _TXN_ROOM

    def nearly_full(self):
        """Whether nine tenths of the batch are used."""
        return self._n * 10 >= self.capacity * 9

    def begin(self, t, seal=None):
        """Allot batch and trace to Txn `t` and make its intent durable: it is then in the state
        that the intent stands for, t.begins. `seal(t)` is called when the numbers are known and
        gives the bytes of t.sealed. Returns its index. JournalFull."""
        if not self.has_room():
            raise JournalFull("transactions" if self._n >= self.capacity else "flash")
        t.batch = self.batch
        t.trace = self._fresh_trace()
        t.state = t.begins
        if seal is not None:
            t.sealed = seal(t)
        loc = self._log.append(_INTENT, records.encode_intent(t))
        i = self._add(t.trace, t.kind, t.amount, t.begins)
        self._base[i] = loc >> 4
        self.next_trace = self._after(t.trace)
        return i

    def finish(self, t):
        """Make the outcome of Txn `t` (its state and what the host said) durable. With
        t.other_trace the same commit also puts that transaction into t.other_state."""
        i = self._index(t)
        loc = self._log.append(_OUTCOME, records.encode_outcome(t))
        self._outcome[i] = loc >> 4
        self._set_states(i, t.state, t.other_trace, t.other_state)

    def mark(self, t):
        """Make state, printed, tries and refusals of Txn `t` durable. A receipt that came out
        after `t` was loaded stays printed: it may be an upload that goes on meanwhile."""
        i = self._index(t)
        t.printed = t.printed or self.printed(i)
        self._log.append(_MARK, records.encode_mark(t))
        self._state[i] = t.state
        self._set_flags(i, records.mark_flags(t), t.tries)

    def refresh(self, t):
        """Bring what may have changed since Txn `t` was loaded (state, printed, tries, refusals)
        up to date: an upload may have gone on while its receipt was printed."""
        i = self._index(t)
        t.state = self._state[i]
        self._take_flags(i, t)

    def overrule(self, t):
        """Hold state and flags of Txn `t` in memory only: they could not be written. What is in
        flash comes to the same at the next boot: an intent without an outcome is reversed, an
        advice is sent again."""
        i = self._index(t)
        t.printed = t.printed or self.printed(i)
        self._state[i] = t.state
        self._set_flags(i, records.mark_flags(t), t.tries)

    def load(self, i):
        """Txn number i, read from flash. FlashError, RecordError when it cannot be read."""
        kind, n = self._log.read(self._base[i] << 4, self._buf)
        data = memoryview(self._buf)[:n]
        if kind == _FULL:
            intent, outcome, _ = records.split_full(data)
            t = records.decode_intent(intent)
            if len(outcome):
                records.decode_outcome(outcome, t)
        else:
            t = records.decode_intent(data)
        if self._outcome[i] != self._nowhere:
            _, n = self._log.read(self._outcome[i] << 4, self._buf)
            records.decode_outcome(memoryview(self._buf)[:n], t)
        t.state = self._state[i]
        self._take_flags(i, t)
        return t

    def _take_flags(self, i, t):
        flags = self._flags[i]
        t.printed = bool(flags & records.PRINTED)
        t.tries = tries_of(flags)
        t.refusals = records.refusals(flags)

    def find(self, trace):
        """Index of the transaction with that trace number in the open batch, -1 when there is
        none."""
        return self._at(trace)

    def state(self, i):
        return self._state[i]

    def kind(self, i):
        return self._kind[i]

    def amount(self, i):
        return self._amount[i]

    def trace(self, i):
        return self._trace[i]

    def printed(self, i):
        return bool(self._flags[i] & records.PRINTED)

    def tries(self, i):
        return tries_of(self._flags[i])

    def newer(self):
        """How many records of the open batch only a newer firmware can read."""
        return len(self._newer)

    def damaged(self):
        """How many records the flash does not hold any more as they were written: nobody knows of
        what they were."""
        return self._log.damaged

    def _add(self, trace, kind, amount, state):
        if self._n >= self.capacity:
            raise RecordError("capacity")
        i = self._n
        self._trace[i] = trace
        self._amount[i] = amount
        self._kind[i] = kind
        self.changes += 1
        self._state[i] = state
        self._flags[i] = 0
        self._base[i] = self._outcome[i] = self._nowhere
        self._n = i + 1
        return i

    def _at(self, trace):
        return find_last(self._trace, self._n, trace)

    def _index(self, t):
        i = self._at(t.trace) if t.batch == self.batch else -1
        if i < 0:
            raise RecordError("no such transaction")
        return i

    def _set_states(self, i, state, other, other_state):
        self.changes += 1
        self._state[i] = state
        if other:
            j = self._at(other)
            if j >= 0:
                self._state[j] = other_state

    # ---- notes ----------------------------------------------------------------------------------

    def put_note(self, key, data):
        """Keep bytes under a small number; the latest counts."""
        self.changes += 1
        self._notes[key] = self._log.append(_NOTE, bytes([key]) + data)

    def get_note(self, key):
        """bytes, or None."""
        loc = self._notes.get(key)
        if loc is None:
            return None
        _, n = self._log.read(loc, self._buf)
        return bytes(self._buf[1:n])

    # ---- housekeeping ---------------------------------------------------------------------------

    def relocate(self, first, last):
        """Copy forward what lies in first <= loc < last and still matters (FlashLog.housekeep
        asks)."""
        for i in range(self._n):
            if first <= self._base[i] << 4 < last:
                self._base[i] = self._log.append(_FULL, self._snapshot(i), True) >> 4
                self._outcome[i] = self._nowhere
        if self._meta_loc == _NOWHERE or first <= self._meta_loc < last:
            self._write_meta(True)
        for key, loc in list(self._notes.items()):
            if first <= loc < last:
                _, n = self._log.read(loc, self._buf)
                self._notes[key] = self._log.append(_NOTE, memoryview(self._buf)[:n], True)
        for i, loc in enumerate(self._newer):
            if first <= loc < last:
                kind, n = self._log.read(loc, self._buf)
                self._newer[i] = self._log.append(kind, memoryview(self._buf)[:n], True)

    def _snapshot(self, i):
        """bytes of a full record of transaction i. What can no longer be read is lost, but not the
        money: kind, amount, number and state come from the index. The sealed card goes when nobody
        can want it any more."""
        t = self.load_whatever(i)
        if t.state in records.NOTHING_LEFT:
            t.sealed = b""
        return records.encode_full(t, t.state != t.begins)

    def load_whatever(self, i):
        """load(), or what the index still knows when the record cannot be read: enough to reverse
        it and to count it."""
        try:
            return self.load(i)
        except (FlashError, RecordError, ValueError, IndexError):
            self.unreadable += 1
        t = records.Txn(self._kind[i], self._amount[i])
        t.batch, t.trace, t.state = self.batch, self._trace[i], self._state[i]
        self._take_flags(i, t)
        return t

    def housekeep(self):
        """One erase, if one is due; call while the terminal idles. Whether something was done."""
        return self._log.housekeep(self.relocate)

    def tidy(self):
        """One erase in the middle of long work, if one is due: only when no payment waits."""
        if self.needs_housekeeping():
            self.housekeep()

    def needs_housekeeping(self):
        return self._log.needs_housekeeping()
