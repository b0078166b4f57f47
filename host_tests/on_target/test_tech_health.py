# The periodic self-test and the lock: everything that it looks at is damaged once, and the
# terminal must not trade.

import asyncio
import hashlib
import sys

from clinic import CASHIER, PASSWORD, Board, Image, Terminal
from harness import rounds

import bootstate
from app.crypto import des
from app.kernel import clock
from app.pay.types import LOCKED
from app.store import files
from app.tech import checks, kat

DAY_S = 24 * 3600


async def until(condition, ms, what="condition"):
    """As harness.until, for long waits."""
    for _ in range(ms // 500):
        if condition():
            return
        await asyncio.sleep_ms(500)
    raise AssertionError("waited %d ms for %s" % (ms, what))


async def locked(t, code, ms=200_000):
    """Wait until the terminal is locked; what is on its screen."""
    await until(lambda: t.health.code and code in t.glass(), ms, "the lock " + code)
    assert t.health.code == code
    return t.glass()


async def no_sale(t):
    booked = len(t.shop.host.booked)
    result = await t.shop.sale()
    assert not result.approved and result.why == LOCKED
    assert len(t.shop.host.booked) == booked


def image(*segments):
    """An application image as ESP-IDF's documents have it."""
    out = bytes([0xE9, len(segments)]) + bytes(21) + b"\x01"
    for data in segments:
        out += b"\x00\x00\x00\x42" + len(data).to_bytes(4, "little") + data
    out += bytes(15 - len(out) % 16) + b"\xef"
    return out + hashlib.sha256(out).digest()


# ---- requirement 19 -----------------------------------------------------------------------------


async def test_sec19_a_healthy_terminal_is_tested_at_the_start_and_every_day_for_three_days():
    Image.data = image(bytes(range(256)) * 20, b"code" * 500)
    t = Terminal()
    t.health.start(_asleep)
    assert (await t.shop.sale()).approved
    times = []
    began = clock.uptime_s()
    while clock.uptime_s() - began < 3 * DAY_S:
        await asyncio.sleep_ms(300_000)
        # Every other hour somebody is at the counter; on the second day nobody ever leaves.
        hour = (clock.uptime_s() - began) // 3600
        t.served = bool(hour & 1) or 24 <= hour < 48
        if t.health.last_s is not None and t.health.last_s not in times:
            times.append(t.health.last_s)
            assert {n: s[0] for n, s in t.health.results.items()} == {
                "firmware": "pass", "keys": "pass", "crypto": "pass", "journal": "pass"
            }  # fmt: skip
    assert times[0] - began < 4000 and len(times) >= 4
    gaps = [times[i + 1] - times[i] for i in range(len(times) - 1)]
    assert max(gaps) <= DAY_S and clock.uptime_s() - times[-1] < DAY_S
    assert min(gaps) > 12 * 3600  # and not all day long
    assert not t.health.code and (await t.shop.sale()).approved
    await t.end()


async def _asleep(app):
    """A day without screens, whose clocks would take most of the time of this test."""
    app.operator = None
    while True:
        await asyncio.sleep_ms(3_600_000)


async def test_sec19_a_changed_image_locks_and_stays_locked_over_a_restart():
    whole = image(bytes(3000), b"x" * 1000)
    Image.data = whole
    t = Terminal().start()
    await until(lambda: t.health.last_s, 300_000)
    assert t.health.results["firmware"][0] == "pass"
    for at in (24, 200, len(whole) - 1):
        Image.data = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert (await checks.image(Image(1), _no_pause))[0] == "fail", at
    t.health.again()
    glass = await locked(t, "E-19-1")
    assert "95516" in glass
    assert t.ui.screen.calm  # custodians may load a key here
    await no_sale(t)
    assert t.saf._held  # what would be sent is not sent by such code
    await t.end()

    again = Terminal(t, t.shop.host).start()
    await asyncio.sleep_ms(10)
    assert again.health.code == "E-19-1" and "E-19-1" in again.glass()
    await no_sale(again)
    Image.data = whole
    again.health.again()
    await until(lambda: not again.health.code and again.app.operator, 200_000, "the way back")
    assert not again.saf._held and (await again.shop.sale()).approved
    await again.end()


async def _no_pause():
    pass


async def test_sec19_images_that_lie_about_their_length_are_no_images():
    whole = image(b"abc" * 100)
    for at, value in ((1, 0), (1, 17), (1, 2), (28, 255), (30, 255), (31, 255)):
        Image.data = whole[:at] + bytes([value]) + whole[at + 1 :]
        assert (await checks.image(Image(1), _no_pause))[0] == "fail", (at, value)
    Image.data = b"\xff" * 100
    assert await checks.image(Image(1), _no_pause) == ("skip", "no image")


async def test_sec19_a_bundle_that_is_not_what_was_signed_locks():
    class Slots:
        good = True

        async def digest(self, slot):
            assert slot == 1
            await asyncio.sleep_ms(0)
            return self.good

    Image.data = b"\xff" * 64
    slots = sys.modules["slots"] = Slots()
    bootstate.bundle, bootstate.bundle_slot = {"version": "1.2.3"}, 1
    try:
        t = Terminal().start()
        await until(lambda: t.health.last_s, 300_000)
        assert t.health.results["firmware"] == ("pass", "bundle 1.2.3")
        slots.good = False
        t.health.again()
        await locked(t, "E-19-1")
        await no_sale(t)
        await t.end()
    finally:
        del sys.modules["slots"]
        bootstate.bundle = None


async def test_sec19_one_byte_of_the_key_store_locks():
    Image.data = b"\xff" * 64
    t = Terminal().start()
    whole = files.load(Board.DATA + "/vault.bin")
    for at in (0, 40, len(whole) - 1):
        spoiled = bytearray(whole)
        spoiled[at] ^= 4
        files.replace(Board.DATA + "/vault.bin", spoiled)
        assert checks.keys(t.vault)[0] == "fail", at
    t.health.again()
    await locked(t, "E-19-2")
    await no_sale(t)
    files.replace(Board.DATA + "/vault.bin", whole)
    t.health.again()
    await until(lambda: not t.health.code, 60_000, "the way back")
    # A key that has changed in memory is found by the file.
    t.vault._slots["TMK"][3] ^= 1
    t.health.again()
    await locked(t, "E-19-2")
    await t.end()


async def test_sec19_wrong_answers_of_the_cryptography_lock_at_the_start_and_later():
    Image.data = b"\xff" * 64
    t = Terminal().start()
    table = des.load()
    table[77] ^= 0x100
    try:
        t.health.again()
        await locked(t, "E-19-3")
        assert "S-boxes" in t.health.why
        await no_sale(t)
        await t.end()
        again = Terminal(t, t.shop.host)
        files.replace_json(again.health._path, {})  # as if nothing had been known before
        again.start()
        await asyncio.sleep_ms(10)
        assert again.health.code == "E-19-3" and "E-19-3" in again.glass()
        await again.end()
    finally:
        table[77] ^= 0x100


def test_sec19_every_entry_of_every_s_box_is_tested():
    table = des.load()
    for box in range(8):
        bits = 0  # that this S-box gives
        for i in range(64):
            bits |= table[box * 64 + i]
        for i in range(0, 64, 64 // rounds(64)):
            table[box * 64 + i] ^= bits & -bits
            try:
                assert kat._s_boxes() < 19, (box, i)
            finally:
                table[box * 64 + i] ^= bits & -bits
    assert kat.failed() == ()


async def test_sec19_a_damaged_record_locks_until_the_batch_is_settled():
    Image.data = b"\xff" * 64
    t = Terminal(settle_end=0).start()
    for _ in range(3):
        assert (await t.shop.sale()).approved
    t.spoil_record(t.journal.trace(1))
    t.health.again()
    glass = await locked(t, "E-19-4")
    assert "结算按确认键" in glass and "电话95516" in glass
    await no_sale(t)
    assert not t.saf._held  # what is owed still goes to the host
    # The tests find nothing any more: all the same nobody knows what is missing.
    t.spoil_record(t.journal.trace(1))
    t.health.again()
    await asyncio.sleep_ms(60_000)
    assert t.health.code == "E-19-4"
    t.spoil_record(t.journal.trace(1))
    await t.end()

    again = Terminal(t, t.shop.host).start()
    await asyncio.sleep_ms(10)
    assert again.health.code == "E-19-4"
    sys.modules["app.ui.flows.settle"] = SettleFlow  # the real one: e2e/test_tech_lock.py
    keys = ["ENTER"] + list(CASHIER) + ["ENTER"] + list(PASSWORD) + ["ENTER"]
    for key in keys:
        again.inputs.put(("key", key))
        await asyncio.sleep_ms(20)
    await until(lambda: again.journal.batch == 2, 20_000, "the settlement")
    await until(lambda: not again.health.code and again.app.operator, 60_000, "the way back")
    assert (await again.shop.sale()).approved
    await again.end()

    last = Terminal(again, t.shop.host).start()  # the damaged record is still in the ring
    await asyncio.sleep_ms(200_000)
    assert last.journal.damaged() and not last.health.code
    await last.end()
    del sys.modules["app.ui.flows.settle"]


class SettleFlow:
    @staticmethod
    async def settle(app):
        app.close_batch(await app.settlement.run(app.operator, lambda stage: None))
        return True


async def test_sec19_a_technician_lifts_what_nobody_can_settle():
    Image.data = b"\xff" * 64
    t = Terminal()
    assert (await t.shop.sale()).approved and (await t.shop.settle()).balanced
    t.journal.take_trace()
    t.nor.storage.data[t.shop.journal._meta_loc - 16] ^= 1
    t.nor.storage.data[20] ^= 1
    t = Terminal(t, t.shop.host)
    assert t.journal.damaged() and not len(t.journal)
    t.start()
    await locked(t, "E-19-4")
    found = await t.health.round(_no_pause, True)
    assert found["journal"][0] == "pass" and not t.health.code
    await until(lambda: t.app.operator, 60_000)
    await t.end()


async def test_sec19_who_is_served_is_not_thrown_out_but_pays_no_more():
    Image.data = b"\xff" * 64
    t = Terminal()

    async def a_sale(app):
        app.operator = CASHIER
        await app.ui.ask(_Busy())
        app.operator = None
        while True:
            await asyncio.sleep_ms(1000)

    t.health.start(a_sale)
    await asyncio.sleep_ms(10)
    t.vault._slots["TMK"][0] ^= 1
    t.health.again()
    await asyncio.sleep_ms(90_000)
    assert t.health.code == "E-19-2" and "E-19" not in t.glass()
    await no_sale(t)
    t.inputs.put(("key", "ENTER"))
    await locked(t, "E-19-2")
    await t.end()


class _Busy:
    timeout_ms = total_ms = None
    sound, secret = "", False

    def render(self, c):
        c.clear()

    def tick(self):
        return False

    def key(self, name):
        return name


async def test_sec19_a_lock_is_in_the_audit_log():
    class Audit:
        events = []

        def event(self, code, who, detail=""):
            self.events.append((code, who, detail))

    Image.data = b"\xff" * 64
    t = Terminal()
    t.audit = Audit()
    t.start()
    t.vault._slots["TMK"][0] ^= 1
    t.health.again()
    await locked(t, "E-19-2")
    assert Audit.events == [("selftest_failed", "", "E-19-2")]
    await t.end()
