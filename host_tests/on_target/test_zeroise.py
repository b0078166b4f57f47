# Destroying what is secret (security requirement 28): told what is owed first, brought to its end
# after a power cut anywhere, and nothing that opens stays behind.

import asyncio
import gc
import os
import struct
import sys

import vfs

# The largest first.
from harness import flash, raises
from shop import Shop, card

from app.crypto import seal
from app.pay import txn
from app.store import audit as audit_log
from app.store import files
from app.store.flashlog import FlashLog
from app.store.vault import Vault
from models.nor import BlockDevice, PowerCut

DATA = "/zeroise_test"
SECRET = b"the device's secret, 32 bytes..."
TMK = bytes(range(16))
BLOCK = 512
# label: first block, blocks
LAYOUT = {"vfs": (0, 9), "journal": (9, 14), "audit": (23, 7), "coredump": (30, 1), "nvs": (31, 1)}


class Kept:
    """NVS and partitions over the shared flash. A change in NVS is one operation of the flash as
    far as cuts go."""

    def __init__(self):
        self.nor, _ = flash(BLOCK, 32)
        self.nvs = {}

    def partition(self, label):
        if label not in LAYOUT:
            return None
        return BlockDevice(self.nor, LAYOUT[label][0], LAYOUT[label][1])

    def get(self, name, size):
        return self.nvs.get(name)

    def put(self, name, data):
        if data is None and name not in self.nvs:
            return
        nor = self.nor
        if not nor.powered:
            raise PowerCut("no power")
        cut = nor._cut if nor._cut and nor._cut[0] == nor.ops else None
        nor.ops += 1
        if cut is None or cut[1] == 1:
            if data is None:
                del self.nvs[name]
            else:
                self.nvs[name] = bytes(data)
        if cut is not None:
            nor.powered = False
            raise PowerCut("in NVS")

    class Place:
        def __init__(self, name, size):
            self.name = name

        def get(self):
            return kept.nvs.get(self.name)

        def put(self, data):
            kept.put(self.name, data)


class Board:
    DATA = DATA
    CAPS = {"journal": 8, "extras": ("tamper",)}

    def device_secret(self):
        if "device" not in kept.nvs:
            kept.put("device", b"a new secret of another terminal")
        return kept.nvs["device"]

    def journal_partition(self):
        return kept.partition("journal")


kept = Kept()
_before = {n: sys.modules.get(n) for n in ("board", "kept")}
sys.modules["board"], sys.modules["kept"] = Board(), kept
from app.tech import service, zeroise  # noqa: E402
from app.tech.context import TechError  # noqa: E402

for _name, _module in _before.items():
    if _module is not None:
        sys.modules[_name] = _module
_board = Board()


def mount(fresh=False):
    """As _boot.py does it; whether there is a volume."""
    dev = kept.partition("vfs")
    if fresh:
        vfs.VfsLfs2.mkfs(dev)
    try:
        vfs.mount(vfs.VfsLfs2(dev), DATA)
        return True
    except OSError:
        return False


def unmount():
    try:
        vfs.umount(DATA)
    except OSError:
        pass


def opened_audit():
    made = audit_log.AuditLog(FlashLog(kept.partition("audit"), 2, audit_log.PAYLOAD))
    made.open()
    return made


class Terminal:
    """A set-up terminal with a card sealed in its journal."""

    def __init__(self):
        unmount()
        global kept
        Kept.__init__(kept)
        kept.nvs["device"] = SECRET
        kept.nor.program(31 * BLOCK, SECRET)  # what an entry of NVS leaves in its page
        kept.nor.program(30 * BLOCK, b"memory: " + TMK)
        mount(True)
        files.replace_json(DATA + "/settings.json", {"tid": "58402001"})
        files.replace_json(DATA + "/operators.json", {"00": {}})
        self.vault = Vault(DATA + "/vault.bin", seal.Sealer(SECRET))
        self.vault.put(TMK=bytearray(TMK), WIFI1=b"=do-not-show")
        self.shop = Shop(kept.partition("journal"), vault=self.vault, capacity=8).boot()
        self.journal, self.settings = self.shop.journal, {"tid": "58402001"}
        self.audit = opened_audit()
        self.audit.event("start")
        self.app = None
        self.restarts = 0
        self.sealed_vault = files.load(DATA + "/vault.bin")
        self.sealed_card = self.card()

    def card(self):
        from app.pay.types import OFFLINE
        from app.store.records import Txn

        t = Txn(OFFLINE, 4321)
        t.begins = txn.STORED
        t.pan_masked, t.expiry = "622500******0014", "3012"
        c = card()
        self.journal.begin(t, lambda t: self.shop.cards.seal(t, c))
        self.context = struct.pack("<II", t.batch, t.trace)
        return bytes(t.sealed)

    def restart_soon(self):
        self.restarts += 1


