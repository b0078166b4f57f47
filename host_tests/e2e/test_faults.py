"""Every fault of the acquirer and the network, on every message: afterwards the next customer is
served and the books agree."""

import os

import pytest

# name of the fault, its parameters; see tools/acquirer/faults.py
FAULTS = (
    ("no_answer", {}),
    ("lost_request", {}),
    ("late_answer", {"delay_ms": 20_000}),  # in time
    ("late_answer", {"delay_ms": 70_000}),  # the terminal has given up
    ("cut_before_reply", {}),
    ("cut_in_reply", {"bytes": 1}),
    ("cut_in_reply", {"bytes": 60}),
    ("refuse", {}),
    ("wrong_mac", {}),
    ("duplicate_answer", {}),
    ("duplicate_answer", {"gap_ms": 2000}),
    ("garbage", {"size": 0}),
    ("garbage", {"size": 64}),
    ("garbage", {"size": 3000}),
    ("wrong_trace", {}),
    ("wrong_field", {"field": 41, "value": "58402009"}),
    ("processing_requirement", {}),
    ("response_code", {"code": "96"}),
    ("response_code", {"code": "77"}),
    ("response_code", {"code": "99"}),
    ("response_code", {"code": "A0"}),
    ("response_code", {"code": "A2"}),
)
KINDS = ("sale", "void", "reversal", "sign_in", "settlement")
# Two kinds for each fault, in turn; `make faults` runs every one with every other.
EVERY = os.environ.get("SHOUYIN_FAULTS") == "every"
PAIRS = [
    (fault, kind)
    for i, fault in enumerate(FAULTS)
    for k, kind in enumerate(KINDS)
    if EVERY or (k - i) % len(KINDS) in (0, 2)
]


def name_of(fault):
    name, params = fault
    return "-".join([name, *map(str, params.values())])


def leave(till):
    """Wait for the end of whatever goes on, acknowledge what the terminal says, come to idle."""
    for _ in range(400):
        till.run_for(1000)
        if till.sees("请刷卡或输入金额"):
            return
        if till.sees("操作员登录"):
            till.login()
        elif not till.sees("正在"):
            till.press("ENTER")
    till.expect("请刷卡或输入金额")


def do(till, kind):
    """Have the terminal send a message of this kind. The fault is armed."""
    if kind == "void":
        till.void(next(t["trace"] for t in till.journal()["transactions"]), "normal")
    elif kind == "settlement":
        till.settle()
    elif kind == "sign_in":
        till.menu("5", "1")
    else:
        till.pay("777")
        if kind == "reversal":
            leave(till)
            till.pay("333")  # it goes before this one
    leave(till)


@pytest.mark.parametrize("fault, kind", PAIRS, ids=lambda p: p if p in KINDS else name_of(p))
def test_a_fault_and_the_next_customer(till, fault, kind):
    """[I4 I5 F2 F3] Twenty-two faults on five kinds of message."""
    name, params = fault
    till.sale("1234")
    if kind == "reversal":
        till.host.faults.arm("no_answer", 1, kind="sale")
    till.host.faults.arm(name, 1, kind=kind, **params)
    do(till, kind)
    till.host.faults.clear()
    # The next customer. A settlement without a verdict must be repeated first: the host may have
    # closed the batch.
    till.pay("800", "credit")
    till.run_until(lambda: till.sees("交易成功") or till.sees("请先结算"), "the result", 200_000)
    settle_first = till.sees("请先结算")
    leave(till)
    if settle_first:
        assert kind == "settlement"
        till.settle()
        leave(till)
        till.sale("800", "credit")
    till.assert_money_agrees()
    booked = [t for t in till.journal()["transactions"] if t["amount"] == 800]
    assert [t["state"] for t in booked] == ["APPROVED"], booked
    # and the day ends with equal totals
    till.tear()
    till.settle()
    till.expect("对账平", 200_000)


def voidable(till):
    """Voucher numbers of the sales that can be voided."""
    return [
        t["trace"]
        for t in till.journal()["transactions"]
        if t["state"] == "APPROVED" and t["kind"] == 1
    ]


def test_random_faults_all_day(till, rng):
    """[I2 F1 F2 F3] A day of sales and voids on a bad line, with power cuts; then the line is
    good again."""
    names = ("no_answer", "lost_request", "cut_before_reply", "refuse", "wrong_mac", "garbage")
    for _ in range(30):
        till.host.faults.clear()
        for name in names:
            till.host.faults.arm(name, 1, chance=0.1)
        if rng.random() < 0.25:
            till.net.before_reply = lambda: till.network(False)
        sales = voidable(till)
        if sales and rng.random() < 0.25:
            till.void(rng.choice(sales), "normal")
        else:
            till.pay(str(rng.randrange(1, 9000)))
        till.run_for(rng.randrange(30_000))
        if rng.random() < 0.2:
            till.restart()
        leave(till)
        till.net.before_reply = None
        if not till.net.up:
            till.network(True)
            till.run_for(10_000)
        till.run_until(till.devices.network_ready, "the network", 180_000)
    till.host.faults.clear()
    till.sale("100")
    till.assert_money_agrees()
    till.tear()
    till.settle()
    till.expect("对账平", 200_000)
