"""Offline sales: advice, repeat mark, what is booked once, what is declined and remembered, voids.
And the repeat mark of the other messages."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer.cards import BY_NAME

# host-protocol.md 2.1, 0230.
APPROVED_FIELDS = {2, 3, 4, 11, 12, 13, 15, 25, 32, 37, 38, 39, 41, 42, 44, 49, 60, 63, 64}


@pytest.fixture
def pos():
    return kit.signed_in_pos()


def state(pos, stan):
    (entry,) = [t for t in pos.host.books.transactions(pos.tid) if t["stan"] == stan]
    return entry


def totals(pos, name, batch=None):
    entry = pos.host.books.totals(pos.tid, batch)[name]
    return entry["count"], entry["amount_fen"]


def test_advice_is_booked(pos):
    answer = pos.offline(1234)
    assert answer.mti == "0230" and answer[39] == "00" and set(answer) == APPROVED_FIELDS
    assert answer[64] == kit.mac_of(pos.mak, answer.body[11:-8])
    assert answer[38] == "OF0002" and answer[4] == "000000001234"
    entry = state(pos, answer[11])
    assert (entry["kind"], entry["state"], entry["auth_code"]) == ("offline", "approved", "OF0002")
    assert entry["pan"] == "622500******0014" and not entry["voided"]
    assert totals(pos, "offline") == (1, 1234) and totals(pos, "sale") == (0, 0)
    assert totals(pos, "net") == (1, 1234)


GOOD_FORMS = {
    "typed card": {22: "012"},
    "clock not set": {61: "0" * 29},
    "29 February": {61: "0" * 12 + "0229" + "0" * 13},
    "31 December": {61: "0" * 12 + "1231" + "0" * 13},
    "stripe reader only": {60: "30000001000200"},
    "reader not told": {60: "30000001000000"},
}


@pytest.mark.parametrize("name", GOOD_FORMS)
def test_advice_in_all_its_forms(pos, name):
    assert pos.offline(change=GOOD_FORMS[name])[39] == "00"


WRONG_FORMS = {
    "PIN capture code": {26: "12"},
    "PIN block": {26: "12", 52: "0123456789ABCDEF", 53: "2600" + "0" * 12},
    "F53 alone": {53: "0610" + "0" * 12},
    "track 2": {35: "6225000000000014D30121010000012345000"},
    "track 3": {36: "996225000000000014D15615600000000000000033012010"},
    "card sequence number": {23: "001"},
    "RRN": {37: "091947145060"},
    "reason": {39: "98"},
    "with PIN": {22: "021"},
    "PIN not told": {22: "020"},
    "chip": {22: "052"},
    "no PAN": {2: None},
    "PAN of 12 digits": {2: "622500000014"},
    "no expiry": {14: None},
    "no auth code": {38: None},
    "auth code of blanks": {38: "      "},
    "no F63": {63: None},
    "organisation": {63: "CUP"},
    "no F61": {61: None},
    "F61 too short": {61: "0" * 28},
    "F61 with a batch": {61: "000001" + "0" * 23},
    "F61 with a trace": {61: "000000000002" + "0" * 17},
    "30 February": {61: "0" * 12 + "0230" + "0" * 13},
    "31 April": {61: "0" * 12 + "0431" + "0" * 13},
    "month 13": {61: "0" * 12 + "1301" + "0" * 13},
    "day 00": {61: "0" * 12 + "0100" + "0" * 13},
    "F61 with an authoriser": {61: "0" * 12 + "0428" + "0" * 12 + "1"},
    "F3 of a void": {3: "200000"},
    "F25 of a pre-authorisation": {25: "06"},
    "F60 too short": {60: "300000010005"},
    "F60 with a fallback": {60: "30000001000520"},
    "F60 with a network code": {60: "30000001201500"},
    "unknown reader": {60: "30000001000900"},
    "trace zero": {11: "000000"},
}


@pytest.mark.parametrize("name", WRONG_FORMS)
def test_advice_of_wrong_form_30_and_its_trace_is_not_used_up(pos, name):
    fields = pos.offline_fields()
    assert pos.advise(fields, change=WRONG_FORMS[name])[39] == "30"
    assert pos.host.books.transactions(pos.tid) == []
    assert pos.advise(fields, again=True)[39] == "00"


def test_other_advices_are_not_known_12(pos):
    for code in ("24", "25", "32", "34", "36"):
        answer = pos.offline(change={60: f"{code}000001000500"})
        assert (answer.mti, answer[39]) == ("0230", "12")
    assert pos.host.books.transactions(pos.tid) == []


def test_who_may_advise(pos):
    fields = pos.offline_fields()
    assert pos.advise(fields, change={41: "99999999"})[39] == "97"
    assert pos.advise(fields, change={42: "302440380621101"})[39] == "03"
    assert pos.advise(fields, again=True, send={"bad_mac": True})[39] == "A0"
    assert pos.advise(fields, again=True, send={"mac": False})[39] == "A0"
    assert pos.advise(fields, again=True, change={60: "30000002000500"})[39] == "77"
    pos.sign_off()
    assert pos.advise(fields, again=True)[39] == "77"
    assert pos.host.books.transactions(pos.tid) == []
    pos.sign_in()
    assert pos.advise(fields, again=True)[39] == "00"  # the MAC is of the new key


# The issuer

DECLINES = {
    "no such card": ({2: "6225000000000097"}, 1234, "14"),
    "no such issuer": ({2: "4111111111111111"}, 1234, "15"),
    "check digit": ({2: "6225000000000015"}, 1234, "14"),
    "expiry": ({14: "3011"}, 1234, "54"),
    "card expired": ({2: BY_NAME["expired"].pan, 14: "2012"}, 1234, "54"),
    "lost": ({2: BY_NAME["lost"].pan}, 1234, "41"),
    "refused": ({2: BY_NAME["refused"].pan}, 1234, "05"),
    "issuer down": ({2: BY_NAME["issuer_down"].pan}, 1234, "91"),
    "chip card swiped": ({2: BY_NAME["chip_only"].pan}, 1234, "45"),
    "balance": ({2: BY_NAME["poor"].pan}, 10001, "51"),
    "amount": ({}, 900051, "51"),
    "no amount": ({4: None}, 0, "13"),
    "amount zero": ({4: "0" * 12}, 0, "13"),
    "currency": ({49: "840"}, 1234, "A1"),
}


@pytest.mark.parametrize("name", DECLINES)
def test_a_decline_is_remembered_and_a_repeat_gets_it_again(pos, name):
    change, fen, code = DECLINES[name]
    fields = {**pos.offline_fields(fen), **change}
    first = pos.advise(fields)
    assert first[39] == code and 38 not in first
    assert first[64] == kit.mac_of(pos.mak, first.body[11:-8])
    assert state(pos, first[11])["state"] == "declined"
    again = pos.advise(fields, again=True)
    assert set(again) == set(first)  # also F15, F44 and F63, which tell who declined
    assert all(again[n] == first[n] for n in set(first) - {12, 13, 64})
    assert len(pos.host.books.transactions(pos.tid)) == 1 and kit.net_fen(pos.host) == 0


def test_a_decline_stays_although_the_reason_is_gone(pos):
    """The balance is free again when the repeat comes: the terminal may know the decline."""
    poor = BY_NAME["poor"]
    taken = pos.sale(6000, poor)
    sold = pos.last[1]
    advice = pos.offline_fields(6000, poor)
    assert taken[39] == "00" and pos.advise(advice)[39] == "51"
    assert pos.reverse(sold)[39] == "00"
    assert pos.advise(advice, again=True)[39] == "51"
    assert pos.offline(6000, poor)[39] == "00"


def test_offline_sales_weigh_on_the_balance(pos):
    poor = BY_NAME["poor"]
    advised = pos.offline(6000, poor)
    assert advised[39] == "00" and pos.sale(4001, poor)[39] == "51"
    assert pos.sale(4000, poor)[39] == "00"
    assert pos.void(advised, poor)[39] == "00"
    assert pos.sale(6000, poor)[39] == "00" and pos.offline(1, poor)[39] == "51"


def test_a_card_that_wants_its_pin_online_does_not_offline(pos):
    assert BY_NAME["normal"].pin_rule == "needed"
    assert pos.sale(100000, pin=None)[39] == "55"
    assert pos.offline(100000)[39] == "00"


@pytest.mark.parametrize("fen, code", [(900011, "11"), (900016, "16")])
def test_approvals_with_another_code_book(pos, fen, code):
    fields = pos.offline_fields(fen)
    assert pos.advise(fields)[39] == code
    assert pos.advise(fields, again=True)[39] == code
    assert totals(pos, "offline") == (1, fen)


# The key: terminal, batch, trace


def test_a_marked_repeat_gets_the_first_answer_and_books_once(pos):
    fields = pos.offline_fields(1234)
    first = pos.advise(fields)
    assert pos.offline(500)[39] == "00"
    for _ in range(3):
        again = pos.advise(fields, again=True)
        assert again.mti == "0230" and set(again) == APPROVED_FIELDS
        assert again[64] == kit.mac_of(pos.mak, again.body[11:-8])
        assert all(again[n] == first[n] for n in APPROVED_FIELDS - {12, 13, 64})
    assert totals(pos, "offline") == (2, 1734)


def test_an_unmarked_repeat_94(pos):
    fields = pos.offline_fields()
    assert [pos.advise(fields)[39] for _ in range(3)] == ["00", "94", "94"]
    declined = pos.offline_fields(900051)
    assert [pos.advise(declined)[39] for _ in range(2)] == ["51", "94"]
    assert pos.advise(declined, again=True)[39] == "51"
    assert totals(pos, "offline") == (1, 1234) and totals(pos, "declined")[0] == 1


def test_a_marked_advice_that_never_came_before_is_booked(pos):
    fields = pos.offline_fields()
    assert pos.advise(fields, again=True)[39] == "00"
    assert pos.advise(fields)[39] == "94"  # the first one, late
    assert totals(pos, "offline") == (1, 1234)


OTHERS = {
    "amount": {4: "000000001235"},
    "no amount": {4: None},
    "card": {2: BY_NAME["credit"].pan},
    "auth code": {38: "OF9999"},
}


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("name", OTHERS)
def test_same_key_other_sale_94(pos, name, again):
    fields = pos.offline_fields(1234)
    assert pos.advise(fields)[39] == "00"
    answer = pos.advise(fields, again=again, change=OTHERS[name])
    assert answer[39] == "94" and 38 not in answer
    assert totals(pos, "offline") == (1, 1234)
    assert pos.advise(fields, again=True)[39] == "00"


@pytest.mark.parametrize("again", [True, False])
def test_trace_of_an_online_sale_94(pos, again):
    sale = pos.sale(1234)
    fields = {**pos.offline_fields(1234), 11: sale[11], 38: sale[38]}
    assert pos.advise(fields, again=again)[39] == "94"
    assert totals(pos, "sale") == (1, 1234) and totals(pos, "offline") == (0, 0)


def test_trace_of_an_offline_sale_is_not_free_for_a_sale_94(pos):
    fields = pos.offline_fields()
    pos.advise(fields)
    assert pos.sale(change={11: fields[11]})[39] == "94"


def test_trace_that_was_reversed_before_94(pos):
    """Whoever reversed it, its end was told to the terminal: 25, nothing stands."""
    fields = pos.offline_fields()
    assert (
        pos.reverse(fields, change={60: "22000001000500", 61: None, 38: None, 63: None})[39]
        == "25"
    )
    for again in (False, True):
        assert pos.advise(fields, again=again)[39] == "94"
    assert totals(pos, "offline") == (0, 0) and totals(pos, "tombstone")[0] == 1


def test_the_key_holds_batch_and_terminal(pos):
    fields = pos.offline_fields(1000)
    assert pos.advise(fields)[39] == "00"
    pos.host.add_terminal("58402002", kit.MID, kit.TMK)
    other = kit.Pos(pos.host, tid="58402002")
    other.sign_in()
    assert other.advise({**fields, 41: other.tid}, again=True)[39] == "00"
    assert pos.settle((1000, 1))[48][30] == "1"
    pos.batch = 2
    assert pos.advise({**fields, 60: "30000002000500"}, again=True)[39] == "00"
    assert totals(pos, "offline") == (2, 2000) and totals(pos, "offline", 2) == (1, 1000)


def test_repeat_for_a_closed_batch_77(pos):
    fields = pos.offline_fields(1000)
    pos.advise(fields)
    pos.settle((1000, 1))
    assert pos.advise(fields, again=True)[39] == "77"


# Faults


@pytest.mark.parametrize("code", ["96", "91", "98", "A0", "99", "77", "51", "94"])
def test_an_ordered_code_is_forgotten_and_the_repeat_is_judged_anew(pos, code):
    fields = pos.offline_fields()
    pos.host.faults.arm("response_code", count=2, kind="offline", code=code)
    for again in (False, True):
        answer = pos.advise(fields, again=again)
        assert answer[39] == code and 38 not in answer
        assert pos.host.books.transactions(pos.tid) == []
    assert pos.advise(fields, again=True)[39] == "00"
    assert totals(pos, "offline") == (1, 1234) and totals(pos, "declined") == (0, 0)


def test_an_ordered_code_for_the_repeat_of_a_booked_one_changes_nothing(pos):
    fields = pos.offline_fields()
    first = pos.advise(fields)
    pos.host.faults.arm("response_code", kind="offline", code="96")
    answer = pos.advise(fields, again=True)
    assert answer[39] == "96" and 38 not in answer
    again = pos.advise(fields, again=True)
    assert (again[39], again[37], again[38]) == ("00", first[37], first[38])
    assert totals(pos, "offline") == (1, 1234)


def test_an_ordered_approval_books_but_not_what_the_host_refuses(pos):
    pos.host.faults.arm("response_code", count=3, kind="offline", code="11")
    fields, refused = pos.offline_fields(), pos.offline_fields(900051)
    assert pos.advise(fields)[39] == "11"
    assert [pos.advise(refused, again=again)[39] for again in (False, True)] == ["51", "51"]
    assert pos.advise(fields, again=True)[39] == "11"  # what it was booked with
    assert totals(pos, "offline") == (1, 1234)


@pytest.mark.parametrize("fault", ["no_answer", "cut_before_reply", "cut_in_reply", "garbage"])
def test_answer_lost_booked_once(pos, fault):
    fields = pos.offline_fields()
    pos.host.faults.arm(fault, mti="0220", count=3)
    for again in (False, True, True, True):
        pos.advise(fields, again=again)
    assert totals(pos, "offline") == (1, 1234) and pos.host.faults.armed() == []
    assert pos.host.books.unmarked_repeats(pos.tid) == []


@pytest.mark.parametrize("mti, hits", [("0220", (True, True)), ("0221", (False, True))])
def test_a_fault_fits_repeats_and_one_for_repeats_only_those(pos, mti, hits):
    fields = pos.offline_fields()
    pos.host.faults.arm("response_code", count=2, mti=mti, code="96")
    for again, hit in zip((False, True), hits, strict=True):
        assert (pos.advise(fields, again=again)[39] == "96") == hit


def test_fault_for_reversals_fits_marked_ones(pos):
    pos.sale()
    request = pos.reversal_fields(pos.last[1])
    pos.host.faults.arm("response_code", count=2, mti="0400", code="96")
    assert pos.send("0400", request)[39] == pos.send("0401", request)[39] == "96"
    assert pos.send("0401", request)[39] == "00"


# Void and reversal


@pytest.mark.parametrize("mode", ["swipe", "manual"])
def test_void_of_an_offline_sale(pos, mode):
    fields = pos.offline_fields(1234)
    advised = pos.advise(fields)
    void = pos.void(advised, mode=mode)
    assert void[39] == "00" and state(pos, advised[11])["voided"]
    assert state(pos, void[11])["original_stan"] == advised[11]
    assert totals(pos, "net") == (2, 0) and totals(pos, "offline") == (1, 1234)
    assert pos.void(advised)[39] == "25"
    again = pos.advise(fields, again=True)  # late: the answer is still that of the first
    assert again[39] == "00" and again[37] == advised[37] and kit.net_fen(pos.host) == 0


@pytest.mark.parametrize(
    "change, code",
    [
        ({37: "000000000000"}, "25"),
        ({38: "000000"}, "25"),
        ({38: None}, "25"),
        ({61: "000001000999"}, "25"),
        ({4: "000000001233"}, "64"),
    ],
)
def test_void_that_does_not_fit_the_offline_sale(pos, change, code):
    assert pos.void(pos.offline(1234), change=change)[39] == code
    assert kit.net_fen(pos.host) == 1234


def test_void_of_an_offline_sale_with_another_card_14(pos):
    assert pos.void(pos.offline(), BY_NAME["credit"])[39] == "14"


def test_void_of_a_declined_offline_sale_25(pos):
    declined = pos.offline(900051)
    assert pos.void(declined, change={38: pos.last[1][38]})[39] == "25"


def test_reversal_of_the_void_restores_the_offline_sale(pos):
    advised = pos.offline(1234)
    pos.void(advised)
    assert pos.reverse(pos.last[1])[39] == "00"
    assert kit.net_fen(pos.host) == 1234 and not state(pos, advised[11])["voided"]


def test_there_is_no_reversal_of_an_offline_sale(pos):
    fields = pos.offline_fields(1234)
    pos.advise(fields)
    for mti in ("0400", "0401"):
        reversal = pos.reversal_fields(fields)
        answer = pos.send(mti, reversal)
        assert (answer.mti, answer[39]) == ("0410", "12")
        as_sale = {**reversal, 60: "22000001000500", 61: None}
        assert pos.send(mti, as_sale)[39] == "22"
    assert kit.net_fen(pos.host) == 1234 and totals(pos, "reversal") == (0, 0)


# Repeat mark of a reversal


def test_a_marked_reversal_is_a_reversal(pos):
    pos.sale(1234)
    request = pos.reversal_fields(pos.last[1])
    answer = pos.send("0401", request)  # the first one was lost on its way
    assert (answer.mti, answer[39]) == ("0410", "00")
    assert answer[64] == kit.mac_of(pos.mak, answer.body[11:-8])
    assert [pos.send("0401", request)[39] for _ in range(2)] == ["00", "00"]
    assert totals(pos, "reversal") == (1, 1234)
    assert state(pos, request[11])["reversal_times"] == 3


def test_a_marked_reversal_passes_the_same_checks(pos):
    pos.sale(1234)
    request = pos.reversal_fields(pos.last[1])
    assert pos.send("0401", request, bad_mac=True)[39] == "A0"
    assert pos.send("0401", {**request, 39: "00"})[39] == "30"
    assert pos.send("0401", {**request, 4: "000000001233"})[39] == "64"
    assert pos.send("0401", {**request, 11: "000777"})[39] == "25"
    assert kit.net_fen(pos.host) == 1234


@pytest.mark.parametrize("mti", ["0101", "0201", "0501", "0801", "0821", "0411", "0231"])
def test_nothing_else_has_a_repeat_mark(pos, mti):
    """A sale is never sent again: a host that took an 0201 would hide that it was."""
    assert pos.send(mti, pos.sale_fields()) is None
    assert pos.host.books.transactions(pos.tid) == []


# Who forgot the mark


def test_unmarked_repeats_are_found(pos):
    pos.sale(1234)
    sold = pos.last[1]
    reversal = pos.reversal_fields(sold)
    advice = pos.offline_fields()
    for mti in ("0400", "0401", "0400", "0401"):
        pos.send(mti, reversal)
    for again in (True, True, False):
        pos.advise(advice, again=again)
    pos.send("0200", sold)
    pos.sign_in()
    pos.echo()
    expected = [("0400", 1, sold[11]), ("0220", 1, advice[11]), ("0200", 1, sold[11])]
    assert pos.host.books.unmarked_repeats(pos.tid) == expected
    assert pos.host.books.unmarked_repeats("58402002") == []


@pytest.mark.parametrize("fault, reached", [("lost_request", 0), ("refuse", 0), ("no_answer", 1)])
def test_what_never_reached_the_host_needs_no_mark(pos, fault, reached):
    fields = pos.offline_fields()
    pos.host.faults.arm(fault)
    pos.advise(fields)
    pos.advise(fields)
    assert len(pos.host.books.unmarked_repeats(pos.tid)) == reached


def test_a_declined_repeat_without_a_mark_is_found_too(pos):
    fields = pos.offline_fields()
    pos.advise(fields, send={"bad_mac": True})
    pos.advise(fields)
    assert pos.host.books.unmarked_repeats(pos.tid) == [("0220", 1, fields[11])]


def test_the_same_trace_in_another_batch_is_no_repeat(pos):
    pos.sale(1000)
    pos.settle((1000, 1))
    pos.batch, pos.stan = 2, 1
    assert pos.sale(1000)[39] == "00"
    assert pos.host.books.unmarked_repeats(pos.tid) == []


# Settlement, restart, everything together


def test_offline_sales_are_debits_of_the_settlement(pos):
    advised = pos.offline(1000)
    pos.offline(2000)
    pos.offline(900051)
    pos.sale(400)
    pos.void(advised)
    assert pos.settle((400, 1), (1000, 1))[48][30] == "2"
    answer = pos.settle((3400, 3), (1000, 1))
    assert answer[48][:31] == "000000003400003" + "000000001000001" + "1"


def test_offline_sales_survive_a_restart(tmp_path):
    path, clock = tmp_path / "acquirer.db", kit.Clock()
    pos = kit.signed_in_pos(kit.make_host(path, now=clock))
    fields, refused, lost = (pos.offline_fields(fen) for fen in (1234, 900051, 500))
    first, declined = pos.advise(fields), pos.advise(refused)
    pos.host.faults.arm("lost_request")
    pos.advise(lost)
    pos.host.close()
    pos.host = kit.make_host(path, now=clock)
    again = pos.advise(fields, again=True)
    assert (again[39], again[37], again[38]) == ("00", first[37], first[38])
    assert pos.advise(refused, again=True)[37] == declined[37]
    assert pos.advise(fields)[39] == "94"
    assert pos.advise(lost)[39] == "00"
    assert pos.host.books.unmarked_repeats(pos.tid) == [("0220", 1, fields[11])]
    assert totals(pos, "offline") == (2, 1734)


@pytest.mark.parametrize("seed", range(20))
def test_every_advice_is_booked_once_whatever_gets_lost(seed):
    """Random faults against a model that sends until it has an answer, and believes only that."""
    rng = random.Random(seed)
    print("seed", seed)
    pos = kit.signed_in_pos(kit.make_host(seed=seed))
    names = ("no_answer", "lost_request", "refuse", "cut_in_reply", "response_code")
    for name in names:
        pos.host.faults.arm(name, count=1000, kind="offline", chance=0.2)
    uploaded, rejected = {}, set()
    for _ in range(30):
        fields = pos.offline_fields(rng.choice((rng.randrange(1, 900000), 900051)))
        again = False
        while True:
            body = pos.pack("0221" if again else "0220", fields)
            reply = pos.host.handle(body)
            sent = [a.data for a in reply.actions if hasattr(a, "data")]
            again = True
            if sent and len(sent[0]) == 2 + len(reply.body):
                code = kit.Answer(reply.body)[39]
                if code != "96":
                    break
        if code == "00":
            uploaded[fields[11]] = int(fields[4])
        else:
            assert code == "51"
            rejected.add(fields[11])
    books = pos.host.books.transactions(pos.tid)
    assert {t["stan"]: t["amount_fen"] for t in books if t["state"] == "approved"} == uploaded
    assert {t["stan"] for t in books if t["state"] == "declined"} == rejected
    assert uploaded and rejected and pos.host.books.unmarked_repeats(pos.tid) == []
    assert totals(pos, "offline") == (len(uploaded), sum(uploaded.values()))


def test_status_notice():
    pos = kit.Pos(kit.make_host())
    text = "011021030041051" + "11601260" + "5100120000300002"
    answer = pos.management("0820", "362", {62: text.encode().hex()})
    assert answer.mti == "0830" and answer[39] == "00"
    assert set(answer) == {12, 13, 32, 37, 39, 41, 42, 60}
    longest = (text + " " * 512)[:512]
    assert pos.management("0820", "362", {62: longest.encode().hex()})[39] == "00"


STATUS_30 = {
    "too long": {62: ("011021031041051" + " " * 498).encode().hex()},
    "no status": {62: b"hello".hex()},
    "a device left out": {62: b"011021031051".hex()},
    "a device that is neither there nor not": {62: b"012021031041051".hex()},
    "not printable": {62: b"011021031041051\x00".hex()},
    "not ASCII": {62: b"011021031041051\xc4".hex()},
    "no F62": {62: None},
    "trace": {11: "000001"},
    "60.1": {60: "22000001362"},
}


@pytest.mark.parametrize("name", STATUS_30)
def test_status_notice_of_wrong_form_30(name):
    pos = kit.Pos(kit.make_host())
    fields = {62: b"011021031041051".hex()}
    assert pos.management("0820", "362", fields)[39] == "00"
    assert pos.management("0820", "362", fields, STATUS_30[name])[39] == "30"


def test_status_notice_of_a_stranger(pos):
    fields = {62: b"011021031041051".hex(), 41: "99999999"}
    assert pos.management("0820", "362", fields)[39] == "97"


def test_a_host_can_ask_for_the_status(pos):
    pos.host.faults.arm("processing_requirement", kind="sale", digit="2")
    assert pos.sale().header == kit.HEADER[:5] + "2" + kit.HEADER[6:]
