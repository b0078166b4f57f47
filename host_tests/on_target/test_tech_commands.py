# The technician's commands on a whole terminal: what they say, what they refuse, and that nothing
# secret ever comes out of them.

import asyncio
import json
from binascii import hexlify

from clinic import (
    CANARY_PAN,
    CANARY_TMK,
    CANARY_WIFI,
    CASHIER,
    PASSWORD,
    Bearer,
    Display,
    Image,
    Keypad,
    Terminal,
)
from harness import araises, raises

import bootstate
from app.crypto.keys import TMK, Key
from app.kernel import log
from app.store.flashlog import FlashError
from app.tech import books, commands, network, parameters, peripherals, report, selftest, status
from app.tech.context import TechError
from app.ui.screens import Message

Image.data = b"\xff" * 64


async def trading(sales=2, **settings):
    """A terminal at its idle screen, with some sales in the batch."""
    t = Terminal(**settings).start()
    for i in range(sales):
        assert (await t.shop.sale(1000 + i)).approved
    await asyncio.sleep_ms(20)
    return t


async def busy(t, command):
    """Run a command in the middle of a request."""
    async with t.engine.turn:
        return await command


# ---- state --------------------------------------------------------------------------------------


async def test_status_says_what_is_going_on_and_what_is_owed():
    t = await trading()
    t.shop.host.faults = ["no answer"]
    await t.shop.sale(700)
    found = status.status(t.context())
    data = found.data
    assert data["running"] and data["operator"] == CASHIER and data["screen"] == "Idle"
    assert data["journal"]["transactions"] == 3 and data["journal"]["owed"] == 1
    assert data["journal"]["owed_fen"] == 700 and data["selftest"]["code"] == ""
    assert json.loads(found.json()) == data
    t.health._lock("keys", "no reason")
    assert status.status(t.context()).data["selftest"]["code"] == "E-19-2"
    await t.end()
    # A terminal that cannot trade says why, a stopped one that it is stopped.
    t.app, t.problem = None, "not_set_up"
    assert status.status(t.context()).data["problem"] == "not_set_up"


async def test_version_and_counters():
    t = await trading(1)
    assert status.version(t.context()).data["board"] == "SY_TEST"
    data = status.counters(t.context()).data
    assert data["keypad"] == {"lost": 3} and data["printer"] == {"bytes_sent": 77}
    assert data["journal_flash"]["blocks"] == 24 and data["journal_flash"]["damaged"] == 0
    await t.end()


async def test_log_gives_the_last_lines():
    t = await trading(0)
    for i in range(5):
        log.info("line %d", i)
    lines = status.log(t.context(), 2).data
    assert [n[-6:] for n in lines] == ["line 3", "line 4"]
    for n in (0, 1000, "2"):
        raises(TechError, status.log, t.context(), n)
    await t.end()


# ---- parameters ---------------------------------------------------------------------------------


async def test_parameters_are_checked_and_named_and_what_needs_a_restart_is_said():
    t = await trading(0)
    ctx = t.context()
    assert parameters.get(ctx, "port").data == 1
    done = parameters.set_(ctx, apn="private", receipt_copies=2, port=1).data
    assert done == {"changed": ["apn", "receipt_copies"], "reboot": ["apn"], "missing": []}
    assert t.settings["apn"] == "private"
    for changes, named in (
        ({"receipt_copies": 9, "apn": "x"}, "receipt_copies must be 1 to 3"),
        ({"no_such": 1}, "no_such unknown parameter"),
        ({"host": 'a"b'}, "host character not allowed"),
        ({}, "settings.set(name=value, ...)"),
    ):
        e = raises(TechError, lambda changes=changes: parameters.set_(ctx, **changes))
        assert e.args[0] == named, e.args
    assert t.settings["apn"] == "private" and t.settings["receipt_copies"] == 2
    raises(TechError, parameters.get, ctx, "password")
    await t.end()


