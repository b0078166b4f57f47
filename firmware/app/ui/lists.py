# Lists on paper, as lines of (text, style) like ui.receipt: details, totals, what is owed, the
# exception report, the difference of a settlement. A list may be long: records come one by one.

from ..kernel import clock
from ..pay.types import OFFLINE, SALE, VOID
from ..text.money import yuan
from .receipt import merchant, row

TYPES = {
    SALE: ("S", "消费/SALE"),
    VOID: ("V", "撤销/VOID"),
    OFFLINE: ("L", "脱机/OFFLINE"),
}
# By the numbers of pay.txn
STATES = (
    "", "发送中/SENDING", "成功/APPROVED", "拒绝/DECLINED", "待冲正/REVERSAL", "已冲正/REVERSED",
    "待上送/TO SEND", "已发未答/SENT", "已上送/UPLOADED", "被拒/DENIED", "已撤/VOIDED",
    "已结/SETTLED", "已取消/CANCELLED", "已放弃/GIVEN UP",
)  # fmt: skip
# By the numbers of pay.totals
WHY = ("", "主机已拒/DENIED", "已放弃/GIVEN UP", "主机称重复/HOST HAD IT", "多次发送/SENT AGAIN",
       "金额相符/SAME AMOUNT", "未发出/NOT SENT")  # fmt: skip


def head(zh, en, settings, batch):
    y = clock.now()
    return (
        [(zh, "cbwh"), (en, "c"), ("", "-")]
        + merchant(settings)
        + [
            ("批次号(BATCH NO):%06d" % batch, ""),
            ("%04d/%02d/%02d %02d:%02d:%02d" % y, "r"),
            ("", "-"),
        ]
    )


def signed(t):
    """Amount of a record as a list shows and sums it: a void takes away."""
    return -t.amount if t.kind == VOID else t.amount


def entry(t):
    """Two lines for a record: voucher, type, amount; card and state."""
    code = " " + t.response_code if t.response_code and t.response_code != "00" else ""
    letter = TYPES[t.kind][0]
    amount = yuan(signed(t))
    return [
        ("%06d %s %s %16s" % (t.trace, letter, t.auth_code or "------", amount), ""),
        ("  %s %s%s" % (t.pan_masked[-8:], STATES[t.state], code), ""),
    ]


def states(counts):
    """[(state, count, amount)] as lines: money that counts, and money that is owed (I14)."""
    return [(row(STATES[state], count, amount), "") for state, count, amount in counts]


_GROUPS = ("类型/TYPE", "卡组织/CARD ORG", "操作员/OPERATOR", "异常/EXCEPTIONS")


def totals(rows):
    """Lines of pay.totals.rows(), by group."""
    lines = []
    last = -1
    for what, label, count, amount in rows:
        if what != last:
            lines.append((_GROUPS[what], "b"))
            last = what
        if what == 0:
            label = TYPES[int(label)][1]
        elif what == 3:
            label = STATES[int(label)]
        lines.append((row(label, count, amount), ""))
    return lines


def explanation(found):
    """Lines for the records from which a difference may come."""
    if not found:
        return [("未找到可能的原因", ""), ("NO RECORD EXPLAINS IT", "")]
    lines = [("可能的原因/POSSIBLE CAUSES:", "b")]
    for trace, kind, amount, why in found:
        lines += [
            ("%06d %s %23s" % (trace, TYPES[kind][0], yuan(amount)), ""),
            ("  " + WHY[why], ""),
        ]
    return lines


SIGNED = [
    ("", "-"),
    ("主管签名 SUPERVISOR SIGNATURE", ""),
    ("", ""),
    ("", ""),
    ("", "-"),
]


def fault_slip(settings, batch):
    """Head of the slip for a reversal that the host does not take (host-protocol 2.3): no proof
    of anything, a note for people."""
    return head("故障报告单", "FAULT REPORT", settings, batch) + [
        ("非凭证联/NOT A RECEIPT", "cb"),
        ("冲正不成功,请人工处理", ""),
        ("REVERSAL FAILED: SEE ACQUIRER", ""),
    ]


_VERDICTS = {1: "对账平/BALANCED", 2: "对账不平/UNBALANCED", 3: "对账出错/ERROR"}


def settlement(s, settings, found, again=False):
    """Lines of the settlement slip of pay.settlement.Settled `s`; `found`: its explanation()."""
    lines = [("结算总计单", "cbwh"), ("SETTLEMENT SLIP", "c"), ("", "-")] + merchant(settings)
    lines += [
        ("操作员号(OPERATOR NO):" + s.operator, ""),
        ("批次号(BATCH NO):%06d" % s.batch, ""),
        ("日期/时间(DATE/TIME):", ""),
        ("%04d/%02d/%02d %02d:%02d:%02d" % tuple(s.when), "r"),
        ("", "-"),
        ("内卡:" + _VERDICTS.get(s.verdict, "主机未确认/NOT CONFIRMED"), "b"),
        ("类型/TYPE     笔数/SUM 金额/AMT", ""),
        (row("借记/DEBIT", s.own[1], s.own[0]), ""),
        (row("贷记/CREDIT", s.own[3], s.own[2]), ""),
    ]
    if s.verdict > 1:
        lines += [
            ("主机/HOST:", "b"),
            (row("借记/DEBIT", s.host[1], s.host[0]), ""),
            (row("贷记/CREDIT", s.host[3], s.host[2]), ""),
            ("差额/DIFFERENCE (本机-主机):", "b"),
            (row("借记/DEBIT", s.own[1] - s.host[1], s.own[0] - s.host[0]), ""),
            (row("贷记/CREDIT", s.own[3] - s.host[3], s.own[2] - s.host[2]), ""),
        ] + explanation(found)
    if s.forced:
        lines += [("主管强制结算", "b"), ("CLOSED BY SUPERVISOR", "b")]
    elif s.closed and s.verdict == 2:
        lines += [("明细已上送主机", "b"), ("DETAILS WERE UPLOADED", "")]
    lines += [("外卡: 无/NONE", ""), ("", "-")] + totals(s.rows)
    if again:
        lines.append(("****重打印/DUPLICATED****", "cb"))
    return lines + [("", "-")]
