# Training mode: its host under the real engine, its journal in files, its marks, its cards, and
# the ways in and out of it.

import os
import time

import vfs
from harness import Rng, flash, raises, rounds, seed
from shop import MemoryVault, Shop

from app import train
from app.host import cup
from app.pay import types
from app.pay.card import Card
from app.store import files
from app.store.flashlog import FlashLog
from app.store.index import reserve
from app.text.utf8 import columns_of
from app.train import card, host, marks, mode, storage
from models.nor import PowerCut

PATH = "/train_test"
SETTINGS = {
    "tid": "TRAINING", "mid": "TRAINING0000000", "host": "training", "port": 1,
    "tpdu": "6000030000", "header": "603100310001", "key_mode": "004", "connect_timeout_s": 5,
    "connect_tries": 1, "response_timeout_s": 10, "reversal_tries": 2, "amount_max": 5_000_000,
    "reversal_policy": "block", "repeat_mark": 1, "settle_end": 1, "offline_count_max": 5,
    "offline_txn_max": 20_000, "offline_total_max": 50_000, "offline_age_max_h": 24,
    "offline_cards": "", "uploads_per_round": 5,
}  # fmt: skip


def mount(dev):
    try:
        vfs.umount(PATH)
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(dev), PATH)


def volume(blocks=32):
    """(NorFlash, block device) of an empty data volume, mounted."""
    nor, dev = flash(512, blocks)
    vfs.VfsLfs2.mkfs(dev)
    mount(dev)
    return nor, dev


# ---- the host -----------------------------------------------------------------------------------


def shop(**settings):
    _, dev = flash(512, 24)
    values = dict(SETTINGS)
    values.update(settings)
    return Shop(dev, host.Host(values), MemoryVault(TMK=bytearray(host.TMK)), values).boot()


async def test_a_sale_a_void_and_a_settlement_that_balances():
    s = shop()
    for key_mode in ("004", "003"):
        s.settings["key_mode"] = key_mode
        assert (await s.engine.echo(s.stage)).approved
        assert (await s.engine.sign_in("01", s.stage)).approved
        sale = await s.sale(1234)
        assert sale.approved and sale.txn.auth_code and sale.txn.issuer == "TRAINING"
        assert (await s.void(sale.txn.trace)).approved
        assert (await s.sale(800, None)).approved
        s.idle()
        settled = await s.settle()
        assert settled.balanced and settled.own == settled.host == (2034, 2, 1234, 1)
        assert len(s.journal) == 0


async def test_the_end_of_an_amount_chooses_the_answer():
    s = shop()
    for ending, code in host.OUTCOMES:
        result = await s.sale(1000 + ending)
        s.idle()
        if code:
            assert not result.approved and result.code == code, ending
            continue
        assert result.why == types.UNKNOWN_RESULT and s.states()[-1] == "UNKNOWN"
        assert (await s.sale(1000)).approved  # what was not answered is reversed before it
        assert s.states()[-2:] == ["REVERSED", "APPROVED"]
    assert "UNKNOWN" not in s.states()


async def test_what_was_approved_offline_is_taken():
    s = shop()
    ready, s.host.ready = s.host.ready, False

    async def refuse(*args):
        raise OSError(113)

    connect, s.host.connect = s.host.connect, refuse
    result = await s.sale(1505, None)
    assert result.approved and result.txn.kind == cup.OFFLINE
    assert s.saf.outstanding() == (1, 1505)
    s.host.connect, s.host.ready = connect, ready
    assert (await s.saf.upload_now("01", s.stage)).approved
    assert s.states() == ["UPLOADED"]
    assert (await s.settle()).balanced


async def test_a_calendar_that_nobody_has_set_is_not_set_by_the_training():
    """A sign-in with a date would make the first of January of it, which everybody believes."""
    s = shop()
    told = []
    fields = s.host._fields

    def seen(mti, request, code):
        answer = fields(mti, request, code)
        told.append((12 in answer, 13 in answer))
        return answer

    s.host._fields = seen
    held = time.localtime
    for year, there in ((2000, False), (2026, True)):
        time.localtime = lambda *a, y=year: held(*a) if a else (y, 1, 1, 9, 30, 0, 0, 1)
        try:
            s.session.sign_off()
            assert (await s.engine.sign_in("01", s.stage)).approved
        finally:
            time.localtime = held
        assert told.pop() == (there, there)


