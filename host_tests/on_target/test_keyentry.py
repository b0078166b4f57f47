# The master key at the keypad (security requirement 8): two components, by two people, each typed
# twice, never shown; nothing of it stays behind when it is given up.

import asyncio
import sys

# The largest first.
import desk
import vfs
from harness import araises, flash

from app.crypto import keys as crypto_keys
from app.crypto import seal
from app.store.operators import Operators
from app.store.vault import Vault, VaultError
from app.ui.flows import keyentry
from app.ui.manager import Busy
from app.ui.screens import CANCEL, Idle, Message

# The commands know the board, whose drivers are not wanted here.
_kept = sys.modules.get("board")
sys.modules["board"] = object()
from app.tech import keys, servicekey  # noqa: E402
from app.tech.context import TechError  # noqa: E402

if _kept is not None:
    sys.modules["board"] = _kept

PATH = "/keys_test"
A = "1F2E3D4C5B6A79880796A5B4C3D2E1F0"
B = "E0C1A283645F46273849AB0C1D2E3F51"
# Computed with an independent implementation (cryptography.hazmat, TripleDES over zeros).
KCV_A, KCV_B, KCV = "536D0A", "629FE8", "06DE4B"
# HMAC-SHA-256 over "shouyin check value" (CPython's hmac).
SERVICE_A, SERVICE_B, SERVICE = "04997D", "B62535", "671264"
ONE, TWO = ("00", "963852"), ("09", "741852")


class Terminal:
    """What Desk takes of root.Terminal."""

    app = None

    def __init__(self, rounds=2):
        _, dev = flash(1024, 16)
        vfs.VfsLfs2.mkfs(dev)
        try:
            vfs.umount(PATH)
        except OSError:
            pass
        vfs.mount(vfs.VfsLfs2(dev), PATH)
        self.operators = Operators(PATH + "/operators.json", seal.pbkdf2_sha256, rounds)
        self.operators.add(ONE[0], "supervisor", ONE[1].encode(), False)
        self.operators.add(TWO[0], "admin", TWO[1].encode(), False)
        self.operators.add("01", "cashier", b"147258", False)
        self.vault = self.new_keys = Vault(PATH + "/vault.bin", seal.Sealer(b"s" * 32))
        self.vault.put(PIK=b"p" * 16, MAK=b"m" * 8, WIFI1=b"=do-not-touch")
        desk_app = desk.App()
        self.ui, self.settings = desk_app.ui, desk_app.settings
        self.audit = self
        self.events = []
        self.loaded = 0
        self.loads = []
        self.screens = set()  # each that was seen, rows joined by |

    def watch(self):
        draw = self.ui._draw

        def noted():
            draw()
            self.screens.add("|".join(self.ui.visible()))

        self.ui._draw = noted

    def event(self, name, who, detail):
        self.events.append((name, who, detail))

    def unlock(self):
        self.loaded += 1

    def restart_soon(self):
        self.events.append("restart")

    def again(self):
        self.events.append("round")


class Desk(keys.Desk):
    """Remembers its KeyLoads, to look whether they were wiped."""

    def key_load(self):
        load = keys.Desk.key_load(self)
        self._terminal.loads.append(load)
        return load


def fingers(component):
    """The keys for a component."""
    out = []
    for c in component:
        out += [c] if c.isdigit() else ["ALPHA", str(ord(c) - 64)]
    return tuple(out) + ("ENTER",)


def who(person, which):
    return (
        ("密钥持有人%d" % which,) + tuple(person[0]) + ("ENTER",),
        ("密码",) + tuple(person[1]) + ("ENTER",),
    )


def component(which, text, again=None):
    return (
        ("密钥分量%d" % which,) + fingers(text),
        ("分量%d再输一次" % which,) + fingers(again or text),
    )


def whole(a=KCV_A, b=KCV_B):
    return (
        who(ONE, 1) + component(1, A) + (("KCV " + a, "ENTER"),)
        + who(TWO, 2) + component(2, B) + (("KCV " + b, "ENTER"),)
    )  # fmt: skip


