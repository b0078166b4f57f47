"""What people do wrong, and what shops lack: the screen says what to do, and no money is lost."""

import shutil

import pytest

from acquirer.cards import CARDS
from simulator import board_process, preset
from simulator.bench import Bench

CARD = {card.name: card for card in CARDS}
SIGNED_ON = "未签到"


def booked(till):
    return [(e["kind"], e["rc"]) for e in till.events]


# ---- keys and amounts ---------------------------------------------------------------------------


def test_a_wrong_key_is_answered_on_every_screen(till):
    till.press("0")
    till.expect("菜单请按确认键")
    till.press("MENU")
    till.expect("功能菜单")
    till.press("9")
    till.expect("无效键,请按1-5")
    till.press("CANCEL", "5")
    till.expect("请输入金额")
    till.press("UP")
    till.expect("无效键,请按数字")
    till.press("ENTER")
    till.expect("请刷卡")
    till.press("7")
    till.expect("请刷卡或按取消")
    till.press("CANCEL")
    till.expect("请刷卡或输入金额")
    assert booked(till) == []


def test_an_empty_amount_and_one_above_the_limit(till):
    till.menu("1")
    till.expect("请输入金额")
    till.press("ENTER")
    till.expect("金额不能为零")
    till.type("500000")
    till.type("01")
    till.expect("金额超过限额")
    till.expect(
        "50,000.00"
    )  # what was typed before it stays, the key that was too much is not taken
    till.press("CANCEL")
    till.expect("请刷卡或输入金额")
    assert booked(till) == []


def test_nobody_comes_back_to_a_half_typed_sale(till):
    till.type("1234")
    till.press("ENTER")
    till.expect("请刷卡")
    till.run_for(59_000)
    assert not till.sees("请刷卡或输入金额")
    till.expect("请刷卡或输入金额", 3000)


# ---- PIN ----------------------------------------------------------------------------------------


def test_a_cancelled_pin_ends_the_sale_before_anything_is_sent(till):
    till.type("1234")
    till.press("ENTER")
    till.expect("请刷卡")
    till.swipe(CARD["normal"])
    till.expect("请输入密码")
    till.type("12")
    till.press("CANCEL")
    till.expect("请刷卡或输入金额")
    assert booked(till) == []
    till.assert_books_agree()


def test_a_short_pin_and_a_wrong_one(till):
    till.pay("1234", pin="123")
    till.expect("密码4到12位")
    till.type("456")
    till.press("ENTER")
    till.expect("交易成功", 120_000)
    till.finish_receipts()
    for expected in ("[55]", "[55]", "[38]"):
        till.pay("1234", pin="000000")
        till.expect(expected, 60_000)
        till.press("ENTER")
    till.expect("请刷卡或输入金额")
    till.assert_books_agree()


def test_the_pin_is_nowhere_on_the_screen_while_it_is_typed(till):
    till.type("500")
    till.press("ENTER")
    till.expect("请刷卡")
    till.swipe(CARD["normal"])
    till.expect("请输入密码")
    for n, digit in enumerate(CARD["normal"].pin, 1):
        till.press(digit)
        rows = till.screen()
        assert rows[2].strip() == "*" * n + "_"
        assert not any(c.isdigit() for c in rows[0] + rows[2])
        assert CARD["normal"].pan not in "".join(rows)


# ---- cards --------------------------------------------------------------------------------------


def test_a_card_that_cannot_be_read(till):
    till.type("1234")
    till.press("ENTER")
    till.expect("请刷卡")
    till.swipe(CARD["normal"], truncate=20)
    till.expect("刷卡不完整,请匀速重刷")
    till.swipe(CARD["normal"], unreadable=(2,))
    till.expect("读卡失败,请重新刷卡")
    till.swipe(CARD["normal"])  # and the third time it goes
    till.expect("请输入密码")
    till.back_to_idle()
    assert booked(till) == []


def test_a_card_that_is_no_bank_card_and_one_with_a_wrong_number(till):
    class Other:
        track1 = track3 = None
        track2 = "1234567=9912"

    class Mistyped(Other):
        track2 = CARD["normal"].track2.replace("6225000000000014", "6225000000000024")

    till.type("1234")
    till.press("ENTER")
    till.expect("请刷卡")
    till.swipe(Other)
    till.expect("不是银行卡,请换卡")
    till.swipe(Mistyped)
    till.expect("卡号校验错,请换卡")
    till.swipe(Other)
    till.expect("不是银行卡,请换卡")  # three are enough: a screen of its own, with a key
    till.press("ENTER")
    till.expect("请刷卡或输入金额")
    assert booked(till) == []


# ---- printer ------------------------------------------------------------------------------------


def out_of_paper(till):
    till.devices.printer.paper_out(now_us=till.rack.now_us)


def load_paper(till):
    till.devices.printer.load_paper(now_us=till.rack.now_us)
    till.run_for(500)


