"""TTL-serial magnetic-stripe reader module.

Owns: what such a module puts on its line for a swipe, good or bad. It never listens.

BYTE FORMAT (a driver is written from this section alone)

Line: 9600 or 115200 bit/s 8N1, reader to terminal only. One message per swipe, nothing in between,
sent after the card has left the head:

    [track 1] [track 2] [track 3] CR LF                       CR LF = 0d 0a, once, at the very end

    good track        start sentinel, data, end sentinel '?', LRC
    unreadable track  start sentinel, 'E', '?'                no LRC behind an error
    blank track       nothing at all (three blank tracks: only CR LF)

    track  start sentinel  data characters                              data length, at most
    1      '%' 25          ASCII 20 .. 5f except '%' and '?'            76
    2      ';' 3b          '0' .. '9' ':' '<' '=' '>'                   37
    3      '+' 2b          '0' .. '9' ':' '<' '=' '>'                   104

    Between tracks stands no separator. Data are what is on the stripe between the sentinels: track
    1 begins with the format code 'B', its fields are separated by '^'; tracks 2 and 3 use '='.

LRC (ISO/IEC 7811-2, longitudinal redundancy check): even parity, bit by bit, over all characters
of the track from the start to the end sentinel, both included; one character, sent as ASCII.
  * track 1: 6-bit values, ASCII - 20. LRC = XOR of all of them, sent as 20 + LRC (20 .. 5f).
  * track 2: 4-bit values, ASCII - 30. LRC = XOR of all of them, sent as 30 + LRC (30 .. 3f).
  * track 3: as track 2. The stripe holds ';' (value b) as its start sentinel; the module shows '+'
    so that the tracks can be told apart. The XOR runs over b, not over '+'.
The parity bit of each character does not travel on the line and takes no part in the XOR.

The LRC is an arbitrary character of its range: it may be '?', '%', ';', 'E' or '='. It is found by
its place (one character after the FIRST '?' of a track), never by its value. Worked example:
";1234567890123456=2512?" has the LRC computed by lrc(2, "1234567890123456=2512").

A track that carries exactly the data "E" does not exist, so SS 'E' '?' is always the error mark.
With send_lrc=False no track has an LRC. With crlf_each=True every track (good, unreadable) is
followed by CR LF instead of one CR LF at the end.

Speed: the message begins (card length / swipe speed + decode_us) after swipe(). Outside
10 .. 150 cm/s the module reads nothing: all tracks that the card has come as unreadable.

What goes wrong on a real counter, as arguments of swipe(): one track unreadable, LRC wrong, the
message cut off in the middle (no CR LF), noise in front, two swipes back to back, a swipe
backwards (a module that reads one way only sends all tracks as unreadable).

Sources: ISO/IEC 7811-2 (character sets, sentinels, LRC), ISO/IEC 7813 (track 1 and 2 data), MagTek
swipe and insertion readers, technical reference, section "Reader to host formats" (sentinels '%',
';', '+', 'E' in place of the data of an unreadable track).
"""

from models import XorShift

CARD_CM = 8.56  # ID-1 card, long side
_SPEED_CM_S = (10, 150)

# track: (start sentinel on the line, on the stripe, ASCII offset, longest data)
_TRACKS = {
    1: ("%", "%", 0x20, 76),
    2: (";", ";", 0x30, 37),
    3: ("+", ";", 0x30, 104),
}


def _check(track, data):
    _, _, offset, longest = _TRACKS[track]
    if len(data) > longest:
        raise ValueError(f"track {track}: {len(data)} characters")
    top = 0x5F if track == 1 else 0x3F
    for ch in data:
        if not offset <= ord(ch) <= top or ch in ("%?" if track == 1 else ";?"):
            raise ValueError(f"track {track}: character 0x{ord(ch):02x}")


def lrc(track, data):
    """-> str, the LRC character of a track. data: without sentinels."""
    _, start, offset, _ = _TRACKS[track]
    value = 0
    for ch in start + data + "?":
        value ^= ord(ch) - offset
    return chr(offset + value)


class MagReader:
    """See the module's docstring for the bytes."""

    def __init__(
        self, send_lrc=True, crlf_each=False, bidirectional=True, decode_us=20000, seed=1
    ):
        self.send_lrc = send_lrc
        self.crlf_each = crlf_each
        self.bidirectional = bidirectional
        self.decode_us = decode_us
        self.received = 0  # bytes the terminal sent; the module has no commands
        self.swipes = 0
        self._rng = XorShift(seed)
        self._queue = []  # (due_us, bytes), ascending
        self._on = True
        self._busy_until = 0

    # --- UART peer ------------------------------------------------------------------------------

    def receive(self, data, now_us):
        self.received += len(data)

    def transmit(self, now_us):
        out = b""
        while self._queue and self._queue[0][0] <= now_us:
            out += self._queue.pop(0)[1]
        return out

    def next_due(self):
        return self._queue[0][0] if self._queue else None

    def advance(self, now_us):
        pass

    def power(self, on, now_us):
        if not on:
            self._queue = []
            self._busy_until = 0
        self._on = bool(on)

    # --- the counter ----------------------------------------------------------------------------

    def swipe(
        self,
        track1,
        track2,
        track3,
        now_us,
        speed_cm_s=30,
        unreadable=(),
        bad_lrc=(),
        truncate=None,
        noise=0,
        backwards=False,
        twice_us=None,
    ):
        """A card goes through the slot at now_us.

        track1 .. track3: data without sentinels, or None where the stripe is blank.
        unreadable, bad_lrc: track numbers. truncate: the message stops after that many bytes.
        noise: so many random bytes in front. twice_us: the same card again, that long after the
        end of the first passage. -> absolute us at which the (first) message begins.
        """
        tracks = (track1, track2, track3)
        for i in range(3):
            if tracks[i] is not None:
                _check(i + 1, tracks[i])
        if not self._on:
            return None
        low, high = _SPEED_CM_S
        if not low <= speed_cm_s <= high or (backwards and not self.bidirectional):
            unreadable = (1, 2, 3)
        message = self._message(tracks, unreadable, bad_lrc)
        if truncate is not None:
            message = message[:truncate]
        message = self._rng.take(noise) + message
        passage = int(CARD_CM * 1000000 / speed_cm_s)
        # Two cards are never under the head at once; the second waits for the first to leave.
        start = max(now_us, self._busy_until)
        self._busy_until = start + passage
        self._push(start + passage + self.decode_us, message)
        self.swipes += 1
        if twice_us is not None:
            again = start + passage + twice_us
            self._busy_until = again + passage
            self._push(again + passage + self.decode_us, message)
            self.swipes += 1
        return start + passage + self.decode_us

    def _push(self, due_us, message):
        self._queue.append((due_us, message))

    def _message(self, tracks, unreadable, bad_lrc):
        parts = []
        for i in range(3):
            if tracks[i] is None:
                continue
            track = i + 1
            sentinel = _TRACKS[track][0]
            if track in unreadable:
                text = sentinel + "E?"
            else:
                text = sentinel + tracks[i] + "?"
                if self.send_lrc:
                    text += self._lrc(track, tracks[i], track in bad_lrc)
            parts.append(text)
            if self.crlf_each:
                parts.append("\r\n")
        if not self.crlf_each:
            parts.append("\r\n")
        return "".join(parts).encode()

    def _lrc(self, track, data, bad):
        good = lrc(track, data)
        if not bad:
            return good
        # Another character of the same range: one bit of the LRC was misread.
        offset = _TRACKS[track][2]
        return chr(offset + (ord(good) - offset ^ 1))
