"""Selling without a network, through keypad, screen and paper: within the acquirer's limits only,
uploaded by itself, and never more than once."""

import pytest

from acquirer.cards import CARDS
from acquirer.keys import new_working_keys
from simulator import preset

OFFLINE = {"offline_count_max": 50, "offline_txn_max": 50_000, "offline_total_max": 200_000}
CARD = {card.name: card for card in CARDS}


@pytest.fixture
def shop(make_till):
    """Callable: a till whose acquirer allows offline sales (settings as keywords), at idle."""

    def make(**settings):
        till = make_till(**{**OFFLINE, **settings})
        till.hold_ms = 40
        till.start()
        till.expect("未签到", 120_000)
        return till

    return make


def refused(till, text, amount="1000", card="normal"):
    """A sale that is refused, with what the screen says; nothing is left of it."""
    before = till.journal()
    till.pay(amount, card)
    till.expect(text, 240_000)
    till.press("ENTER")
    till.expect("请刷卡或输入金额")
    after = till.journal()
    assert (after["transactions"], after["next_trace"]) == (
        before["transactions"],
        before["next_trace"],
    )


def paper(till):
    return "\n".join(till.tear().lines)


def booked(till):
    return [e for e in till.events if e["booked"]]


# ---- approving and uploading --------------------------------------------------------------------


def test_offline_approval_and_upload_by_itself(shop):
    till = shop()
    till.sale("700")
    till.tear()
    till.network(False)
    till.offline_sale("1234")
    slip = paper(till)
    for text in (
        "脱机批准/APPROVED OFFLINE",
        "脱机消费/OFFLINE",
        "RMB 12.34",
        "授权码(AUTH NO):Y1",
    ):
        assert slip.count(text) == 2, text
    for copy in ("商户存根", "持卡人存根"):
        assert slip.count(copy) == 1, copy
    till.expect("待上送1笔 12.34")
    till.offline_sale("66", "credit")
    till.expect("待上送2笔 13.00")
    assert list(till.states().values()) == ["APPROVED", "STORED", "STORED"]
    till.assert_books_agree()  # also while sales are owed
    assert till.sent("offline") == []
    till.network_back()
    till.drained()
    first, second = [t for t, state in till.states().items() if state == "UPLOADED"]
    assert till.sent("offline") == [
        ("0220", "offline", first, "00"),
        ("0220", "offline", second, "00"),
    ]
    till.assert_books_agree()
    assert till.unmarked_repeats() == []
    till.settle()
    till.close_batch()
    till.expect("对账平", 60_000)


def test_i2_an_answer_that_is_lost_costs_nobody_a_second_charge(shop):
    """The advice is booked, its answer never comes (F2): it goes again, marked as a repeat."""
    till = shop()
    till.network(False)
    till.offline_sale()
    till.net.before_reply = lambda: till.network(False)  # may be the sign-in's
    till.network_back()
    till.run_until(lambda: not till.net.up, "the first cut", 60_000)
    till.net.before_reply = None
    till.network_back()
    till.host.faults.arm("no_answer", 2, kind="offline")
    till.drained()
    sends = till.sent("offline")
    assert [s[0] for s in sends] == ["0220", "0221", "0221"]
    assert len({s[2] for s in sends}) == 1
    assert [e["kind"] for e in booked(till) if e["amount"]] == ["offline"]
    till.assert_books_agree()
    assert till.unmarked_repeats() == []


def test_f11_paper_out_after_an_offline_approval(shop):
    """The receipt is owed; the upload goes on meanwhile, and neither forgets the other."""
    till = shop()
    till.network(False)
    till.devices.printer.paper_out(now_us=till.rack.now_us)
    till.pay("1234")
    till.expect("脱机批准", 240_000)
    till.expect("打印机缺纸", 60_000)
    till.network_back()
    till.run_until(lambda: "offline" in [e["kind"] for e in till.events], "the upload", 180_000)
    till.run_for(2000)
    (t,) = till.journal()["transactions"]
    assert (t["state"], t["printed"]) == ("UPLOADED", False)
    till.devices.printer.load_paper(now_us=till.rack.now_us)
    till.run_for(500)
    till.press("ENTER")
    till.finish_receipts()
    (t,) = till.journal()["transactions"]
    assert (t["state"], t["printed"]) == ("UPLOADED", True)
    assert "RMB 12.34" in paper(till)
    till.restart()
    assert till.states() == {t["trace"]: "UPLOADED"}
    till.assert_books_agree()


