# Receipts and slips as lines: what must be on them, and that it fits.

from harness import Rng

from app.pay import totals, txn
from app.pay.settlement import Settled
from app.store.records import Txn
from app.text.utf8 import columns_of
from app.ui import lists, receipt

SETTINGS = {
    "receipt_title": "银联POS签购单",
    "merchant_name": "收银演示商店",
    "merchant_name_en": "SHOUYIN DEMO STORE",
    "mid": "302440380621100",
    "tid": "58402001",
    "header": "603100310001",
    "receipt_code": "",
}


def approved(kind=1):
    t = Txn(kind, 1234)
    t.batch, t.trace, t.entry_mode = 7, 134, 21
    t.pan_masked, t.expiry = "622500******0014", "3012"
    t.rrn, t.auth_code, t.issuer, t.acquirer = "091947145060", "123456", "90310000", "03025840"
    t.host_date, t.host_time = "1123", "093015"
    t.when = (2026, 11, 23, 9, 30, 15)
    if kind == 2:
        t.original_trace = 133
    return t


MANDATORY = """
商户存根
MERCHANT COPY
商户名称(MERCHANT NAME)
收银演示商店
302440380621100
58402001
操作员号(OPERATOR NO):01
发卡行(ISSUER):90310000
收单行(ACQ):03025840
6225 00** **** 0014 /S
卡有效期(EXP. DATE):30/12
消费/SALE
批次号(BATCH NO):000007
凭证号(VOUCHER NO):000134
授权码(AUTH NO):123456
091947145060
2026/11/23 09:30:15
RMB 12.34
备注(REFERENCE)
持卡人签名 CARDHOLDER SIGNATURE
I ACKNOWLEDGE
""".strip().split("\n")


def text_of(lines):
    return "\n".join(t for t, _ in lines)


def test_every_mandatory_line_is_on_the_merchants_receipt():
    text = text_of(receipt.transaction(approved(), SETTINGS, receipt.MERCHANT))
    for line in MANDATORY:
        assert line in text, line


def test_the_cardholders_copy_shows_four_digits_and_no_signature_line():
    text = text_of(receipt.transaction(approved(), SETTINGS, receipt.CARDHOLDER))
    assert "**** **** **** 0014" in text and "6225" not in text
    assert "持卡人存根" in text and "SIGNATURE" not in text


def test_reprints_tests_and_voids_say_so():
    text = text_of(receipt.transaction(approved(), SETTINGS, receipt.MERCHANT, True))
    assert "****重打印/DUPLICATED****" in text
    trial = dict(SETTINGS)
    trial["header"] = "603110310001"
    assert "测试/TESTING" in text_of(receipt.transaction(approved(), trial, receipt.MERCHANT))
    text = text_of(receipt.transaction(approved(2), SETTINGS, receipt.MERCHANT))
    assert "消费撤销/VOID" in text and "RMB -12.34" in text and "ORIG. VOUCHER):000133" in text


def test_no_line_is_wider_than_the_paper():
    s = Settled()
    s.own, s.host, s.verdict = (123456789012, 999, 123456789012, 999), (0, 0, 0, 0), 2
    found = [(999999, 3, 99999999999, why) for why in range(1, len(lists.WHY))]
    s.rows = [(0, "3", 999, 123456789012), (1, "CUP", 999, 1), (2, "01", 999, -123456789012),
              (3, "13", 999, 123456789012)]  # fmt: skip
    documents = [lists.settlement(s, SETTINGS, found, True), lists.fault_slip(SETTINGS, 999999)]
    documents.append(lists.states([(n, 999, 99999999999) for n in range(1, 14)]))
    for state in range(1, 14):
        t = approved(3)
        t.state, t.amount, t.trace, t.response_code = state, 99999999999, 999999, "A0"
        documents.append(lists.entry(t))
        t.amount = 999_999_999  # the most that a sale may be
        documents.append(receipt.transaction(t, SETTINGS, receipt.MERCHANT, True))
    s.forced = True
    documents.append(lists.settlement(s, SETTINGS, []))
    for copy in (receipt.MERCHANT, receipt.CARDHOLDER, receipt.BANK):
        documents.append(receipt.transaction(approved(2), SETTINGS, copy, True))
    for lines in documents:
        for text, style in lines:
            width = columns_of(text) * (2 if "w" in style else 1)
            assert width <= 32, (text, width)


def test_the_unbalanced_slip_explains_the_difference():
    s = Settled()
    s.batch, s.own, s.host, s.verdict = 7, (2034, 2, 0, 0), (7712, 3, 0, 0), 2
    s.step = 3  # closed
    text = text_of(lists.settlement(s, SETTINGS, [(42, 1, 5678, 1)]))
    for part in ("对账不平", "20.34", "77.12", "-56.78", "-1", "000042 S", "DENIED", "UPLOADED"):
        assert part in text, part
    assert "NO RECORD EXPLAINS IT" in text_of(lists.settlement(s, SETTINGS, []))
    s.forced = True
    assert "CLOSED BY SUPERVISOR" in text_of(lists.settlement(s, SETTINGS, []))
    s.verdict = 0
    assert "NOT CONFIRMED" in text_of(lists.settlement(s, SETTINGS, []))


def test_an_offline_receipt_says_so_and_one_that_was_taken_back_too():
    t = approved(3)
    text = text_of(receipt.transaction(t, SETTINGS, receipt.MERCHANT))
    assert "脱机消费/OFFLINE" in text and "APPROVED OFFLINE" in text and "RMB 12.34" in text
    t.state = 12
    text = text_of(receipt.transaction(t, SETTINGS, receipt.MERCHANT))
    assert "CANCELLED" in text and "RMB -12.34" in text


def test_totals_are_grouped_and_every_state_has_its_word():
    rows = [(0, "1", 2, 2034), (0, "3", 1, 500), (1, "CUP", 3, 2534), (2, "01", 3, 2534),
            (3, "9", 1, 77)]  # fmt: skip
    lines = lists.totals(rows)
    assert [t for t, style in lines if style == "b"] == list(lists._GROUPS)
    text = text_of(lines)
    for part in ("消费/SALE", "脱机/OFFLINE", "CUP", "被拒/DENIED", "20.34", "0.77"):
        assert part in text, part
    assert len(lists.STATES) == len(txn.NAMES) and len(lists.WHY) == totals.NOT_SENT + 1


def test_random_records_always_make_a_receipt():
    rng = Rng(4)
    for _ in range(100):
        t = approved(1 + rng.below(3))
        t.amount = rng.bits()
        t.host_date = rng.choice(("", "0230", "1332", "0101"))
        t.auth_code = rng.choice(("", "123456"))
        t.pan_masked = "*" * rng.below(20)
        receipt.transaction(t, SETTINGS, rng.below(3), bool(rng.below(2)))


def test_the_shops_code_is_on_the_cardholders_copy_only():
    settings = dict(SETTINGS)
    settings["receipt_code"] = "https://example.com/shop"
    code = ("https://example.com/shop", "q")
    for copy in (receipt.MERCHANT, receipt.CARDHOLDER, receipt.BANK):
        lines = receipt.transaction(approved(), settings, copy)
        assert (code in lines) == (copy == receipt.CARDHOLDER)
        assert not any(
            "q" in style for _, style in receipt.transaction(approved(), SETTINGS, copy)
        )