async def act(app, flow, *steps):
    """desk.play(), with a finger that waits until the terminal takes the next key."""
    task = asyncio.create_task(flow)
    for step in steps:
        for _ in range(40):
            await asyncio.sleep_ms(5)
            shown = "".join(app.ui.visible()).replace(" ", "")
            if step[0].replace(" ", "") in shown and app.ui._asking:
                break
        else:
            task.cancel()
            raise AssertionError("no %r in %r" % (step[0], app.ui.visible()))
        for k in step[1:]:
            while not app.ui.inputs.put(("key", k)):
                await asyncio.sleep_ms(5)
    return await asyncio.wait_for_ms(task, 10_000)


def empty(load):
    return not any(any(b) for b in load._parts + (load._typed, load._whole))


async def play(terminal, *steps):
    app = Desk(terminal)
    value = await act(app, keyentry.enter(app), *steps)
    assert len(terminal.loads) == 1 and empty(terminal.loads[0])
    return value


def stored(terminal):
    vault = Vault(PATH + "/vault.bin", seal.Sealer(b"s" * 32))
    vault.load()
    return vault


async def test_sec8_two_people_type_two_components_twice_and_see_check_values_only():
    t = Terminal()
    steps = whole() + (("主密钥KCV " + KCV, "ENTER"), (desk.problem("key_stored"), "ENTER"))
    assert await play(t, *steps) == KCV
    vault = stored(t)
    want = bytes(int(A[i : i + 2], 16) ^ int(B[i : i + 2], 16) for i in range(0, 32, 2))
    assert bytes(vault.get("TMK")) == want
    # What was loaded under the old key is gone, what is no key stays.
    assert vault.names() == ["TMK", "WIFI1"] and t.loaded == 1
    assert t.events == [("master_key", "00", KCV + " 09")]


async def test_sec8_a_component_is_not_echoed():
    """While it is typed the glass shows a title, the count, how A-F are typed, and nothing
    else."""
    t = Terminal()
    t.watch()
    await play(t, *whole() + (("主密钥KCV", "CANCEL"), (desk.problem("key_cancelled"), "ENTER")))
    typing = [s.split("|") for s in t.screens if "/32" in s]
    counts = set()
    for title, count, middle, below in typing:
        assert title.strip() in ("密钥分量1", "分量1再输一次", "密钥分量2", "分量2再输一次")
        count = count.strip()
        assert count.startswith("已输入") and count.endswith("/32")
        counts.add(int(count[3:-3]))
        assert middle.strip() in ("", "按1-6输入A-F")
        assert below.strip() == "字母键+1-6: A-F"
    assert counts == set(range(33)) and len(typing) > 4 * 32
    text = "\n".join(t.screens)
    assert A not in text and B not in text and "963852" not in text and "741852" not in text
    # Keys sound and feel alike, as for a PIN.
    assert keyentry.Component.secret


async def test_sec8_one_person_cannot_be_both_custodians():
    t = Terminal()
    steps = who(ONE, 1) + component(1, A) + (("KCV " + KCV_A, "ENTER"),) + who(ONE, 2)
    steps += (("须另一位持有人", "CANCEL"), (desk.problem("key_cancelled"), "ENTER"))
    assert await play(t, *steps) is None
    assert stored(t).get("TMK") is None and t.events == []


async def test_sec8_a_cashier_and_a_wrong_password_are_no_custodian():
    t = Terminal()
    steps = who(("01", "147258"), 1) + (("须主管或管理员", "0", "0", "ENTER"),)
    steps += (("密码", "1", "1", "ENTER"), ("密码错,剩4次", "CANCEL"))
    steps += ((desk.problem("key_cancelled"), "ENTER"),)
    assert await play(t, *steps) is None
    assert t.events == [("logon_wrong", "00", "")]
    # The lock is the same as at the login, and noted once.
    t.events.clear()
    t.loads.clear()
    load = Desk(t).key_load()
    for why in ("wrong", "wrong", "wrong", "locked", "locked"):
        assert load.custodian("00", b"1")[0] == why
    assert load.custodian("00", b"963852")[0] == "locked" and load.people == []
    assert [e[0] for e in t.events] == ["logon_wrong"] * 3 + ["lock_out"]