async def test_what_is_no_message_ends_the_connection():
    h = host.Host(SETTINGS)
    await h.connect("training", 1, 1000)
    try:
        await h.send(memoryview(bytes(40)), 1000)
        raise AssertionError("taken")
    except OSError:
        assert not h.connected


# ---- its journal in files -----------------------------------------------------------------------


def test_files_behave_like_flash():
    """Against a dict of bytes, with a new volume handle in between."""
    _, dev = volume()
    rng = Rng(seed(7))
    blocks = storage.FileBlocks(PATH, 4, 256)
    want = [bytearray(b"\xff" * 256) for _ in range(4)]
    buf = bytearray(300)
    for step in range(rounds(300)):
        n, at = rng.below(4), rng.below(256)
        what = rng.below(8)
        if what == 0:
            assert blocks.ioctl(6, n) == 0
            want[n][:] = b"\xff" * 256
        elif what == 1:
            data = rng.bytes(256)
            blocks.writeblocks(n, data)
            want[n][:] = data
        elif what < 5:
            data = rng.bytes(1 + rng.below(256 - at))
            blocks.writeblocks(n, data, at)
            want[n][at : at + len(data)] = data
        else:
            part = memoryview(buf)[: 1 + rng.below(256 * (4 - n) - at if n == 3 else 300)]
            if n * 256 + at + len(part) > 4 * 256:
                continue
            blocks.readblocks(n, part, at)
            assert part == (b"".join(want))[n * 256 + at :][: len(part)], step
        if step % 50 == 0:
            mount(dev)
    assert (blocks.ioctl(4), blocks.ioctl(5)) == (4, 256)
    raises(OSError, blocks.readblocks, 4, buf)
    raises(OSError, blocks.writeblocks, 0, bytes(2), 255)
    raises(OSError, blocks.ioctl, 6, 4)
    vfs.umount(PATH)


def test_a_log_in_files_survives_a_cut_at_every_operation():
    """What append() has confirmed is there afterwards; the one under way is there or not."""
    nor, dev = volume(18)
    records = [bytes([n]) * (20 + 7 * n) for n in range(6)]

    def log():
        return FlashLog(storage.FileBlocks(PATH, 7, 1024), 2)

    def read():
        found = []
        log_ = log()
        log_.mount(lambda kind, data, loc: found.append(bytes(data)))
        return found

    first = log()
    first.mount(lambda *a: None)
    first.prepare(lambda *a: None)
    start, before = nor.ops, bytes(nor.storage.data)
    for record in records:
        first.append(1, record)
    total = nor.ops - start
    assert total >= len(records) and read() == records
    for cut in range(total):
        nor.storage.data[:] = before
        mount(dev)
        ring = log()
        ring.mount(lambda *a: None)
        nor.cut_at(nor.ops + cut, (0, 0.5, 1)[cut % 3])
        done = 0
        try:
            for record in records:
                ring.append(1, record)
                done += 1
        except PowerCut:
            pass
        nor.power_on()
        mount(dev)
        assert read() in (records[:done], records[: done + 1]), (cut, done)
    vfs.umount(PATH)


# ---- into it and out of it ----------------------------------------------------------------------


class Titles:
    columns = 16

    def title(self, text):
        self.text = text


def test_into_it_and_out_of_it():
    volume()
    glass = Titles()
    files.replace(PATH + "/vault.bin", b"real")
    assert train.begun(PATH, glass) is None and train.begun("/nowhere", glass) is None
    mode.enter(PATH, "en", 3)
    t = train.begun(PATH, glass)
    assert t.owed == 3
    settings, vault, operators = t.load(), t.vault, t.operators
    assert settings["language"] == "en" and not settings.missing()
    assert vault.get("TMK") == host.TMK
    operators.verify("01", mode.PASSWORD.encode())
    operators.verify("00", mode.PASSWORD.encode(), ("supervisor",))
    settings.set(language="zh")
    assert t.load()["language"] == "zh"  # what was changed stays
    index = reserve(30, 1 << 20)
    journal = t.journal(30, index)
    journal.recover()
    journal.take_trace()
    assert files.load(PATH + "/vault.bin") == b"real"
    assert sorted(os.listdir(PATH)) == ["training", "training.json", "vault.bin"]
    # a file of it that is damaged costs the training, not the terminal
    files.replace(PATH + "/training/operators.json", b"{")
    t.load()
    assert t.operators.numbers() == ["00", "01"]
    files.replace(PATH + "/training.json", b"{")
    assert train.begun(PATH, glass).owed == 0
    assert mode.switch(False, PATH)
    assert train.begun(PATH, glass) is None and os.listdir(PATH) == ["vault.bin"]
    assert not mode.switch(False, PATH)  # there is no flag to remove
    vfs.umount(PATH)


