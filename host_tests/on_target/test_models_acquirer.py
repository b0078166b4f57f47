# The acquirer model alone: bytes by hand, and every kind of message. Runs inside MicroPython and
# on CPython.

from binascii import unhexlify

from till import (
    OTHER_PAN,
    PAN,
    PREFIX,
    Keys,
    Till,
    approved,
    details,
    end,
    management,
    offline,
    reversal,
    sale,
    settlement,
    void,
)

from models import acquirer_wire as wire

# ---- bytes, by hand from sections 1.1 to 1.5 ----------------------------------------------------


def test_an_echo_test_byte_for_byte():
    till = Till(sign_in=False)
    request = unhexlify(
        "0034" "6000030000" "603100310001" "0820" "0000000000C00010"
        "3538343032303031" "333032343430333830363231313030" "0011" "000000073010"
    )  # fmt: skip
    answer = unhexlify(
        "004c" "6000000003" "603100310001" "0830" "001800010AC00010"
        "093016" "1123" "08" "00095840" "303030303030303030303031" "3030"
        "3538343032303031" "333032343430333830363231313030" "0011" "000000073010"
    )  # fmt: skip
    assert till.host.receive(request) == [("send", 120, answer)]
    assert till.host.violations == []


def test_an_offline_advice_byte_for_byte():
    till = Till()
    body = unhexlify(
        "0220" "7024048004C0801B"
        "16" "6225000000000014" "000000" "000000000100" "000002" "3012" "0220" "00"
        "313132323333" "3538343032303031" "333032343430333830363231313030" "313536"
        "0014" "30000001000500" "0029" "000000000000" "1123" "00000000000000" "0003" "303030"
    )  # fmt: skip
    mac = Keys().mac(till.mak, body)
    request = bytes((0, 11 + len(body) + 8)) + PREFIX + body + mac
    assert till.frame("0220", offline(2)) == request
    answer = till.host.receive(request)[0][2]
    body = unhexlify(
        "0230" "303A00810EC08011"
        "000000" "000000000100" "000002" "093016" "1123" "1123" "00" "08" "00095840"
        "303030303030303030303032" "313132323333" "3030"
        "3538343032303031" "333032343430333830363231313030" "313536" "0014" "30000001000500"
    )  # fmt: skip
    head = bytes((0, 11 + len(body) + 8)) + unhexlify("6000000003603100310001") + body
    assert answer == head + Keys().mac(till.mak, body)


def test_what_is_no_frame_is_not_answered_and_noted():
    till = Till()
    good = till.frame("0200", sale(2))
    bad = [good[:n] for n in range(len(good))]
    bad += [good + b"\0", good[:2] + b"\x61" + good[3:], b"\xff\xff" + good[2:]]
    bad.append(good[:15] + bytes((good[15] | 0x80,)) + good[16:])  # a second bitmap
    bad.append(good[:22] + bytes((good[22] | 2,)) + good[23:])  # F63 that is not there
    for n, frame in enumerate(bad):
        assert till.host.receive(frame) == [], n
        assert till.host.violation_count == n + 1
    assert till.host.violations[0] == "frame -: frame length"
    assert till.host.booked == {} and len(till.host.violations) == 40


def test_values_that_have_not_their_form_are_not_packed():
    for fields in (
        {3: "00000"}, {3: "00000x"}, {41: "1234567\n"}, {48: "0" * 323}, {48: ""}, {7: "1"},
        {35: b"12G4"}, {62: bytes(513)}, {64: bytes(7)},
    ):  # fmt: skip
        try:
            wire.pack(PREFIX, "0200", fields)
        except wire.WireError as e:
            assert e.args[0].startswith("F%d " % list(fields)[0])
        else:
            raise AssertionError(fields)


# ---- booking ------------------------------------------------------------------------------------


def test_a_day():
    till = Till()
    host = till.host
    first = approved(till, "0200", sale(2, 1234))
    assert (first[37], first[38], first[4]) == ("000000000002", "000002", "000000001234")
    host.codes[2000] = "51"
    answer = till.ask("0200", sale(3, 2000))
    assert answer[39] == "51" and 38 not in answer
    approved(till, "0200", sale(4, 800))
    assert host.net() == 2034
    approved(till, "0200", void(5, 2, first[37], first[38], 1234))
    assert host.booked[1, 2][:3] == ["sale", 1234, "voided"]
    assert list(host.standing()) == [(1, 4, "sale", 800)] and host.net() == host.net(1) == 800
    approved(till, "0400", reversal(5, 1234, of=2))
    assert host.booked[1, 2][2] == "approved" and host.booked[1, 5][2] == "reversed"
    approved(till, "0220", offline(6, 500))
    assert till.ask("0500", settlement(7, 2534, 3))[48][30] == "1"
    assert host.closed_batches == {1: (2534, 3, 0, 0)} and host.batch == 2
    assert till.ask("0500", settlement(7, 2534, 3))[48][30] == "1"  # the answer was lost
    assert till.ask("0500", settlement(8, 2534, 2))[48][30] == "2"
    assert host.batch == 2 and host.net() == host.net(1) == 2534 and host.net(2) == 0
    host.forget(1)
    assert host.booked == {} and host.net() == 2534
    assert host.violations == []