def test_sec8_a_technician_is_no_custodian():
    t = Terminal()
    t.operators.add("90", "technician", b"24681357", False)
    assert Desk(t).key_load().custodian("90", b"24681357") == ("role", "须主管或管理员")


async def test_sec8_two_typings_that_differ_are_typed_again():
    t = Terminal()
    wrong = A[:-1] + "1"
    steps = who(ONE, 1) + component(1, A, wrong) + ((desk.problem("key_differs"), "ENTER"),)
    steps += component(1, A) + (("KCV " + KCV_A, "CANCEL"),)
    steps += ((desk.problem("key_cancelled"), "ENTER"),)
    assert await play(t, *steps) is None


async def test_sec8_after_three_typings_that_differ_it_is_given_up():
    t = Terminal()
    steps = who(ONE, 1)
    for _ in range(3):
        steps += component(1, A, B) + ((desk.problem("key_differs"), "ENTER"),)
    steps += ((desk.problem("key_cancelled"), "ENTER"),)
    assert await play(t, *steps) is None


def test_sec8_weak_and_equal_components_are_refused():
    t = Terminal()
    for first, second, at in (
        ("00" * 16, None, 1), ("0123456789ABCDEF" * 2, None, 1), ("01" * 8 + A[:16], None, 1),
        (A[:16] + "1FE01FE00EF10EF1", None, 1), (A[:16] + "1EE11EE10FF00FF0", None, 1),
        (A, A, 2), (A, "FE" * 8 + B[16:], 2),
    ):  # fmt: skip
        load = Desk(t).key_load()
        load.first(1, bytearray(first.encode()))
        problem = load.second(1, bytearray(first.encode()))
        if at == 2:
            assert problem is None
            load.first(2, bytearray(second.encode()))
            problem = load.second(2, bytearray(second.encode()))
        assert problem == "key_weak", (first, second)
    # Two good components can make a weak key.
    load = Desk(t).key_load()
    load.people[:] = ["00", "09"]
    other = "".join("%02X" % (int(A[i : i + 2], 16) ^ (i & 14)) for i in range(0, 16, 2))
    other += "".join("%02X" % (int(A[i : i + 2], 16) ^ (i & 14)) for i in range(16, 32, 2))
    for which, text in ((1, A), (2, other)):
        load.first(which, bytearray(text.encode()))
        assert load.second(which, bytearray(text.encode())) is None
    assert load.combined_kcv() is None and load.store() == "key_weak"
    assert stored(t).get("TMK") is None


def test_what_is_typed_is_wiped_as_it_is_taken():
    load = Desk(Terminal()).key_load()
    digits = bytearray(A.encode())
    load.first(1, digits)
    assert not any(digits)
    digits = bytearray(A.lower().encode())
    assert load.second(1, digits) is None and not any(digits)
    assert load.component_kcv(1) == KCV_A
    load.wipe()
    assert empty(load)


async def test_sec8_cancelling_anywhere_keeps_nothing_and_wipes_everything():
    t = Terminal()
    steps = whole() + (("主密钥KCV", "ENTER"),)
    for n in range(len(steps)):
        t.loads.clear()
        app = Desk(t)
        stop = (steps[n][0],) + (("1", "ALPHA", "2", "CANCEL") if n % 2 else ("CANCEL",))
        if "KCV" in stop[0]:
            stop = (stop[0], "CANCEL")
        asked = steps[:n] + (stop, (desk.problem("key_cancelled"), "ENTER"))
        assert await act(app, keyentry.enter(app), *asked) is None
        assert empty(t.loads[0]), n
    assert stored(t).get("TMK") is None
    assert not [e for e in t.events if e[0] == "master_key"]


async def test_sec8_a_component_left_half_typed_times_out_and_is_wiped():
    t = Terminal()
    t.watch()
    app = Desk(t)
    flow = asyncio.create_task(keyentry.enter(app))

    async def nothing():
        await asyncio.sleep_ms(0)

    await act(app, nothing(), *who(ONE, 1) + (("密钥分量1",) + fingers(A)[:20],))
    for _ in range(1300):
        await asyncio.sleep_ms(50)
    assert desk.problem("key_cancelled") in "".join(t.ui.visible()).replace(" ", "")
    assert [s for s in t.screens if "已输入12/32" in s]
    assert empty(t.loads[0]) and stored(t).get("TMK") is None
    t.ui.inputs.put(("key", "ENTER"))
    assert await flow is None


