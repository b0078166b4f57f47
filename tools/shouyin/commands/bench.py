"""Devices one by one: keypad, display, printer, modem, net."""

from ..errors import NEGATIVE

_TEST_S = 120


def register(add, group):
    keypad = group("keypad", "the keypad")
    p = add("test", "shows each key as it is pressed", run_keypad, keypad)
    p.add_argument("--seconds", type=int, default=20, help="how long (default 20)")
    display = group("display", "the display")
    add("test", "test pictures on the glass", run_display, display)
    printer = group("printer", "the printer")
    add("test", "prints a test slip", run_printer_test, printer)
    add("status", "paper, cover, heat", run_printer_status, printer)
    modem = group("modem", "the 4G modem")
    add("status", "SIM, network, signal", run_modem_status, modem)
    p = add("trace", "what modem and terminal say to each other", run_modem_trace, modem)
    p.add_argument("--seconds", type=int, default=10, help="how long (default 10)")
    net = group("net", "the ways to the acquirer")
    add("status", "bearers and connections", run_net_status, net)


def run_keypad(work):
    seconds = work.args.seconds
    work.show("keypad", seconds, wait_s=seconds + 30)


def run_display(work):
    data = work.call("display.test", wait_s=_TEST_S)
    line = f"FAULT: {data['fault']}" if data["fault"] else "look at them"
    work.out.result(data, [line])
    return NEGATIVE if data["fault"] else 0


def run_printer_test(work):
    data = work.call("printer.test", wait_s=_TEST_S)
    work.out.result(data, [f"{data['status']} {data['reason']}".rstrip()])
    return 0 if data["status"] == "ok" else NEGATIVE


def run_printer_status(work):
    work.show("printer.status")


def run_modem_status(work):
    work.show("modem.status")


def run_modem_trace(work):
    seconds = work.args.seconds
    work.show("modem.trace", seconds, wait_s=seconds + 30)


def run_net_status(work):
    work.show("net.status")