def test_cold_boot_without_a_network_sells(make_till):
    """A terminal that has never seen its host reaches "ready" and sells (react-native#668)."""
    till = make_till(**OFFLINE)
    till.net.up = False
    till.devices.modem.set_signal(False, 0)
    till.start()
    till.expect("请刷卡或输入金额", 30_000)
    till.offline_sale("1000")
    till.power_off()
    till.power_on()
    till.login()
    till.expect("待上送1笔 10.00", 30_000)
    till.offline_sale("500")
    assert till.events == []
    till.network_back()
    till.drained()
    assert list(till.states().values()) == ["UPLOADED", "UPLOADED"]
    till.assert_books_agree()


# ---- limits (I7) --------------------------------------------------------------------------------


def test_i7_off_unless_the_acquirer_allows_it(till):
    till.network(False)
    till.expect("正在找网络", 120_000)
    refused(till, "未扣款。网络恢复后重试")
    assert till.journal()["transactions"] == []


@pytest.mark.parametrize(
    "limits, sold, text, amount, then",
    (
        ({"offline_txn_max": 1000}, (), "无网络,超脱机单笔限额。稍后重试", "1001", "1000"),
        ({"offline_total_max": 1500}, ("1000",), "脱机总额已满,请恢复网络后上送", "501", "500"),
        ({"offline_count_max": 1}, ("1000",), "脱机笔数已满,请恢复网络后上送", "1", None),
    ),
    ids=("per transaction", "total", "count"),
)
def test_i7_a_limit_is_kept_and_named(shop, limits, sold, text, amount, then):
    till = shop(**limits)
    till.network(False)
    for fen in sold:
        till.offline_sale(fen)
    refused(till, text, amount)
    if then is not None:
        till.offline_sale(then)  # the limit itself is allowed
    till.network_back()
    till.drained()
    # What was uploaded counts no more.
    till.network(False)
    till.offline_sale(sold[0] if sold else then)
    assert amount not in [str(t["amount"]) for t in till.journal()["transactions"]]


def test_i7_the_age_of_the_oldest_counts_operating_time(make_till):
    """Not the calendar, which jumps by years, and not the time without power (I9)."""
    till = make_till(**OFFLINE, offline_age_max_h=2)
    till.fill(
        {"state": "STORED", "count": 1, "fen": 100, "stored_s": 60},
        {"state": "STORED", "count": 1, "fen": 100, "stored_s": 7200},
    )
    till.net.up = False
    till.devices.modem.set_signal(False, 0)
    till.start()
    till.offline_sale("100")  # the oldest is 7,140 s of operating time old
    till.run_for(60_000)
    refused(till, "脱机交易过久未上送,请恢复网络")
    till.network_back()
    till.drained()
    till.network(False)
    till.offline_sale("1000")


def test_i7_cards_that_may_not_be_taken_offline(shop):
    """A chip card's stripe proves nothing; others by the acquirer's list of card numbers."""
    till = shop(offline_cards="622424,4")
    till.network(False)
    refused(till, "无网络,此卡不可脱机。换卡或稍后", card="chip_only")
    refused(till, "无网络,此卡不可脱机。换卡或稍后", card="normal")
    till.offline_sale("1000", "credit")


def test_f7_the_batch_holds_what_a_settlement_can_tell(make_till):
    """F48 has three digits for a count: the sale that would be the thousandth debit is refused,
    online and offline, and the batch can be settled."""
    till = make_till(**{**OFFLINE, "offline_count_max": 1000})
    till.fill({"state": "STORED", "count": 998, "fen": 100, "cards": ("normal", "credit")})
    till.net.up = False
    till.devices.modem.set_signal(False, 0)
    till.start()
    till.expect("流水将满,请结算")
    till.offline_sale("100")
    refused(till, "流水已满,请先结算", "100")
    till.network_back()
    till.run_for(3000)
    refused_online = len(till.events)
    till.pay("100")
    till.expect("流水已满,请先结算", 240_000)
    till.press("ENTER")
    assert "sale" not in [e["kind"] for e in till.events[refused_online:]]
    till.settle()
    till.close_batch()
    till.expect("对账平", 600_000)
    assert till.host.books.totals(preset.TID, 1)["offline"]["count"] == 999


# ---- voids --------------------------------------------------------------------------------------


