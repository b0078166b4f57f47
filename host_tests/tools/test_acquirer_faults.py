"""Every fault: what comes back, and whether the host booked."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer.connection import Close, Connection, Send
from acquirer.faults import FAULTS


class Bench:
    """A signed-in terminal that sends through a Connection, and the events of its host."""

    def __init__(self, seed=1):
        self.events = []
        self.pos = kit.signed_in_pos(kit.make_host(seed=seed))
        self.host = self.pos.host
        self.host.on_event(self.events.append)

    def send(self, mti, fields, mac=True):
        body = self.pos.pack(mti, fields, mac=mac)
        return Connection(self.host).receive(len(body).to_bytes(2, "big") + body)

    def sale(self, fen=1000):
        self.request = self.pos.sale_fields(fen)
        return self.send("0200", self.request)

    def booked(self):
        return kit.net_fen(self.host)


@pytest.fixture
def bench():
    return Bench()


def answer_in(action):
    assert isinstance(action, Send)
    assert int.from_bytes(action.data[:2], "big") == len(action.data) - 2
    return kit.Answer(action.data[2:])


def test_every_fault_tells_whether_it_books(bench):
    """Row by row: the table's word against the ledger."""
    for number, (name, kind) in enumerate(FAULTS.items()):
        bench.host.faults.arm(name)
        before = bench.booked()
        bench.sale(1000 + number)
        expected = 1000 + number if kind.processed and name != "response_code" else 0
        assert bench.booked() - before == expected, name
        event = bench.events[-1]
        assert event["fault"] == name and event["booked"] == bool(expected)
        assert bench.host.faults.armed() == []


def test_no_answer_is_booked_and_silent(bench):
    bench.host.faults.arm("no_answer")
    assert bench.sale() == [] and bench.booked() == 1000
    assert bench.send("0400", bench.pos.reversal_fields(bench.request)) and bench.booked() == 0


def test_lost_request_is_not_booked_and_its_reversal_finds_nothing(bench):
    bench.host.faults.arm("lost_request")
    assert bench.sale() == [] and bench.booked() == 0
    assert bench.events[-1]["rc"] is None
    (action,) = bench.send("0400", bench.pos.reversal_fields(bench.request))
    assert answer_in(action)[39] == "25"


def test_late_answer(bench):
    bench.host.faults.arm("late_answer", delay_ms=61000)
    (action,) = bench.sale()
    assert action.after_ms == 61000 and answer_in(action)[39] == "00" and bench.booked() == 1000


@pytest.mark.parametrize("reset", [0, 1])
def test_cut_before_reply(bench, reset):
    bench.host.faults.arm("cut_before_reply", reset=reset)
    assert bench.sale() == [Close(0, bool(reset))] and bench.booked() == 1000


@pytest.mark.parametrize("reset", [0, 1])
def test_refuse(bench, reset):
    bench.host.faults.arm("refuse", reset=reset)
    assert bench.sale() == [Close(0, bool(reset))] and bench.booked() == 0


@pytest.mark.parametrize("count", [0, 1, 2, 57, 100000])
def test_cut_in_reply(bench, count):
    bench.host.faults.arm("cut_in_reply", bytes=count)
    sent, closed = bench.sale()
    whole = 2 + int.from_bytes(sent.data[:2], "big")
    assert len(sent.data) == count or (count == 100000 and len(sent.data) == whole - 1)
    assert closed == Close() and bench.booked() == 1000


def test_after_a_close_nothing_more_is_taken_from_the_connection(bench):
    bench.host.faults.arm("cut_before_reply")
    one = bench.pos.pack("0200", bench.pos.sale_fields(1000))
    two = bench.pos.pack("0200", bench.pos.sale_fields(2000))
    stream = b"".join(len(b).to_bytes(2, "big") + b for b in (one, two))
    connection = Connection(bench.host)
    assert connection.receive(stream) == [Close()]
    assert connection.receive(stream) == [] and bench.booked() == 1000


def test_wrong_mac(bench):
    bench.host.faults.arm("wrong_mac")
    answer = answer_in(bench.sale()[0])
    assert answer[39] == "00" and bench.booked() == 1000
    assert len(answer[64]) == 8
    assert answer[64] != kit.mac_of(bench.pos.mak, answer.body[11:-8])


def test_wrong_mac_waits_for_an_answer_that_has_one(bench):
    bench.host.faults.arm("wrong_mac")
    assert bench.pos.echo()[39] == "00"
    assert len(bench.host.faults.armed()) == 1


def test_duplicate_answer(bench):
    bench.host.faults.arm("duplicate_answer", gap_ms=300)
    one, two = bench.sale()
    assert one.data == two.data and (one.after_ms, two.after_ms) == (0, 300)
    assert answer_in(one)[39] == "00" and bench.booked() == 1000


@pytest.mark.parametrize("size", [0, 1, 64, 65535])
def test_garbage(bench, size):
    bench.host.faults.arm("garbage", size=size)
    (action,) = bench.sale()
    assert action.data[:2] == size.to_bytes(2, "big") and len(action.data) == size + 2
    assert bench.booked() == 1000


def test_wrong_trace_with_a_right_mac(bench):
    bench.host.faults.arm("wrong_trace", count=2)
    answer = answer_in(bench.sale()[0])
    assert int(answer[11]) == int(bench.request[11]) + 1 and answer[39] == "00"
    assert answer[64] == kit.mac_of(bench.pos.mak, answer.body[11:-8])
    bench.pos.stan = 999998
    assert answer_in(bench.sale()[0])[11] == "000001"


