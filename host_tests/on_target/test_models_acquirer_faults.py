# The acquirer model alone: every fault, and every violation seen where a terminal commits it. Runs
# inside MicroPython and on CPython.

from till import (
    MID,
    OTHER_PAN,
    PAN,
    PREFIX,
    TID,
    Keys,
    Till,
    approved,
    details,
    management,
    offline,
    reversal,
    sale,
    settlement,
    void,
)

from models import acquirer_wire as wire
from models.acquirer import FAULTS
from models.acquirer_books import fingerprint

# ---- faults -------------------------------------------------------------------------------------


def test_every_fault_does_what_its_name_says():
    done = {}
    for fault in FAULTS + ("code 05",):
        till = Till()
        till.host.faults = [fault, "lost"]
        actions = till.actions("0200", sale(2))
        done[fault] = (till.host.net(), [a[:2] for a in actions])
        assert till.host.faults == ["lost"]  # one message, one fault
        if fault == "wrong trace":
            assert wire.unpack(actions[0][2])[1][11] == "000003"
        if fault == "wrong mac":
            frame = actions[0][2]
            assert frame[-8:] != Keys().mac(till.mak, frame[13:-8])
            assert frame[-8:-1] == Keys().mac(till.mak, frame[13:-8])[:-1]
        if fault == "twice":
            assert actions[0] == actions[1]
        if fault in ("A0", "sign in", "code 05"):
            code = wire.unpack(actions[0][2])[1][39]
            assert code == {"A0": "A0", "sign in": "77", "code 05": "05"}[fault]
    at_once, late = ("send", 120), ("send", 10500)
    assert done == {
        "lost": (0, []), "cut before": (0, [("close", 0)]), "cut after": (100, [("close", 0)]),
        "no answer": (100, []), "late": (100, [late]), "wrong mac": (100, [at_once]),
        "wrong trace": (100, [at_once]), "garbage": (100, [("send", 0)]),
        "twice": (100, [at_once, at_once]), "sign in": (0, [at_once]), "A0": (0, [at_once]),
        "refuse": (100, [at_once]), "code 05": (0, [at_once]),
    }  # fmt: skip


def test_faults_strike_settlements_and_uploads_and_leave_management_alone():
    till = Till()
    till.host.faults = ["code 96", "cut after", "lost"]
    till.sign_in(2)
    answer = till.ask("0500", settlement(3, 0, 0))
    assert answer[39] == "96" and 48 not in answer and till.host.batch == 1
    assert till.actions("0500", settlement(4, 0, 0)) == [("close", 0)] and till.host.batch == 2
    assert till.actions("0320", details(5, (1, 1), batch=2)) == [] and till.host.uploads == {}
    assert till.host.faults == []


def test_a_schedule_is_asked_for_every_message_while_the_list_is_empty():
    till = Till(sign_in=False)
    asked = []

    def schedule(mti, kind, key):
        asked.append((mti, kind, key))
        return "no answer" if kind == "sign_in" else None

    till.host.schedule = schedule
    assert till.actions("0800", management(1, "004", 63, b"01 ")) == []
    till.host.schedule = None
    till.sign_in(2)
    till.host.schedule = schedule
    till.host.faults = ["lost"]
    assert till.actions("0220", offline(3)) == []
    approved(till, "0221", offline(3))
    assert asked == [("0800", "sign_in", (1, 1)), ("0221", "offline", (1, 3))]


# ---- judgement: each violation is seen ----------------------------------------------------------


def seen(till, count=1):
    assert till.host.violation_count == count, till.host.violations
    return till.host.violations[-1]


def test_a_sale_sent_twice_is_seen_also_when_the_first_was_lost():
    for first in ("", "lost", "cut before", "sign in"):
        till = Till()
        till.host.faults = [first]
        till.actions("0200", sale(2))
        till.actions("0200", sale(2))
        assert seen(till) == "0200 1/2: a sale or void is never sent again", first
    till = Till()
    till.actions("0201", sale(2))
    assert seen(till) == "0201 1/2: a sale or void is never sent again"


def test_a_repeat_without_its_mark_is_seen():
    for mti, fields in (("0220", offline(2)), ("0400", reversal(2)), ("0320", details(2, (1, 1)))):
        till = Till()
        till.host.faults = ["lost"]
        till.actions(mti, fields)
        till.actions(mti[:3] + "1", fields)
        assert till.host.violations == []
        till.actions(mti, fields)
        assert seen(till) == mti + " 1/2: sent again without the repeat mark"


