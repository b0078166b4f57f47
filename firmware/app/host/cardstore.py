# What the host may still want of a card after the customer has left: PAN and expiry, sealed with a
# key of the vault. A track, a PIN or a PIN block is never kept.
#
# The key belongs to one batch. When the batch is closed the key goes, and with it everything that
# was sealed, wherever in the flash it still lies: flash cells cannot be overwritten, a key can be
# forgotten.

import os
import struct

from ..crypto.seal import SealError, Siv
from ..kernel import log
from ..store.vault import VaultError

_SLOT = "SAF"
_KEY = 32


class CardStoreError(Exception):
    """A card cannot be sealed or opened. args: (what,)"""


def _pack(pan, expiry):
    """bytearray: number of digits, digits as BCD (odd: filled with 0), expiry YYMM as BCD."""
    n = len(pan)
    out = bytearray(1 + (n + 1) // 2 + 2)
    out[0] = n
    for i in range(n):
        out[1 + (i >> 1)] |= pan[i] - 48 << (0 if i & 1 else 4)
    for i in range(4):
        out[len(out) - 2 + (i >> 1)] |= ord(expiry[i]) - 48 << (0 if i & 1 else 4)
    return out


def _unpack(data):
    n = data[0]
    pan = bytearray(n)
    for i in range(n):
        pan[i] = 48 + (data[1 + (i >> 1)] >> (0 if i & 1 else 4) & 15)
    return pan, "%02x%02x" % (data[-2], data[-1])


class CardStore:
    """`vault` keeps the key."""

    def __init__(self, vault):
        self._vault = vault
        self._slot = None  # what _made was made of: deriving its keys takes longer than sealing
        self._made = None

    def _siv(self, batch):
        slot = self._vault.get(_SLOT)
        if slot is None or struct.unpack_from("<I", slot, 0)[0] != batch:
            return None
        if slot is not self._slot:
            self._made = Siv(memoryview(slot)[4:])
            self._slot = slot
        return self._made

    def renew(self, batch):
        """A new key, unless there is one for this batch: what was sealed for another batch can
        never be read again. Writes to the vault; CardStoreError when that fails."""
        if self._siv(batch) is not None:
            return
        self._slot = self._made = None
        slot = bytearray(struct.pack("<I", batch) + os.urandom(_KEY))
        try:
            self._vault.put(**{_SLOT: slot})
        except VaultError as e:
            log.error("card store: %s", e.args[0])
            raise CardStoreError("key")
        finally:
            for i in range(len(slot)):
                slot[i] = 0
        self._siv(batch)  # now, not while a customer waits

    def seal(self, t, card):
        """bytes: what Txn `t`, whose batch and trace are known, keeps of Card `card`.
        CardStoreError when there is no key and none can be made."""
        self.renew(t.batch)
        clear = _pack(card.pan, card.expiry)
        try:
            return self._siv(t.batch).seal(clear, _context(t))
        finally:
            for i in range(len(clear)):
                clear[i] = 0

    def open(self, t):
        """(PAN as a bytearray of digits, expiry YYMM) of Txn `t`; the caller wipes the PAN.
        CardStoreError when it was never kept, or cannot be read any more."""
        siv = self._siv(t.batch)
        if not t.sealed or siv is None:
            raise CardStoreError("not kept" if siv else "no key")
        try:
            clear = siv.open(t.sealed, _context(t))
        except SealError as e:
            raise CardStoreError(e.args[0])
        try:
            return _unpack(clear)
        finally:
            for i in range(len(clear)):
                clear[i] = 0


def _context(t):
    return struct.pack("<II", t.batch, t.trace)
