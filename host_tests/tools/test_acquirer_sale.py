"""Sales: every check of the host, in its order, and the exact fields of its answers."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer.cards import BY_NAME, CARDS, SPECIAL_FEN
from acquirer.codes import APPROVED

# host-protocol.md 2.1: 0210 with F2 because the PAN is known.
APPROVED_FIELDS = {2, 3, 4, 11, 12, 13, 15, 25, 32, 37, 38, 39, 41, 42, 44, 49, 60, 63, 64}
# A decline by the acquirer itself leaves out 15, 38, 44 and 63; F2 is there when it was found out.
DECLINED_FIELDS = APPROVED_FIELDS - {15, 38, 44, 63}


@pytest.fixture
def pos():
    return kit.signed_in_pos()


def booked(pos):
    totals = pos.host.books.totals(pos.tid)
    return totals["sale"]["count"], totals["sale"]["amount_fen"]


def check_mac(pos, answer):
    assert answer[64] == kit.mac_of(pos.mak, answer.body[11:-8])


def refused(pos, answer, code):
    """The answer is this decline, is signed, and nothing was booked by it."""
    assert answer[39] == code
    assert 38 not in answer
    check_mac(pos, answer)
    assert booked(pos) == (0, 0)


@pytest.mark.parametrize("mode", ["swipe", "manual", "chip", "tap"])
def test_sale_approves_in_every_entry_mode(pos, mode):
    answer = pos.sale(1234, mode=mode)
    assert answer.mti == "0210" and answer[39] == "00"
    assert set(answer) == APPROVED_FIELDS
    check_mac(pos, answer)
    assert booked(pos) == (1, 1234)


def test_answer_repeats_the_request_and_swaps_the_addresses(pos):
    answer = pos.sale(1234, mode="chip")
    sent = pos.last[1]
    for number in (2, 3, 4, 11, 25, 41, 42, 49, 60):
        assert answer[number] == sent[number]
    assert answer.tpdu == "6000000003" and answer.header == kit.HEADER
    assert (answer[12], answer[13], answer[15]) == ("091949", "0428", "0428")
    assert answer[32] == "00095840" and len(answer[44]) == 22 and answer[63] == "CUP"


def test_the_ledger_knows_what_was_sold(pos):
    answer = pos.sale(1234, mode="chip")
    (entry,) = pos.host.books.transactions(pos.tid)
    assert entry["stan"] == answer[11] and entry["amount_fen"] == 1234
    assert entry["rrn"] == answer[37] and entry["auth_code"] == answer[38]
    assert entry["pan"] == "622500******0014" and entry["entry_mode"] == "051"
    assert (entry["kind"], entry["state"], entry["voided"]) == ("sale", "approved", False)


@pytest.mark.parametrize("code", ["001", "003", "004"])
def test_sale_with_the_keys_of_every_sign_in(code):
    pos = kit.signed_in_pos(code=code)
    assert (pos.tdk is not None) == (code == "004")
    assert pos.sale(500)[39] == "00"
    assert pos.sale(500, BY_NAME["credit"])[39] == "00"  # with track 3


def test_clear_tracks_are_taken_too_as_real_terminals_send_them(pos):
    assert pos.sale(500, BY_NAME["no_pin"], clear=True)[39] == "00"
    assert 53 not in pos.last[1]


def test_rrn_and_auth_code_never_come_twice(pos):
    answers = [pos.sale(100 + n) for n in range(200)]
    assert len({a[37] for a in answers}) == 200
    assert len({a[38] for a in answers}) == 200


def test_same_seed_and_clock_give_the_same_answers_byte_by_byte():
    def run(seed):
        pos = kit.signed_in_pos(kit.make_host(seed=seed))
        return [pos.sale(n).body for n in (100, 900051)] + [pos.settle((100, 1)).body]

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_events_tell_everything_but_the_card(pos):
    events = []
    pos.host.on_event(events.append)
    pos.host.faults.arm("late_answer")
    answer = pos.sale(1234)
    pos.sale(900051)
    pos.settle((1234, 1))
    sale, declined, settlement = events
    same = {"tid": pos.tid, "batch": 1}
    assert sale.items() >= {**same, "mti": "0200", "kind": "sale", "stan": answer[11]}.items()
    assert sale.items() >= {"amount": 1234, "rc": "00", "booked": True, "totals": None}.items()
    assert sale["fault"] == "late_answer" and sale["at"].second == 49
    assert (declined["rc"], declined["booked"], declined["fault"]) == ("51", False, None)
    assert declined["note"] == "amount asks for it"
    expected = {**same, "kind": "settlement", "rc": None, "totals": "11", "booked": True}
    assert settlement.items() >= expected.items() and settlement["amount"] is None
    assert set(sale) == set(declined) == set(settlement)


# Who asks


def test_unknown_terminal_97_without_mac(pos):
    answer = pos.sale(change={41: "99999999"})
    assert answer[39] == "97" and 64 not in answer
    assert booked(pos) == (0, 0)


def test_merchant_of_another_03(pos):
    refused(pos, pos.sale(change={42: "302440380621101"}), "03")


def test_blocked_terminal_58(pos):
    pos.host.block_terminal(pos.tid)
    refused(pos, pos.sale(), "58")
    pos.host.block_terminal(pos.tid, False)
    assert pos.sale()[39] == "00"


def test_a_terminal_id_that_cannot_be_printed_stays_out_of_the_log(pos):
    events = []
    pos.host.on_event(events.append)
    pos.sale(change={41: "5840\n001"})
    pos.sale(change={41: "\xb5840001é"})
    pos.sale(change={41: "99999999"})
    assert [(event["tid"], event["rc"]) for event in events] == [
        (None, "97"),
        (None, None),  # not ASCII: not even a frame of this dialect
        ("99999999", "97"),
    ]


# Format

CHIP = {"mode": "chip"}
NO_PIN = {"pin": None, "card": BY_NAME["credit"]}
FORMAT = {
    "no F22": ({22: None}, {}),
    "no F49": ({49: None}, {}),
    "field that a sale has not": ({37: "091947145060"}, {}),
    "F63 in a sale": ({63: "CUP"}, {}),
    "F3 of a void": ({3: "200000"}, {}),
    "F25 of a pre-authorisation": ({25: "06"}, {}),
    "F60.3 not 000": ({60: "22000001201500"}, {}),
    "F60 cut short": ({60: "2200000100"}, {}),
    "trace zero": ({11: "000000"}, {}),
    "F22 third digit": ({22: "023"}, {}),
    "month 13": ({14: "3013"}, CHIP),
    "PIN without F26": ({26: None}, {}),
    "PIN without F53": ({53: None}, {}),
    "PIN without F53, no track": ({53: None}, {"mode": "manual"}),
    "F26 not 12": ({26: "06"}, {}),
    "F22 says no PIN": ({22: "022"}, {}),
    "F22 says PIN": ({22: "021"}, NO_PIN),
    "F26 without PIN": ({26: "12"}, NO_PIN),
    "F53 says no PIN": ({53: "0610" + "0" * 12}, {}),
    "F53 says PIN": ({53: "2610" + "0" * 12}, NO_PIN),
    "F53 with a tail": ({53: "2610" + "0" * 11 + "1"}, {}),
    "F53 names single keys": ({53: "2010" + "0" * 12}, {}),
    "F53 tells of a track": ({53: "2610" + "0" * 12}, {"mode": "manual"}),
    "F53 tells of nothing": ({53: "0600" + "0" * 12}, {**NO_PIN, "clear": True}),
    "swipe without track": ({35: None, 36: None, 53: "2600" + "0" * 12}, {}),
    "swipe with F2": ({2: "6225000000000014"}, {}),
    "swipe with F14": ({14: "3012"}, {}),
    "chip without F55": ({55: None}, CHIP),
    "chip without F2": ({2: None}, CHIP),
    "chip without expiry": ({14: None}, CHIP),
    "chip without track 2": ({35: None, 53: "2600" + "0" * 12}, CHIP),
    "manual without expiry": ({14: None}, {"mode": "manual"}),
    "manual with F55": ({55: "9F3602001E"}, {"mode": "manual"}),
}


@pytest.mark.parametrize("name", FORMAT)
def test_format_error_30(pos, name):
    change, how = FORMAT[name]
    refused(pos, pos.sale(change=change, **how), "30")


def test_contents_that_are_no_digits_30(pos):
    refused(pos, pos.sale(change={4: "00000000123A"}), "30")


def test_addresses_of_another_terminal_30():
    host = kit.make_host()
    host.add_terminal(kit.TID, kit.MID, kit.TMK, tpdu=kit.TPDU, header=kit.HEADER)
    pos = kit.signed_in_pos(host)
    assert pos.sale()[39] == "00"
    pos.tpdu = "6000060000"
    answer = pos.sale()
    assert answer[39] == "30" and answer.tpdu == "6000000006"
    pos.tpdu, pos.header = kit.TPDU, "603100310002"
    assert pos.sale()[39] == "30"


def test_header_of_a_request_has_processing_requirement_zero(pos):
    pos.header = "603103310001"
    answer = pos.sale()
    assert answer[39] == "30" and answer.header == "603100310001"


# Sign-in, batch, MAC, trace


def test_not_signed_in_77():
    pos = kit.Pos(kit.make_host())
    pos.pik, pos.mak = bytes(16), bytes(8)
    answer = pos.sale()
    assert answer[39] == "77" and 64 not in answer  # there is no key yet to sign it with


def test_signed_off_77_signed_with_the_last_key(pos):
    assert pos.sign_off()[39] == "00"
    refused(pos, pos.sale(), "77")


def test_another_batch_77(pos):
    pos.batch += 1
    refused(pos, pos.sale(), "77")


@pytest.mark.parametrize("send", [{"bad_mac": True}, {"mac": False}])
def test_mac_wrong_or_missing_a0(pos, send):
    refused(pos, pos.sale(send=send), "A0")
    assert pos.host.books.transactions(pos.tid) == []


def test_mac_covers_every_bit_of_the_message(pos):
    body = pos.pack("0200", pos.sale_fields(1234))
    before = pos.host.books.totals(pos.tid)
    for at in range(11 * 8, (len(body) - 8) * 8):
        broken = bytearray(body)
        broken[at // 8] ^= 0x80 >> at % 8
        pos.host.handle(bytes(broken))
    after = pos.host.books.totals(pos.tid)
    assert after == before  # not even a decline was recorded: the text was never believed
    assert kit.Answer(pos.host.handle(body).body)[39] == "00"


def test_mac_of_the_last_sign_in_counts(pos):
    old = pos.mak
    pos.sign_in()
    assert pos.mak != old
    pos.mak = old
    assert pos.sale()[39] == "A0"


def test_duplicate_trace_94_whatever_became_of_the_first(pos):
    for fen, code in ((1234, "00"), (900051, "51")):
        assert pos.sale(fen)[39] == code
        first = pos.last[1]
        again = pos.send("0200", {**first, 4: "000000007777"})
        assert again[39] == "94"
    assert booked(pos) == (1, 1234)


def test_a_request_that_was_not_believed_leaves_its_trace_free(pos):
    fields = pos.sale_fields(1234)
    assert pos.send("0200", fields, bad_mac=True)[39] == "A0"
    assert pos.send("0200", fields)[39] == "00"


# Amount, currency, entry mode


@pytest.mark.parametrize("amount", [None, "000000000000"])
def test_no_amount_13(pos, amount):
    refused(pos, pos.sale(change={4: amount}), "13")


def test_currency_a1(pos):
    refused(pos, pos.sale(change={49: "840"}), "A1")


def test_entry_mode_that_nobody_takes_40(pos):
    refused(pos, pos.sale(change={22: "031"}), "40")


# Card


def test_pan_and_track_of_two_cards_14(pos):
    refused(pos, pos.sale(mode="chip", change={2: BY_NAME["lost"].pan}), "14")


def test_expiry_and_track_differ_14(pos):
    refused(pos, pos.sale(mode="chip", change={14: "3011"}), "14")


def test_check_digit_14(pos):
    refused(pos, pos.sale(mode="manual", change={2: "6225000000000015"}), "14")


def test_check_digit_comes_before_the_issuer_14(pos):
    refused(pos, pos.sale(mode="manual", change={2: "4111111111111112"}), "14")


def test_pan_has_13_digits_at_least_14(pos):
    refused(pos, pos.sale(mode="manual", change={2: "400000000006"}), "14")
    refused(pos, pos.sale(mode="manual", change={2: "4000000000006"}), "15")


def test_card_that_does_not_exist_14_of_a_known_issuer_15_of_none(pos):
    refused(pos, pos.sale(mode="manual", change={2: "6225000000000097"}), "14")
    refused(pos, pos.sale(mode="manual", change={2: "4111111111111111"}), "15")


def test_expiry_typed_wrong_54(pos):
    refused(pos, pos.sale(mode="manual", change={14: "3011"}), "54")


def test_swiped_track_must_be_the_issuers_59(pos):
    track = "6225000000000014D30121010000012345100"
    refused(pos, pos.sale(change={35: kit.encrypt_track(pos.tdk, track)}), "59")


def test_track3_must_be_the_issuers_59(pos):
    card = BY_NAME["credit"]
    other = kit.encrypt_track(pos.tdk, card.track3.replace("=00000", "=00001"))
    refused(pos, pos.sale(card=card, change={36: other}), "59")


def test_track_enciphered_with_another_key_30(pos):
    track = kit.encrypt_track(bytes(range(16)), BY_NAME["normal"].track2)
    refused(pos, pos.sale(change={35: track}), "30")


def test_track_sent_clear_but_announced_as_enciphered_30(pos):
    track = BY_NAME["normal"].track2.replace("=", "D")
    refused(pos, pos.sale(change={35: track}), "30")


@pytest.mark.parametrize(
    "track", ["6225000000000014" * 2, "6225000000000014D3012", "D30121010000012345000"]
)
def test_clear_track_that_is_none_30(pos, track):
    refused(pos, pos.sale(card=BY_NAME["no_pin"], clear=True, change={35: track}), "30")


def test_track_too_short_to_hold_a_window_30(pos):
    refused(pos, pos.sale(change={35: "6225000000000014"}), "30")


def test_track_enciphered_without_a_track_key_30():
    pos = kit.signed_in_pos(code="003")
    refused(pos, pos.sale(change={53: "2610" + "0" * 12}), "30")


# PIN


def test_wrong_pin_55_55_38_then_75_and_a_right_one_ends_it(pos):
    codes = [pos.sale(pin="999999")[39] for _ in range(5)]
    assert codes == ["55", "55", "38", "75", "75"]
    assert pos.sale()[39] == "00"
    assert pos.sale(pin="999999")[39] == "55"


def test_a_right_pin_between_wrong_ones_starts_the_count_anew(pos):
    codes = [pos.sale(pin=pin)[39] for pin in ("111111", "111111", "123456", "111111", "111111")]
    assert codes == ["55", "55", "00", "55", "55"]


def test_pin_tries_are_counted_by_card_over_all_terminals(pos):
    pos.host.add_terminal("58402002", kit.MID, kit.TMK)
    other = kit.Pos(pos.host, tid="58402002")
    other.sign_in()
    lost_pin = {"pin": "999999"}
    assert [p.sale(**lost_pin)[39] for p in (pos, other, pos, other)] == ["55", "55", "38", "75"]
    assert pos.sale(card=BY_NAME["credit"], pin="999999")[39] == "55"


@pytest.mark.parametrize("pin", ["1234", "123456789012", "12345", "1234567"])
def test_pin_of_another_length_is_wrong_not_broken(pos, pin):
    refused(pos, pos.sale(pin=pin), "55")


def test_pin_block_that_is_none_99(pos):
    block = pos.card_fields(BY_NAME["normal"])[52]
    broken = f"{int(block, 16) ^ 1:016X}"
    refused(pos, pos.sale(change={52: broken}), "99")


def test_pin_block_under_another_key_99(pos):
    block = kit.pin_block(bytes(range(16)), "123456", BY_NAME["normal"].pan)
    refused(pos, pos.sale(change={52: block}), "99")


def test_pin_block_of_another_card_99(pos):
    block = kit.pin_block(pos.pik, "123456", "6224242900000113")
    refused(pos, pos.sale(change={52: block}), "99")


def test_broken_pin_blocks_do_not_count_as_tries(pos):
    for _ in range(4):
        assert pos.sale(change={52: "0123456789ABCDEF"})[39] == "99"
    assert pos.sale(pin="999999")[39] == "55"


def test_a_repeated_message_does_not_count_as_a_try(pos):
    assert pos.sale(pin="999999")[39] == "55"
    for _ in range(3):
        assert pos.send(*pos.last)[39] == "94"
    assert pos.sale(pin="999999")[39] == "55"


def test_card_that_wants_its_pin_55_without(pos):
    refused(pos, pos.sale(pin=None), "55")
    refused(pos, pos.sale(pin=None, mode="chip"), "55")


def test_contactless_without_pin_up_to_the_limit(pos):
    assert pos.sale(100000, mode="tap", pin=None)[39] == "00"
    assert pos.sale(100001, mode="tap", pin=None)[39] == "55"


def test_card_without_pin_on_file(pos):
    card = BY_NAME["no_pin"]
    assert pos.sale(card=card)[39] == "00"
    assert pos.sale(card=card, pin="123456")[39] == "55"


# Issuer


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_card_does_what_the_table_says(pos, card):
    answer = pos.sale(2000, card)
    assert answer[39] == {"chip_only": "45"}.get(card.name, card.answer)
    check_mac(pos, answer)
    if answer[39] == "00":
        assert set(answer) == APPROVED_FIELDS
    else:  # a decline by the issuer has F15, F44 and F63
        assert set(answer) == APPROVED_FIELDS - {38}
        assert booked(pos) == (0, 0)


def test_decline_by_the_acquirer_has_the_short_field_set(pos):
    assert set(pos.sale(mode="chip", change={49: "840"})) == DECLINED_FIELDS


def test_chip_card_may_be_swiped_as_fallback_only(pos):
    card = BY_NAME["chip_only"]
    assert pos.sale(card=card)[39] == "45"
    assert pos.sale(card=card, change={60: "22000001000520"})[39] == "00"
    assert pos.sale(card=card, mode="chip")[39] == "00"


def test_balance_is_spent_and_comes_back(pos):
    card = BY_NAME["poor"]
    assert pos.sale(10001, card)[39] == "51"
    sale = pos.sale(6000, card)
    first = pos.last[1]
    assert sale[39] == "00"
    assert pos.sale(4001, card)[39] == "51"
    assert pos.sale(4000, card)[39] == "00"
    assert pos.sale(1, card)[39] == "51"
    assert pos.reverse(first)[39] == "00"
    assert pos.sale(6000, card)[39] == "00"


@pytest.mark.parametrize("fen, code", SPECIAL_FEN.items())
def test_special_amounts(pos, fen, code):
    answer = pos.sale(900000 + fen)
    assert answer[39] == code
    check_mac(pos, answer)
    assert booked(pos) == ((1, 900000 + fen) if code in APPROVED else (0, 0))
    assert (38 in answer) == (code in APPROVED)
    assert pos.sale(999900 + fen)[39] == code


@pytest.mark.parametrize("fen", [1, 5, 51, 1234, 899951, 899999, 900000, 999999, 1000051, 10**11])
def test_ordinary_amounts_approve(pos, fen):
    assert pos.sale(fen)[39] == "00"
    assert booked(pos) == (1, fen)


# Messages that are not there yet


@pytest.mark.parametrize(
    "mti, f60, answered",
    [
        ("0100", "10000001000500", "0110"),
        ("0220", "25000001000500", "0230"),
        ("0200", "01000001000500", "0210"),
        ("0620", "00000001951", "0630"),
    ],
)
def test_unknown_money_message_12_signed(pos, mti, f60, answered):
    fields = {**pos.sale_fields(1234), 60: f60}
    answer = pos.send(mti, fields)
    assert answer.mti == answered and answer[39] == "12"
    assert set(answer) == {3, 4, 11, 12, 13, 25, 32, 37, 39, 41, 42, 49, 60, 64}
    check_mac(pos, answer)
    assert booked(pos) == (0, 0)


def test_batch_upload_of_chip_data_12_unsigned(pos):
    change = {11: pos.next_stan(), 48: "0000"}
    answer = pos.management("0320", "203", change)
    assert answer.mti == "0330" and answer[39] == "12"
    assert set(answer) == {11, 12, 13, 32, 37, 39, 41, 42, 60}