async def test_who_the_terminal_is_does_not_change_under_an_open_batch():
    t = await trading(1)
    ctx = t.context()
    mid = t.settings["mid"]
    other = "".join(reversed(mid)) if mid != "".join(reversed(mid)) else "1" * 15
    text = json.dumps({"format": 1, "settings": {"mid": other, "apn": "other"}})
    for change, named in (
        (lambda: parameters.set_(ctx, tid="58402009", apn="other"), "tid"),
        (lambda: parameters.set_(ctx, tid="58402009", same_acquirer=True), "tid"),
        (lambda: parameters.set_(ctx, key_mode="003", apn="other"), "key_mode"),
        (lambda: parameters.import_(ctx, text), "mid"),
        (lambda: parameters.import_(ctx, text, True), "mid"),
    ):
        e = raises(TechError, change)
        assert e.args[0] == (
            named + ": 1 transactions of the open batch: settle the open batch first"
        ), e.args
    assert t.settings["apn"] == "cmnet" and t.journal.signed_on
    assert (await t.shop.settle()).balanced
    t.journal.set_signed_on(True)
    assert parameters.set_(ctx, tid="58402009").data["changed"] == ["tid"]
    assert not t.journal.signed_on  # its working keys were another terminal's

    async def change():
        return parameters.set_(ctx, apn="other")

    assert "under way" in (await araises(TechError, busy(t, change()))).args[0]
    await t.end()


async def test_what_is_owed_goes_to_another_address_only_when_it_is_the_same_acquirer():
    """A host that has moved is not a deadlock, a slip of the finger no loss."""
    t = await trading(1)
    ctx = t.context()
    for name, value in (("host", "b.example"), ("port", 9), ("tpdu", "6000040000"),
                        ("header", "603100310009")):  # fmt: skip
        for word in ({}, {"same_acquirer": 1}, {"same_acquirer": "no"}):
            e = raises(TechError, lambda n=name, v=value, w=word: parameters.set_(
                ctx, apn="x", **{n: v}, **w
            ))  # fmt: skip
            assert e.args[0].startswith(name + ": 1 transactions of the open batch would go there")
        done = parameters.set_(ctx, same_acquirer=True, **{name: value}).data
        assert done["changed"] == [name]
    assert t.settings["apn"] == "cmnet"
    await t.end()


async def test_records_of_newer_firmware_and_an_unreadable_journal_hold_the_number_too():
    t = await trading(0)
    ctx = t.context()
    t.journal.newer = lambda: 2
    assert "2 transactions" in raises(TechError, lambda: parameters.set_(ctx, port=9)).args[0]

    def broken():
        raise FlashError("no block can be read")

    ctx.journal = broken
    assert "journal cannot be read" in raises(
        TechError, lambda: parameters.set_(ctx, mid="1" * 15)
    ).args[0]  # fmt: skip
    assert parameters.set_(ctx, apn="other").data["changed"] == ["apn"]
    await t.end()


async def test_an_export_comes_back_whole_and_a_wrong_one_changes_nothing():
    t = await trading(0)
    ctx = t.context()
    text = repr(parameters.export(ctx))
    data = json.loads(text)
    assert data["format"] == 1 and data["board"] == "SY_TEST"
    parameters.set_(ctx, merchant_name="other shop", port=99)
    assert parameters.import_(ctx, text).data["changed"] == ["merchant_name", "port"]
    assert t.settings["merchant_name"] == "shop" and t.settings["port"] == 1
    spoiled = [
        ("{", "not JSON"), ("[]", "not an export"), ('{"format":1}', "not an export"),
        (json.dumps({"format": 2, "settings": {}}), "format 2"),
    ]  # fmt: skip
    for name, value in (("port", 70000), ("port", "1"), ("tid", "short"), ("newer", 1)):
        changed = json.loads(text)
        changed["settings"]["merchant_name"] = "never"
        changed["settings"][name] = value
        spoiled.append((json.dumps(changed), name + " "))
    for at in range(1, len(text), 29):
        spoiled.append((text[:at], "not JSON, or cut off"))
    assert parameters.import_(ctx, text.replace('"shop"', '"a\\"}{b"')).data["changed"]
    assert t.settings["merchant_name"] == 'a"}{b'
    parameters.set_(ctx, merchant_name="shop")
    for bad, named in spoiled:
        e = raises(TechError, parameters.import_, ctx, bad)
        assert e.args[0].startswith(named), (bad, e.args)
    assert t.settings["merchant_name"] == "shop"
    await t.end()