def context(terminal):
    class Context:
        pass

    ctx = Context()
    ctx.terminal, ctx.app = terminal, None
    ctx.journal = lambda: terminal.journal
    ctx.settings = lambda: terminal.settings
    return ctx


def image():
    return bytes(kept.nor.storage.data)


def boots(kind):
    """The boots after a cut, until what was begun has ended. Returns whether it had begun."""
    kept.nor.power_on()
    unmount()
    mount()
    events = opened_audit()
    if not zeroise.pending() and events.latest != zeroise.LAST_STEP:
        return False
    assert zeroise.pending() in (kind, None)
    assert zeroise.resume(events) is True
    assert not zeroise.pending() and events.latest == "zeroised"
    unmount()
    return True


def nothing_opens(t):
    """Neither the old vault nor the old card opens with anything that the device has now, and the
    old secret is nowhere."""
    assert SECRET not in image() and SECRET not in kept.nvs.values()
    secret = _board.device_secret()
    raises(ValueError, seal.Sealer(secret).open, t.sealed_vault, b"shouyin vault 1")
    assert TMK not in image()
    siv = seal.Siv(secret)
    raises(seal.SealError, siv.open, t.sealed_card, t.context)


def events():
    it = opened_audit().last(9)
    for _ in it.run():
        pass
    return [e.name for e in it.found]


def check(kind=None):
    c = opened_audit().check()
    for _ in c.run():
        pass
    assert c.broken == 0, c.why


# ---- decommissioning ----------------------------------------------------------------------------


def test_sec28_the_first_call_says_what_is_owed_and_destroys_nothing():
    t = Terminal()
    before = image()
    result = service.decommission(context(t))
    assert result.data["owed"] == 1 and result.data["amount_fen"] == 4321
    assert result.data["unsettled"] == 1 and not result.data["decommissioned"]
    text = repr(result)
    assert "1 TRANSACTIONS, RMB 43.21, HAVE NOT REACHED THE HOST" in text
    word = result.data["confirm"]
    assert word in text
    wrong = service.decommission(context(t), word + "x")
    assert "NOT RIGHT" in repr(wrong) and image() == before and t.restarts == 0
    # A sale later the word is worth nothing.
    t.card()
    later = service.decommission(context(t), word)
    assert not later.data["decommissioned"] and later.data["confirm"] != word

    class Busy:
        class engine:
            busy = True

    ctx = context(t)
    ctx.app = Busy
    raises(TechError, service.decommission, ctx, word)


def decommission(t):
    ctx = context(t)
    word = service.decommission(ctx).data["confirm"]
    assert service.decommission(ctx, word).data["decommissioned"]
    assert t.restarts == 1
    assert zeroise.resume(t.audit) is True


def test_sec28_decommissioning_leaves_a_blank_terminal_and_its_audit_log():
    t = Terminal()
    decommission(t)
    nothing_opens(t)
    data = image()
    for label in ("vfs", "journal", "coredump", "nvs"):
        first, n = LAYOUT[label]
        part = data[first * BLOCK : (first + n) * BLOCK]
        assert part.count(b"\xff") == len(part), label
    for text in (b"58402001", t.sealed_vault, t.sealed_card, b"do-not-show"):
        assert text not in data
    assert t.vault.names() == []
    assert not mount()  # blank: _boot.py makes a new volume on it
    assert events() == ["start", "decommission", "zeroising", "zeroised"]
    check()


def cut_everywhere(what, kind, afterwards):
    """what(terminal) cut at every operation of flash and NVS, clean and torn."""

    def once(cut, torn):
        t = Terminal()
        first = kept.nor.ops
        if cut is not None:
            kept.nor.cut_at(first + cut, torn, seed=cut)
        try:
            what(t)
            return kept.nor.ops - first
        except PowerCut:
            pass
        afterwards(t, boots(kind), (cut, torn))
        return None

    operations = once(None, 0)
    cuts = 0
    for cut in range(operations):
        for torn in (0, "random", 1):
            assert once(cut, torn) is None
            cuts += 1
        gc.collect()
    print("%d operations, %d cuts" % (operations, cuts))
    return operations


def test_sec28_decommissioning_cut_anywhere_is_brought_to_its_end():
    def afterwards(t, begun, where):
        if not begun and "device" in kept.nvs:
            # Cut before the point of no return: all is as it was.
            mount()
            vault = Vault(DATA + "/vault.bin", seal.Sealer(kept.nvs["device"]))
            vault.load()
            assert bytes(vault.get("TMK")) == TMK, where
            assert kept.nvs["device"] == SECRET
            return
        assert begun or opened_audit().latest == "zeroised", where
        data = image()
        assert t.sealed_vault not in data and t.sealed_card not in data, where
        assert "device" not in kept.nvs
        raises(ValueError, seal.Sealer(b"0" * 32).open, t.sealed_vault, b"shouyin vault 1")
        check()
        nothing_opens(t)

    assert cut_everywhere(decommission, zeroise.DECOMMISSION, afterwards) >= 15