def test_an_advice_whose_contents_change_is_seen():
    changed = offline(2)
    changed[38] = "999999"
    for other in (offline(2, 101), offline(2, pan=OTHER_PAN), changed):
        till = Till()
        till.host.faults = ["lost"]
        till.actions("0220", offline(2))
        till.mak += 1  # the MAC is made when it is sent: other keys are no other contents
        till.actions("0221", offline(2))
        assert till.host.violations == []
        till.actions("0221", other)
        assert seen(till) == "0221 1/2: other contents than before"


def test_a_void_that_overtakes_its_advice_is_seen():
    till = Till()
    assert till.code("0200", void(3, 2, "000000000002", "112233")) == "25"
    assert seen(till) == "0200 1/3: voids 1/2, which has not been uploaded"
    till.host.faults = ["cut after"]
    till.actions("0220", offline(4))  # booked, but the terminal cannot know its RRN
    assert till.code("0200", void(5, 4, "000000000000", "112233")) == "25"
    assert seen(till, 2) == "0200 1/5: voids 1/4 by another F37 or F38"


def test_a_sale_for_a_closed_batch_is_seen():
    till = Till()
    till.ask("0500", settlement(2, 0, 0))
    assert till.code("0200", sale(3)) == "77"
    assert seen(till) == "0200 1/3: the batch is closed"
    assert till.code("0400", reversal(3)) == "25"
    seen(till)


def test_a_reversal_of_what_is_settled_is_seen():
    till = Till()
    approved(till, "0200", sale(2))
    till.ask("0500", settlement(3, 100, 1))
    assert till.code("0400", reversal(2)) == "22" and till.host.net() == 100
    assert seen(till) == "0400 1/2: reverses what is voided or settled"


def test_one_number_for_two_transactions_is_seen():
    for mtis in (("0200", "0220"), ("0220", "0200")):
        till = Till()
        for mti in mtis:
            till.actions(mti, sale(2) if mti == "0200" else offline(2))
        assert seen(till) == mtis[1] + " 1/2: the number is another transaction's"


def test_a_message_without_its_form_is_seen():
    def offline_with(number, value):
        fields = offline(2)
        if value is None:
            fields.pop(number)
        else:
            fields[number] = value
        return "0220", fields

    reverses = reversal(2)
    reverses[61] = "000001000001"
    sale_without_card = sale(2)
    sale_without_card.pop(35)
    for mti, fields in (
        offline_with(35, b"6225000000000014D3012"), offline_with(52, bytes(8)),
        offline_with(38, None), offline_with(14, None), offline_with(63, b"001"),
        offline_with(61, "0" * 18), offline_with(3, "200000"), offline_with(22, "021"),
        offline_with(49, "840"), offline_with(25, "06"),
        ("0400", reverses), ("0200", sale_without_card),
        ("0320", management(2, "201")),
        ("0820", management(0, "362", 62, b"0110210310")),
        ("0500", management(2, "201", 48, "0" * 62)),
    ):  # fmt: skip
        till = Till()
        assert till.code(mti, fields) == "30", (mti, fields)
        assert seen(till)[-4:] == "form", (mti, fields)
        assert till.host.booked == {}
    till = Till()
    assert till.host.receive(wire.pack(PREFIX, "0200", {11: "000002", 41: TID, 42: MID})) == []
    assert seen(till) == "0200 -: F41, F42 or F60 missing"


def test_a_fault_that_does_not_exist_is_seen():
    till = Till()
    till.host.faults = ["no anwser"]
    till.actions("0200", sale(2))
    assert seen(till) == "0200 1/2: no such fault: no anwser"


def test_no_card_number_is_kept_or_told():
    till = Till()
    host = till.host
    for mti, fields in (("0200", sale(2)), ("0220", offline(3))):
        approved(till, mti, fields)
        till.actions(mti, fields)
    till.actions("0320", details(4, (2, 100), (3, 100)))
    kept = repr([host.booked, host.violations, host.uploads, host.tombstones, host._contents])
    assert PAN not in kept and PAN[6:12] + PAN[12:] not in kept and host.violation_count == 2
    assert fingerprint(PAN.encode()) & 31 == 16