# ---- books --------------------------------------------------------------------------------------


async def test_the_batch_goes_out_record_by_record_without_a_card():
    t = await trading(3)
    t.spoil_record(t.journal.trace(1))
    found = await books.export(t.context())
    records = found.data["records"]
    assert found.data == {"batch": 1, "records": records, "next": None, "total": 3}
    assert [r["amount"] for r in records] == [1000, 1001, 1002]
    assert [r["readable"] for r in records] == [True, False, True]
    assert records[0]["pan_masked"] == "622500******0014" and records[0]["state"] == "APPROVED"
    assert "expiry" not in records[0] and "sealed" not in records[0]
    first = (await books.export(t.context(), 0, 2)).data
    rest = (await books.export(t.context(), first["next"], count=2)).data
    assert (len(first["records"]), first["next"], rest["next"]) == (2, 2, None)
    assert first["records"] + rest["records"] == records
    beyond = (await books.export(t.context(), 3)).data
    assert beyond == {"batch": 1, "records": [], "next": None, "total": 3}
    for bad in ((-1, 1), (0, 0), (0, books.COUNT_MAX + 1), ("0", 1), (True, 1)):
        await araises(TechError, books.export(t.context(), *bad))
    assert t.journal.unreadable == 0  # who looks makes no damage
    assert books.summary(t.context()).data["states"]["APPROVED"]["count"] == 3
    await t.end()


# ---- devices ------------------------------------------------------------------------------------


async def test_keys_are_shown_to_the_technician_and_to_nobody_else():
    t = await trading(0)
    said = []
    task = asyncio.create_task(peripherals.keypad(t.context(said), 30))
    await asyncio.sleep_ms(50)
    e = await araises(TechError, peripherals.keypad(t.context(), 30))
    assert "already" in e.args[0]
    for name in ("1", "1", "ENTER"):
        t.keypad.press(name)
        await asyncio.sleep_ms(300)
    assert t.glass().find("请刷卡") > 0 and not len(t.inputs)
    for name in ("CANCEL", "2"):
        t.keypad.press(name)
    data = (await task).data  # ends when all were seen
    assert data["missing"] == [] and data["seen"] == ["1", "ENTER", "CANCEL", "2"]
    assert said[0].split() == ["1", "1", "of", "4"] and len(said) == 5
    assert t.keys_to is None
    found = await peripherals.keypad(t.context(), 1)  # nobody presses anything
    assert found.data["missing"] == list(Keypad.names) and "never pressed" in repr(found)
    await t.end()


async def test_a_cancelled_key_test_gives_the_keys_back():
    t = await trading(0)
    task = asyncio.create_task(peripherals.keypad(t.context(), 30))
    await asyncio.sleep_ms(50)
    task.cancel()
    await araises(asyncio.CancelledError, task)
    assert t.keys_to is None
    await t.end()


async def test_devices_are_refused_while_somebody_is_served():
    t = await trading(0)
    bootstate.display = Display()
    commands_ = (
        lambda ctx: peripherals.keypad(ctx, 1),
        lambda ctx: peripherals.display_test(ctx),
        lambda ctx: peripherals.printer_test(ctx),
        lambda ctx: peripherals.printer_status(ctx),
        lambda ctx: network.net_ping(ctx),
    )
    for command in commands_:
        e = await araises(TechError, busy(t, command(t.context())))
        assert "served" in e.args[0]
    t.ui.screen = Message("a flow", "is going on")
    for command in commands_:
        await araises(TechError, command(t.context()))
    assert not t.printer.printed and not bootstate.display.pictures
    found = (await selftest.selftest(t.context(), "printer", "keypad", "memory")).data["results"]
    assert [(r["name"], r["status"]) for r in found] == [
        ("memory", "pass"), ("keypad", "skip"), ("printer", "skip")
    ]  # fmt: skip
    await t.end()


