# Receipts and slips as lines of (text, style); styles are the printer's (drivers/printer): c
# centre, r right, b bold, w double width, h double height, - a rule, q a QR code of the text.
# Labels are bilingual on paper, whatever the screen speaks.
#
# Source of the lines that must be there: host-protocol section 5.4 and 5.5.

from ..kernel import clock
from ..pay.types import CANCELLED, OFFLINE, SALE, VOID
from ..text.money import yuan
from ..text.utf8 import columns_of

MERCHANT, CARDHOLDER, BANK = 0, 1, 2
_COPIES = (
    ("商户存根", "MERCHANT COPY"),
    ("持卡人存根", "CARDHOLDER COPY"),
    ("银行存根", "BANK COPY"),
)

_TYPES = {SALE: "消费/SALE", VOID: "消费撤销/VOID", OFFLINE: "脱机消费/OFFLINE"}
_SIGN = {SALE: 1, VOID: -1, OFFLINE: 1}
_TEST_STATE = 4  # index of the header digit


def card_number(masked, copy):
    """The PAN as the copy may show it: first six and last four for the merchant, last four for the
    cardholder; in groups of four."""
    if copy == CARDHOLDER:
        masked = "*" * (len(masked) - 4) + masked[-4:]
    return " ".join(masked[i : i + 4] for i in range(0, len(masked), 4))


def _when(t):
    """Date and time of the host when it gave them, else the terminal's."""
    if len(t.host_date) == 4 and len(t.host_time) == 6:
        d, s = t.host_date, t.host_time
        try:
            year = clock.year_of(int(d[:2]), int(d[2:]))
            return "%04d/%s/%s %s:%s:%s" % (year, d[:2], d[2:], s[:2], s[2:4], s[4:])
        except ValueError:
            pass
    return "%04d/%02d/%02d %02d:%02d:%02d" % tuple(t.when)


def _head(settings, copy):
    lines = []
    if settings["receipt_title"]:
        lines.append((settings["receipt_title"], "cbwh"))
    zh, en = _COPIES[copy]
    lines += [
        ("POS SALES SLIP", "c"),
        (zh + " " * max(1, 32 - 2 * len(zh) - len(en)) + en, ""),
        ("", "-"),
    ]
    return lines + merchant(settings)


def merchant(settings):
    """Lines that say whose slip it is."""
    lines = [("商户名称(MERCHANT NAME):", ""), (settings["merchant_name"], "b")]
    if settings["merchant_name_en"]:
        lines.append((settings["merchant_name_en"], ""))
    return lines + [
        ("商户编号(MERCHANT NO):", ""),
        (settings["mid"], "r"),
        ("终端编号(TERMINAL NO):" + settings["tid"], ""),
    ]


def transaction(t, settings, copy, again=False):
    """Lines of the receipt of journal record `t`. `again`: a reprint, marked as such."""
    amount = "RMB " + yuan(t.amount * (-1 if t.state == CANCELLED else _SIGN[t.kind]))
    way = "S" if t.entry_mode // 10 == 2 else "N"
    lines = _head(settings, copy) + [
        ("操作员号(OPERATOR NO):" + t.operator, ""),
        ("发卡行(ISSUER):" + t.issuer, ""),
        ("收单行(ACQ):" + t.acquirer, ""),
        ("卡号(CARD NO):", ""),
        (card_number(t.pan_masked, copy) + " /" + way, "bh"),
    ]
    if t.expiry:
        lines.append(("卡有效期(EXP. DATE):%s/%s" % (t.expiry[:2], t.expiry[2:]), ""))
    lines += [
        ("交易类型(TXN. TYPE):", ""),
        (_TYPES[VOID] if t.state == CANCELLED else _TYPES[t.kind], "bwh"),
        ("批次号(BATCH NO):%06d" % t.batch, ""),
        ("凭证号(VOUCHER NO):%06d" % t.trace, ""),
    ]
    if t.auth_code:
        lines.append(("授权码(AUTH NO):" + t.auth_code, ""))
    lines += [
        ("交易参考号(REF. NO):", ""),
        (t.rrn, "r"),
        ("日期/时间(DATE/TIME):", ""),
        (_when(t), "r"),
        ("金额(AMOUNT):", ""),
        (amount, "bwh" if len(amount) <= 16 else "bh"),  # what is too long is not so wide
        ("备注(REFERENCE):", ""),
    ]
    if t.kind == OFFLINE:
        lines.append(("脱机批准/APPROVED OFFLINE", ""))
    if t.state == CANCELLED:
        lines += [("脱机交易已取消", ""), ("OFFLINE SALE CANCELLED", "")]
    if t.original_trace:
        lines.append(("原凭证号(ORIG. VOUCHER):%06d" % t.original_trace, ""))
    if again:
        lines.append(("****重打印/DUPLICATED****", "cb"))
    if settings["header"][_TEST_STATE] == "1":
        lines.append(("***测试/TESTING,凭证无效***", "cb"))
    if copy == CARDHOLDER and settings["receipt_code"]:
        lines += [("", ""), (settings["receipt_code"], "q")]
    return lines + _foot(copy)


def _foot(copy):
    lines = [("", "-")]
    if copy == MERCHANT:
        lines += [
            ("持卡人签名 CARDHOLDER SIGNATURE", ""),
            ("", ""),
            ("", ""),
            ("", "-"),
            ("本人确认以上交易,", ""),
            ("同意将其记入本卡账户", ""),
            ("I ACKNOWLEDGE SATISFACTORY", ""),
            ("RECEIPT OF RELATIVE", ""),
            ("GOODS/SERVICES", ""),
        ]
    return lines


def row(name, count, amount):
    """A line of the table: name, count, amount, in 32 columns."""
    row = name + " " * max(1, 14 - columns_of(name)) + "%4d" % count + "%14s" % yuan(amount)
    # Long names, huge totals: closer together, then without the English.
    for short in (name, name.split("/")[0]):
        if columns_of(row) > 32:
            row = "%s %d %s" % (short, count, yuan(amount))
    return row