def test_a_cut_on_the_way_leaves_one_mode_or_the_other():
    nor, dev = volume(12)
    files.replace(PATH + "/vault.bin", b"real")
    for on in (True, False):
        start, before = nor.ops, bytes(nor.storage.data)
        assert mode.switch(on, PATH, "zh", 2)
        total = nor.ops - start
        seen = set()
        for cut in range(total + 1):  # the last one is none
            nor.storage.data[:] = before
            mount(dev)
            nor.cut_at(nor.ops + cut, (0, 0.5, 1)[cut % 3])
            try:
                mode.switch(on, PATH, "zh", 2)
            except PowerCut:
                pass
            nor.power_on()
            mount(dev)
            t = train.begun(PATH, Titles())
            seen.add(t is not None)
            assert t is None or t.owed == 2, cut
            assert files.load(PATH + "/vault.bin") == b"real", cut
        assert seen == {True, False}
        nor.storage.data[:] = before
        mount(dev)
        assert mode.switch(on, PATH, "zh", 2), on
    vfs.umount(PATH)


# ---- marks and cards ----------------------------------------------------------------------------


def test_every_title_begins_with_the_mark():
    glass = Titles()
    marks.on_glass(glass)
    for text, shown in (
        ("消费", "培训 消费"),
        ("Sale", "培训 Sale"),
        ("操作员登录 01", "培训操作员登录01"),
        ("Operator login", "培训Operatorlogin"),
    ):
        glass.title(text)
        assert glass.text == shown
    for text, _ in marks._PAPER:
        assert columns_of(text) * 2 <= 32  # letters of double width on 58 mm


def test_the_mark_is_drawn():
    from desk import Glass, _font

    from app.ui.canvas import Canvas

    canvas = Canvas(Glass(), _font)
    marks.on_glass(canvas)
    canvas.title("消费")
    assert canvas.lines()[0].strip() == "培训 消费"


class Swipe(card.TestSwipe):
    pass


def test_a_swiped_card_loses_its_number():
    rng = Rng(seed(3))
    for _ in range(rounds(40)):
        digits = bytearray(b"4" + bytes([48 + rng.below(10) for _ in range(11 + rng.below(7))]))
        digits.append(48)
        while not card._fits(digits):
            digits[-1] += 1
        given = bytes(digits)
        swipe = Swipe(given + b"=25121011234512345000")
        new = card.harmless(swipe)
        assert swipe.track2 == bytes(len(swipe.track2))
        c = Card(new.track2)
        assert len(c.pan) == len(digits)
        middle = bytes(c.pan[6:-4])
        assert c.pan[:6] == given[:6] and c.pan[-4:] == given[-4:]
        assert middle[:-1] == b"0" * (len(middle) - 1)
        assert c.expiry == "3012" and bytes(c.track2[-10:]) == b"0" * 10


def test_what_is_no_bank_card_is_left_to_the_flow():
    for track in (b"123=3012", b"6225000000000015=30121010000", b"6225000000000014", b""):
        swipe = Swipe(track)
        assert card.harmless(swipe) is swipe and bytes(swipe.track2) == track
    bad = Swipe()
    bad.reason = "unreadable"
    assert card.harmless(bad) is bad
    built_in = Card(card.TestSwipe().track2)
    assert built_in.masked() == "622500******0014"


async def test_reader_and_printer_are_the_boards():
    class Device:
        columns = 32
        printed = None

        async def get(self):
            return Swipe()

        async def print(self, lines):
            self.printed = lines
            return "result"

    device = Device()
    reader, printer = card.Reader(device), marks.Printer(device)
    assert Card((await reader.get()).track2).expiry == "3012"
    assert printer.columns == 32
    assert await printer.print([("x", "")]) == "result"
    assert [text for text, _ in device.printed].count("NOT A PAYMENT") == 2
    assert ("x", "") in device.printed
