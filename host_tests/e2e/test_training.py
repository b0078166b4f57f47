"""Training mode 培训: the whole day with no set-up, no network, no card and no key, marked on
screen and paper; the real books, keys and settings stay as they are."""

import csv
import json

import pytest
from conftest import BY_NAME, Till
from littlefs import LittleFS
from PIL import Image

from acquirer.cards import mask
from models.rack import Rack
from simulator import board_process, pictures, preset
from simulator.bench import Bench

PASSWORD = "111111"
OPERATOR, SUPERVISOR = ("01", PASSWORD), ("00", PASSWORD)
OUT = board_process.ROOT / "out" / "training"
PICTURE = board_process.ROOT / "docs" / "training.png"
BLOCK = 4096
LARGE = ("培训 TRAINING", "不作付款凭证", "NOT A PAYMENT")


class Trainee(Till):
    """Looks at every screen that stands still: each must say that it is a training."""

    training = False

    def run_until(self, condition, what, timeout_ms=60_000):
        super().run_until(condition, what, timeout_ms)
        if self.training:
            assert self.sees("培训"), self.report("a screen without the mark")

    def begin(self):
        """From the screen of a terminal that is not set up into a training."""
        self.expect("确认键:培训模式")
        self.run_for(200)
        self.press("ENTER")
        self.expect("培训操作员登录")
        self.training = True

    def practise(self, amount, card=None, pin="1234"):
        """A sale with the built-in card, or one that is swiped, as far as the PIN's ENTER."""
        self.expect("请刷卡或输入金额")
        self.type(amount)
        self.press("ENTER")
        self.expect("F1键:培训卡")
        if card is None:
            self.press("F1")
        else:
            self.swipe(BY_NAME[card])
        self.expect("请输入密码")
        self.type(pin)
        self.press("ENTER")

    def train_void(self, trace):
        self.menu("2")
        self.expect("主管授权")
        self.press("ENTER")
        self.expect("密码:")
        self.type(PASSWORD)
        self.press("ENTER")
        self.expect("原凭证号")
        self.type(str(trace))
        self.press("ENTER")
        self.expect("确认撤销")
        self.press("ENTER")
        self.expect("F1键:培训卡")
        self.press("F1")
        self.expect("请输入密码")
        self.type("123456")
        self.press("ENTER")

    def enter(self):
        """From the idle screen of a terminal that trades, as a supervisor, to the question."""
        self.menu("5", "9")
        self.expect("主管授权")
        self.press("ENTER")
        self.expect("密码:")
        self.type(preset.SUPERVISOR[1])
        self.press("ENTER")

    def leave(self):
        self.menu("5", "9")
        self.expect("退出培训")
        self.press("1")
        self.expect("培训记录将删除")
        self.training = False
        self.press("ENTER")

    def picture(self, name):
        """The glass as it is now, for people to look at."""
        OUT.mkdir(parents=True, exist_ok=True)
        self.screenshot(OUT / (name + ".png"))

    def torn(self, name=None):
        """Lines of the paper that hangs out."""
        paper = self.tear()
        if name is not None:
            pictures.paper(paper.rows).save(OUT / (name + ".png"))
        return [line.strip() for line in paper.lines]


def partition(flash, label, board="SY_CLASSIC"):
    """The bytes of a partition of a flash image."""
    text = (board_process.ROOT / "boards" / board / "partitions.csv").read_text()
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if row and row[0].strip() == label:
            at, size = int(row[3], 0), int(row[4], 0)
            return flash.read_bytes()[at : at + size]
    raise KeyError(label)