def test_void_of_a_stored_sale_tells_the_host_nothing(shop):
    till = shop()
    till.network(False)
    till.offline_sale("1234")
    (trace,) = till.states()
    till.tear()
    till.void(trace, "normal")
    till.expect("脱机交易已取消", 60_000)
    till.finish_receipts()
    slip = paper(till)
    assert slip.count("OFFLINE SALE CANCELLED") == 2 and slip.count("RMB -12.34") == 2
    assert till.states() == {trace: "CANCELLED"}
    assert not till.sees("待上送")
    till.void(trace)
    till.expect("该交易不能撤销", 10_000)
    till.press("ENTER")
    till.network_back()
    till.run_for(60_000)
    assert till.sent() == []  # not even a connection's worth
    till.sale("100")
    till.assert_books_agree()
    assert trace not in [s[2] for s in till.sent()]
    till.settle()
    till.close_batch()
    till.expect("对账平", 60_000)


def test_i6_void_of_a_sale_that_was_sent_waits_for_its_answer(shop):
    """The host may have it: it is uploaded first, then voided, whatever the cashier wants."""
    till = shop()
    till.network(False)
    till.offline_sale("1234")
    (trace,) = till.states()
    till.host.faults.arm("no_answer", 1, kind="offline")
    till.network_back()
    till.run_until(lambda: "offline" in [e["kind"] for e in till.events], "the upload", 60_000)
    till.void(trace, "normal")
    till.expect("交易成功", 120_000)
    till.finish_receipts()
    assert list(till.states().values()) == ["VOIDED", "APPROVED"]
    assert [s[:2] for s in till.sent("offline", "void")] == [
        ("0220", "offline"),
        ("0221", "offline"),
        ("0200", "void"),
    ]
    till.assert_books_agree()
    assert till.unmarked_repeats() == []


def test_i6_void_while_the_host_does_not_answer_is_refused(shop):
    till = shop()
    till.network(False)
    till.offline_sale("1234")
    (trace,) = till.states()
    till.host.faults.arm("response_code", 20, kind="offline", code="91")
    till.network_back()
    till.run_until(lambda: "offline" in [e["kind"] for e in till.events], "the upload", 60_000)
    till.run_for(2000)
    assert till.states() == {trace: "UPLOADING"}
    till.void(trace, "normal")
    till.expect("该笔尚未上送成功,请稍后再撤销", 200_000)
    till.press("ENTER")
    till.host.faults.clear()
    till.drained()
    till.assert_books_agree()


def test_void_of_an_uploaded_sale(shop):
    till = shop()
    till.network(False)
    till.offline_sale("1234")
    (trace,) = till.states()
    till.network_back()
    till.drained()
    till.void(trace, "normal")
    till.expect("交易成功", 120_000)
    till.finish_receipts()
    assert list(till.states().values()) == ["VOIDED", "APPROVED"]
    till.assert_books_agree()
    till.settle()
    till.close_batch()
    till.expect("对账平", 60_000)


# ---- what the host refuses ----------------------------------------------------------------------


def test_i6_parked_after_three_refusals_and_the_rest_goes_on(shop):
    till = shop()
    till.network(False)
    till.offline_sale("300", "refused")
    till.offline_sale("200")
    poisoned, good = till.states()
    till.tear()
    till.network_back()
    till.drained()
    assert till.states() == {poisoned: "REJECTED", good: "UPLOADED"}
    sends = [s for s in till.sent("offline") if s[2] == poisoned]
    assert [(s[0], s[3]) for s in sends] == [("0220", "05"), ("0221", "05"), ("0221", "05")]
    till.run_for(120_000)
    assert len([s for s in till.sent("offline") if s[2] == poisoned]) == 3
    till.assert_books_agree()
    till.menu("4", "6")
    till.expect("请刷卡或输入金额", 60_000)
    slip = paper(till)
    assert "未上送和被拒明细" in slip and f"{poisoned:06d} L" in slip and "被拒/DENIED 05" in slip
    assert f"{good:06d}" not in slip
    # The settlement prints the list by itself; the totals are equal.
    till.settle()
    till.close_batch(details=True)
    till.expect("对账平", 60_000)
    till.expect("操作员登录", 60_000)
    slip = paper(till)
    assert slip.count("被拒/DENIED 05") == 2  # on that list and among the details
    assert "交易明细单" in slip and "结算总计单" in slip and slip.count(f"{good:06d} L") == 1