async def test_the_test_page_ends_as_the_printer_says():
    t = await trading(0)
    assert (await peripherals.printer_test(t.context())).data["status"] == "ok"
    assert t.printer.printed == [[("SELF TEST", "c")]]
    t.printer.outcome = ("fault", "paper")
    found = await peripherals.printer_test(t.context())
    assert found.data == {"status": "fault", "reason": "paper"} and repr(found) == "fault paper"
    t.printer.outcome = ("unknown", "no_answer")
    assert (await peripherals.printer_status(t.context())).data["status"] == "unknown"
    await t.end()


async def test_the_display_shows_every_dot_both_ways_and_then_the_screen_again():
    t = await trading(0)
    glass = bootstate.display = Display()
    drawn = t.ui.draws
    found = await peripherals.display_test(t.context())
    assert len(glass.pictures) == 4 == len(set(glass.pictures))
    assert glass.pictures[0] == b"\xff" * 64 and glass.pictures[1] == bytes(64)
    assert found.data["fault"] is None and t.ui.draws > drawn
    await t.end()


# ---- network ------------------------------------------------------------------------------------


async def test_ping_by_echo_and_by_connection():
    t = await trading(1)
    said = []
    found = await network.net_ping(t.context(said))
    assert found.data["answered"] and found.data["via"] == "echo test" and said == ["connecting"]
    found = await network.net_ping(t.context(), "bank:5000")
    assert found.data["answered"] and found.data["ms"] >= 120 and found.data["via"] == "4G"
    found = await network.net_ping(t.context(), "bank")  # the acquirer's port
    assert not found.data["answered"] and found.data["detail"] == "error 111"
    assert t.bearer.closed == 2 and not t.engine.busy
    for bad in ("", "bank:x", "bank:0", "bank:99999", 7):
        await araises(TechError, network.net_ping(t.context(), bad))
    Bearer.ready = False
    try:
        assert not (await network.net_ping(t.context(), "bank:5000")).data["answered"]
        assert network.net_status(t.context()).data["bearers"][0]["ready"] is False
    finally:
        Bearer.ready = True
    raises(TechError, network.net_status, status_of_a_stopped_terminal())
    await t.end()


def status_of_a_stopped_terminal():
    from app.tech.context import Context

    return Context()


def test_a_trace_shows_commands_and_no_secret():
    for text, shown in (
        ("AT+CSQ", "AT+CSQ"),
        ('AT+CPIN="4711"', "AT+CPIN=***"),
        ('AT+QICSGP=1,1,"apn","user","word",1', 'AT+QICSGP=1,1,"apn",***'),
        ('AT+CGAUTH=1,1,"user","word"', "AT+CGAUTH=***"),
        ('AT+CIPOPEN=0,"TCP","10.1.2.3",5000', 'AT+CIPOPEN=0,"TCP","10.1.2.3",5000'),
        ("+CSQ: 20,99", "+CSQ: 20,99"),
        ("866344050000001", "*" * 15),
        ("+ICCID: 89860012345678901234", "+ICCID: " + "*" * 20),
        ("0200703e02", "*" * 10),
        ("b\x00%\x00", "(4 characters)"),
        ("6225\xff", "(5 characters)"),
    ):
        assert network.blot(text) == shown, (text, network.blot(text))


# ---- self-test ----------------------------------------------------------------------------------


async def test_the_self_test_tries_everything_once():
    t = await trading(1)
    bootstate.display = Display()
    said = []
    found = await selftest.selftest(t.context(said))
    data = found.data
    assert data["passed"] and data["locked"] == ""
    assert tuple(r["name"] for r in data["results"]) == selftest.NAMES
    by_name = {r["name"]: r for r in data["results"]}
    assert by_name["firmware"]["reason"] == "no image" and by_name["battery"]["status"] == "skip"
    assert "TMK" in by_name["keys"]["reason"] and "PIK" in by_name["keys"]["reason"]
    assert by_name["keypad"]["status"] == by_name["printer"]["status"] == "pass"
    assert "PASSED" in repr(found) and len(said) == len(selftest.NAMES) + 5
    assert t.health.last_s is not None  # it counts as the daily one
    e = await araises(TechError, selftest.selftest(t.context(), "nonsense"))
    assert "nonsense" in e.args[0]
    await t.end()


