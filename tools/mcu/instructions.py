"""`make instructions`: instructions of what people wait for, counted exactly (-icount shift=0)."""

import random
import tempfile
from pathlib import Path

from simulator import board_process, preset

from . import build, flows, qemu
from .bench import McuBench
from .toolchain import say

_ON_BOARD = Path(__file__).resolve().parent / "on_board"

# Primitives, at the prompt: mark, call, print.
_PRIMITIVES = """
import launch, mcu
launch._mount()
from app.crypto import mac, pinblock
from app.crypto.keys import Key, MAK, PIK
def count(name, f, *args):
    f(*args)
    mcu.mark()
    f(*args)
    print(name, mcu.instructions())
message = bytearray(200)
count("MAC of 200 bytes", mac.union_pay_ecb, Key(MAK, bytes(range(8))), message, 0, 200)
pin, pan = bytearray(b"123456"), bytearray(b"6225000000000014")
count("PIN block", pinblock.encrypt_format_0, Key(PIK, bytes(range(16))), pin, pan)
n, s = {n}, {s}
count("RSA-2048 public operation", pow, s, 65537, n)
"""

# Recovery of a journal that lies in flash.
_RECOVERY = """
import launch, mcu
launch._mount()
import board
from app.store.flashlog import FlashLog
from app.store.journal import Journal
journal = Journal(FlashLog(board.journal_partition()), 1000)
mcu.mark()
journal.recover()
print(len(journal), mcu.instructions())
"""


def at_the_prompt(code, prepare=lambda memory: None, variant="large"):
    """Lines that code prints on a machine that counts instructions."""
    with tempfile.TemporaryDirectory() as folder:
        memory = qemu.Memory(Path(folder) / "ram.bin")
        prepare(memory)
        listener, port = qemu.serve()
        process = qemu.Qemu(build.elf(variant), build.assets(), memory, port, icount=True)
        try:
            sock, _ = listener.accept()
            out = qemu.Prompt(sock).run(code)
            sock.close()
            return out
        finally:
            process.kill()
            listener.close()


def primitives():
    rng = random.Random(1)
    n = rng.getrandbits(2048) | 1 << 2047 | 1
    code = _PRIMITIVES.replace("{n}", hex(n)).replace("{s}", hex(rng.getrandbits(2047)))
    return {name: int(n) for name, n in (line.rsplit(" ", 1) for line in at_the_prompt(code))}


def recovery(transactions):
    """Instructions of the recovery of a journal with so many transactions of the open batch."""

    def prepare(memory):
        with tempfile.TemporaryDirectory() as folder:
            flash = Path(folder) / "flash.bin"
            board_process.provision(flash, preset.classic(5000))
            board_process.run(flash, _ON_BOARD / "fill_journal.py", transactions, heap="8m")
            memory.load_image(flash)

    found, count = (int(n) for n in at_the_prompt(qemu.NO_RACK + _RECOVERY, prepare)[-1].split())
    if found != transactions:
        raise RuntimeError(f"{found} transactions were found, not {transactions}")
    return count


class Counter:
    """Instructions of a bench between two moments."""

    def __init__(self, bench):
        self._bench = bench
        self._at = bench.instructions

    def lap(self):
        now = self._bench.instructions
        n, self._at = now - self._at, now
        return n


def day():
    """{what: instructions} of a day's moments."""
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = McuBench(folder, "standard", icount=True)
        try:
            bench.provision()
            bench.power_on()
            bench.expect("操作员登录")
            out["boot to login"] = bench.instructions
            out["password, from Enter to idle"] = _login(bench)
            bench.expect("未签到", 120_000)
            bench.run_for(3000)
            count = Counter(bench)
            bench.run_for(10_000)
            out["idle, each second"] = count.lap() // 10
            out["key press to pixels"] = _key_to_pixels(bench)
            bench.press("CANCEL")
            bench.run_for(2000)
            count.lap()
            flows.sign_in(bench)
            out["sign-in, from menu to idle"] = count.lap()
            out.update(_sale(bench))
        finally:
            bench.close()
    return out


def _login(bench):
    """The password's Enter until the idle screen: a slow hash by intention."""
    bench.run_for(200)
    bench.type(preset.CASHIER[0])
    bench.press("ENTER")
    bench.expect("密码:")
    bench.type(preset.CASHIER[1])
    count = Counter(bench)
    bench.press("ENTER")
    bench.expect(flows.IDLE)
    return count.lap()


def _key_to_pixels(bench):
    """A finger on 5: until the digit is on the glass."""
    bench.expect(flows.IDLE)
    count = Counter(bench)
    bench.devices.keys.press("5", bench.rack.now_us)
    bench.rack.poke()
    bench.expect("0.05")
    n = count.lap()
    bench.devices.keys.release("5", bench.rack.now_us)
    bench.rack.poke()
    bench.run_for(200)
    return n


def _sale(bench):
    out = {}
    flows.card_and_pin(bench, "1234")
    bench.run_for(500)
    sends, requests = bench.net.sends, bench.net.requests
    count = Counter(bench)
    bench.devices.keys.press("ENTER", bench.rack.now_us)
    bench.rack.poke()
    bench.run_until(lambda: bench.net.sends > sends, "the request to leave", 60_000)
    out["PIN Enter to request complete"] = count.lap()
    bench.devices.keys.release("ENTER", bench.rack.now_us)
    bench.rack.poke()
    bench.run_until(lambda: bench.net.requests > requests, "the request to arrive", 60_000)
    count.lap()
    bench.expect("交易成功", 120_000)
    out["response to result, committed"] = count.lap()
    bench.press("ENTER")
    count.lap()
    bench.expect("撕纸后按确认打印", 60_000)
    out["one receipt"] = count.lap()
    bench.press("CANCEL")
    bench.expect(flows.IDLE, 60_000)
    return out


def measure():
    """{what: instructions}"""
    say("instructions: a day's moments")
    out = day()
    say("instructions: primitives")
    out.update(primitives())
    for n in (0, 500, 1000):
        say(f"instructions: recovery of {n} transactions")
        out[f"journal recovery, {n:,} transactions"] = recovery(n)
    return out
