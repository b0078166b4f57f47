# The codec and the dialect: published messages byte for byte, refusals, and 200,000 broken inputs.

import gc

import harness
from harness import Rng, raises, vectors

from app.crypto.keys import MAK, Key
from app.crypto.mac import union_pay_ecb
from app.host import cup, framing, iso8583
from app.host.iso8583 import FormatError

FUZZ = 200_000
hexa = bytes.fromhex


def pack(mti, fields, table=cup.FIELDS):
    buf = bytearray(1024)
    end = iso8583.pack(table, mti, fields, buf)
    return bytes(buf[:end])


def unpack(data):
    return iso8583.unpack(cup.FIELDS, memoryview(data), 0, len(data))


def field(number, value):
    """A vector's text as the codec's value."""
    fmt = cup.FIELDS[number][0]
    if fmt in (iso8583.LLB, iso8583.LLLB):
        return hexa(value) if number in (55, 59, 62) else value.encode()
    if fmt == iso8583.B:
        return value.encode() if number == 64 else hexa(value)
    return value


# ---- published messages -------------------------------------------------------------------------


def test_every_published_message_is_read_and_written_byte_for_byte():
    count = 0
    for v in vectors("iso8583.json"):
        d = v["decoded"]
        if v["kind"] != "iso8583-message" or not v["hex"]:
            continue
        data = hexa(v["hex"])
        start = 13 if "h" in d else 0
        fields = {int(k): field(int(k), x) for k, x in d.items() if k.isdigit()}
        try:
            mti, got = iso8583.unpack(cup.FIELDS, memoryview(data), start, len(data))
        except FormatError as e:
            raise AssertionError((v["id"], e.args))
        assert mti == d["t"], v["id"]
        assert sorted(got) == sorted(fields), v["id"]
        for number, value in fields.items():
            want = (
                value.encode() if number in iso8583.SENSITIVE and isinstance(value, str) else value
            )
            assert got[number] == want, (v["id"], number)
        assert pack(mti, fields) == data[start:], v["id"]
        assert pack(mti, got) == data[start:], v["id"]
        if "h" in d:
            buf = bytearray(13) + bytearray(pack(mti, fields))
            framing.wrap(buf, len(buf), d["h"][:10], d["h"][10:])
            assert buf == data, v["id"]
        count += 1
        gc.collect()
    print("%d messages" % count)
    assert count >= 40


def test_macs_of_the_generated_messages():
    """The generated set is MACed under a known key: the fold of each is published with it."""
    count = 0
    key = None
    for v in vectors("iso8583.json"):
        if v["id"] == "gen-signin-rsp":
            # TMK 11..11; the MAK of the set is the second key of this answer's F62
            from app.crypto.des import ecb

            f62 = hexa(v["decoded"]["62"])
            key = Key(MAK, bytes(ecb(b"\x11" * 16, f62[20:28], True)))
    for v in vectors("iso8583.json"):
        if not v["id"].startswith("gen-") or "mac_fold" not in v:
            continue
        data = hexa(v["hex"])
        assert union_pay_ecb(key, data, 13, len(data) - 8).decode() == v["decoded"]["64"], v["id"]
        count += 1
    print("%d MACs" % count)
    assert count >= 10


SETTINGS = {"tid": "58402001", "mid": "302440380621100"}


def test_sign_in_is_built_as_published():
    for v in vectors("iso8583.json"):
        if v["id"] == "gen-signin-req":
            mti, fields = cup.management(("0800", "004", True), 7, SETTINGS, "01", 133)
            assert pack(mti, fields) == hexa(v["hex"])[13:]
            return
    raise AssertionError("vector missing")