async def test_a_screen_is_wiped_when_its_flow_is_cancelled():
    t = Terminal()
    screen = keyentry.Component("密钥分量1", 1000)
    for key in fingers(A)[:12]:
        screen.key(key)
    assert screen.n and any(screen.buf)
    task = asyncio.create_task(t.ui.ask(screen))
    await asyncio.sleep_ms(5)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert screen.n == 0 and not any(screen.buf)


async def test_a_vault_that_cannot_be_written_is_told():
    t = Terminal()

    def full(**slots):
        raise VaultError("no room")

    t.vault.put = full
    steps = whole() + (("主密钥KCV", "ENTER"), (desk.problem("key_failed"), "ENTER"))
    assert await play(t, *steps + ((desk.problem("key_cancelled"), "ENTER"),)) is None
    assert t.events == [] and t.loaded == 0


async def test_a_key_is_stored_between_two_requests():
    """An upload may be waiting for its answer: its MAC is checked with the keys that it had."""
    t = Terminal()
    load = keys.KeyLoad(Desk(t), t.vault, None, asyncio.Lock())
    load.people = [ONE[0], TWO[0]]
    for which, text in ((1, A), (2, B)):
        load.first(which, bytearray(text.encode()))
        assert load.second(which, bytearray(text.encode())) is None
    assert load.combined_kcv() == KCV
    async with load._turn:
        task = asyncio.create_task(load.keep())
        await asyncio.sleep_ms(20)
        assert stored(t).names() == ["MAK", "PIK", "WIFI1"]
    assert await task is None
    assert stored(t).names() == ["TMK", "WIFI1"]


async def test_sec8_the_command_borrows_a_calm_screen_and_gives_it_back():
    t = Terminal()

    class Context:
        terminal = t
        said = []

        def say(self, text):
            self.said.append(text)

    ctx = Context()
    e = await araises(TechError, keys.enter(ctx))
    assert "somebody is using" in e.args[0]  # nothing is on the glass yet
    busy = asyncio.create_task(t.ui.ask(Message("x", "y")))
    await asyncio.sleep_ms(5)
    await araises(TechError, keys.enter(ctx))
    busy.cancel()
    await asyncio.sleep_ms(5)

    idle = asyncio.create_task(t.ui.ask(Idle(lambda: ("shop", 4, None, "status"), ("ENTER",))))
    await asyncio.sleep_ms(5)
    steps = whole() + (("主密钥KCV " + KCV, "ENTER"), (desk.problem("key_stored"), "ENTER"))
    t.health = t
    result = await act(Desk(t), keys.enter(ctx), *steps)
    assert result.data == {"stored": True, "kcv": KCV} and KCV in repr(result)
    assert "round" in t.events  # of self-tests: it may lift a lock
    await asyncio.sleep_ms(5)
    assert "shop" in "".join(t.ui.visible())
    t.ui.inputs.put(("key", "ENTER"))
    assert await idle == ("key", "ENTER")
    ctx.terminal = None
    await araises(TechError, keys.enter(ctx))
    assert A not in repr(ctx.said) and "restart" in t.events


async def test_sec7_status_shows_check_values_of_three_bytes_only():
    t = Terminal()
    t.vault.put(TMK=bytes.fromhex(A), PIK=bytes.fromhex(B), MAK=None)

    class Context:
        def vault(self):
            return t.vault

    result = keys.status(Context())
    assert result.data == {"TMK": KCV_A, "PIK": KCV_B}
    assert A not in repr(result) and A not in result.json()
    assert repr(crypto_keys.Key("TMK", bytes.fromhex(A))) == "<Key TMK>"