def test_a_reversal_without_original_keeps_it_from_being_booked_later():
    till = Till()
    assert till.code("0400", reversal(2)) == "25"
    assert till.code("0200", sale(2)) == "94"
    assert till.code("0401", reversal(2)) == "25" and till.host.net() == 0


def test_reversals_are_done_once_and_repeats_are_answered_alike():
    till = Till()
    approved(till, "0200", sale(2))
    for mti in ("0400", "0401", "0401"):
        approved(till, mti, reversal(2))
    assert till.host.booked[1, 2][2] == "reversed" and till.host.violations == []


def test_what_contradicts_the_original_is_refused_and_noted():
    till = Till()
    first = approved(till, "0200", sale(2))
    approved(till, "0220", offline(3))
    for fields, code in ((reversal(2, 101), "64"), (reversal(3), "22"), (reversal(2, of=3), "22")):
        n = till.host.violation_count
        assert till.code("0401", fields) == code
        assert till.host.violation_count == n + 1
    assert till.code("0200", void(4, 2, first[37], first[38], 99)) == "25"
    assert till.code("0200", void(5, 2, first[37], first[38], pan=OTHER_PAN)) == "14"
    assert till.host.net() == 200
    approved(till, "0200", void(6, 2, first[37], first[38]))
    assert till.code("0200", void(7, 2, first[37], first[38])) == "25"
    n = till.host.violation_count
    assert till.code("0401", reversal(2)) == "22"  # the sale is voided
    assert till.host.violation_count == n + 1


def test_an_advice_is_booked_once_however_often_it_comes():
    till = Till()
    first = approved(till, "0220", offline(2))
    approved(till, "0200", sale(3))
    again = approved(till, "0221", offline(2))
    assert again[37] == first[37] == "000000000002" and again[38] == first[38] == "112233"
    assert till.host.net() == 200 and till.host.violations == []
    assert till.code("0220", offline(2)) == "94"
    for other in (offline(2, 101), offline(2, pan=OTHER_PAN)):
        assert till.code("0221", other) == "94"
    assert till.code("0221", offline(3)) == "94"  # the number is a sale's
    assert till.host.net() == 200


def test_a_declined_advice_stays_declined():
    till = Till()
    till.host.codes[700] = "54"
    assert till.code("0220", offline(2, 700)) == "54"
    till.host.codes = {}
    answer = till.ask("0221", offline(2, 700))
    assert answer[39] == "54" and 38 not in answer and till.host.net() == 0


def test_an_uploaded_offline_sale_can_be_voided():
    till = Till()
    up = approved(till, "0220", offline(2))
    approved(till, "0200", void(3, 2, up[37], up[38]))
    assert till.host.net() == 0 and till.host.booked[1, 2][2] == "voided"
    assert approved(till, "0221", offline(2))[37] == up[37]  # its answer had been lost
    assert till.host.totals(1) == (100, 1, 100, 1) and till.host.violations == []


def test_the_clear_head_of_an_encrypted_track_tells_cards_apart():
    till = Till()
    first = sale(2)
    first[53] = "0610000000000000"
    track = PAN.encode() + b"F17E5B0D2A6C94E8" + b"00"  # 34 digits, 16 encrypted
    first[35] = track
    first = approved(till, "0200", first)
    other = void(3, 2, first[37], first[38], pan=OTHER_PAN)
    assert till.code("0200", other) == "14"
    right = void(4, 2, first[37], first[38])
    right.update({35: track, 53: "0610000000000000"})
    approved(till, "0200", right)


# ---- sign-in and MAC ----------------------------------------------------------------------------


def test_without_a_sign_in_nothing_is_booked():
    till = Till(sign_in=False)
    for n, (mti, fields) in enumerate(
        (("0200", sale(1)), ("0220", offline(2)), ("0400", reversal(3)))
    ):
        answer = till.ask(mti, fields)
        assert answer[39] == "77" and 64 not in answer, n
    till.sign_in(4)
    approved(till, "0200", sale(5))
    assert till.code("0820", management(6, "002")) == "00"
    assert till.code("0200", sale(7)) == "77"
    assert till.host.sign_ins == 1 and till.host.net() == 100


