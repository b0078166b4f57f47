"""The whole terminal on the bench: firmware process, device models, acquirer, in virtual time."""

import json
import os
import random
from pathlib import Path

import pytest

from acquirer.cards import CARDS
from simulator import board_process, books, preset
from simulator.bench import Bench

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
BY_NAME = {card.name: card for card in CARDS}


class Till(Bench):
    """A Bench with what a cashier does all day."""

    def pay(self, amount="1234", card="normal", pin=None):
        """Amount, card, PIN; returns when ENTER was pressed on the PIN."""
        card = BY_NAME[card]
        self.expect("请刷卡或输入金额")
        self.type(amount)
        self.press("ENTER")
        self.expect("请刷卡")
        self.swipe(card)
        self.expect("请输入密码")
        self.type(card.pin if pin is None else pin)
        self.press("ENTER")

    def sale(self, amount="1234", card="normal"):
        """A whole sale with both copies of its receipt."""
        self.pay(amount, card)
        self.expect("交易成功", 120_000)
        self.finish_receipts()

    def finish_receipts(self):
        self.expect("撕纸后按确认打印", 60_000)
        self.press("ENTER")
        self.expect("请刷卡或输入金额", 60_000)

    def menu(self, *keys):
        self.expect("请刷卡或输入金额")
        self.press("MENU", *keys)

    def settle(self):
        """Settlement, as far as its confirmation, which has a page more when the amounts are
        long."""
        self.menu("3")
        self.expect("确认结算")
        while self.sees("确认结算"):
            self.press("ENTER")

    def void(self, trace, card=None):
        """A void, as far as the PIN's ENTER; with no card as far as the voucher's."""
        self.menu("2")
        self.expect("主管授权")
        self.press("ENTER")
        self.expect("密码:")
        self.type(preset.SUPERVISOR[1])
        self.press("ENTER")
        self.expect("原凭证号")
        self.type(str(trace))
        self.press("ENTER")
        if card is None:
            return
        self.expect("确认撤销")
        self.press("ENTER")
        self.expect("请刷卡")
        self.swipe(BY_NAME[card])
        self.expect("请输入密码")
        self.type(BY_NAME[card].pin)
        self.press("ENTER")

    def close_batch(self, details=False):
        """Answer the question for the list of transactions; then the batch closes."""
        self.expect("打印交易明细?", 200_000)
        self.press("ENTER" if details else "CANCEL")

    # ---- store and forward ----------------------------------------------------------------------

    def fill(self, *groups):
        """Put transactions into the journal of the terminal, which is off; their traces. Groups as
        tools/simulator/on_board/fill_batch.py wants them, cards by their names."""
        for group in groups:
            names = group.get("cards", ("normal",))
            group["cards"] = [(BY_NAME[name].pan, BY_NAME[name].expiry) for name in names]
        return board_process.fill(self.flash, groups)

    def offline_sale(self, amount="1234", card="normal"):
        """A sale that the terminal approves itself, with both copies of its receipt."""
        self.pay(amount, card)
        self.expect("脱机批准", 240_000)
        self.finish_receipts()

    def network_back(self):
        """The network is there again, and the modem knows it."""
        self.network(True)
        self.run_until(self.devices.network_ready, "the network", 180_000)

    def states(self):
        """{trace: state} of the open batch."""
        return {t["trace"]: t["state"] for t in self.journal()["transactions"]}

    def drained(self, timeout_ms=600_000):
        """Let time pass until the idle screen tells of nothing that is to be sent."""
        self.run_until(
            lambda: self.sees("请刷卡或输入金额") and not self.sees("待上送"),
            "the end of the queue",
            timeout_ms,
        )

    def sent(self, *kinds):
        """What reached the acquirer, as (MTI, kind, trace, code), of the given kinds or all."""
        return [
            (e["mti"], e["kind"], e["stan"] and int(e["stan"]), e["rc"])
            for e in self.events
            if not kinds or e["kind"] in kinds
        ]

    def unmarked_repeats(self):
        return self.host.books.unmarked_repeats(preset.TID)

    def back_to_idle(self):
        for _ in range(4):
            if self.sees("请刷卡或输入金额"):
                return
            self.press("CANCEL")
            self.run_for(200)
        self.expect("请刷卡或输入金额")

    def restart(self, operator=preset.CASHIER):
        """Power cut, power on, login."""
        self.power_off()
        self.power_on()
        self.login(operator)
        self.run_for(300)

    def comparison(self):
        return books.compare(self.journal(), self.host, preset.TID)

    def assert_books_agree(self):
        result = self.comparison()
        assert result.agree, result.table() + "\n" + "\n".join(result.differences)

    def assert_money_agrees(self):
        """Weaker, for days with faults: a decline with a broken MAC is a decline at the host and
        reversed here."""
        result = self.comparison()
        assert not result.money, result.table() + "\n" + "\n".join(result.money)


@pytest.fixture
def make_till(tmp_path):
    """Callable: a Till that is set up (settings as keywords) but not switched on."""
    tills = []

    def make(**settings):
        till = Till(tmp_path / f"till-{len(tills)}")
        tills.append(till)
        till.provision(**settings)
        return till

    yield make
    for till in tills:
        till.close()


@pytest.fixture
def till(make_till):
    """A till in the morning: signed on, network there."""
    t = make_till()
    t.start()
    t.expect("未签到", 120_000)
    return t


@pytest.fixture
def rng():
    """Random numbers whose seed is printed and accepted back in SEED."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SEED={seed}")
    return random.Random(seed)


# ---- goldens ------------------------------------------------------------------------------------


def pytest_addoption(parser):
    parser.addoption("--record-goldens", action="store_true", help="write host_tests/golden anew")


class Goldens:
    """Texts and picture hashes of a story; recorded only when nothing else failed."""

    def __init__(self, path, record):
        self.path = path
        self.record = record
        self.seen = {}

    def see(self, name, entry):
        self.seen[name] = entry

    def judge(self):
        if self.record:
            self.path.parent.mkdir(exist_ok=True)
            text = json.dumps(self.seen, ensure_ascii=False, indent=1, sort_keys=True)
            self.path.write_text(text + "\n", encoding="utf-8")
            return []
        if not self.path.exists():
            return [f"{self.path} is missing; record it with: pytest --record-goldens"]
        want = json.loads(self.path.read_text(encoding="utf-8"))
        wrong = [f"{n}: no golden" for n in self.seen if n not in want]
        wrong += [f"{n}: stale, nothing shows it any more" for n in want if n not in self.seen]
        wrong += [
            f"{n}: was {want[n]}\n     is {e}"
            for n, e in self.seen.items()
            if n in want and want[n] != e
        ]
        return wrong


@pytest.fixture
def goldens(request):
    def of(name):
        record = request.config.getoption("--record-goldens") and not request.session.testsfailed
        return Goldens(GOLDEN / f"{name}.json", record)

    return of