# Every fault of the host on an advice: afterwards it is booked once. The three that keep the
# request from the host are told from the others by Books.unmarked_repeats.
FAULTS = (
    ("no_answer", {}),
    ("lost_request", {}),
    ("late_answer", {"delay_ms": 10_000}),  # in time
    ("late_answer", {"delay_ms": 20_000}),  # the terminal has given up
    ("cut_before_reply", {}),
    ("cut_before_reply", {"reset": 1}),
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
    ("processing_requirement", {"digit": "2"}),
    ("response_code", {"code": "96"}),
    ("response_code", {"code": "91"}),
    ("response_code", {"code": "98"}),
    ("response_code", {"code": "77"}),
    ("response_code", {"code": "99"}),
    ("response_code", {"code": "A0"}),
    ("response_code", {"code": "51"}),
)


def test_f3_every_fault_of_the_host_on_an_advice(make_till):
    till = make_till(response_timeout_s=15, uploads_per_round=1)  # each is seen
    traces = till.fill({"state": "STORED", "count": len(FAULTS), "fen": 100, "step": 1})
    till.start()
    till.expect(f"待上送{len(FAULTS)}笔")
    for left, (name, params) in zip(reversed(range(len(FAULTS))), FAULTS, strict=True):
        till.host.faults.clear()
        till.host.faults.arm(name, 1, kind="offline", **params)
        gone = f"待上送{left}笔" if left else "操作员01批000001"
        till.run_until(lambda gone=gone: till.sees(gone), f"{gone}: {name} {params}", 900_000)
    till.host.faults.clear()
    till.run_for(20_000)
    assert till.states() == dict.fromkeys(traces, "UPLOADED")
    till.assert_books_agree()
    assert till.unmarked_repeats() == []
    assert [e["fault"] for e in till.events if e["fault"]] == [name for name, _ in FAULTS]
    assert [e["kind"] for e in till.events].count("status") == 1  # asked for by digit 2


def test_f10_keys_that_change_between_store_and_forward(shop):
    """The MAC of an advice is made when it is sent, with the keys of that moment."""
    till = shop()
    till.sale("100")
    till.network(False)
    till.offline_sale("1234")
    before = till.host.ledger.terminal(preset.TID).keys
    with till.host.ledger.atomic():
        till.host.ledger.sign_in(preset.TID, new_working_keys("004", till.host.randomness, 4711))
    till.network_back()
    till.drained()
    assert [s[0::3] for s in till.sent("offline", "sign_in")[1:]] == [
        ("0220", "A0"),
        ("0800", "00"),
        ("0221", "00"),
    ]
    assert till.host.ledger.terminal(preset.TID).keys.mak != before.mak
    till.assert_books_agree()
    assert till.unmarked_repeats() == []


@pytest.mark.parametrize("fault", (("response_code", {"code": "96"}), ("no_answer", {})))
def test_i5_a_reversal_that_the_host_never_takes_blocks(shop, fault):
    """Nothing is sold before it is through; it is never deleted; people get a slip."""
    name, params = fault
    till = shop(response_timeout_s=15, receipt_copies=1)
    till.host.faults.arm("no_answer", 1, kind="sale")
    till.pay("1234")
    till.expect("结果未知,视为未收款", 60_000)
    till.press("ENTER")
    till.host.faults.arm(name, 999, kind="reversal", **params)
    till.pay("777")
    till.expect("冲正未成功,暂不能交易", 200_000)
    till.press("ENTER")
    till.expect("冲正1笔 12.34", 60_000)
    slip = paper(till)
    (trace,) = till.states()
    for text in ("故障报告单", "NOT A RECEIPT", f"{trace:06d} S", "待冲正/REVERSAL", "12.34"):
        assert text in slip, text
    till.restart()
    till.run_for(600_000)  # tried again and again in the background
    assert till.states() == {trace: "UNKNOWN"}
    sends = till.sent("reversal")
    assert len(sends) > 6 and [s[0] for s in sends] == ["0400"] + ["0401"] * (len(sends) - 1)
    till.host.faults.clear()
    till.pay("777")
    till.expect("交易成功", 200_000)
    till.run_for(4000)
    assert list(till.states().values()) == ["REVERSED", "APPROVED"]
    till.assert_books_agree()
    assert till.unmarked_repeats() == []


