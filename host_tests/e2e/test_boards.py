"""Every board's own display, keys, reader, printer and modem: a whole day, and key strokes."""

import hashlib

import pytest
import zxingcpp
from conftest import Till
from PIL import Image

from simulator import demo, devices, pictures

OTHERS = sorted(set(devices.BY_BOARD) - {"SY_CLASSIC"})  # that one's day is test_day.py


@pytest.fixture(scope="module", params=OTHERS)
def day(request, tmp_path_factory):
    """The demo's day on a board: (Demo, whether the books agree)."""
    d = demo.Demo(
        tmp_path_factory.mktemp(request.param), 1, lambda text: None, board=request.param
    )
    try:
        yield d, d.run()
    finally:
        d.bench.close()


def test_the_books_agree(day):
    d, agree = day
    assert agree
    assert d.bench.restarts == 0


def test_every_screen_and_receipt_is_as_recorded(day, goldens):
    d, _ = day
    g = goldens(d.bench.board.lower())
    for path in sorted(d.out.glob("*.txt")):
        with Image.open(path.with_suffix(".png")) as image:
            digest = hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()[:16]
        text = path.read_text(encoding="utf-8").splitlines()
        g.see(path.stem, {"text": text, "picture": digest})
    assert len(g.seen) >= 15
    wrong = g.judge()
    assert not wrong, "\n".join(wrong)


def test_nothing_odd_went_over_the_wires(day):
    d, _ = day
    w = d.bench.devices
    assert w.printer.errors == [] and w.printer.lost == 0 and w.printer.unsupported == []
    assert w.modem.errors == [] and w.modem.unsupported == []
    assert w.display.errors == [] and w.keys.errors == [] and w.keys.unsupported == []
    if "BUZZER" in w.pins:
        assert w.buzzer.tones  # keys were heard


def test_no_driver_stops_the_loop(day):
    """Not for more than 5 ms of bus time, in a whole day of printing, paying and power cuts."""
    d, _ = day
    assert 0 < d.bench.longest_us <= 5000, d.bench.longest_us


# Keys, and the amount that stands on the glass behind each.
STROKES = (
    ("1 2 3 4", "0.01 0.12 1.23 12.34"),
    ("CLEAR 5 CLEAR CLEAR", "1.23 12.35 1.23 0.12"),
    ("CLEAR CLEAR CLEAR 5 00 00 00", "0.01 0.00 0.00 0.05 5.00 500.00 50,000.00"),
    ("1", "50,000.00"),
)


@pytest.mark.parametrize("board", sorted(devices.BY_BOARD))
def test_k11_keys_and_amounts_of_a_board(board, tmp_path):
    """What a finger presses is what the glass of the board shows, digit by digit."""
    with Till(tmp_path, board=board) as till:
        till.start()
        till.expect("未签到", 120_000)
        till.press("MENU", "1")
        till.expect("请输入金额")
        for keys, shown in STROKES:
            for key, amount in zip(keys.split(), shown.split(), strict=True):
                till.press(key)
                row = next(r for r in till.screen() if "." in r)
                assert row.strip() == amount, (key, till.screen())
        till.press("CANCEL")
        till.expect("请刷卡或输入金额")


def tap(till, text, dx=0):
    """A finger on the row of the glass that shows `text`."""
    rows = till.screen()
    row = next(i for i, r in enumerate(rows) if text in r)
    panel = till.devices.panel
    y = (2 * row + 1) * panel.height // (2 * len(rows))
    panel.touch(panel.width // 4 + dx, y, till.rack.now_us)
    till.rack.poke()
    till.run_for(120)
    panel.lift(till.rack.now_us)
    till.rack.poke()
    till.run_for(300)


def test_the_counter_terminal_is_led_by_touch(tmp_path):
    """Idle to menu to sale and back, and to a report, without a key."""
    with Till(tmp_path, board="SY_COUNTER") as till:
        till.start()
        till.expect("未签到", 120_000)
        till.run_for(1000)
        tap(till, "请刷卡或输入金额")
        till.expect("功能菜单")
        tap(till, "消费")
        till.expect("请输入金额")
        tap(till, "消费")  # the title leads back
        till.expect("请刷卡或输入金额")
        tap(till, "请刷卡或输入金额")
        tap(till, "管理")
        till.expect("签到")
        tap(till, "版本")
        till.expect("Shouyin")
        assert till.devices.panel.errors == []


def test_a_battery_that_runs_down(tmp_path):
    """The mobile terminal says so first, then begins nothing that it could not end."""
    with Till(tmp_path, board="SY_MPOS") as till:
        till.start()
        till.expect("未签到", 120_000)
        till.devices.cell.share = 0.12
        till.expect("请充电", 60_000)
        till.devices.cell.share = 0.01
        till.run_for(30_000)
        till.type("100")
        till.expect("电量不足")
        till.press("CANCEL")
        till.devices.cell.share = 0.9
        till.expect("未签到", 120_000)


@pytest.mark.parametrize("board", sorted(devices.BY_BOARD))
def test_the_shops_code_is_read_from_paper_and_glass(board, tmp_path):
    """A telephone's reader (zxing) finds the shop's address on the cardholder's receipt and on the
    screen."""
    page = "https://example.com/发票?shop=302440380621100"
    with Till(tmp_path, board=board) as till:
        till.start(receipt_code=page)
        till.expect("未签到", 120_000)
        till.sale("1234")
        paper = pictures.paper(till.tear().rows)
        assert [b.text for b in zxingcpp.read_barcodes(paper)] == [page]
        till.menu("5", "9")
        till.run_for(2000)
        glass = pictures.screen(till.devices.display.pixels())
        assert [b.text for b in zxingcpp.read_barcodes(glass)] == [page]
        till.press("ENTER")
        till.expect("请刷卡或输入金额")


def starts(till, *keys):
    """Press keys at uneven times; when their clicks began [us]."""
    heard = len(till.devices.buzzer.tones)
    for i, key in enumerate(keys):
        till.run_for(31 + 7 * i)
        till.press(key)
    till.run_for(200)
    return [tone[0] for tone in till.devices.buzzer.tones[heard:]], {
        tuple(tone[1:]) for tone in till.devices.buzzer.tones[heard:]
    }


def on_a_grid(times, us=20_000, off_us=2000):
    """Whether they lie whole steps of `us` apart; all within `off_us`, whichever was the latest:
    another task's piece of work may come before a click."""
    apart = [(t - times[0] + us // 2) % us - us // 2 for t in times]
    return max(apart) - min(apart) <= off_us


@pytest.mark.parametrize("board", [b for b in OTHERS if "BUZZER" in devices.pins(b)])
def test_a_pin_cannot_be_heard(board, tmp_path):
    """While a PIN is typed every key clicks alike and on a grid of 20 ms; before and behind that
    clicks follow the fingers."""
    with Till(tmp_path, board=board) as till:
        till.start()
        till.expect("未签到", 120_000)
        before, _ = starts(till, "1", "2", "3", "4", "5")
        assert len(before) == 5 and not on_a_grid(before)
        till.press("ENTER")
        till.expect("请刷卡")
        till.swipe(demo.BY_NAME["normal"])
        till.expect("请输入密码")
        till.run_for(300)
        typed, tones = starts(till, "1", "CLEAR", "9", "0", "5", "00")
        assert len(typed) == 6 and on_a_grid(typed), typed
        assert len({hz for _, hz in tones}) == 1
        till.press("CANCEL")
        till.run_for(2000)
        behind, _ = starts(till, "1", "2", "3", "4", "5")
        assert len(behind) == 5 and not on_a_grid(behind)