def test_sale_void_and_settlement_are_built_as_published():
    from app.store.records import Txn

    built = 0
    for v in vectors("iso8583.json"):
        d = v["decoded"]
        if v["id"] in ("gen-sale-mag-req", "gen-sale-void-req"):
            void = v["id"] == "gen-sale-void-req"
            t = Txn(cup.VOID if void else cup.SALE, 100)
            t.batch, t.trace, t.entry_mode = 7, int(d["11"]), cup.entry_mode(cup.ENTRY_SWIPE, True)
            if void:
                t.original_trace, t.original_rrn, t.original_auth = 134, d["37"], d["38"]
            fields = cup.financial(t.kind, t, SETTINGS, cup.READER_IC)
            fields[26] = "12"
            fields[35] = bytearray(d["35"].encode())
            fields[52] = hexa(d["52"])
            fields[53] = cup.f53(True, True)
            fields[64] = d["64"].encode()
        elif v["id"] == "gen-settle-req":
            mti, fields = cup.management(cup.SETTLE, 7, SETTINGS, "01", 148)
            fields[48] = cup.totals(300, 3, 100, 1)
            fields[49] = "156"
        elif v["id"] == "gen-echo-req":
            _, fields = cup.management(cup.ECHO, 7, SETTINGS)
        elif v["id"] == "gen-signoff-req":
            _, fields = cup.management(cup.SIGN_OFF, 7, SETTINGS, None, 150)
        else:
            continue
        assert pack(d["t"], fields) == hexa(v["hex"])[13:], v["id"]
        built += 1
    assert built == 5


def test_bitmaps_of_real_messages():
    """B1: a real reversal of a swiped void; a real pre-authorisation with swipe and PIN is our
    sale's set."""
    from app.store.records import Txn

    t = Txn(cup.VOID, 100)
    t.trace, t.batch, t.entry_mode, t.reason = 139, 7, 21, "98"
    t.original_trace, t.original_rrn, t.original_auth = 134, "091947145060", "123456"
    assert 38 not in cup.reversal(t, SETTINGS, "2")  # the voided sale's is not the void's
    t.auth_code = "654321"
    fields = cup.reversal(t, SETTINGS, "2")
    assert fields[38] == "654321"
    fields[64] = bytes(8)
    assert pack("0400", fields)[2:10] == hexa("3020048006C08019")
    assert fields[61] == "0000070001340000"
    sale = Txn(cup.SALE, 100)
    sale.trace, sale.batch, sale.entry_mode, sale.reason = 134, 7, 21, "98"
    fields = cup.reversal(sale, SETTINGS, "2")
    assert sorted(fields) == [3, 4, 11, 22, 25, 39, 41, 42, 49, 60]


# ---- refusals -----------------------------------------------------------------------------------


def test_what_cannot_be_packed_names_the_field():
    for number, value in (
        (4, "1"), (4, "00000000010a"), (11, "12345"), (35, "1" * 38), (35, "12 34"), (41, "short"),
        (62, b"x" * 513), (52, b"1234567"), (5, "1"),
    ):  # fmt: skip
        e = raises(FormatError, pack, "0200", {number: value})
        assert e.args[0] == number, (number, e.args)
    raises(FormatError, pack, "02x0", {})
    raises(FormatError, pack, "0200", {70: "001"})
    raises(FormatError, iso8583.pack, cup.FIELDS, "0200", {62: b"x" * 100}, bytearray(50))


def test_errors_never_hold_a_value():
    e = raises(FormatError, pack, "0200", {2: "62250000000000140000"})
    assert "6225" not in str(e.args)
    e = raises(FormatError, pack, "0200", {35: "6225000000000014=3012?"})
    assert "6225" not in str(e.args)


def test_what_cannot_be_unpacked_says_why():
    good = pack("0200", {3: "000000", 11: "000001", 41: "58402001"})
    assert unpack(good)[0] == "0200"
    for cut in range(len(good)):
        raises(FormatError, unpack, good[:cut])
    raises(FormatError, unpack, good + b"\0")
    second = bytearray(good)
    second[2] |= 0x80
    raises(FormatError, unpack, bytes(second))
    digit = bytearray(good)
    digit[10] = 0xAB
    assert raises(FormatError, unpack, bytes(digit)).args[0] == 3