async def test_what_is_broken_fails_by_name():
    t = await trading(1)
    t.keypad.stuck = ("5",)
    t.printer.outcome = ("fault", "cover")
    t.vault._slots["TMK"][0] ^= 1
    bootstate.vfs_problem = "vfs"
    try:
        names = ("keypad", "printer", "keys", "vfs")
        data = (await selftest.selftest(t.context(), *names)).data
    finally:
        bootstate.vfs_problem = None
    assert not data["passed"]
    assert {r["name"]: (r["status"], r["reason"]) for r in data["results"]} == {
        "keypad": ("fail", "stuck: 5"), "printer": ("fail", "cover"),
        "keys": ("fail", "vault is not what is in use"), "vfs": ("fail", "vfs"),
    }  # fmt: skip
    await t.end()


async def test_a_whole_self_test_of_the_technician_locks_and_lifts():
    t = await trading(1)
    bootstate.display = Display()
    t.vault._slots["TMK"][0] ^= 1
    found = await selftest.selftest(t.context())
    assert found.data["locked"] == "E-19-2" and "LOCKED E-19-2" in repr(found)
    t.vault._slots["TMK"][0] ^= 1
    for _ in range(100):
        if "E-19-2" in t.glass():
            break
        await asyncio.sleep_ms(500)
    found = await selftest.selftest(t.context())
    assert found.data["passed"] and found.data["locked"] == ""
    await t.end()


# ---- report, and requirement 7 ------------------------------------------------------------------


async def test_the_report_is_one_json_with_everything_for_the_workshop():
    t = await trading(1)
    data = json.loads((await report.report(t.context())).json())
    assert data["format"] == 1 and data["status"]["board"] == "SY_TEST"
    assert data["settings"]["tid"] == "58402001" and data["journal"]["used"] == 1
    assert data["network"]["bearers"][0]["name"] == "4G" and data["log"]
    assert {r["name"] for r in data["selftest"]} == {"memory", "clock", "vfs", "keys", "crypto"}
    await t.end()


# Every row of the table whose function is here, with arguments.
CALLS = {
    "status": (), "version": (), "counters": (), "selftest": (), "keypad": (1,),
    "display.test": (), "printer.test": (), "printer.status": (), "net.status": (),
    "net.ping": (), "journal.summary": (), "journal.export": (), "log": (50,), "settings": (),
    "settings.export": (), "report": (), "help": (),
}  # fmt: skip


async def test_sec7_no_command_shows_more_of_a_key_than_its_check_value():
    t = await trading(1)
    bootstate.display = Display()
    kept = bytes(t.vault.get("TMK"))
    t.vault.put(TMK=bytearray(CANARY_TMK))
    check = Key(TMK, CANARY_TMK).check_value()
    log.info("a careless line with %s in it", CANARY_PAN)
    said = []
    for path, arguments in CALLS.items():
        found = commands.call(t.context(said), path, arguments)
        if hasattr(found, "send"):
            found = await found
        said.append(repr(found))
        said.append(found.json())
    t.vault.put(TMK=bytearray(kept))
    out = "\n".join(said)
    assert hexlify(check[:3]).decode().upper() in out  # it is there, and it is all that is there
    never = [hexlify(check).decode(), CANARY_PAN, CANARY_WIFI, PASSWORD, "6225000000", "0000014="]
    for name in t.vault.names():
        value = bytes(t.vault.get(name))
        for i in range(0, len(value) - 3, 4):
            never.append(hexlify(value[i : i + 4]).decode())
    for i in range(0, 13, 4):
        never.append(hexlify(CANARY_TMK[i : i + 4]).decode())
    low = out.lower()
    for secret in never:
        assert secret not in low, secret
    assert PASSWORD not in out and len(out) > 5000
    await t.end()
