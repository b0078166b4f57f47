# The acceptance test of a newly set-up terminal, and its installation report.
#
#   tech.acceptance()       self-test, sign-in, echo test, master key, test print: a table
#   tech.install_report()   on paper, kept on the data volume, and returned

from binascii import hexlify

import board

from ..kernel import clock, log
from ..store import files
from ..text import strings
from ..ui.manager import Busy
from ..ui.screens import Progress
from ..version import VERSION
from . import activation
from .context import TechError
from .result import Result

_KEPT = activation.ACCEPTED
_REPORT = "/install.json"

_PAPER = (("安装测试/ACCEPTANCE TEST", "cb"), ("收银 SHOUYIN 0123456789", ""),
          ("若此行清晰,打印正常", ""), ("If this is readable, it prints.", ""))  # fmt: skip

_CANNOT = "the terminal cannot trade yet: tech.status() says why"

# item: label on paper
_ITEMS = {
    "self-test": "自检/SELF-TEST",
    "sign-in": "签到/SIGN-IN",
    "echo": "回响/ECHO",
    "master key": "主密钥/MASTER KEY",
    "print": "打印/PRINT",
}


def _quiet(stage):
    pass


def _why(result):
    return "" if result.approved else result.code or result.why or "no answer"


def _operator(app):
    return app.operator or app.operators.numbers()[0]


async def _self_test(ctx):
    try:
        from . import selftest
    except ImportError:
        return None, "not part of this firmware"
    result = selftest.selftest(ctx)
    if hasattr(result, "send"):
        result = await result
    ok = bool(result.data.get("ok", result.data.get("passed")))
    return ok, "" if ok else "see tech.selftest()"


async def _sign_in(ctx):
    result = await ctx.app.engine.sign_in(_operator(ctx.app), _quiet)
    return result.approved, _why(result)


async def _echo(ctx):
    result = await ctx.app.engine.echo(_quiet)
    return result.approved, _why(result)


async def _master_key(ctx):
    from ..host.keyring import KeyRing

    have = KeyRing(ctx.vault()).check_values().get("TMK")
    if have is None:
        return False, "none"
    info = activation.done()
    if info is None:
        return None, "KCV %s, none is expected" % have
    return have == info["kcv"], "KCV %s, expected %s" % (have, info["kcv"])


async def _print(ctx):
    result = await ctx.app.printer.print(list(_PAPER))
    return result.status == "ok", getattr(result, "reason", "") or ""


# The self-test looks itself whether anybody is served; the others keep the glass.
_ALONE = (("self-test", _self_test),)
_TESTS = (
    ("master key", _master_key), ("sign-in", _sign_in), ("echo", _echo), ("print", _print)
)  # fmt: skip


async def _on_the_glass(ctx, work):
    """Run the coroutine function `work` while the glass shows that something goes on, so that
    nobody sells meanwhile. TechError."""
    app = ctx.app
    if app is None:
        raise TechError(_CANNOT)

    async def flow():
        app.ui.show(Progress(strings.text("notice"), strings.text("please_wait")))
        return await work(ctx)

    try:
        return await app.ui.borrow(flow)
    except Busy:
        raise TechError("somebody is using the terminal: go back to its first screen")


async def _rows(ctx, tests):
    rows = []
    for name, test in tests:
        ok, detail = await test(ctx)
        rows.append({"item": name, "ok": ok, "detail": detail})
        ctx.say("%s: %s %s" % (name, _word(ok), detail))
    return rows


def _word(ok):
    return "-" if ok is None else "OK" if ok else "FAILED"


def _now():
    return "%04d-%02d-%02d %02d:%02d:%02d" % clock.now()


async def acceptance(ctx):
    """All items, in order; an item without a judgement (no expected KCV) does not fail the test.
    Kept for the report. TechError when the terminal cannot be tested."""
    ctx.real()
    if ctx.app is None:
        raise TechError(_CANNOT)
    rows = await _rows(ctx, _ALONE)
    rows += await _on_the_glass(ctx, lambda ctx: _rows(ctx, _TESTS))
    passed = not any(row["ok"] is False for row in rows)
    data = {"passed": passed, "when": _now(), "items": rows}
    files.replace_json(board.DATA + _KEPT, data)
    ctx.audit("acceptance", "passed" if passed else "failed")
    lines = ["%-12s %-7s %s" % (r["item"], _word(r["ok"]), r["detail"]) for r in rows]
    return Result(data, lines + ["PASSED" if passed else "NOT PASSED"])


# ---- the report ---------------------------------------------------------------------------------


def _report(ctx):
    try:
        accepted = files.load_json(board.DATA + _KEPT)
    except ValueError:
        accepted = None
    if accepted is None:
        raise TechError("there is no result: tech.acceptance() first")
    settings, info = ctx.settings(), activation.done() or {}
    audit = getattr(ctx.terminal, "audit", None)
    head = bytes(4) if audit is None else audit.head()
    return {
        "merchant": settings["merchant_name"], "mid": settings["mid"], "tid": settings["tid"],
        "host": "%s:%d" % (settings["host"], settings["port"]), "board": board.NAME,
        "serial": "%06X" % board.serial(), "version": VERSION, "kcv": info.get("kcv", ""),
        "activation": info.get("sha256", "")[:16], "signer": info.get("signer", ""),
        "audit": int.from_bytes(head[:4], "little"), "audit_hash": hexlify(head[4:]).decode(),
        "printed": _now(), "acceptance": accepted,
    }  # fmt: skip


def paper(report):
    """Lines for the printer: what was set up, what was tested, and room for two signatures."""
    accepted = report["acceptance"]
    lines = [("安装报告", "cbwh"), ("INSTALLATION REPORT", "c"), ("", "-"),
             ("商户/MERCHANT:", ""), (report["merchant"], "b")]  # fmt: skip
    for label, name in (
        ("商户号/MID", "mid"), ("终端号/TID", "tid"), ("主机/HOST", "host"),
        ("型号/BOARD", "board"), ("序列号/SERIAL", "serial"), ("版本/VERSION", "version"),
        ("密钥/KCV", "kcv"), ("文件/FILE", "activation"), ("签发/SIGNER", "signer"),
        ("审计/AUDIT NO", "audit"),
    ):  # fmt: skip
        lines.append(("%s: %s" % (label, report[name]), ""))
    lines += [(report["audit_hash"], ""), ("", "-"), ("测试/TESTED: %s" % accepted["when"], "")]
    for row in accepted["items"]:
        lines.append(("%s: %s" % (_ITEMS.get(row["item"], row["item"]), _word(row["ok"])), ""))
        if row["ok"] is False and row["detail"]:
            lines.append(("  " + row["detail"], ""))
    verdict = "合格/PASSED" if accepted["passed"] else "不合格/NOT PASSED"
    lines += [(verdict, "cbh"), ("", "-"), ("安装人员签名/TECHNICIAN:", ""), ("", ""), ("", ""),
              ("", "-"), ("商户签名/MERCHANT:", ""), ("", ""), ("", ""), ("", "-"),
              (report["printed"], "c")]  # fmt: skip
    return lines


async def install_report(ctx):
    """Print the report, keep it, return it. TechError."""
    ctx.real()
    report = _report(ctx)

    async def work(ctx):
        return await ctx.app.printer.print(paper(report))

    result = await _on_the_glass(ctx, work)
    report["on_paper"] = result.status == "ok"
    files.replace_json(board.DATA + _REPORT, report)
    if not report["on_paper"]:
        log.warning("installation report: %s", result.reason)
    return Result(report)
