"""The end of a batch: what is owed goes first, a difference is uploaded and explained, a power cut
anywhere is made good, and a supervisor has a way out that leaves a paper behind."""

import pytest

from simulator import preset

OFFLINE = {"offline_count_max": 50, "offline_txn_max": 50_000, "offline_total_max": 200_000}


@pytest.fixture
def shop(make_till):
    """A till whose acquirer allows offline sales, at idle."""
    till = make_till(**OFFLINE, receipt_copies=1, response_timeout_s=15)
    till.hold_ms = 40
    till.start()
    till.expect("未签到", 120_000)
    return till


def paper(till):
    return "\n".join(till.tear().lines)


def short_sale(till, amount, card="normal"):
    till.pay(amount, card)
    till.expect("交易成功", 120_000)
    till.press("ENTER")
    till.expect("请刷卡或输入金额", 60_000)


def stored_sale(till, amount, card="normal"):
    till.pay(amount, card)
    till.expect("脱机批准", 120_000)
    till.press("ENTER")
    till.expect("请刷卡或输入金额", 60_000)


def offline_while_the_network_is_gone(till, *amounts):
    till.network(False)
    for amount in amounts:
        stored_sale(till, amount)
    till.network_back()


def override(till):
    """The supervisor's way from the refusal to the exception report."""
    till.press("ENTER")
    till.expect("可由主管强制结算", 5000)
    till.press("ENTER")
    till.expect("主管授权", 5000)
    till.press("ENTER")
    till.expect("密码:", 5000)
    till.type(preset.SUPERVISOR[1])
    till.press("ENTER")


def verdicts(till, batch=1):
    """{(trace, kind): verdict} of what was uploaded."""
    return {
        (int(u["stan"]), u["kind"].removeprefix("upload_")): u["verdict"]
        for u in till.host.books.uploads(preset.TID, batch)
    }


def closings(till):
    return [(c["batch"], c["reason"]) for c in till.host.books.closings(preset.TID)]


# ---- owed before it -----------------------------------------------------------------------------


def test_i5_settlement_sends_what_is_owed_first(shop):
    till = shop
    till.host.faults.arm("no_answer", 1, kind="sale")
    till.pay("1234")
    till.expect("结果未知", 60_000)
    till.press("ENTER")
    offline_while_the_network_is_gone(till, "100", "200")
    till.settle()
    till.close_batch()
    till.expect("对账平", 60_000)
    kinds = [s[1] for s in till.sent() if s[1] != "sign_in"]
    assert kinds == ["sale", "reversal", "offline", "offline", "settlement", "upload_end"]
    assert closings(till) == [(1, "settlement")]
    assert till.unmarked_repeats() == []


def test_i5_a_supervisor_closes_over_uploads_that_the_host_does_not_take(shop):
    """Not before the exception report is on paper; what is given up stays on the slip."""
    till = shop
    short_sale(till, "700")
    till.host.faults.arm("response_code", 999, kind="offline", code="96")
    offline_while_the_network_is_gone(till, "1234", "66")
    lost = [t for t, state in till.states().items() if state in ("STORED", "UPLOADING")]
    till.tear()
    till.settle()
    till.expect("还有交易未上送,请稍后重试", 200_000)
    till.press("ENTER")
    till.expect("可由主管强制结算", 5000)
    till.press("CANCEL")  # later, says the cashier: nothing has changed
    till.expect("请刷卡或输入金额", 5000)
    assert sorted(till.states().values())[0] == "APPROVED" and not closings(till)
    till.settle()
    till.expect("还有交易未上送,请稍后重试", 200_000)
    till.devices.printer.paper_out(now_us=till.rack.now_us)
    override(till)
    till.expect("打印机缺纸", 60_000)
    assert "EXPIRED" not in till.states().values()
    till.devices.printer.load_paper(now_us=till.rack.now_us)
    till.run_for(500)
    till.press("ENTER")
    till.close_batch()
    till.expect("对账平", 60_000)
    till.expect("操作员登录", 60_000)
    slip = paper(till)
    report = slip[slip.index("异常报告单") : slip.index("SUPERVISOR SIGNATURE")]
    for trace in lost:
        assert f"{trace:06d} L" in report
    assert "13.00" in report  # their sum
    assert ["已放弃/GIVEN", "UP", "2", "13.00"] in [line.split() for line in slip.splitlines()]
    assert closings(till) == [(1, "settlement")]
    assert till.host.books.totals(preset.TID, 1)["net"] == {"count": 1, "amount_fen": 700}
    assert till.journal()["batch"] == 2


def test_i5_a_supervisor_closes_without_the_host(shop):
    """The host never answers the settlement; what it has goes into the acquirer's hands."""
    till = shop
    short_sale(till, "700")
    till.tear()
    till.host.faults.arm("no_answer", 999, kind="settlement")
    till.settle()
    till.expect("结算结果未知,请再次结算", 200_000)
    override(till)
    till.close_batch()
    till.expect("主管强制结算", 60_000)
    till.press("ENTER")
    till.expect("操作员登录", 60_000)
    slip = paper(till)
    assert "异常报告单" in slip and "主机未确认/NOT CONFIRMED" in slip
    assert "CLOSED BY SUPERVISOR" in slip
    assert till.journal()["batch"] == 2
    till.host.faults.clear()
    till.login()
    short_sale(till, "100")  # and trade goes on
    assert till.journal()["transactions"][-1]["state"] == "APPROVED"


