"""A day of trade with the emulated microcontroller as the terminal's processor."""

import pytest
from mcu import flows
from mcu.bench import McuBench

from acquirer.cards import CARDS
from simulator import books, demo, preset

BY_NAME = {card.name: card for card in CARDS}


@pytest.mark.parametrize("variant", ["standard"])
def test_the_demo_day_and_equal_books(tmp_path, variant):
    said = []
    d = demo.Demo(tmp_path / "demo", say=said.append, bench=McuBench, variant=variant)
    try:
        assert d.run(), "\n".join(said)
        assert d.bench.restarts == 0
        assert d.bench.devices.display.errors == [] and d.bench.devices.printer.errors == []
    finally:
        d.bench.close()
    assert "books agree" in said


class Till(McuBench):
    """What a cashier does on the emulated machine."""

    def pay(self, amount="1234", card="normal", pin=True):
        self.expect("请刷卡或输入金额")
        self.type(amount)
        self.press("ENTER")
        self.expect("请刷卡")
        self.swipe(BY_NAME[card])
        self.expect("请输入密码")
        if pin:
            self.type(BY_NAME[card].pin)
        self.press("ENTER")

    def agree(self):
        result = books.compare(self.journal(), self.host, preset.TID)
        assert result.agree, result.table() + "\n" + "\n".join(result.differences)


@pytest.fixture
def make_till(tmp_path):
    tills = []

    def make(variant, **settings):
        till = Till(tmp_path / f"till-{len(tills)}", variant=variant)
        tills.append(till)
        till.provision(**settings)
        till.start()
        till.expect("未签到", 120_000)
        return till

    yield make
    for till in tills:
        till.close()


def test_sale_reversal_and_settlement_with_the_small_heap(make_till):
    till = make_till("small", receipt_copies=1)
    till.pay()
    till.expect("交易成功", 120_000)
    till.press("ENTER")
    till.net.before_reply = lambda: till.network(False)
    till.pay("5678")
    till.expect("结果未知", 180_000)
    till.press("ENTER")
    till.network(True)
    till.run_for(5000)
    till.run_until(till.devices.network_ready, "the network", 180_000)
    till.run_for(5000)
    till.pay("800")
    till.expect("交易成功", 120_000)
    till.press("ENTER")
    till.expect("请刷卡或输入金额", 60_000)
    till.agree()
    till.press("MENU", "3")
    till.expect("确认结算")
    till.press("ENTER")
    till.expect("对账平", 120_000)
    assert till.restarts == 0


def test_200_sales_leave_the_memory_as_it_was(make_till):
    till = make_till("standard", receipt_copies=1)
    till.devices.printer.head.keep_rows = 0
    till.hold_ms = 40
    till.expect("请刷卡或输入金额", 120_000)
    till.run_for(200_000)  # the first round of self-tests, which leaves its results
    used = {}
    for n in range(1, 201):
        # Keys cost the emulator the most time: every tenth with a PIN.
        till.pay("1", "credit", pin=n % 10 == 0)
        till.expect("交易成功", 60_000)
        till.press("ENTER")
        till.expect("请刷卡或输入金额", 60_000)
        till.tear()
        till.papers.clear()
        if n % 50 == 0:
            till.devices.printer.load_paper(now_us=till.rack.now_us)
        if n in (10, 50, 100, 200):
            till.run_for(3000)
            used[n] = till.memory()[1]
    print("used after collection:", used)
    assert till.restarts == 0
    # Times beyond 18 minutes are no small integers any more, but objects of 16 bytes.
    assert abs(used[200] - used[10]) <= 256, used
    till.agree()


def test_the_emulator_killed_in_the_middle_of_a_sale(make_till):
    """What lies in flash is still there, and is put right."""
    till = make_till("standard", receipt_copies=1)
    flows.sign_in(till)
    before = till.net.sends
    till.pay("777")
    till.run_until(lambda: till.net.sends > before, "the request to leave", 60_000)
    till.power_off()
    till.power_on()
    till.login()
    till.expect("上笔交易中断")
    till.press("ENTER")
    till.expect("冲正1笔")
    till.run_until(till.devices.network_ready, "the network", 180_000)
    till.run_for(5000)
    till.pay("100")
    till.expect("交易成功", 120_000)
    till.press("ENTER")
    till.expect("请刷卡或输入金额", 60_000)
    till.agree()