async def test_borrowing_is_refused_when_the_screen_is_left_just_then():
    t = Terminal()
    screen = Idle(lambda: ("shop", 4, None, "status"), ("ENTER",))
    idle = asyncio.create_task(t.ui.ask(screen))
    await asyncio.sleep_ms(5)
    t.ui.inputs.put(("key", "ENTER"))

    async def never():
        raise AssertionError("ran")

    async def borrow():
        return await araises(Busy, t.ui.borrow(never))

    borrower = asyncio.create_task(borrow())
    await asyncio.sleep_ms(20)
    assert await idle == ("key", "ENTER")
    last = asyncio.create_task(t.ui.ask(Message("x", "y")))
    await asyncio.sleep_ms(20)
    assert isinstance(await borrower, Busy)
    t.ui.inputs.put(("key", "CANCEL"))
    assert await last == CANCEL


# ---- the service key ----------------------------------------------------------------------------


class ServiceContext:
    """A terminal that can trade, for keys.enter("service")."""

    def __init__(self, t):
        self.terminal = t
        self.vault = lambda: t.vault
        t.app = Desk(t)

    def say(self, text):
        pass


def joined():
    return bytes(int(A[i : i + 2], 16) ^ int(B[i : i + 2], 16) for i in range(0, 32, 2))


async def test_sec22_two_people_enter_the_service_key_and_the_other_keys_stay():
    t = Terminal()
    t.watch()
    ctx = ServiceContext(t)
    idle = asyncio.create_task(t.ui.ask(Idle(lambda: ("shop", 4, None, "status"), ("ENTER",))))
    await asyncio.sleep_ms(5)
    steps = whole(SERVICE_A, SERVICE_B)
    steps += (("KCV " + SERVICE, "ENTER"), (desk.problem("service_stored"), "ENTER"))
    result = await act(t.app, keys.enter(ctx, "service"), *steps)
    assert result.data == {"stored": True, "kcv": SERVICE} and "service key" in repr(result)
    vault = stored(t)
    assert bytes(vault.get("SVC")) == joined()
    assert vault.names() == ["MAK", "PIK", "SVC", "WIFI1"]  # nobody is signed off
    assert t.events == [("service_key", "00", SERVICE + " 09")] and t.loaded == 0
    assert keys.status(ctx).data["SVC"] == SERVICE
    assert A not in "".join(t.screens)
    assert not [s for s in t.screens if "主密钥" in s]
    idle.cancel()
    for which in ("TMK", 1, None):
        await araises(TechError, keys.enter(ctx, which))
    t.app = None  # what locks such a terminal is lifted by a new master key only
    await araises(TechError, keys.enter(ctx, "service"))


def test_sec8_a_key_has_one_use():
    """The same components for both keys are refused, whichever is first."""
    for first, second in ((keys.KeyLoad, servicekey.ServiceKeyLoad),
                          (servicekey.ServiceKeyLoad, keys.KeyLoad)):  # fmt: skip
        t = Terminal()
        for make, want in ((first, None), (second, "key_used"), (first, None)):
            load = make(Desk(t), t.vault)
            load.people[:] = ["00", "09"]
            for which, text in ((1, A), (2, B)):
                load.first(which, bytearray(text.encode()))
                assert load.second(which, bytearray(text.encode())) is None
            assert load.combined_kcv() == (KCV if make is keys.KeyLoad else SERVICE)
            assert load.store() == want
            load.wipe()
            assert empty(load)
        kept = stored(t)
        assert (kept.get("TMK") is None) != (kept.get("SVC") is None)


def test_sec22_a_service_key_that_is_easy_to_type_is_refused():
    t = Terminal()
    load = servicekey.ServiceKeyLoad(Desk(t), t.vault)
    for text in ("00" * 16, "0102030405" * 3 + "01", "11223344" * 4):
        load.first(1, bytearray(text.encode()))
        assert load.second(1, bytearray(text.encode())) == "key_weak", text
    for which in (1, 2):
        load.first(which, bytearray(A.encode()))
        assert load.second(which, bytearray(A.encode())) == (None, "key_weak")[which - 1]
    load.people[:] = ["00", "09"]
    assert load.combined_kcv() == servicekey.check_value(bytes.fromhex(A))  # one alone: no key yet
    load.people.pop()
    assert load.store() == "key_weak" and stored(t).get("SVC") is None
