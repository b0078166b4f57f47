# The terminal's screens on glass of every size, drawn by the canvas that belongs to it. With
# SHOUYIN_GLASS=folder every glass is written there, for host_tests/tools/test_screens_on_glass.py
# to read.

import asyncio
import struct

import bus
import glasses
import wires

from app.kernel.mailbox import Queue
from app.text import strings
from app.text.font import Font
from app.ui.canvas import for_display
from app.ui.manager import UI
from app.ui.screens import Amount, Entry, Idle, Menu, Message, Pin, Progress, SwipeCard
from drivers.display.colour import PALETTE

glasses.large()

SIZES = {"st7567": (16, 4), "st7789": (20, 7), "st7796": (20, 15), "ili9488": (20, 15)}
LONG = "上一笔交易结果未知,将自动冲正。Try again."


def typed(screen, keys):
    for key in keys:
        screen.key(key)
    return screen


def screens():
    items = [
        (i, label) for i, label in enumerate(("消费", "撤销", "结算", "查询", "签到", "退出"))
    ]
    menu = Menu("菜单 MENU", items)
    menu.key("DOWN")
    idle = Idle(lambda: ("好味道小吃店", 3, None, "操作员01批000123"), ("1",))
    told = Idle(lambda: ("Shop", 3, "search", "正在找网络"), ("1",))
    told.say(strings.text("key.idle"))
    return (
        ("idle", idle),
        ("idle_told", told),
        ("menu", menu),
        ("message", Message("提示", LONG)),
        ("hint", Message("交易成功", "RMB 12.34\n授权码 123456", "撕纸后按确认打印")),
        ("progress", typed(Progress("消费", "正在连接主机", "第1次"), ())),
        ("amount", typed(Amount("消费", 99_999_999), "1234567")),
        ("amount_error", typed(Amount("消费", 1000), "99999")),
        ("entry", typed(Entry("登录", "操作员号:", 2, 20), "01")),
        ("long_entry", typed(Entry("输入", "号码", 2, 20), "12345678901234")),
        ("pin", typed(Pin(1234, "622500******0014"), "12345")),
        ("swipe", SwipeCard("消费", 1234)),
    )


def dump(name, glass, kind, lines):
    """Size, colours, numbers of the pixels, and the text that ought to be there."""
    folder = wires.setting("GLASS")
    if not folder or kind == "ili9488":
        return
    with open("%s/%s-%s.glass" % (folder, kind, name), "wb") as f:
        if kind == "st7567":
            f.write(struct.pack("<HHH", 128, 64, 0) + glass.pixels())
        else:
            width, height = glass.size()
            colours = glass.colours()
            f.write(struct.pack("<HHH", width, height, len(colours)))
            for colour in colours:
                f.write(bytes(colour))
            for y in range(height):
                f.write(glass.line(y))
    with open("%s/%s-%s.txt" % (folder, kind, name), "wb") as f:
        f.write("\n".join(lines).encode())


async def on_glass(kind):
    glass, d = glasses.make(kind)
    d.start()
    font = Font(wires.ASSETS + "/font16.bin")
    canvas = for_display(d, font)
    assert (canvas.columns, canvas.rows) == SIZES[kind]
    ui = UI(d, canvas, Queue(16), None)
    tasks = [asyncio.create_task(run()) for _, run in d.tasks()]
    bus.current.longest_us = 0
    for name, screen in screens():
        ui.show(screen)
        await asyncio.sleep_ms(250)
        assert glasses.wrong_pixels(glass, d, PALETTE, 5) == 0, (kind, name)
        dump(name, glass, kind, ui.visible())
    assert glass.errors == [] and bus.current.longest_us <= 5000
    for task in tasks:
        task.cancel()
    return canvas


async def test_every_screen_on_the_mono_glass():
    await on_glass("st7567")


async def test_every_screen_on_320x240():
    await on_glass("st7789")


async def test_every_screen_on_320x480():
    for kind in ("st7796", "ili9488"):
        await on_glass(kind)


def test_the_text_is_the_same_on_every_size():
    """What a screen says does not depend on the glass, blanks apart."""
    font = Font(wires.ASSETS + "/font16.bin")
    said = {}
    for kind in ("st7567", "st7789", "st7796"):
        _, d = glasses.make(kind)
        canvas = for_display(d, font)
        for name, screen in screens():
            screen.render(canvas)
            text = "".join(canvas.lines()).replace(" ", "")
            # Four rows have no room for all of a menu, nor for a status under what is said.
            if name not in ("menu", "idle_told"):
                assert said.setdefault(name, text) == text, (kind, name)


def test_hints_stand_on_the_last_row_and_amounts_at_the_right():
    font = Font(wires.ASSETS + "/font16.bin")
    for kind in ("st7789", "st7796"):
        _, d = glasses.make(kind)
        canvas = for_display(d, font)
        typed(Amount("消费", 99_999_999), "1234567").render(canvas)
        lines = canvas.lines()
        assert lines[2].strip() == "12,345.67" and len(lines[2]) == canvas.columns
        assert lines[-1].strip() == strings.text("ok_cancel")
        assert d.fb.pixel(0, 0) == d.bar and d.fb.pixel(0, d.height - 1) == d.shade
        assert d.fb.pixel(0, d.height * 3 // 4) == d.paper


def test_a_digit_of_an_amount_is_cheap_on_colour_glass():
    for kind in ("st7789", "st7796"):
        _, d = glasses.make(kind)
        d.start()
        canvas = for_display(d, Font(wires.ASSETS + "/font16.bin"))
        full = d.width * d.height * 2
        screen = typed(Amount("消费", 99_999_999), "1234")
        screen.render(canvas)
        d.flush()
        before = d.bytes_sent
        screen.value += 1
        screen.render(canvas)
        d.flush()
        sent = d.bytes_sent - before
        print(kind, "%d of %d bytes" % (sent, full))
        assert 0 < sent * 20 <= full
