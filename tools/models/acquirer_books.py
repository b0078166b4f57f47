"""The books of the acquirer model: what stands, what was uploaded, which batches are closed.

Owns money: every rule of booking, voiding, reversing, settling and uploading, and the judgement of
requests that a right terminal never sends. Knows no byte, no key, no connection.

A key is (batch, trace) as numbers. Amounts are fen. No PAN is kept, only a fingerprint that tells
whether two cards differ. Codes as in the host protocol, section 3; the rules are its sections 2.3
to 2.6 and the invariants of store-and-forward.
"""

from binascii import crc32

# An entry of `booked`. ORIGINAL: the entry that a void names, else None. RRN: the number of the
# answer. AUTH, CODE: of an offline sale, as its repeats are answered. Entries that a test puts in
# may end after STATE.
KIND, AMOUNT, STATE, ORIGINAL, RRN, CARD, AUTH, CODE = 0, 1, 2, 3, 4, 5, 6, 7

APPROVED = ("00", "11", "16", "A2", "A4", "A5", "A6")
STANDING = ("approved", "voided")
VIOLATIONS_KEPT = 40
# What a key was sent as, in `_sent`
_BITS = {"0200": 1, "0220": 2, "0400": 4, "0320": 8}


def fingerprint(digits):
    """Number (29 bits) that stands for a card; `digits`: its PAN or the head of it, ASCII."""
    return (crc32(digits) & 0xFFFFFF) << 5 | len(digits)


def card_of(fields):
    """Fingerprint of the card in a request, None without one.

    Of an encrypted track only the head is in clear: 16 digits that end one byte before the end are
    encrypted (section 4.6), and the PAN may reach into them.
    """
    if 2 in fields:
        return fingerprint(fields[2].encode())
    track = fields.get(35)
    if track is None:
        return None
    if fields.get(53, "000")[2] == "1":
        track = track[: max(0, len(track) - (17 if len(track) & 1 else 18))]
    end = track.find(b"D")
    return fingerprint(track if end < 0 else track[:end])


def _differ(card, other):
    """Whether two fingerprints are of two cards; heads of different lengths tell nothing."""
    return card and other and card & 31 == other & 31 and card != other