def test_the_printer_without_paper_then_loaded(till):
    out_of_paper(till)
    till.pay("1234")
    till.expect("交易成功", 120_000)
    till.expect("打印机缺纸,装纸后按确认", 60_000)
    till.press("ENTER")  # not loaded yet
    till.expect("打印机缺纸,装纸后按确认", 60_000)
    load_paper(till)
    till.press("ENTER")
    till.finish_receipts()
    paper = till.tear()
    assert any("12.34" in line for line in paper.lines)
    assert any("重打印/DUPLICATED" in line for line in paper.lines)  # a part may have come out
    till.assert_books_agree()


def test_a_receipt_that_was_put_off_is_owed_until_it_is_printed(till):
    out_of_paper(till)
    till.pay("1234")
    till.expect("打印机缺纸", 120_000)
    till.press("CANCEL")
    till.expect("有签购单未打印")
    assert till.sees("请刷卡或输入金额")
    till.restart()
    till.expect("有签购单未打印。装纸后按确认补打")
    load_paper(till)
    till.tear()
    till.press("ENTER")
    till.finish_receipts()
    assert any("重打印/DUPLICATED" in line for line in till.tear().lines)
    till.run_for(1000)
    assert not till.sees("有签购单未打印")
    till.assert_books_agree()


def test_paper_that_runs_out_in_the_middle_of_a_receipt(till):
    till.devices.printer.load_paper(length_mm=50, now_us=till.rack.now_us)
    till.pay("1234")
    till.expect("打印机缺纸", 120_000)
    assert till.devices.printer.rows  # a piece of it did come out
    assert [t["printed"] for t in till.journal()["transactions"]] == [False]
    till.tear()
    load_paper(till)
    till.press("ENTER")
    till.finish_receipts()
    assert [t["printed"] for t in till.journal()["transactions"]] == [True]
    assert any("重打印/DUPLICATED" in line for line in till.tear().lines)


def test_reprints_say_so_and_need_something_to_print(till):
    till.menu("4", "1")
    till.expect("没有可打印的交易")
    till.press("ENTER")
    till.sale()
    assert not any("重打印" in line for line in till.tear().lines)
    till.press("F1")
    till.finish_receipts()
    assert any("重打印" in line for line in till.tear().lines)
    till.menu("4", "2")
    till.expect("原凭证号")
    till.type("77")
    till.press("ENTER")
    till.expect("无此凭证号,请查签购单")


# ---- the network --------------------------------------------------------------------------------


def test_the_acquirer_not_running(till):
    till.net.host_up = False
    till.pay("1234")
    till.expect("连接主机失败,未扣款。请检查网络后重试", 180_000)
    till.press("ENTER")
    till.expect("请刷卡或输入金额")
    assert till.journal()["transactions"] == []
    till.menu("5", "1")
    till.expect("连接主机失败,未扣款", 180_000)
    till.press("ENTER")
    till.net.host_up = True
    till.sale()
    till.assert_books_agree()


def test_no_network_and_back(till):
    till.network(False)
    till.expect("正在找网络", 120_000)
    till.pay("1234")
    till.expect("未扣款。网络恢复后重试", 180_000)
    till.press("ENTER")
    till.network(True)
    till.run_until(till.devices.network_ready, "the network", 180_000)
    till.sale()
    till.assert_books_agree()


def test_no_sim_card(make_till):
    till = make_till()
    till.devices.modem.remove_sim(0)
    till.power_on()
    till.login()
    till.expect("无SIM卡", 120_000)
    till.pay("1234")
    till.expect("无SIM卡", 180_000)
    assert till.sees("未扣款")
    till.press("ENTER")
    till.expect("请刷卡或输入金额")


def test_a_sale_whose_answer_never_comes_asks_nobody_to_pay_twice(till):
    till.host.faults.arm("no_answer", 1, kind="sale")
    till.pay("1234")
    till.expect("结果未知,视为未收款", 180_000)
    till.press("ENTER")
    till.expect("冲正1笔 12.34")
    till.sale("200")
    assert booked(till)[-2:] == [("reversal", "00"), ("sale", "00")]
    till.assert_books_agree()


# ---- operators ----------------------------------------------------------------------------------


def try_login(till, no, password):
    till.expect("操作员登录")
    till.run_for(200)
    till.type(no)
    till.press("ENTER")
    till.run_for(100)
    if not till.sees("密码:"):
        return
    till.type(password)
    till.press("ENTER")


def test_wrong_passwords_lock_the_operator_and_a_power_cut_does_not_help(make_till):
    till = make_till()
    till.power_on()
    try_login(till, "1", "")
    till.expect("位数不够")
    till.press("CLEAR")
    till.run_for(100)
    try_login(till, "07", "111111")
    till.expect("无此操作员")
    for left in (4, 3, 2):
        try_login(till, "01", "111111")
        till.expect(f"密码错,剩{left}次", 10_000)
    till.power_off()
    till.power_on()
    try_login(till, "01", "111111")
    till.expect("密码错,剩1次", 10_000)
    try_login(till, "01", "111111")
    till.expect("已锁,30分钟后试", 10_000)
    try_login(till, "01", preset.CASHIER[1])
    till.expect("已锁,30分钟后试", 10_000)
    till.run_for(30 * 60 * 1000)
    try_login(till, "01", preset.CASHIER[1])
    till.expect("请刷卡或输入金额", 10_000)


