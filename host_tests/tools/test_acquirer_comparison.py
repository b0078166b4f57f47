"""The terminal's books beside the acquirer's, where offline sales are in them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from simulator import books


@pytest.fixture
def pos():
    return kit.signed_in_pos()


def mine(trace, state, kind=3, amount=1000, rc="00"):
    return {"trace": trace, "state": state, "kind": kind, "amount": amount, "rc": rc, "batch": 1}


def compare(pos, *ours):
    return books.compare({"batch": 1, "transactions": ours}, pos.host, pos.tid)


# What the host can have of the offline sale of trace 2 and 10.00.
HOST = {
    "absent": lambda pos: pos.next_stan(),
    "approved": lambda pos: pos.offline(1000),
    "declined": lambda pos: pos.offline(1000, change={14: "3011"}),
    "other amount": lambda pos: pos.offline(1001),
}
AGREE = {
    "STORED": {"absent", "approved", "declined"},
    "UPLOADING": {"absent", "approved", "declined"},
    "UPLOADED": {"approved"},
    "REJECTED": {"absent", "declined"},
    "CANCELLED": {"absent"},
    "EXPIRED": {"absent", "declined"},
    "SENDING": set(),
    "UNKNOWN": set(),
}


@pytest.mark.parametrize("there", HOST)
@pytest.mark.parametrize("here", AGREE)
def test_every_state_beside_everything_the_host_can_have(pos, here, there):
    HOST[there](pos)
    result = compare(pos, mine(2, here))
    assert result.agree == (there in AGREE[here]), result.differences
    assert result.agree == (not result.money)
    assert result.owed == ((1, 1000) if here in ("STORED", "UPLOADING") else (0, 0))


def test_offline_sale_that_the_terminal_does_not_know(pos):
    pos.offline(1000)
    result = compare(pos)
    assert "offline 000002: terminal None, acquirer 1000 (fen)" in result.money


def test_online_sale_under_the_trace_of_an_offline_one(pos):
    pos.sale(1000)
    assert not compare(pos, mine(2, "UPLOADED")).agree
    assert not compare(pos, mine(2, "STORED")).agree


def test_voided_offline_sale(pos):
    pos.void(pos.offline(1000))
    void = mine(3, "APPROVED", kind=2)
    assert compare(pos, mine(2, "VOIDED"), void).agree
    assert not compare(pos, mine(2, "UPLOADED"), void).agree
    assert not compare(pos, mine(2, "VOIDED")).agree


def test_table_tells_what_is_owed(pos):
    pos.offline(1000)
    pos.offline(2000)
    result = compare(pos, mine(2, "UPLOADED"), mine(3, "STORED", amount=2000), mine(9, "STORED"))
    assert result.agree and result.owed == (2, 3000)
    lines = [line.split() for line in result.table().splitlines()]
    assert ["offline", "1", "10.00", "1", "10.00"] in lines
    assert lines[-1] == ["to", "upload", "2", "30.00"]
    assert "to upload" not in compare(pos, mine(2, "UPLOADED")).table()