def volume(flash, board="SY_CLASSIC"):
    """{path: bytes} of the data volume of a flash image."""
    data = partition(flash, "vfs", board)
    fs = LittleFS(block_size=BLOCK, block_count=len(data) // BLOCK, mount=False)
    fs.context.buffer = bytearray(data)
    fs.mount()
    found = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            path = folder.rstrip("/") + "/" + name
            with fs.open(path, "rb") as f:
                found[path] = f.read()
    return found


def secret(flash):
    """The device's secret, as NVS has it; the anchor of the audit log beside it may move on."""
    kept = json.loads(flash.with_name(flash.name + ".nvs").read_text())
    return kept["shouyin"]["device"]


@pytest.fixture
def trainee(tmp_path):
    with Trainee(tmp_path / "till") as t:
        yield t


def marked(lines, documents):
    """Whether so many documents all say at both ends, in large letters, what they are."""
    text = [line for line in lines if line]
    marks = [i for i in range(len(text)) if tuple(text[i : i + 3]) == LARGE]
    ends = marks[1:-1:2]  # where one document ends and the next one begins
    begins = marks[2:-1:2]
    return (
        len(marks) == 2 * documents
        and (marks[0], marks[-1]) == (0, len(text) - 3)
        and begins == [i + 3 for i in ends]
    )


def sales(t):
    """One that is approved, one declined, one not answered, one with a card that is swiped."""
    t.practise("1234")
    t.expect("交易成功")
    t.picture("4-approved")
    t.finish_receipts()
    lines = t.torn("receipt")
    assert marked(lines, 2), lines
    assert any("培训商户" in line for line in lines) and any("RMB 12.34" in line for line in lines)
    t.practise("1051")
    t.expect("[51]")
    t.picture("5-declined")
    t.press("ENTER")
    # unknown, and reversed by the terminal itself
    t.practise("1068")
    t.expect("结果未知", 30_000)
    t.press("ENTER")
    t.expect("冲正1笔")
    t.picture("6-reversal")
    t.run_until(lambda: t.sees("操作员01"), "the reversal", 120_000)
    t.practise("2000", "credit")
    t.expect("交易成功")
    t.finish_receipts()
    lines = t.torn()
    shown = mask(BY_NAME["credit"].pan)
    assert any(line.replace(" ", "").startswith(shown) for line in lines), lines


def settlement(t):
    """Two sales, of which one was voided."""
    t.settle()
    t.close_batch()
    t.expect("对账平")
    t.press("ENTER")
    t.expect("操作员登录", 60_000)
    lines = t.torn("settlement")
    assert marked(lines, 1)
    assert [n for n in lines if n.startswith(("借记/DEBIT", "贷记/CREDIT"))] == [
        "借记/DEBIT       2         32.34",
        "贷记/CREDIT      1         12.34",
    ], lines


def shown():
    """The picture of docs/hardware.md: screens beside the first copy of a receipt."""
    names = ("1-new", "3-idle", "4-approved", "5-declined", "6-reversal")
    column = pictures.stack([Image.open(OUT / f"{n}.png") for n in names])
    receipt = Image.open(OUT / "receipt.png")
    first = receipt.crop((0, 0, receipt.width, receipt.height // 2 + 40))
    return pictures.side_by_side([column, first])


def test_a_new_terminal_is_trained_with_for_a_whole_day(trainee, request):
    t = trainee
    t.power_on()
    t.expect("终端未设置")
    t.picture("1-new")
    t.power_off()
    before = partition(t.flash, "journal"), volume(t.flash), secret(t.flash)
    assert before[0].count(0xFF) == len(before[0]) and before[1] == {}
    t.power_on()
    t.begin()
    t.expect("01/00 密码111111")
    t.picture("2-login")
    t.login(OPERATOR)
    t.expect("培训 TRAINING")
    t.picture("3-idle")
    sales(t)
    t.train_void(2)
    t.expect("交易成功")
    t.finish_receipts()
    assert marked(t.torn(), 2)
    t.menu("5", "9", "2")
    t.expect("练习金额")
    t.expect("**.05")
    t.press("CANCEL")
    settlement(t)
    t.login(OPERATOR)
    t.leave()
    t.expect("终端未设置")
    t.power_off()
    assert (partition(t.flash, "journal"), volume(t.flash), secret(t.flash)) == before
    if request.config.getoption("--record-goldens"):
        shown().quantize(16).save(PICTURE, optimize=True)
    with Image.open(PICTURE) as kept:
        assert kept.convert("RGB").tobytes() == shown().quantize(16).convert("RGB").tobytes()
    # nothing went out, nobody looked for a network
    assert t.events == [] and t.devices.modem.line.commands == 0
    image = t.flash.read_bytes() + t.log.read_bytes()
    for pan in (BY_NAME["normal"].pan, BY_NAME["credit"].pan):
        assert pan.encode() not in image and bytes.fromhex(pan) not in image


def test_what_a_shop_owes_waits_for_the_end_of_the_training(tmp_path):
    with Trainee(tmp_path / "till", settings=preset.OFFLINE) as t:
        t.start()
        t.expect("未签到", 120_000)
        t.sale("1000")
        t.network(False)
        t.offline_sale("1500")
        t.expect("待上送1笔")
        t.network_back()
        t.network(False)
        t.run_for(3000)  # housekeeping has nothing left to do
        t.enter()
        t.expect("培训结束后才发送")
        t.picture("7-waits")
        sent = list(t.sent())
        t.press("ENTER")
        t.expect("重启进入培训")
        before = partition(t.flash, "journal")
        files, stored = volume(t.flash), secret(t.flash)
        asked = t.devices.modem.line.commands
        t.press("ENTER")
        t.expect("培训操作员登录")
        t.training = True
        t.network(True)
        t.login(OPERATOR)
        t.expect("培训 TRAINING")
        t.practise("2000")
        t.expect("交易成功")
        t.finish_receipts()
        t.run_until(lambda: t.sees("真账待发1笔"), "what waits", 60_000)
        t.picture("8-owed")
        t.run_for(60_000)
        assert t.sent() == sent and t.devices.modem.line.commands == asked
        assert partition(t.flash, "journal") == before
        now = volume(t.flash)
        assert {k: v for k, v in now.items() if not k.startswith("/training")} == files
        assert secret(t.flash) == stored
        t.leave()
        t.expect("操作员登录")
        assert not t.sees("培训")
        assert partition(t.flash, "journal") == before
        assert not [k for k in volume(t.flash) if k.startswith("/training")]
        t.login()
        t.wait_for_network()
        t.drained()
        assert [k for _, k, _, _ in t.sent("offline")] == ["offline"]
        t.assert_books_agree()


def test_a_power_cut_in_the_middle_of_a_training(trainee):
    """It goes on where it was: its flag and its books are in flash."""
    t = trainee
    t.power_on()
    t.begin()
    t.login(OPERATOR)
    t.practise("1234")
    t.expect("交易成功")
    t.finish_receipts()
    t.practise("5568")
    t.expect("正在处理")
    t.run_for(1000)
    t.power_off()
    t.power_on()
    t.expect("操作员登录")
    t.login(OPERATOR)
    t.expect("上笔交易中断")
    t.press("ENTER")
    t.expect("冲正1笔")
    t.run_until(lambda: t.sees("操作员01"), "the reversal", 120_000)
    t.settle()
    t.close_batch()
    t.expect("对账平")
    assert t.restarts == 1  # the one into training
    assert t.events == []


def test_only_a_supervisor_begins_a_training(till):
    till.menu("5", "9")
    till.expect("主管授权")
    till.press("CLEAR", "CLEAR")
    till.type(preset.CASHIER[0])
    till.press("ENTER")
    till.expect("密码:")
    till.type(preset.CASHIER[1])
    till.press("ENTER")
    till.expect("需要主管操作员")
    till.press("CANCEL")
    till.expect("请刷卡或输入金额")
    assert till.restarts == 0
    assert not [k for k in volume(till.flash) if "training" in k]


# ---- over the cable -----------------------------------------------------------------------------


class Bare(Bench):
    """A board on which nothing is soldered: no display, no key, no printer answers."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.rack = self.devices.rack = Rack()

    def presses(self, *keys):
        said = self.console.execute("press(%s)" % ", ".join(map(repr, keys)))
        assert said == ("", "")
        self.run_for(150 * len(keys))

    def until(self, text, timeout_ms=60_000):
        """Ask for the screen until `text` stands there; the screen."""
        for _ in range(timeout_ms // 500):
            shown, wrong = self.console.execute("print(screen())")
            assert wrong == ""
            if text.replace(" ", "") in shown.replace(" ", "").replace("\r\n", ""):
                return shown
            self.run_for(500)
        raise AssertionError(f"no {text!r} within {timeout_ms} ms:\n{shown}")


@pytest.mark.parametrize("board", ["SY_CLASSIC", "SY_COUNTER"])
def test_a_bare_board_sells_over_the_cable(tmp_path, board):
    """As docs/hardware.md tells it, with the presses that stand there."""
    with Bare(tmp_path / "board", board=board, flavour="dev") as b:
        b.power_on()
        b.until("确认键:培训模式")
        b.presses("ENTER")
        b.run_until(lambda: b.restarts == 1, "the restart")
        b.until("操作员登录")
        b.presses("0", "1", "ENTER")
        b.presses("1", "1", "1", "1", "1", "1", "ENTER")
        b.until("请刷卡或输入金额")
        b.presses("1", "2", "3", "4", "ENTER")
        b.until("F1键:培训卡")
        b.presses("F1")
        b.until("请输入密码")
        b.presses("1", "2", "3", "4", "ENTER")
        shown = b.until("交易成功")
        assert "培训" in shown and "RMB 12.34" in shown
        b.until("打印机无应答")
        b.presses("CANCEL")
        b.until("有签购单未打印")
        assert b.restarts == 1 and b.events == []


def test_who_may_do_what_is_not_trained(make_till):
    """A terminal with a technician does not open its console to everybody because it is in
    training, and its keys are not touched there."""
    till = make_till()
    spec = {
        "settings": {}, "operators": [["90", "technician", "Werkzeug-17", False]],
        "master_key": list(preset.COMPONENTS),
    }  # fmt: skip
    board_process.run_with(till.flash, "provision.py", spec)
    till.start()
    till.menu("5", "9")
    till.expect("主管授权")
    till.press("ENTER")
    till.expect("密码:")
    till.type(preset.SUPERVISOR[1])
    till.press("ENTER")
    till.expect("重启进入培训")
    kept = volume(till.flash)["/vault.bin"]
    till.press("ENTER")
    till.expect("培训操作员登录")
    said, wrong = till.console.execute("tech.settings.get('tid')")
    assert "locked" in said + wrong
    said, wrong = till.console.execute("tech.unlock('Werkzeug-17')")
    assert "unlocked" in said and not wrong
    for command in ("keys.enter()", "settings.set(receipt_copies=1)", "settings.export()"):
        said, wrong = till.console.execute("tech." + command)
        assert "in training" in said + wrong, command
    assert volume(till.flash)["/vault.bin"] == kept


def test_an_opened_case_destroys_the_real_keys_in_training_too(tmp_path):
    with Trainee(tmp_path / "till", board="SY_COUNTER") as t:
        t.provision()
        t.power_on()
        t.login()
        t.expect("请刷卡或输入金额")
        t.enter()
        t.expect("重启进入培训")
        t.press("ENTER")
        t.expect("培训操作员登录")
        assert "/vault.bin" in volume(t.flash, t.board)
        t.devices.tamper.open(t.rack.now_us)
        t.rack.poke()
        t.run_until(lambda: t.restarts == 2, "the restart", 10_000)
        assert "/vault.bin" not in volume(t.flash, t.board)
        t.devices.tamper.close(t.rack.now_us)
        t.expect("培训操作员登录")
        t.login(OPERATOR)
        t.expect("培训 TRAINING")
        t.leave()
        t.expect("外壳被打开")
