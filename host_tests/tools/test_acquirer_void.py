"""Voids and reversals: what is taken back, what is not, and that no money is left under a done
reversal."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer.cards import BY_NAME
from acquirer.codes import REVERSAL_DONE

# host-protocol.md 2.1, 0410; F2 comes when the request had it.
REVERSED_FIELDS = {3, 4, 11, 12, 13, 15, 25, 32, 37, 39, 41, 42, 44, 49, 60, 64}


@pytest.fixture
def pos():
    return kit.signed_in_pos()


def state(pos, stan):
    (entry,) = [t for t in pos.host.books.transactions(pos.tid) if t["stan"] == stan]
    return entry


def count(pos, name):
    return pos.host.books.totals(pos.tid)[name]["count"]


# Void


@pytest.mark.parametrize("mode", ["swipe", "manual", "chip", "tap"])
def test_void_takes_a_sale_back(pos, mode):
    sale = pos.sale(1234, mode=mode)
    answer = pos.void(sale, mode=mode)
    assert answer[39] == "00" and answer[3] == "200000" and answer[37] != sale[37]
    assert answer[64] == kit.mac_of(pos.mak, answer.body[11:-8])
    assert state(pos, sale[11])["voided"] and state(pos, sale[11])["state"] == "approved"
    assert state(pos, answer[11])["original_stan"] == sale[11]
    assert kit.net_fen(pos.host) == 0 and count(pos, "sale") == count(pos, "void") == 1


def test_void_needs_no_pin(pos):
    assert pos.void(pos.sale(), pin=None)[39] == "00"


def test_void_with_a_wrong_pin_55(pos):
    assert pos.void(pos.sale(), pin="999999")[39] == "55"
    assert count(pos, "void") == 0


def test_void_of_special_amount_is_not_asked_of_the_issuer(pos):
    sale = pos.sale(900011)
    assert sale[39] == "11"
    assert pos.void(sale)[39] == "00"


VOID_25 = {
    "no such trace": lambda pos, sale: {61: f"{pos.batch:06d}000999"},
    "another batch": lambda pos, sale: {61: f"{pos.batch + 1:06d}{sale[11]}"},
    "another RRN": lambda pos, sale: {37: "000000000000"},
    "another auth code": lambda pos, sale: {38: f"{(int(sale[38]) + 1) % 1000000:06d}"},
    "auth code left out": lambda pos, sale: {38: None},
}


@pytest.mark.parametrize("name", VOID_25)
def test_void_without_its_original_25(pos, name):
    sale = pos.sale()
    answer = pos.void(sale, change=VOID_25[name](pos, sale))
    assert answer[39] == "25" and 38 not in answer
    assert count(pos, "void") == 0 and kit.net_fen(pos.host) == 1234


def test_void_only_once(pos):
    sale = pos.sale()
    assert pos.void(sale)[39] == "00"
    assert pos.void(sale)[39] == "25"
    assert kit.net_fen(pos.host) == 0


def test_void_of_a_declined_sale_a_void_or_a_reversed_sale_25(pos):
    declined = pos.sale(900051)
    assert pos.void(declined, change={38: "123456"})[39] == "25"
    sale = pos.sale()
    sold = pos.last[1]
    void = pos.void(sale)
    assert pos.void(void)[39] == "25"
    other = pos.sale()
    assert pos.reverse(pos.last[1])[39] == "00"
    assert pos.void(other)[39] == "25"
    assert sold[11] == sale[11] and kit.net_fen(pos.host) == 0


def test_void_of_another_terminals_sale_25(pos):
    pos.host.add_terminal("58402002", kit.MID, kit.TMK)
    other = kit.Pos(pos.host, tid="58402002")
    other.sign_in()
    assert other.void(pos.sale())[39] == "25"


def test_void_of_a_settled_sale_25(pos):
    sale = pos.sale(1000)
    assert pos.settle((1000, 1))[48][30] == "1"
    pos.batch += 1
    assert pos.void(sale, change={61: f"{pos.batch - 1:06d}{sale[11]}"})[39] == "25"


@pytest.mark.parametrize("fen", [1, 1233, 1235])
def test_void_of_another_amount_64(pos, fen):
    sale = pos.sale(1234)
    assert pos.void(sale, change={4: f"{fen:012d}"})[39] == "64"
    assert kit.net_fen(pos.host) == 1234


def test_void_with_another_card_14(pos):
    sale = pos.sale(1234)
    assert pos.void(sale, BY_NAME["credit"])[39] == "14"
    assert pos.void(sale)[39] == "00"


@pytest.mark.parametrize("text", ["0000010000020428", "00000100000204280011"])
def test_void_f61_is_batch_and_trace_30(pos, text):
    assert pos.void(pos.sale(), change={61: text})[39] == "30"


# Reversal of a sale


@pytest.mark.parametrize("mode", ["swipe", "chip"])
@pytest.mark.parametrize("reason", ["98", "96", "06", "A0"])
def test_reversal_takes_a_sale_back(pos, mode, reason):
    sale = pos.sale(1234, mode=mode)
    answer = pos.reverse(pos.last[1], reason)
    assert answer.mti == "0410" and answer[39] == "00"
    assert set(answer) == REVERSED_FIELDS | ({2} if mode == "chip" else set())
    assert answer[64] == kit.mac_of(pos.mak, answer.body[11:-8])
    assert answer[11] == sale[11] and answer[37] != sale[37]
    assert state(pos, sale[11])["state"] == "reversed"
    assert state(pos, sale[11])["reversal_reason"] == reason
    assert kit.net_fen(pos.host) == 0 and count(pos, "reversal") == 1


def test_repeated_reversals_are_one(pos):
    pos.sale()
    request = pos.last[1]
    assert [pos.reverse(request)[39] for _ in range(4)] == ["00"] * 4
    assert count(pos, "reversal") == 1 and state(pos, request[11])["reversal_times"] == 4
    pos.sale(500)
    assert pos.reverse(request)[39] == "00"
    assert kit.net_fen(pos.host) == 500


def test_reversal_before_its_sale_25_and_the_sale_never_books(pos):
    late = pos.sale_fields(1234)
    assert pos.reverse(late)[39] == "25"
    answer = pos.send("0200", late)
    assert answer[39] == "94" and 38 not in answer
    assert kit.net_fen(pos.host) == 0 and count(pos, "sale") == 0
    assert count(pos, "tombstone") == 1
    assert pos.reverse(late)[39] == "25"
    assert pos.send("0200", late)[39] == "94"
    assert count(pos, "tombstone") == 1


def test_reversal_of_a_declined_sale_25_without_effect(pos):
    pos.sale(900051)
    assert pos.reverse(pos.last[1])[39] == "25"
    assert count(pos, "reversal") == 0 and count(pos, "declined") == 1


def test_reversal_needs_sign_in_and_mac(pos):
    pos.sale()
    request = pos.last[1]
    assert pos.reverse(request, send={"bad_mac": True})[39] == "A0"
    assert pos.reverse(request, send={"mac": False})[39] == "A0"
    pos.sign_off()
    assert pos.reverse(request)[39] == "77"
    assert kit.net_fen(pos.host) == 1234
    pos.sign_in()
    assert pos.reverse(request)[39] == "00"  # the MAC is of the new key, as at the time of sending
    assert kit.net_fen(pos.host) == 0


REVERSAL_30 = {
    "track": {35: "6225000000000014D30121010000012345000"},
    "PIN block": {52: "0123456789ABCDEF", 26: "12"},
    "F53": {53: "2610" + "0" * 12},
    "RRN": {37: "091947145060"},
    "no reason": {39: None},
    "unknown reason": {39: "00"},
    "F61 in the reversal of a sale": {61: "000001000002"},
    "F3 of a void": {3: "200000"},
}


@pytest.mark.parametrize("name", REVERSAL_30)
def test_reversal_with_fields_it_must_not_have_30(pos, name):
    pos.sale()
    assert pos.reverse(pos.last[1], change=REVERSAL_30[name])[39] == "30"
    assert kit.net_fen(pos.host) == 1234


def test_reversal_without_amount_13_and_of_another_currency_a1(pos):
    pos.sale()
    request = pos.last[1]
    assert pos.reverse(request, change={4: None})[39] == "13"
    assert pos.reverse(request, change={49: "840"})[39] == "A1"
    assert kit.net_fen(pos.host) == 1234


CONTRADICTIONS = {
    "amount": ({4: "000000001235"}, "64"),
    "card": ({2: "6224242900000113"}, "14"),
    "auth code": ({38: "000000"}, "22"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_reversal_that_contradicts_its_original_is_not_done(pos, name):
    change, code = CONTRADICTIONS[name]
    pos.sale(1234, mode="chip")
    request = pos.last[1]
    assert pos.reverse(request, change=change)[39] == code
    assert kit.net_fen(pos.host) == 1234
    assert pos.reverse(request)[39] == "00"
    assert pos.reverse(request, change=change)[39] == code


def test_reversal_may_carry_the_auth_code(pos):
    sale = pos.sale()
    assert pos.reverse(pos.last[1], "06", change={38: sale[38]})[39] == "00"


def test_reversal_of_a_batch_that_never_was_77(pos):
    pos.sale()
    request = {**pos.last[1], 60: "22000099000500"}
    assert pos.reverse(request)[39] == "77"


def test_reversal_of_a_settled_sale_22_but_25_where_nothing_stands(pos):
    pos.sale(1000)
    sold = pos.last[1]
    assert pos.settle((1000, 1))[48][30] == "1"
    assert pos.reverse(sold)[39] == "22"
    assert pos.reverse({**sold, 11: "000777"})[39] == "25"
    assert kit.net_fen(pos.host) == 1000 and count(pos, "tombstone") == 0


# Reversal of a void


def voided(pos):
    sale = pos.sale(1234)
    sold = pos.last[1]
    assert pos.void(sale)[39] == "00"
    return sale, sold, pos.last[1]


def test_reversal_of_a_void_restores_the_sale(pos):
    sale, _, void_request = voided(pos)
    assert pos.reverse(void_request)[39] == "00"
    assert kit.net_fen(pos.host) == 1234 and not state(pos, sale[11])["voided"]
    assert count(pos, "void") == 0 and count(pos, "void_reversed") == 1
    assert pos.void(sale)[39] == "00"
    assert kit.net_fen(pos.host) == 0


def test_reversal_of_a_void_may_carry_a_date_in_f61(pos):
    _, _, void_request = voided(pos)
    assert pos.reverse(void_request, change={61: void_request[61] + "0000"})[39] == "00"


def test_reversals_with_all_that_a_chip_card_adds(pos):
    """host-protocol.md 2.3: 2, 14, 23, 38 and a short F55."""
    chip = "950500800460009F1E083132333435363738"
    sale = pos.sale(1234, mode="chip")
    sold = pos.last[1]
    void = pos.void(sale, mode="chip")
    assert void[39] == "00"
    extra = {38: void[38], 55: chip}
    assert pos.reverse(pos.last[1], "06", change=extra)[39] == "00"
    assert {2, 14, 23, 38, 55, 61} <= set(pos.last[1])
    assert pos.reverse(sold, "06", change={38: sale[38], 55: chip})[39] == "00"
    assert kit.net_fen(pos.host) == 0


@pytest.mark.parametrize(
    "change, code",
    [
        ({61: "000001000999"}, "22"),
        ({61: None}, "30"),
        ({3: "000000", 60: "22000001000500", 61: None}, "22"),
    ],
)
def test_reversal_of_a_void_must_name_the_same_sale(pos, change, code):
    _, _, void_request = voided(pos)
    assert pos.reverse(void_request, change=change)[39] == code
    assert kit.net_fen(pos.host) == 0


def test_reversal_of_a_sale_sent_as_one_of_a_void_22(pos):
    pos.sale(1234)
    request = {**pos.last[1], 3: "200000", 60: "23000001000500", 61: "000001000001"}
    assert pos.reverse(request)[39] == "22"
    assert kit.net_fen(pos.host) == 1234


def test_reversal_of_a_voided_sale_22(pos):
    _, sold, _ = voided(pos)
    assert pos.reverse(sold)[39] == "22"
    assert kit.net_fen(pos.host) == 0 and count(pos, "sale") == 1


def test_late_void_after_its_reversal_never_books(pos):
    sale = pos.sale(1234)
    late = pos.void_fields(sale)
    assert pos.reverse(late)[39] == "25"
    assert pos.send("0200", late)[39] == "94"
    assert kit.net_fen(pos.host) == 1234


# The rule behind all of it


@pytest.mark.parametrize("seed", range(20))
def test_a_done_reversal_leaves_no_money_under_its_trace(seed):
    """Random histories against a model that only believes the answers."""
    rng = random.Random(seed)
    pos = kit.signed_in_pos(kit.make_host(seed=seed))
    sales, requests, standing, open_sales = [], [], {}, {}
    for _ in range(60):
        kind = rng.choice(("sale", "sale", "void", "reverse", "late"))
        if kind == "sale":
            answer = pos.sale(rng.choice((rng.randrange(1, 900000), 900051)))
            requests.append(pos.last[1])
            if answer[39] == "00":
                sales.append(answer)
                standing[answer[11]] = int(answer[4])
                open_sales[answer[11]] = True
        elif kind == "void" and sales:
            sale = rng.choice(sales)
            answer = pos.void(sale)
            requests.append(pos.last[1])
            assert (answer[39] == "00") == open_sales[sale[11]]
            if answer[39] == "00":
                standing[answer[11]] = -int(answer[4])
                open_sales[sale[11]] = False
        elif kind == "reverse" and requests:
            request = rng.choice(requests)
            if pos.reverse(request)[39] in REVERSAL_DONE:
                fen = standing.pop(request[11], 0)
                if fen > 0:
                    open_sales[request[11]] = False
                if fen < 0:
                    open_sales[request[61][6:]] = True
        elif kind == "late":
            late = pos.sale_fields(rng.randrange(1, 900000))
            assert pos.reverse(late)[39] == "25"
            assert pos.send("0200", late)[39] == "94"
        assert kit.net_fen(pos.host) == sum(standing.values())
    booked = [t for t in pos.host.books.transactions(pos.tid) if t["state"] == "approved"]
    assert {t["stan"] for t in booked} == set(standing)