@pytest.mark.parametrize("field, value", [(4, "000000000001"), (41, "58402002"), (3, "200000")])
def test_wrong_field_with_a_right_mac(bench, field, value):
    bench.host.faults.arm("wrong_field", field=field, value=value)
    answer = answer_in(bench.sale()[0])
    assert answer[field] == value and answer[39] == "00"
    assert answer[64] == kit.mac_of(bench.pos.mak, answer.body[11:-8])
    assert bench.booked() == 1000


@pytest.mark.parametrize("digit", ["3", "5", "b"])
def test_processing_requirement(bench, digit):
    bench.host.faults.arm("processing_requirement", digit=digit)
    answer = answer_in(bench.sale()[0])
    assert answer.header == kit.HEADER[:5] + digit.upper() + kit.HEADER[6:]
    assert answer_in(bench.sale()[0]).header == kit.HEADER


@pytest.mark.parametrize("code", ["96", "91", "98", "A0", "99", "77", "55"])
def test_response_code_declines_and_does_not_book(bench, code):
    bench.host.faults.arm("response_code", code=code)
    answer = answer_in(bench.sale()[0])
    assert answer[39] == code and 38 not in answer and bench.booked() == 0
    assert answer[64] == kit.mac_of(bench.pos.mak, answer.body[11:-8])


@pytest.mark.parametrize("code", ["00", "11", "16", "A2", "A6"])
def test_response_code_that_approves_books(bench, code):
    bench.host.faults.arm("response_code", code=code)
    answer = answer_in(bench.sale()[0])
    assert answer[39] == code and 38 in answer and bench.booked() == 1000


def test_response_code_cannot_approve_what_the_host_refuses(bench):
    bench.host.faults.arm("response_code", code="00")
    assert answer_in(bench.sale(900051)[0])[39] == "51"
    assert bench.booked() == 0


def test_response_code_of_a_reversal_leaves_it_undone(bench):
    bench.sale()
    reversal = bench.pos.reversal_fields(bench.request)
    bench.host.faults.arm("response_code", mti="0400", code="96")
    assert answer_in(bench.send("0400", reversal)[0])[39] == "96" and bench.booked() == 1000
    assert answer_in(bench.send("0400", reversal)[0])[39] == "00" and bench.booked() == 0


def test_response_code_of_a_sign_in_gives_no_keys(bench):
    bench.host.faults.arm("response_code", kind="sign_in", code="96")
    answer = bench.pos.sign_in()
    assert answer[39] == "96" and 62 not in answer
    assert bench.pos.sale()[39] == "00"  # the keys from before still stand


def test_settlement_without_answer_closes_and_answers_again(bench):
    bench.sale()
    bench.host.faults.arm("no_answer", kind="settlement")
    assert bench.pos.settle((1000, 1)) is not None  # the Host decided; the fault is in the actions
    assert bench.host.ledger.terminal(kit.TID).batch == 2
    assert bench.pos.settle((1000, 1))[48][30] == "1"


# Arming


def test_mti_kind_count_and_after(bench):
    arm = bench.host.faults.arm
    arm("response_code", count=2, mti="0200", after=1, code="96")
    arm("response_code", kind="sign_off", code="91")
    codes = [answer_in(bench.sale()[0])[39] for _ in range(4)]
    assert codes == ["00", "96", "96", "00"]
    assert bench.pos.echo()[39] == "00"
    assert bench.pos.sign_off()[39] == "91"
    assert bench.pos.sign_off()[39] == "00"


def test_first_armed_first_served_one_fault_a_message(bench):
    bench.host.faults.arm("response_code", code="91")
    bench.host.faults.arm("response_code", code="92")
    codes = [answer_in(bench.sale()[0])[39] for _ in range(3)]
    assert codes == ["91", "92", "00"]


def test_clear(bench):
    bench.host.faults.arm("no_answer", count=5)
    bench.host.faults.clear()
    assert bench.sale() and bench.host.faults.armed() == []


def test_chance_is_drawn_from_the_seed():
    def run(seed):
        bench = Bench(seed)
        bench.host.faults.arm("lost_request", count=1000, kind="sale", chance=0.3)
        return [bool(bench.sale(10 + n)) for n in range(200)]

    one = run(1)
    assert one == run(1) and one != run(2)
    assert 90 < sum(one) < 190  # about 140: neither never nor always


def test_garbage_is_repeatable():
    def run(seed):
        bench = Bench(seed)
        bench.host.faults.arm("garbage")
        return bench.sale()

    assert run(3) == run(3) and run(3) != run(4)


@pytest.mark.parametrize(
    "name, how",
    [
        ("no_such_fault", {}),
        ("no_answer", {"count": 0}),
        ("no_answer", {"after": -1}),
        ("no_answer", {"chance": 1.5}),
        ("no_answer", {"delay_ms": 5}),
        ("no_answer", {"mti": "0210"}),
        ("no_answer", {"kind": "refund"}),
        ("late_answer", {"delay_ms": "soon"}),
        ("late_answer", {"delay_ms": -1}),
        ("processing_requirement", {"digit": "33"}),
        ("response_code", {"code": "ZZ"}),
        ("garbage", {"size": 65536}),
        ("wrong_field", {"field": 4, "value": "1"}),
        ("wrong_field", {"field": 7, "value": "1"}),
    ],
)
def test_arming_nonsense_is_refused(bench, name, how):
    with pytest.raises(ValueError):
        bench.host.faults.arm(name, **how)
    assert bench.host.faults.armed() == []


def test_faults_strike_broken_contents_too_and_nothing_raises(bench):
    """A request that is answered 30 may meet any fault."""
    for name in FAULTS:
        bench.host.faults.arm(name)
        fields = {**bench.pos.sale_fields(), 11: "00000A"}
        bench.send("0200", fields)
        bench.host.faults.clear()
    assert bench.booked() == 0