def test_sec28_decommissioning_is_cut_twice():
    """Also the second boot loses its power."""
    for second in range(0, 40, 3):
        t = Terminal()
        kept.nor.cut_at(kept.nor.ops + 6, 0)
        try:
            decommission(t)
        except PowerCut:
            pass
        kept.nor.power_on()
        unmount()
        mount()
        kept.nor.cut_at(kept.nor.ops + second, "random", seed=second)
        try:
            zeroise.resume(opened_audit())
        except PowerCut:
            boots(zeroise.DECOMMISSION)
        kept.nor.power_on()
        data = image()
        assert t.sealed_vault not in data and t.sealed_card not in data, second
        assert not zeroise.pending() and "device" not in kept.nvs
        check()


def test_sec27_other_firmware_is_an_event():
    t = Terminal()
    guard = load_guard()
    for version in ("0.1.0", "0.1.0", "0.2.0 b7", "0.2.0 b7", "0.1.0"):
        guard.firmware(t.audit, version)
    it = opened_audit().last(9)
    for _ in it.run():
        pass
    assert [(e.name, e.detail) for e in it.found[1:]] == [("ota", "0.2.0 b7"), ("ota", "0.1.0")]

    def full(name, data):
        raise OSError(4357)

    kept.put = full
    try:
        guard.firmware(t.audit, "0.3.0")  # NVS takes nothing: the terminal trades all the same
    finally:
        del kept.put


def load_guard():
    sys.modules["board"], sys.modules["kept"] = _board, kept
    from app import guard

    return guard


# ---- tamper -------------------------------------------------------------------------------------


def open_case(t):
    zeroise.tampered(t.audit, t.vault)


def journal_is_there(t, where):
    shop = Shop(kept.partition("journal"), vault=t.vault, capacity=8).boot()
    assert len(shop.journal) == 1 and shop.journal.amount(0) == 4321, where
    assert shop.journal.state(0) in txn.OWED_UPLOAD


def test_sec28_an_opened_case_destroys_the_keys_and_keeps_the_books():
    t = Terminal()
    open_case(t)
    assert t.vault.names() == []
    nothing_opens(t)
    journal_is_there(t, 0)
    unmount()
    assert mount() and zeroise.locked()
    assert sorted(os.listdir(DATA)) == ["operators.json", "settings.json", "tampered"]
    assert events() == ["start", "tamper", "zeroising", "zeroised"]
    check()
    # The card that was kept for the upload cannot be read any more: also not with a new key.
    vault = Vault(DATA + "/vault.bin", seal.Sealer(_board.device_secret()))
    vault.load()
    vault.put(TMK=bytearray(TMK))
    zeroise.unlock()
    assert not zeroise.locked() and not zeroise.pending()
    assert vault.names() == ["TMK"]


def test_sec28_an_opened_case_with_the_power_cut_anywhere_is_locked_and_without_keys():
    def afterwards(t, begun, where):
        mount()
        if not begun and not zeroise.locked():
            assert kept.nvs["device"] == SECRET and "zeroise" not in kept.nvs, where
            return  # before the first operation was done: the switch is still open at the boot
        assert zeroise.locked(), where
        assert "device" not in kept.nvs
        nothing_opens(t)
        journal_is_there(t, where)
        check()
        assert "vault.bin" not in os.listdir(DATA)

    assert cut_everywhere(open_case, zeroise.TAMPER, afterwards) >= 8


def test_sec28_without_a_file_system_the_flag_keeps_the_terminal_locked():
    t = Terminal()
    unmount()
    kept.put("zeroise", zeroise.TAMPER)
    assert zeroise.resume(t.audit) is False
    assert zeroise.pending() == zeroise.TAMPER and zeroise.locked() == "?"
    assert "device" not in kept.nvs


async def test_sec28_a_case_opened_without_a_file_system_destroys_the_secret():
    """What cannot be read may hold keys; and the terminal must not restart for ever."""
    t = Terminal()
    guard = load_guard()
    unmount()

    class Switch:
        async def wait(self):
            pass

        def reset(self):
            raise AssertionError("nobody waits until keys come")

    class Boot:
        vfs_problem = "vfs"
        watchdog = None

        def feed(self):
            pass

    Boot.watchdog = Boot()

    class Machine:
        resets = 0

        def reset(self):
            self.resets += 1

    machine, guard.machine = guard.machine, Machine()
    state, guard.bootstate = guard.bootstate, Boot()
    try:
        await guard.case(t, Switch())
        assert guard.machine.resets == 1 and "device" not in kept.nvs and guard.locked()
        again = asyncio.create_task(guard.case(t, Switch()))
        await asyncio.sleep_ms(50)
        assert guard.machine.resets == 1 and not again.done()
        again.cancel()
    finally:
        guard.machine, guard.bootstate = machine, state