def test_a_first_password_must_be_changed(make_till, tmp_path):
    till = make_till()
    spec = preset.classic(5000)
    spec["operators"] = [["05", "cashier", "111111", True]]
    board_process.provision(till.flash, spec)
    till.power_on()
    try_login(till, "05", "111111")
    till.expect("新密码")
    for first, second, said in (
        ("12345", "", "位数不够"),
        ("6", "123457", "两次输入不同"),
        ("111111", "111111", "不能与旧密码相同"),
    ):
        till.type(first)
        till.press("ENTER")
        till.run_for(200)
        if second:
            till.expect("再输一次")
            till.type(second)
            till.press("ENTER")
        till.expect(said, 10_000)
    for prompt in ("新密码", "再输一次"):
        till.expect(prompt)
        till.type("246813")
        till.press("ENTER")
    till.expect("请刷卡或输入金额", 10_000)
    till.restart(("05", "246813"))
    till.expect("请刷卡或输入金额", 10_000)


def test_a_void_needs_a_supervisor_a_voucher_and_the_card_of_the_sale(till):
    till.sale()
    trace = till.journal()["transactions"][-1]["trace"]
    till.menu("2")
    till.expect("主管授权")
    till.press("CLEAR", "CLEAR")
    till.type("01")
    till.press("ENTER")
    till.expect("密码:")
    till.type(preset.CASHIER[1])
    till.press("ENTER")
    till.expect("需要主管操作员")
    till.press("ENTER")
    till.expect("密码:")
    till.type(preset.SUPERVISOR[1])
    till.press("ENTER")
    till.expect("原凭证号")
    till.press("ENTER")
    till.expect("位数不够")
    till.type("999999")
    till.press("ENTER")
    till.expect("无此凭证号,请查签购单")
    till.press("ENTER")
    till.expect("请刷卡或输入金额")
    till.void(trace, "credit")
    till.expect("与原交易卡号不同,请用原卡", 10_000)
    till.press("ENTER")
    till.void(trace, "normal")
    till.expect("交易成功", 120_000)
    till.finish_receipts()
    till.void(trace)
    till.expect("该交易不能撤销", 10_000)
    till.press("ENTER")
    till.assert_books_agree()


# ---- the terminal itself ------------------------------------------------------------------------


def test_english(till):
    till.menu("5", "4")
    till.expect("English")
    till.press("2")
    till.expect("Swipe or amount")
    till.type("1")
    till.press("ENTER")
    till.expect("Swipe card")
    till.press("CANCEL")
    till.power_off()
    till.power_on()
    till.expect("Operator login")  # and it stays so


def test_a_terminal_that_was_never_set_up(tmp_path):
    with Bench(tmp_path / "new") as bench:
        bench.power_on()
        bench.expect("终端未设置,请联系服务商")
        bench.press("ENTER")
        bench.run_for(30_000)
        bench.expect("终端未设置,请联系服务商")
        assert bench.restarts == 0


@pytest.mark.parametrize(
    "name, said",
    (
        ("settings.json", "参数损坏,请联系服务商"),
        ("vault.bin", "密钥库损坏,需重装主密钥,联系服务商"),
        ("operators.json", "未建操作员,请联系服务商"),
    ),
)
def test_a_damaged_file_is_named_and_nothing_is_formatted(make_till, name, said):
    till = make_till()
    script = till.folder / "damage.py"
    script.write_text(
        "import board\n"
        f"with open(board.DATA + '/{name}', 'r+b') as f:\n"
        "    f.seek(3)\n    f.write(b'\\x00\\xff')\n"
    )
    board_process.run(till.flash, script)
    till.power_on()
    till.expect(said)
    till.run_for(30_000)
    assert till.restarts == 0


def test_nothing_to_settle(till):
    till.settle()
    till.expect("没有交易,不用结算")
    till.press("ENTER")
    till.expect("请刷卡或输入金额")


def test_a_copied_flash_image_is_worth_nothing_without_its_terminal(make_till):
    """The keys are sealed with a secret of the chip: the image alone gives none away."""
    till = make_till()
    other = make_till()
    shutil.copyfile(till.flash, other.flash)
    other.power_on()
    other.expect("密钥库损坏,需重装主密钥,联系服务商")


def test_a_pin_that_takes_too_long_shows_no_digit(till):
    """The customer types on behind the time-out: nothing of it becomes an amount."""
    till.type("1234")
    till.press("ENTER")
    till.expect("请刷卡")
    till.swipe(next(c for c in CARDS if c.name == "normal"))
    till.expect("请输入密码")
    for _ in range(3):
        till.press("1")
        till.run_for(20_000)
    till.expect("输入密码超时")
    till.type("56789")
    assert till.sees("输入密码超时")
    till.press("ENTER")
    till.run_for(1000)
    assert till.sees("请刷卡或输入金额") and not till.sees("567")
    till.sale("100")
    till.assert_books_agree()