# ---- a difference -------------------------------------------------------------------------------


def host_forgets_the_reversal(till):
    """A host that has lost a reversal holds a sale too many."""
    with till.host.ledger.atomic():
        done = till.host.ledger.db.execute(
            "UPDATE transactions SET state = 'approved' WHERE state = 'reversed'"
        )
    assert done.rowcount == 1


def a_day_with_a_difference(till):
    """10 sales, one of them voided, an offline sale, and one sale too many at the host: its
    trace."""
    for n in range(9):
        short_sale(till, str(100 + n), ("normal", "credit")[n % 2])
    till.host.faults.arm("no_answer", 1, kind="sale")
    till.pay("4321")
    till.expect("结果未知", 60_000)
    till.press("ENTER")
    short_sale(till, "500")
    first = next(iter(till.states()))
    till.void(first, "normal")
    till.expect("交易成功", 120_000)
    till.press("ENTER")
    till.expect("请刷卡或输入金额", 60_000)
    offline_while_the_network_is_gone(till, "600")
    till.drained()
    host_forgets_the_reversal(till)
    till.tear()
    till.devices.printer.load_paper(now_us=till.rack.now_us)
    return next(t for t, state in till.states().items() if state == "REVERSED")


def test_an_unbalanced_settlement_is_uploaded_and_explained(shop):
    till = shop
    wrong = a_day_with_a_difference(till)
    rows = till.journal()["transactions"]
    mine = {
        (t["trace"], "notice" if t["kind"] == 3 else "details"): "match"
        for t in rows
        if t["state"] in ("APPROVED", "VOIDED", "UPLOADED")
    }
    assert len(mine) == 12
    till.settle()
    till.close_batch(details=True)
    till.expect("对账不平", 120_000)
    # 10 sales, 1 void, 1 offline sale; the host has one sale of 43.21 more
    own = sum(
        t["amount"] for t in rows if t["state"] in ("APPROVED", "UPLOADED") and t["kind"] != 2
    )
    till.expect(f"本机12笔 {own / 100:.2f}", 5000)
    assert till.sees(f"主机13笔 {(own + 4321) / 100:.2f}")
    till.press("ENTER")
    till.expect(f"{wrong:06d} 43.21", 5000)
    assert till.sees("金额与差额相符")
    till.press("ENTER")
    till.expect("明细已上送。请凭结算单与收单机构对账", 5000)
    till.press("ENTER")
    till.expect("操作员登录", 60_000)
    assert verdicts(till) == mine
    assert closings(till) == [(1, "upload")]
    assert [s[3] for s in till.sent("upload_details", "upload_notice", "upload_end")] == ["00"] * 4
    slip = paper(till)
    assert ["合计/TOTAL", "12", f"{own / 100:.2f}"] in [n.split() for n in slip.splitlines()]
    assert "对账不平/UNBALANCED" in slip and "DETAILS WERE UPLOADED" in slip
    assert [-1, -43.21] == [
        float(word) for word in slip.split("差额/DIFFERENCE")[1].splitlines()[1].split()[-2:]
    ]
    causes = slip.split("POSSIBLE CAUSES:")[1].splitlines()
    assert causes[1].split() == [f"{wrong:06d}", "S", "43.21"] and "SAME AMOUNT" in causes[2]
    assert till.journal()["batch"] == 2
    till.login()
    short_sale(till, "100")
    till.assert_books_agree()


UPLOADS = ("upload_details", "upload_notice", "upload_end")


def cut_at_the_next_upload(till, cuts, fault):
    """Cut the power when the next message that is new is on its way; False when none came. The
    one that was cut before goes again first, and may pass."""
    passing = 1 if cuts else 0
    if fault is not None:
        till.host.faults.arm(fault, 1, mti="0320", after=passing)
    seen = len(till.sent(*UPLOADS))
    till.run_until(
        lambda: len(till.sent(*UPLOADS)) > seen + passing or till.sees("打印交易明细?"),
        "the upload",
        200_000,
    )
    if till.sees("打印交易明细?"):
        return False
    till.power_off()
    till.host.faults.clear()
    return True


@pytest.mark.parametrize("fault", (None, "lost_request"), ids=("before the reply", "request lost"))
def test_f1_a_power_cut_at_every_message_of_the_batch_upload(make_till, fault):
    """Each boot goes on where the last one was cut: with the message that was on its way."""
    till = make_till()
    till.hold_ms = 40
    traces = till.fill({"state": "APPROVED", "count": 19, "fen": 100, "step": 1})
    stored = till.fill({"state": "STORED", "count": 2, "fen": 5000, "step": 1})
    till.start()
    till.expect("待上送", 120_000)
    till.drained()
    till.settle()
    cuts = 0
    while cut_at_the_next_upload(till, cuts, fault):
        cuts += 1
        till.power_on()
        till.login()
        till.expect("上次结算未完成,请先结算", 30_000)
        till.wait_for_network()
        till.press("ENTER")
        till.expect("确认结算", 5000)
        till.press("ENTER")
    assert cuts == 6  # 3 messages of details, 2 notices, the end
    assert closings(till) == [(1, "upload")]
    assert verdicts(till) == {
        **{(t, "details"): "missing" for t in traces},  # the host never had them
        **{(t, "notice"): "match" for t in stored},
    }
    assert till.unmarked_repeats() == []
    till.close_batch()
    till.expect("对账不平", 60_000)
    till.run_for(500)
    assert till.journal()["batch"] == 2
