"""ports, info, selftest, status, log, audit, report, ping, reboot, version."""

import json
import time

from .. import ports
from ..errors import NEGATIVE
from ..output import table
from ..work import write_text

_SELFTEST_S = 120  # the printer test waits for paper to come out


def register(add, group):
    add("ports", "serial ports, their USB ids, and which may be a terminal", run_ports)
    add("info", "who the terminal on the port is, and how it is", run_info)
    add("status", "the terminal's state: paper, network, what is owed", run_status)
    add("version", "versions of firmware, bundle and MicroPython", run_version)
    p = add("selftest", "run the self-tests; exit 1 when one fails", run_selftest)
    p.add_argument("names", nargs="*", help="only these (default: all)")
    p = add("log", "the last lines of the log", run_log)
    p.add_argument("-n", type=int, default=50, help="how many (default 50)")
    p = add("audit", "the last events of the audit log", run_audit)
    p.add_argument("-n", type=int, default=20, help="how many (default 20)")
    p.add_argument(
        "--verify", action="store_true", help="check the whole chain; exit 1 when broken"
    )
    p = add("report", "save a report for the developers: no secrets, no card numbers", run_report)
    p.add_argument("file", nargs="?", help="where to (default: report-DATE.json)")
    p = add("ping", "time to the acquirer's host and back", run_ping)
    p.add_argument("host", nargs="?", help="another host")
    add("counters", "what the terminal has counted: sales, faults, restarts", run_counters)
    add("reboot", "restart the terminal, when it is idle", run_reboot)


def run_ports(work):
    rows = ports.found()
    columns = ["port", "guess", "usb", "serial", "chip"]
    lines = table(rows, columns) if rows else ["no serial ports: plug the terminal in"]
    work.out.result(rows, lines)


def run_info(work):
    if work.out.as_json:
        parts = {name: work.call(name) for name in ("version", "status")}
        work.out.result({"port": work.port(), **parts})
        return
    work.out.say(f"port: {work.port()}")
    work.show("version")
    work.show("status")


def run_status(work):
    work.show("status")


def run_version(work):
    work.show("version")


def run_selftest(work):
    data = work.call("selftest", *work.args.names, wait_s=_SELFTEST_S)
    failed = [r["name"] for r in data["results"] if r["status"] == "fail"]
    lines = ["FAILED: " + " ".join(failed) if failed else "PASSED"]
    if data["locked"]:
        lines.append(f"LOCKED {data['locked']}: the terminal does not sell until all tests pass")
    work.out.result(data, lines)
    return 0 if data["passed"] else NEGATIVE


def run_log(work):
    work.show("log", work.args.n)


def run_audit(work):
    if work.args.verify:
        data = work.call("audit.verify", wait_s=_SELFTEST_S)
        work.out.result(data)
        return 0 if data["holds"] else NEGATIVE
    work.show("audit.last", work.args.n)


def run_report(work):
    data = work.call("report", wait_s=_SELFTEST_S)
    file = work.args.file or time.strftime("report-%Y%m%d-%H%M%S.json")
    write_text(file, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    work.out.result({"file": file, "parts": list(data)}, [f"saved {file}"])


def run_ping(work):
    host = [work.args.host] if work.args.host else []
    data = work.call("net.ping", *host)
    way = f"{data['ms']} ms ({data['via']})"
    line = f"answer in {way}" if data["answered"] else f"NO ANSWER after {way}: {data['detail']}"
    work.out.result(data, [line])
    return 0 if data["answered"] else NEGATIVE


def run_counters(work):
    work.show("counters")


def run_reboot(work):
    work.show("reboot")