class Books:
    """One terminal's transactions at the acquirer.

    `booked`: {key: [kind, amount, state, ...]} with kinds "sale", "void", "offline" and states
    "approved", "declined", "voided", "reversed". `codes`: {amount: response code} of the issuer.
    `uploads`: {key: "match", "missing" or "differs"}. `closed_batches`: {batch: totals}.
    `violations`: texts, the first ones; `violation_count` counts all.
    """

    def __init__(self):
        self.codes = {}
        self.batch = 1
        self.booked = {}
        self.tombstones = set()
        self.uploads = {}
        self.closed_batches = {}
        self.violations = []
        self.violation_count = 0
        self.number = 0  # of the message in hand; its RRN
        self._sent = {}  # key: _BITS
        self._contents = {}  # key: check sum of the advice
        self._forgotten = 0

    # ---- what is asked of the books -------------------------------------------------------------

    def totals(self, batch):
        """(debit amount, debit count, credit amount, credit count): sales and offline sales,
        voids."""
        out = [0, 0, 0, 0]
        for key, entry in self.booked.items():
            if key[0] == batch and entry[STATE] in STANDING:
                at = 2 if entry[KIND] == "void" else 0
                out[at] += entry[AMOUNT]
                out[at + 1] += 1
        return tuple(out)

    def standing(self):
        """Iterator of (batch, trace, kind, amount): what the cardholders have been charged, so
        neither voids nor what they voided."""
        for key, entry in self.booked.items():
            if entry[STATE] == "approved" and entry[KIND] != "void":
                yield key[0], key[1], entry[KIND], entry[AMOUNT]

    def net(self, batch=None):
        """Sum of the amounts that stand, of one batch or of all (also forgotten ones)."""
        total = self._forgotten if batch is None else 0
        for b, _, _, amount in self.standing():
            if batch is None or b == batch:
                total += amount
        return total

    def forget(self, batch):
        """Drop everything about a batch but its totals and its part of net()."""
        self._forgotten += self.net(batch)
        for table in (self.booked, self.uploads, self._sent, self._contents):
            for key in [k for k in table if k[0] == batch]:
                del table[key]
        self.tombstones = {k for k in self.tombstones if k[0] != batch}

    # ---- judgement ------------------------------------------------------------------------------

    def violate(self, mti, key, what):
        """Note that a right terminal would not have sent this. `what` holds no value of a card."""
        self.violation_count += 1
        if len(self.violations) < VIOLATIONS_KEPT:
            name = "%d/%d" % key if key else "-"
            self.violations.append("%s %s: %s" % (mti, name, what))

    def judge(self, mti, key, contents=None):
        """Look at a request as it was sent, whether or not it arrives. `contents`: check sum of
        all of an advice that may not change, else None."""
        bit = _BITS.get(mti[:3] + "0")
        if bit is None:
            return
        before = self._sent.get(key, 0)
        if bit == 1:
            if mti[3] != "0" or before & 1:
                self.violate(mti, key, "a sale or void is never sent again")
            if key[0] in self.closed_batches:
                self.violate(mti, key, "the batch is closed")
        elif before & bit and mti[3] == "0":
            self.violate(mti, key, "sent again without the repeat mark")
        if bit < 4 and before & (bit ^ 3):
            self.violate(mti, key, "the number is another transaction's")
        if not before & bit:
            self._sent[key] = before | bit
        if contents is not None and self._contents.setdefault(key, contents) != contents:
            self.violate(mti, key, "other contents than before")

    # ---- booking: each returns (response code, number of the RRN, F38 or None) ------------------

    def _new(self, kind, fields, key, original=None):
        code = self.codes.get(int(fields[4]), "00")
        state = "approved" if code in APPROVED else "declined"
        entry = [kind, int(fields[4]), state, original, self.number, card_of(fields)]
        self.booked[key] = entry
        return entry, code

    def _sale(self, mti, fields, key):
        if key in self.booked or key in self.tombstones:
            return "94", self.number, None
        entry, code = self._new("sale", fields, key)
        return code, self.number, "%06d" % key[1] if entry[STATE] == "approved" else None

    def _void(self, mti, fields, key):
        if key in self.booked or key in self.tombstones:
            return "94", self.number, None
        named = int(fields[61][:6]), int(fields[61][6:12])
        original = self.booked.get(named)
        if original is None:
            self.violate(mti, key, "voids %d/%d, which has not been uploaded" % named)
            return "25", self.number, None
        if (
            original[KIND] == "void"
            or original[STATE] != "approved"
            or original[AMOUNT] != int(fields[4])
            or named[0] != key[0]
        ):
            return "25", self.number, None
        if len(original) > CARD:
            auth = original[AUTH] if len(original) > AUTH else "%06d" % named[1]
            if fields[37] != "%012d" % original[RRN] or fields.get(38) != auth:
                self.violate(mti, key, "voids %d/%d by another F37 or F38" % named)
                return "25", self.number, None
            if _differ(original[CARD], card_of(fields)):
                return "14", self.number, None
        entry, code = self._new("void", fields, key, original)
        if entry[STATE] != "approved":
            return code, self.number, None
        original[STATE] = "voided"
        return code, self.number, "%06d" % key[1]

    def _offline(self, mti, fields, key):
        if key in self.tombstones:
            return "94", self.number, None
        entry = self.booked.get(key)
        if entry is None:
            entry, code = self._new("offline", fields, key)
            entry.append(fields[38])
            entry.append(code)
        elif (
            mti[3] == "0"
            or entry[KIND] != "offline"
            or entry[AMOUNT] != int(fields[4])
            or entry[CARD] != card_of(fields)
        ):
            return "94", self.number, None
        return entry[CODE], entry[RRN], entry[AUTH] if entry[CODE] in APPROVED else None

    def _reversal(self, mti, fields, key):
        return self._reverse(mti, fields, key), self.number, None

    def _reverse(self, mti, fields, key):
        """Response code. "00" and "25" only when nothing stands any more: the terminal takes both
        as the end of the matter."""
        entry = self.booked.get(key)
        if entry is None:
            self.tombstones.add(key)  # a request that arrives later must not be booked
            return "25"
        if entry[STATE] in ("declined", "reversed"):
            return "00"
        if entry[KIND] != ("void" if fields[60][:2] == "23" else "sale"):
            self.violate(mti, key, "reverses another kind of transaction")
            return "22"
        if entry[AMOUNT] != int(fields[4]):
            self.violate(mti, key, "reverses another amount")
            return "64"
        if entry[STATE] == "voided" or key[0] in self.closed_batches:
            self.violate(mti, key, "reverses what is voided or settled")
            return "22"
        entry[STATE] = "reversed"
        if entry[KIND] == "void":
            entry[ORIGINAL][STATE] = "approved"
        return "00"

    # ---- settlement and upload ------------------------------------------------------------------

    def compare(self, batch, f48):
        """F48 of the answer to the totals `f48`; closes the open batch when they agree."""
        mine = self.closed_batches.get(batch) or self.totals(batch)
        text = "%012d%03d%012d%03d" % mine
        if len(f48) != 62 or f48[30] != "0" or f48[61] != "0" or len(text) != 30:
            return "0" * 30 + "3" + "0" * 30 + "3"
        home = "1" if f48[:30] == text else "2"
        abroad = "1" if f48[31:61] == "0" * 30 else "2"
        if home == abroad == "1" and batch == self.batch:
            self._close(mine)
        return text + home + "0" * 30 + abroad

    def _close(self, totals):
        self.closed_batches[self.batch] = totals
        self.batch = self.batch % 999999 + 1
        if self.batch in self.closed_batches:  # the numbers have gone round
            self.forget(self.batch)
            del self.closed_batches[self.batch]

    def _upload(self, key, amount, digits, kinds):
        """Compare one record of an upload with the books; `digits`: its PAN."""
        entry = self.booked.get(key)
        if entry is None or entry[STATE] not in STANDING:
            verdict = "missing"
        else:
            card = entry[CARD] if len(entry) > CARD else None
            other = card and fingerprint(digits[: card & 31].encode())
            same = entry[KIND] in kinds and entry[AMOUNT] == amount and card == other
            verdict = "match" if same else "differs"
        if self.uploads.get(key) != "differs":
            self.uploads[key] = verdict

    def _upload_details(self, mti, fields, key):
        f48 = fields[48]
        n = int(f48[:2])
        if not 1 <= n <= 8 or len(f48) != 2 + 40 * n:
            return "30", self.number, None
        for at in range(2, len(f48), 40):
            if f48[at : at + 2] != "00":
                return "30", self.number, None
        for at in range(2, len(f48), 40):
            record = key[0], int(f48[at + 2 : at + 8])
            pan = f48[at + 8 : at + 28].lstrip("0")
            self._upload(record, int(f48[at + 28 : at + 40]), pan, ("sale", "void"))
        return "00", self.number, None

    def _upload_notice(self, mti, fields, key):
        self._upload(key, int(fields[4]), fields[2], ("offline",))
        return "00", self.number, None

    def _upload_end(self, mti, fields, key):
        batch = key[0]
        if len(fields[48]) != 4:
            return "30", self.number, None
        n = 0
        for k in self.uploads:
            if k[0] == batch:
                n += 1
        balanced = fields[60][8:11] == "207"
        if balanced and batch == self.batch and (n or self.totals(batch) != (0, 0, 0, 0)):
            return "79", self.number, None  # nobody has closed it
        if int(fields[48]) != (0 if balanced else n):
            return "79", self.number, None
        if not balanced and batch == self.batch:
            self._close(self.totals(batch))
        return "00", self.number, None