def test_lengths_are_bounded_before_anything_is_made_of_them():
    for number, head in ((35, b"\x99"), (62, b"\x99\x99"), (48, b"\x12\x3a")):
        bitmap = bytearray(8)
        bitmap[(number - 1) >> 3] |= 0x80 >> ((number - 1) & 7)
        e = raises(FormatError, unpack, b"\x02\x10" + bytes(bitmap) + head + bytes(600))
        assert e.args[0] == number


def test_sensitive_fields_come_as_bytearrays_that_can_be_wiped():
    data = pack("0210", {2: "6225000000000014", 35: "6225000000000014D3012", 52: bytes(8)})
    _, fields = unpack(data)
    for number in (2, 35, 52):
        assert isinstance(fields[number], bytearray)


def test_frames():
    assert framing.length(b"\x00\x3c") == 60
    for bad in (b"\x00\x00", b"\x00\x14", b"\xff\xff", b"\x05\x79"):
        raises(FormatError, framing.length, bad)
    answer = hexa("003C" + "6000000003" + "603100310001")
    assert framing.check_response(memoryview(answer), "6000030000") == 0
    answer = hexa("003C" + "6000000003" + "603103310001")
    assert framing.check_response(memoryview(answer), "6000030000") == 3
    raises(FormatError, framing.check_response, memoryview(answer), "6000040000")


def test_totals_of_a_settlement():
    f48 = cup.totals(1234567, 3, 100, 1)
    assert f48 == "000001234567003000000000100001" + "0" + "0" * 31
    home, foreign = cup.parse_totals(f48)
    assert home == (1234567, 3, 100, 1, 0) and foreign == (0, 0, 0, 0, 0)
    raises(FormatError, cup.parse_totals, f48[:-1])


# ---- broken inputs ------------------------------------------------------------------------------


def mutate(rng, data):
    """A copy of a good message with some damage."""
    out = bytearray(data)
    for _ in range(1 + rng.below(4)):
        kind = rng.below(5)
        at = rng.below(len(out)) if out else 0
        if kind == 0 and out:
            out[at] ^= 1 << rng.below(8)
        elif kind == 1 and out:
            out[at] = rng.below(256)
        elif kind == 2:
            out = out[:at]
        elif kind == 3:
            out += rng.bytes(1 + rng.below(6))
        elif out:
            n = rng.below(8)
            out[at : at + n] = b""
    return out


def test_broken_inputs_give_a_value_or_a_format_error_and_nothing_else():
    rng = Rng(harness.seed(8583))
    common = {12: "091942", 13: "0428", 32: "00095840", 37: "091942150067"}
    common.update({41: "58402001", 42: "302440380621100"})
    sign_in = {11: "000133", 39: "00", 60: "00000007004", 62: bytes(60)}
    sale = {2: "6225000000000014", 3: "000000", 4: "000000000100", 11: "000134", 14: "3012"}
    sale.update({15: "0428", 23: "001", 25: "00", 38: "123456", 39: "00", 49: "156"})
    sale.update({44: b"90310000   03025840   ", 60: "22000007000500", 63: b"CUP", 64: bytes(8)})
    settle = {11: "000148", 15: "0428", 48: "0" * 62, 49: "156", 60: "00000007201"}
    good = []
    for mti, fields in (("0810", sign_in), ("0210", sale), ("0510", settle)):
        fields.update(common)
        good.append(pack(mti, fields))
    values = errors = 0
    fuzz = harness.rounds(FUZZ)
    for i in range(fuzz):
        data = rng.bytes(rng.below(60)) if i % 8 == 0 else mutate(rng, good[i % 3])
        try:
            mti, fields = unpack(data)
            # A value is one that can be packed again.
            if i % 16 == 1:
                pack(mti, fields)
            values += 1
        except FormatError:
            errors += 1
    print("%d inputs: %d values, %d format errors" % (fuzz, values, errors))
    assert values + errors == fuzz and values > fuzz // 200 and errors > fuzz // 200