def test_each_sign_in_brings_other_keys_and_old_ones_are_no_good():
    till = Till()
    old = till.mak
    till.sign_in(2)
    assert till.mak != old
    new, till.mak = till.mak, old
    assert till.code("0200", sale(3)) == "A0" and till.host.booked == {}
    assert till.code("0400", reversal(4)) == "A0"
    till.mak = new
    answer = wire.unpack(till.actions("0200", sale(5))[0][2])[1]
    assert answer[39] == "00" and answer[64] != bytes(8)
    assert len(till.ask("0800", management(6, "003", 63, b"01 "))[62]) == 40


def test_the_host_forgets_the_sign_in():
    till = Till()
    till.host.change_keys()
    assert till.code("0200", sale(2)) == "77"
    till.sign_in(3)
    approved(till, "0200", sale(4))
    till.host.change_keys("A0")
    assert till.code("0200", sale(5)) == "A0"
    till.sign_in(6)
    approved(till, "0200", sale(7))
    assert till.host.net() == 200


def test_who_is_not_known_and_what_is_not_known():
    till = Till()
    fields = sale(2)
    fields[41] = "00000000"
    assert till.code("0200", fields) == "97"
    fields = sale(3)
    fields[42] = "0" * 15
    assert till.code("0200", fields) == "03"
    assert till.host.violations == []
    fields = reversal(4)
    fields[60] = "30000001000500"  # an offline sale is not reversed
    assert till.code("0400", fields) == "12"
    assert till.actions("0210", sale(5)) == []
    assert till.host.violations == ["0400 1/4: unknown message", "0210 -: no request"]


# ---- settlement and upload ----------------------------------------------------------------------


def test_an_unbalanced_batch_is_uploaded_compared_and_closed():
    till = Till()
    host = till.host
    first = approved(till, "0200", sale(2, 100))
    approved(till, "0200", sale(3, 200))
    approved(till, "0220", offline(4, 300))
    approved(till, "0200", void(5, 2, first[37], first[38], 100))
    approved(till, "0200", sale(6, 600))
    assert till.ask("0500", settlement(7, 1, 1))[48][:31] == "0000000012000040000000001000012"
    approved(till, "0320", details(8, (2, 100), (3, 201), (5, 100), (6, 600, OTHER_PAN), (99, 9)))
    notice = offline(4, 300)
    approved(till, "0320", notice)
    approved(till, "0321", notice)
    approved(till, "0321", details(8, (2, 100), (3, 201), (5, 100)))
    assert host.uploads == {
        (1, 2): "match", (1, 3): "differs", (1, 4): "match", (1, 5): "match",
        (1, 6): "differs", (1, 99): "missing",
    }  # fmt: skip
    assert till.code("0320", end(9, 5)) == "79" and host.batch == 1
    assert till.code("0321", end(9, 6)) == "00" and host.batch == 2
    assert till.code("0321", end(9, 6)) == "00" and host.batch == 2
    assert host.closed_batches == {1: (1200, 4, 100, 1)}
    assert till.ask("0500", settlement(10, 1, 1))[48][30] == "2"
    assert host.violations == []


def test_a_balanced_batch_ends_with_nothing_uploaded():
    till = Till()
    approved(till, "0200", sale(2))
    assert till.code("0320", end(3, 0, "207")) == "79"  # nobody has closed it
    till.ask("0500", settlement(4, 100, 1))
    assert till.code("0320", end(5, 1, "207")) == "79"
    assert till.code("0320", end(6, 0, "207")) == "00"
    assert till.code("0320", end(7, 0, "207", batch=2)) == "00" and till.host.batch == 2


def test_uploads_for_no_batch_and_without_form():
    till = Till()
    assert till.code("0320", details(2, (1, 1), batch=9)) == "77"
    bad = details(3, (1, 1))
    for n, f48 in enumerate(("00" + bad[48][2:], "02" + bad[48][2:], "0101" + bad[48][4:], "1")):
        bad[48] = f48
        bad[11] = "%06d" % (10 + n)
        assert till.code("0320", bad) == "30", f48
    assert till.code("0320", management(20, "202", 48, "00001")) == "30"
    assert till.host.uploads == {} and till.host.batch == 1


def test_a_status_notice_is_asked_for_in_the_header_and_counted():
    till = Till()
    till.host.requirement = 2
    heads = [till.actions("0820", management(0, "301"))[0][2][9] & 15 for _ in range(2)]
    assert heads == [2, 0]
    assert till.code("0820", management(0, "362", 62, b"011021031041051")) == "00"
    assert till.host.statuses == 1 and till.host.last_status == b"011021031041051"
