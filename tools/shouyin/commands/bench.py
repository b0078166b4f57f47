"""Devices one by one: keypad, display, printer, modem, net."""

from ..errors import NEGATIVE


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


def _test(work, path):
    data = work.call(path, wait_s=120)
    work.out.result(data)
    return 0 if data.get("ok", True) else NEGATIVE


def run_display(work):
    return _test(work, "display.test")


def run_printer_test(work):
    return _test(work, "printer.test")


def run_printer_status(work):
    work.show("printer.status")


def run_modem_status(work):
    work.show("modem.status")


def run_modem_trace(work):
    seconds = work.args.seconds
    work.show("modem.trace", seconds, wait_s=seconds + 30)


def run_net_status(work):
    work.show("net.status")
