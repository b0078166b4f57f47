"""Settlement, sign-in, sign-off, echo: the messages without MAC."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer.cards import BY_NAME

# host-protocol.md 2.1.
SETTLED_FIELDS = {11, 12, 13, 15, 32, 37, 41, 42, 48, 49, 60}
ZERO = "0" * 30


@pytest.fixture
def pos():
    return kit.signed_in_pos()


def codes(answer):
    return answer[48][30] + answer[48][61]


def batch(pos):
    return pos.host.ledger.terminal(pos.tid).batch


def trade(pos):
    """Two sales that stand, one of them voided, one reversed, one declined: debit 30.00, credit
    10.00."""
    first = pos.sale(1000)
    assert first[39] == "00"
    assert pos.sale(2000)[39] == "00"
    assert pos.sale(4000)[39] == "00"
    assert pos.reverse(pos.last[1])[39] == "00"
    assert pos.sale(900051)[39] == "51"
    assert pos.void(first)[39] == "00"
    return (3000, 2), (1000, 1)


def test_balanced_settlement_closes_the_batch(pos):
    answer = pos.settle(*trade(pos))
    assert answer.mti == "0510" and set(answer) == SETTLED_FIELDS
    assert answer[48] == "000000003000002000000001000001" + "1" + ZERO + "1"
    assert answer[60] == "00000001201" and batch(pos) == 2
    assert pos.sale()[39] == "77"
    pos.batch = 2
    assert pos.sale()[39] == "00"


def test_traces_may_come_again_in_the_next_batch(pos):
    pos.sale(1000)
    pos.settle((1000, 1))
    pos.batch, pos.stan = 2, 1
    assert pos.sale(1000)[39] == "00"


UNBALANCED = [
    ((3001, 2), (1000, 1)),
    ((3000, 3), (1000, 1)),
    ((3000, 2), (999, 1)),
    ((3000, 2), (1000, 0)),
    ((0, 0), (0, 0)),
    ((7000, 3), (1000, 1)),  # counts the reversed sale
    ((2000, 1), (0, 0)),  # takes the voided pair out
]


@pytest.mark.parametrize("debit, credit", UNBALANCED)
def test_unbalanced_settlement_tells_the_hosts_totals_and_leaves_the_batch_open(
    pos, debit, credit
):
    right = trade(pos)
    answer = pos.settle(debit, credit)
    assert answer[48] == "000000003000002000000001000001" + "2" + ZERO + "1"
    assert batch(pos) == 1
    assert pos.sale(500)[39] == "00"
    answer = pos.settle((right[0][0] + 500, right[0][1] + 1), right[1])
    assert codes(answer) == "11" and batch(pos) == 2


def test_foreign_side_is_compared_too(pos):
    text = ZERO + "0" + "000000000100001000000000000000" + "0"
    answer = pos.settle(change={48: text})
    assert answer[48] == ZERO + "1" + ZERO + "2" and batch(pos) == 1


def test_restored_sale_counts_again(pos):
    sale = pos.sale(1000)
    pos.void(sale)
    pos.reverse(pos.last[1])
    assert codes(pos.settle((1000, 1), (0, 0))) == "11"


def test_empty_batch_settles(pos):
    assert codes(pos.settle()) == "11" and batch(pos) == 2


def test_batch_number_wraps_to_one():
    pos = kit.Pos(kit.make_host(batch=999999))
    assert pos.sign_in()[60] == "00999999004" and pos.batch == 999999
    pos.sale(100)
    sold = pos.last[1]
    assert codes(pos.settle((100, 1))) == "11" and batch(pos) == 1
    assert pos.reverse(sold)[39] == "22"
    assert codes(pos.settle((100, 1))) == "11"
    pos.batch = 1
    assert pos.sale(200)[39] == "00"
    assert codes(pos.settle((200, 1))) == "11" and batch(pos) == 2


def test_repeated_settlement_answers_the_same_again(pos):
    totals = trade(pos)
    first = pos.settle(*totals)
    assert codes(first) == "11"
    for _ in range(3):
        again = pos.settle(*totals)
        assert again[48] == first[48] and again[60] == first[60]
    assert batch(pos) == 2
    assert pos.send(*pos.last, mac=False)[48] == first[48]  # with the same trace, too
    other = pos.settle((3001, 2), (1000, 1))
    assert other[48] == first[48][:30] + "2" + ZERO + "1"
    assert batch(pos) == 2


def test_repeated_settlement_does_not_touch_the_new_batch(pos):
    pos.sale(1000)
    pos.settle((1000, 1))
    pos.batch = 2
    assert pos.sale(555)[39] == "00"
    pos.batch = 1
    assert codes(pos.settle((1000, 1))) == "11"
    pos.batch = 2
    assert codes(pos.settle((555, 1))) == "11" and batch(pos) == 3


def test_every_attempt_is_in_the_books(pos):
    pos.sale(1000)
    pos.settle((999, 1))
    pos.settle((1000, 1))
    attempts = pos.host.books.settlements(pos.tid)
    assert [a["closed"] for a in attempts] == [False, True]
    assert [a["answered"][30] for a in attempts] == ["2", "1"]


F48_ERRORS = {
    "too short": {48: "0" * 61},
    "too long": {48: "0" * 63},
    "a code in the request": {48: ZERO + "1" + "0" * 31},
    "a code on the foreign side": {48: "0" * 61 + "1"},
    "another currency": {49: "840"},
    "no operator": {63: None},
    "F39": {39: "00"},
    "batch never opened": {60: "00000099201"},
    "60.1 not 00": {60: "22000001201"},
    "F60 with more": {60: "00000001201500"},
}


@pytest.mark.parametrize("name", F48_ERRORS)
def test_settlement_that_cannot_be_looked_at_3(pos, name):
    pos.sale(1000)
    answer = pos.settle((1000, 1), change=F48_ERRORS[name])
    assert codes(answer) == "33" and 39 not in answer and len(answer[48]) == 62
    assert batch(pos) == 1


def test_settlement_of_a_stranger_or_without_sign_in_3(pos):
    assert codes(pos.settle(change={41: "99999999"})) == "33"
    assert codes(pos.settle(change={42: "302440380621101"})) == "33"
    pos.sign_off()
    assert codes(pos.settle()) == "33"
    assert batch(pos) == 1


def test_totals_that_f48_cannot_hold_3(pos):
    for _ in range(2):
        assert pos.sale(600000000000)[39] == "00"
    assert codes(pos.settle((0, 2))) == "33"


# Sign-in, sign-off, echo


@pytest.mark.parametrize("code, size", [("001", 24), ("003", 40), ("004", 60)])
def test_sign_in_gives_keys(code, size):
    pos = kit.Pos(kit.make_host())
    answer = pos.sign_in(code)  # unwraps every key and checks its KCV
    assert answer.mti == "0810" and answer[39] == "00"
    assert set(answer) == {11, 12, 13, 32, 37, 39, 41, 42, 60, 62}
    assert len(answer[62]) == size * 2
    assert answer[60] == "00000001" + code
    assert (answer[12], answer[13]) == ("091948", "0428")


def test_keys_are_new_at_each_sign_in_have_odd_parity_and_differ(pos):
    seen = set()
    for _ in range(20):
        pos.sign_in()
        for key in (pos.pik, pos.mak, pos.tdk):
            assert all(byte.bit_count() % 2 for byte in key)
            seen.add(key)
        assert pos.pik[:8] != pos.pik[8:]
    assert len(seen) == 60


def test_keys_are_random_without_a_seed():
    one, two = (kit.signed_in_pos(kit.make_host(seed=None)) for _ in range(2))
    assert one.pik != two.pik


def test_sign_in_tells_the_open_batch(pos):
    pos.settle()
    pos.batch = 77
    assert pos.sign_in()[60] == "00000002004"


@pytest.mark.parametrize(
    "change, code",
    [
        ({41: "99999999"}, "97"),
        ({42: "302440380621101"}, "03"),
        ({63: None}, "30"),
        ({11: None}, "30"),
        ({60: "0000000100"}, "12"),
        ({60: "0000000100450"}, "30"),
        ({60: "00000001005"}, "12"),
    ],
)
def test_sign_in_declined_has_no_keys(change, code):
    pos = kit.Pos(kit.make_host())
    answer = pos.sign_in(change=change)
    assert answer[39] == code and 62 not in answer
    assert not pos.host.ledger.terminal(kit.TID).signed_in


def test_blocked_terminal_cannot_sign_in(pos):
    pos.host.block_terminal(pos.tid)
    assert pos.sign_in()[39] == "58"


def test_sign_off(pos):
    answer = pos.sign_off()
    assert answer.mti == "0830" and answer[39] == "00"
    assert set(answer) == {11, 12, 13, 32, 37, 39, 41, 42, 60}
    assert not pos.host.ledger.terminal(pos.tid).signed_in
    assert pos.sign_off()[39] == "00"
    pos.sign_in()
    assert pos.sale()[39] == "00"


def test_echo_has_no_trace_and_needs_no_sign_in():
    pos = kit.Pos(kit.make_host())
    answer = pos.echo()
    assert answer.mti == "0830" and answer[39] == "00"
    assert set(answer) == {12, 13, 32, 37, 39, 41, 42, 60}
    assert pos.echo(change={11: "000001"})[39] == "30"
    assert pos.echo(change={41: "99999999"})[39] == "97"


def test_another_master_key_signs_the_terminal_off(pos):
    pos.host.add_terminal(kit.TID, kit.MID, kit.TMK, batch=50)
    assert batch(pos) == 1 and pos.sale()[39] == "00"
    pos.host.add_terminal(kit.TID, kit.MID, bytes(range(16)))
    assert pos.sale()[39] == "77"
    pos.tmk = bytes(range(16))
    pos.sign_in()
    assert pos.sale()[39] == "00"


@pytest.mark.parametrize(
    "values",
    [
        ("5840200", kit.MID, kit.TMK),
        (kit.TID, "1", kit.TMK),
        (kit.TID, kit.MID, bytes(8)),
        (kit.TID, kit.MID, kit.TMK, 0),
        (kit.TID, kit.MID, kit.TMK, 1000000),
        (kit.TID, kit.MID, kit.TMK, 1, "60"),
    ],
)
def test_terminal_that_cannot_be(values):
    with pytest.raises(ValueError):
        kit.make_host().add_terminal(*values)


def test_two_terminals_do_not_see_each_other(pos):
    other_tmk = bytes(range(16))
    pos.host.add_terminal("58402002", kit.MID, other_tmk, batch=40)
    other = kit.Pos(pos.host, tid="58402002", tmk=other_tmk)
    other.sign_in("003")
    for turn in range(10):
        assert pos.sale(100 + turn)[39] == "00"
        assert other.sale(500 + turn, BY_NAME["credit"])[39] == "00"
    other.mak, kept = pos.mak, other.mak
    assert other.sale()[39] == "A0"
    other.mak = kept
    assert pos.host.books.totals(pos.tid)["sale"] == {"count": 10, "amount_fen": 1045}
    assert pos.host.books.totals(other.tid)["sale"] == {"count": 10, "amount_fen": 5045}
    assert codes(pos.settle((1045, 10))) == "11"
    assert (batch(pos), batch(other)) == (2, 40)
    assert codes(other.settle((5045, 10))) == "11"