def test_i5_policy_offline_sells_on_and_the_reversal_stays_first(shop):
    till = shop(reversal_policy="offline", response_timeout_s=15)
    till.host.faults.arm("no_answer", 1, kind="sale")
    till.pay("1234")
    till.expect("结果未知,视为未收款", 60_000)
    till.press("ENTER")
    till.host.faults.arm("response_code", 999, kind="reversal", code="96")
    till.offline_sale("777")
    till.run_for(60_000)
    assert list(till.states().values()) == ["UNKNOWN", "STORED"]
    assert till.sent("offline") == []
    till.host.faults.clear()
    till.run_until(lambda: till.sent("offline"), "the upload", 600_000)
    till.run_for(5000)
    assert list(till.states().values()) == ["REVERSED", "UPLOADED"]
    assert [s[1] for s in till.sent()][-2:] == ["reversal", "offline"]
    till.assert_books_agree()


# ---- looking at it ------------------------------------------------------------------------------


def test_i14_count_and_amount_by_state_on_screen_and_paper(make_till):
    till = make_till(**OFFLINE)
    till.fill(
        {"state": "APPROVED", "count": 2, "fen": 1000},
        {"state": "UNKNOWN", "count": 1, "fen": 300},
        {"state": "STORED", "count": 3, "fen": 200},
        {"state": "UPLOADING", "count": 1, "fen": 50},
    )
    till.net.up = False
    till.devices.modem.set_signal(False, 0)
    till.start()
    till.expect("冲正1笔 3.00")
    till.menu("5", "8")
    for text in ("成功 2 20.00", "待冲正 1 3.00", "待上送 3 6.00"):
        till.expect(text, 5000)
    till.press("ENTER")
    till.expect("已发 1 0.50", 5000)
    till.press("ENTER")
    till.menu("4", "4")
    till.expect("请刷卡或输入金额", 60_000)
    slip = [line.split() for line in till.tear().lines]
    for row in (
        ["消费/SALE", "2", "20.00"],
        ["CUP", "2", "20.00"],
        ["01", "2", "20.00"],
        ["待冲正/REVERSAL", "1", "3.00"],
        ["待上送/TO", "SEND", "3", "6.00"],
        ["已发未答/SENT", "1", "0.50"],
    ):
        assert row in slip, row
    till.menu("4", "6")
    till.expect("请刷卡或输入金额", 60_000)
    slip = paper(till)
    assert slip.count("待上送/TO SEND") == 3 and slip.count("待冲正/REVERSAL") == 1
    till.menu("5", "7")
    till.expect("未扣款。网络恢复后重试", 120_000)
    till.press("ENTER")
    till.network_back()
    till.menu("5", "7")
    till.expect("全部已上送", 120_000)
    till.press("ENTER")
    till.menu("5", "7")
    till.expect("没有待上送的交易", 5000)
    till.press("ENTER")
    assert [s[1] for s in till.sent()] == ["sign_in", "reversal"] + ["offline"] * 4


def test_the_same_in_english(make_till):
    till = make_till(**OFFLINE, language="en")
    till.net.up = False
    till.devices.modem.set_signal(False, 0)
    till.power_on()
    till.expect("Operator login")
    till.run_for(200)
    till.press(*"01", "ENTER")
    till.expect("Password:")
    till.press(*preset.CASHIER[1], "ENTER")
    till.expect("Swipe or amount")

    def pay(amount, card="credit"):
        till.press(*amount, "ENTER")
        till.expect("Swipe card")
        till.swipe(CARD[card])
        till.expect("Enter PIN")
        till.press("ENTER")

    pay("50001")
    till.expect("No net; above offline limit. Later.", 120_000)
    till.press("ENTER")
    till.expect("Swipe or amount")
    pay("1234", "chip_only")
    till.expect("No net; card needs it. Other card, later", 120_000)
    till.press("ENTER")
    till.expect("Swipe or amount")
    pay("1234")
    till.expect("OFFLINE APPROVED", 120_000)
    till.expect("Tear, then ENTER", 60_000)
    till.press("ENTER")
    till.expect("Send 1 12.34", 60_000)
    till.press("MENU", "5", "8")
    till.expect("To send 1 12.34", 5000)
    till.press("ENTER")
    till.network_back()
    till.press("MENU", "5", "7")
    till.expect("All was sent", 120_000)
    till.press("ENTER")
    till.expect("Op 01 B 000001", 60_000)
    till.assert_books_agree()
