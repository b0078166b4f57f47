"""The acquirer model's codec against tools/acquirer/packing.py (pyiso8583), and its behaviour
against the acquirer simulator: two hosts written apart must take a frame for the same message."""

import json
import os
import pathlib
import random
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
for folder in (HERE.parent / "on_target", HERE.parents[1] / "tools"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import till as t  # noqa: E402

from acquirer import packing  # noqa: E402
from acquirer.keys import ecb_mac  # noqa: E402
from models import acquirer_wire as wire  # noqa: E402
from models.acquirer import Acquirer  # noqa: E402

SEED = int(os.environ.get("SEED", "20251124"))
ROUNDS = 3000
MTIS = ("0200", "0210", "0221", "0230", "0320", "0330", "0401", "0410", "0500", "0510", "0810")
PRINTABLE = "".join(map(chr, range(32, 127)))
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ "

# What the judge calls F49's kind: letters and digits; F41 and F42 may hold more.
_ALPHABET = {"n": "0123456789", "z": "0123456789ABCDEF", "an": LETTERS, "ans": PRINTABLE}


def value_for(rng, number):
    """A random value of a field as the model has it."""
    form, width, size = wire.FIELDS[number]
    n = rng.randint(1, size) if width else size
    if form == wire.RAW:
        return bytes(rng.randrange(256) for _ in range(n))
    kind = packing.FIELDS[number][0]
    text = "".join(rng.choice(_ALPHABET[kind]) for _ in range(n))
    return text.encode() if form == wire.TRACK else text


def as_judge(fields):
    """The same fields in the judge's texts."""
    out = {}
    for number, value in fields.items():
        if isinstance(value, str):
            out[number] = value
        elif packing.FIELDS[number][0] == "b":
            out[number] = value.hex().upper()
        else:
            out[number] = value.decode("latin-1")
    return out


def message(rng):
    numbers = rng.sample(sorted(wire.FIELDS), rng.randint(1, len(wire.FIELDS)))
    return rng.choice(MTIS), {n: value_for(rng, n) for n in numbers}


def prefix(rng):
    return b"\x60" + bytes.fromhex("".join(rng.choice("0123456789") for _ in range(20)))


def test_the_model_knows_the_fields_as_the_judge_does():
    for number, (form, width, size) in wire.FIELDS.items():
        kind, digits, length, _ = packing.FIELDS[number]
        assert width == (digits + 1) // 2, number
        assert size == length or number == 62 and size < length, number
        assert (kind == "n") == (form == wire.DIGITS) and (kind == "z") == (form == wire.TRACK)


def test_every_frame_of_one_codec_is_the_same_message_to_the_other():
    print(f"SEED={SEED}")
    rng = random.Random(SEED)
    for i in range(ROUNDS):
        mti, fields = message(rng)
        head = prefix(rng)
        frame = wire.pack(head, mti, fields)
        theirs = packing.unpack(frame[2:])
        assert (theirs.mti, theirs.fields) == (mti, as_judge(fields)), i
        assert theirs.tpdu + theirs.header == head.hex().upper()
        body = packing.pack(
            packing.Message(head[:5].hex().upper(), head[5:].hex().upper(), mti, as_judge(fields))
        )
        assert packing.frame(body) == frame, i
        assert wire.unpack(packing.frame(body)) == (mti, fields), i


def test_damaged_frames_are_refused_or_mean_the_same_to_both():
    print(f"SEED={SEED}")
    rng = random.Random(SEED + 1)
    both = refused = 0
    for i in range(ROUNDS):
        frame = bytearray(wire.pack(prefix(rng), *message(rng)))
        for _ in range(rng.randint(1, 3)):
            frame[rng.randrange(2, len(frame))] = rng.randrange(256)
        if rng.random() < 0.2:
            del frame[rng.randrange(wire.FIELDS_AT, len(frame)) :]
        frame[:2] = (len(frame) - 2).to_bytes(2, "big")
        frame = bytes(frame)
        try:
            mine = wire.unpack(frame)
        except wire.WireError:
            mine = None
        try:
            theirs = packing.unpack(frame[2:])
        except packing.FormatError:
            # The judge looks into texts (F37 to F39, F49): the model takes what is printable.
            refused += mine is None
            continue
        known = set(theirs.fields) <= set(wire.FIELDS) and len(theirs.fields.get(62, "")) <= 1024
        # The simulator's host, not its codec, refuses a header that is no digits.
        if known and theirs.header.isdigit():
            assert mine is not None, i
            assert (mine[0], as_judge(mine[1])) == (theirs.mti, theirs.fields), i
            both += 1
    print(f"{both} taken by both, {refused} refused by both")
    assert both > ROUNDS // 20 and refused > ROUNDS // 4


def vectors():
    folder = pathlib.Path(os.environ.get("SHOUYIN_VECTORS", ""))
    path = folder / "iso8583.json"
    if not path.is_file():
        pytest.skip("no vectors: SHOUYIN_VECTORS")
    return json.loads(path.read_text(encoding="utf-8"))["vectors"]


def test_public_messages_are_read_and_made_byte_for_byte():
    done = 0
    for v in vectors():
        decoded = v["decoded"]
        if v["kind"] != "iso8583-message" or not isinstance(decoded, dict):
            continue
        numbers = {int(n) for n in decoded if n.isdigit()}
        if "h" not in decoded or not numbers <= set(wire.FIELDS):
            continue
        frame = bytes.fromhex(v["hex"])
        mti, fields = wire.unpack(frame)
        expected = {int(n): text for n, text in decoded.items() if n.isdigit()}
        assert (mti, as_judge(fields)) == (decoded["t"], expected), v["id"]
        assert wire.pack(frame[2:13], mti, fields) == frame, v["id"]
        done += 1
    print(f"{done} messages")
    assert done >= 15


# ---- the two hosts ------------------------------------------------------------------------------


class Keys:
    """Cryptography of the simulator for the model."""

    mak = bytes.fromhex("313215FDA2C4AB4C")

    def new_keys(self, n):
        return bytes(60), self.mak

    def mac(self, mak, data):
        return ecb_mac(mak, data).encode()


def test_the_models_answers_are_messages_of_the_simulator_with_right_macs():
    """Every answer of a day: the judge reads it, and it holds the fields of its kind."""
    from acquirer import messages

    host = Acquirer(t.TID, t.MID, Keys())
    asked = set()
    status = t.management(0, "362", 62, b"011021031041051")
    day = (
        ("0800", t.management(1, "004", 63, b"01 ")), ("0820", t.management(0, "301")),
        ("0200", t.sale(2, 1234)), ("0220", t.offline(3, 700)),
        ("0200", t.void(4, 2, "%012d" % 3, "000002", 1234)), ("0400", t.reversal(4, 1234, of=2)),
        ("0400", t.reversal(9)), ("0500", t.settlement(5, 1, 1)),
        ("0320", t.details(6, (2, 1234))), ("0320", t.offline(3, 700)), ("0320", t.end(7, 2)),
        ("0820", status), ("0820", t.management(8, "002")),
    )  # fmt: skip
    for mti, fields in day:
        fields = dict(fields)
        fields.setdefault(41, t.TID)
        fields.setdefault(42, t.MID)
        if mti[:2] in ("02", "04"):
            fields[64] = bytes(8)
        frame = wire.pack(t.PREFIX, mti, fields)
        if 64 in fields:
            frame = frame[:-8] + Keys().mac(Keys.mak, frame[13:-8])
        ((_, _, answer),) = host.receive(frame)
        got = packing.unpack(answer[2:])
        assert got.mti == messages.answer_mti(mti)
        assert got.fields.get(39, "00") == ("25" if fields.get(11) == "000009" else "00"), mti
        assert set(got.fields) <= set(messages.ANSWERS[got.mti]), mti
        assert (64 in got.fields) == messages.SIGNED_MTI[mti]
        if 64 in got.fields:
            assert got.fields[64] == ecb_mac(Keys.mak, got.mac_input)
        asked.add(mti)
    assert asked == {"0200", "0220", "0320", "0400", "0500", "0800", "0820"}
    assert host.violations == [] and host.batch == 2 and host.net(1) == 1934
