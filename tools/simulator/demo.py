"""A day of trade, unattended: `make demo`. Pictures, receipts and their texts go to out/demo."""

import shutil
import time
from pathlib import Path

from acquirer.cards import CARDS

from . import books, pictures, preset
from .bench import Bench, BenchError

OUT = Path("out") / "demo"
BY_NAME = {card.name: card for card in CARDS}


class Demo:
    """One bench, one story; every step says what it does and keeps a picture of what was seen."""

    def __init__(self, out=OUT, seed=1, say=print, bench=Bench, **options):
        self.out = Path(out)
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        self._say = say
        self._start = time.monotonic()
        self._shots = 0
        self._receipts = 0
        self.bench = bench(self.out / "terminal", seed=seed, **options)
        self.images = {}

    def step(self, text):
        seconds = time.monotonic() - self._start
        clock = self.bench.now().strftime("%H:%M:%S")
        self._say(f"[{seconds:5.1f} s | {clock} at the terminal] {text}")

    def shot(self, name):
        """Keep the screen as PNG and as text."""
        self._shots += 1
        stem = self.out / f"screen-{self._shots:02d}-{name}"
        image = pictures.screen(self.bench.devices.display.pixels())
        image.save(stem.with_suffix(".png"))
        stem.with_suffix(".txt").write_text(
            "\n".join(self.bench.screen()) + "\n", encoding="utf-8"
        )
        self.images[name] = image

    def tear(self, name):
        """Tear off the paper and keep it as PNG and as text."""
        self._receipts += 1
        paper = self.bench.tear()
        stem = self.out / f"receipt-{self._receipts:02d}-{name}"
        image = pictures.paper(paper.rows)
        image.save(stem.with_suffix(".png"))
        stem.with_suffix(".txt").write_text("\n".join(paper.lines) + "\n", encoding="utf-8")
        self.images["receipt-" + name] = image
        return paper

    # ---- the story ------------------------------------------------------------------------------

    def run(self):
        """The whole day. True when the books agree."""
        self.morning()
        self.sale()
        self.declined()
        self.cut()
        self.after_the_cut()
        self.offline()
        self.void()
        return self.evening()

    def morning(self):
        b = self.bench
        self.step(
            "a technician sets the terminal up: merchant, operators, master key in two parts"
        )
        check = b.provision(**preset.OFFLINE)
        self.step(f"master key check value {check}; power on")
        b.power_on()
        b.expect("操作员登录")
        self.shot("login")
        b.login()
        b.expect("请刷卡或输入金额")
        self.shot("idle-modem-starts")
        self.step(f"operator {preset.CASHIER[0]} has signed on; the 4G modem starts")
        b.expect("未签到", 120_000)
        self.step("network is there; sign-in with the acquirer: working keys, batch, clock")
        b.press("MENU", "5")
        self.shot("menu")
        b.press("1")
        b.expect("签到成功")
        self.shot("signed-in")
        b.expect("操作员01")
        self.shot("idle")

    def pay(self, amount, card, name=None):
        """Type an amount, swipe a card, give its PIN."""
        b = self.bench
        b.type(amount)
        if name:
            self.shot(name + "-amount")
        b.press("ENTER")
        b.expect("请刷卡")
        b.swipe(BY_NAME[card])
        b.expect("请输入密码")
        b.type(BY_NAME[card].pin)
        if name:
            self.shot(name + "-pin")
        b.press("ENTER")

    def both_copies(self, name):
        b = self.bench
        b.expect("撕纸后按确认打印")
        b.press("ENTER")
        b.expect("请刷卡或输入金额")
        return self.tear(name)

    def sale(self):
        self.step("sale of 12.34, swiped, with PIN")
        self.pay("1234", "normal", name="sale")
        self.bench.expect("交易成功")
        self.shot("sale-approved")
        self.both_copies("sale")
        self.step("approved; two copies of the receipt are on paper")

    def declined(self):
        self.step("sale of 200.00 on a card with 100.00 on it")
        self.pay("20000", "poor")
        self.bench.expect("可用余额不足")
        self.shot("sale-declined")
        self.bench.press("ENTER")
        self.bench.expect("请刷卡或输入金额")
        self.step("declined by the issuer: 51")

    def cut(self):
        b = self.bench
        self.step("sale of 56.78: the network goes after the acquirer booked it, before its reply")
        b.net.before_reply = lambda: b.network(False)
        self.pay("5678", "normal")
        b.expect("结果未知", 180_000)
        self.shot("sale-unknown")
        b.press("ENTER")
        b.expect("冲正1笔")
        self.shot("idle-reversal-owed")
        self.step("result unknown: a reversal is owed, the idle screen says so")

    def after_the_cut(self):
        b = self.bench
        b.network(True)
        b.run_until(b.devices.network_ready, "the network", 180_000)
        self.arrived("reversal")
        self.step("network is back: the reversal has gone out by itself; sale of 8.00")
        self.pay("800", "credit")
        b.expect("交易成功", 120_000)
        self.both_copies("sale-after-reversal")

    def arrived(self, kind):
        """Wait until the acquirer has answered a message of this kind with 00."""
        b = self.bench
        before = len(b.events)
        b.run_until(
            lambda: any(e["kind"] == kind and e["rc"] == "00" for e in b.events[before:]),
            kind,
            180_000,
        )

    def offline(self):
        b = self.bench
        self.step("the network is gone; sale of 25.00 within the acquirer's offline limits")
        b.network(False)
        b.expect("正在找网络", 60_000)
        self.pay("2500", "normal")
        b.expect("脱机批准", 120_000)
        self.shot("sale-offline")
        self.both_copies("sale-offline")
        b.expect("待上送1笔 25.00")
        self.shot("idle-upload-owed")
        self.step("approved offline, stored in the flash; the idle screen says what is owed")
        b.network(True)
        self.arrived("offline")
        b.expect("操作员01", 60_000)
        self.step("network is back: uploaded by itself")

    def void(self):
        b = self.bench
        voucher = next(e["stan"] for e in b.events if e["kind"] == "sale" and e["rc"] == "00")
        self.step(f"void of the first sale, voucher {voucher}, by the supervisor")
        b.press("MENU", "2")
        b.expect("主管授权")
        b.press("ENTER")
        b.expect("密码:")
        b.type(preset.SUPERVISOR[1])
        b.press("ENTER")
        b.expect("原凭证号")
        b.type(voucher)
        b.press("ENTER")
        b.expect("确认撤销")
        self.shot("void-confirm")
        b.press("ENTER")
        b.expect("请刷卡")
        b.swipe(BY_NAME["normal"])
        b.expect("请输入密码")
        b.type(BY_NAME["normal"].pin)
        b.press("ENTER")
        b.expect("交易成功", 120_000)
        self.both_copies("void")
        self.step("voided")

    def evening(self):
        b = self.bench
        self.step("the books before settlement: the terminal's flash beside the acquirer's ledger")
        result = books.compare(b.journal(), b.host, preset.TID)
        b.press("MENU", "3")
        b.expect("确认结算")
        self.shot("settle-confirm")
        b.press("ENTER")
        b.expect("打印交易明细", 120_000)
        b.press("CANCEL")
        b.expect("对账平", 120_000)
        self.shot("settled")
        b.expect("操作员登录", 60_000)
        slip = self.tear("settlement")
        last = b.host.books.settlements(preset.TID)[-1]
        # A printer without Chinese draws this line by dots: then the screen has said it alone.
        printed = "内卡:对账平/BALANCED" in slip.lines or not b.devices.reads_chinese
        if not last["closed"] or not printed:
            result.differences.append("the settlement is not balanced on both sides")
        self.step(f"settled: batch {last['batch']:06d} is closed on both sides; slip is on paper")
        self.overview()
        self._say("")
        self._say(result.table())
        self._say("")
        for text in result.differences:
            self._say("DIFFERENCE " + text)
        if result.agree:
            self._say("books agree")
        self._say(f"pictures and receipts: {self.out}")
        return result.agree

    def overview(self):
        """One picture for the README: a screen or three beside a receipt."""
        names = ("idle", "sale-pin", "sale-approved", "idle-reversal-owed", "idle-upload-owed")
        column = pictures.stack([self.images[n] for n in names])
        receipt = self.images["receipt-sale"]
        half = receipt.crop((0, 0, receipt.width, min(receipt.height, column.height)))
        pictures.side_by_side([column, half]).save(self.out / "overview.png")


def main(seed=1, out=OUT):
    """Exit code 0 when the books agree, 1 when not or when something unexpected came."""
    demo = Demo(out, seed)
    try:
        return 0 if demo.run() else 1
    except BenchError as e:
        print(f"\nthe demo broke off: {e}")
        return 1
    finally:
        demo.bench.close()
