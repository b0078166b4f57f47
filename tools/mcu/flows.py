"""What a cashier does, as the measurements need it: named flows over a McuBench."""

from acquirer.cards import CARDS
from simulator import preset

CARD = next(card for card in CARDS if card.name == "normal")
IDLE = "请刷卡或输入金额"


def card_and_pin(bench, amount):
    """Amount, card and PIN, as far as the PIN's last digit."""
    bench.expect(IDLE)
    bench.type(amount)
    bench.press("ENTER")
    bench.expect("请刷卡")
    bench.swipe(CARD)
    bench.expect("请输入密码")
    bench.type(CARD.pin)


def both_copies(bench):
    bench.expect("撕纸后按确认打印", 60_000)
    bench.press("ENTER")
    bench.expect(IDLE, 60_000)


def sign_in(bench):
    bench.expect(IDLE)
    bench.press("MENU", "5", "1")
    bench.expect("签到成功")
    bench.expect(IDLE)


def sale(bench):
    card_and_pin(bench, "1234")
    bench.press("ENTER")
    bench.expect("交易成功", 120_000)
    both_copies(bench)


def lost_answer(bench):
    """A sale whose answer is lost, and the next one, before which it is reversed."""
    bench.host.faults.arm("cut_before_reply", 1, kind="sale")
    card_and_pin(bench, "5678")
    bench.press("ENTER")
    bench.expect("结果未知", 180_000)
    bench.press("ENTER")
    sale(bench)


def void(bench):
    bench.expect(IDLE)
    trace = next(t["trace"] for t in bench.journal()["transactions"] if t["state"] == "APPROVED")
    bench.press("MENU", "2")
    bench.expect("主管授权")
    bench.press("ENTER")
    bench.expect("密码:")
    bench.type(preset.SUPERVISOR[1])
    bench.press("ENTER")
    bench.expect("原凭证号")
    bench.type(str(trace))
    bench.press("ENTER")
    bench.expect("确认撤销")
    bench.press("ENTER")
    bench.expect("请刷卡")
    bench.swipe(CARD)
    bench.expect("请输入密码")
    bench.type(CARD.pin)
    bench.press("ENTER")
    bench.expect("交易成功", 120_000)
    both_copies(bench)


def settlement(bench):
    bench.expect(IDLE)
    bench.press("MENU", "3")
    bench.expect("确认结算")
    bench.press("ENTER")
    bench.expect("对账平", 120_000)
    bench.expect("操作员登录", 60_000)


# In the order of a day.
DAY = (
    ("sign-in", sign_in),
    ("sale, two receipts", sale),
    ("lost answer, reversal, sale", lost_answer),
    ("void", void),
    ("settlement", settlement),
)
