"""Writes host_tests/devices.md: which test stands for which failure of real devices.

A test says it in its name: test_p2_what_it_shows. Tests of the failures that the issue trackers of
other drivers know (FAMILIES with a list) must also show that a naive driver fails: they name a
module naive_*.py. With --check nothing is written, and a list that is not up to date, a failure
without a test or a test without its naive driver are errors.
"""

import ast
import re
import sys

import named_tests

LIST = named_tests.TESTS / "devices.md"

# What breaks in the field, and where it was reported.
PAINS = {
    "P1": ("Chinese prints as mojibake, the first line most of all",
           "python-escpos#491 #269 #190 #281, node-thermal-printer#57, ESC-POS-.NET#86"),
    "P2": ("the printer's buffer overruns: rows are missing, or images come out as characters",
           "ESC-POS-.NET#227, thermalprinter#9, EscPosEncoder#108, apple/cups#287"),
    "P3": ("paper ends in mid image, and the next job prints garbage",
           "flutter_thermal_printer#8"),
    "P4": ("a status is the previous answer, or never comes; no answer is taken for no paper",
           "escpos-rs#18, escpos-netprinter#1"),
    "P5": ("every printer is another model", "python-escpos: capability profiles"),
    "M1": ("an unsolicited line in the middle of a response or of its data",
           "TinyGSM#628 #197"),
    "M2": ("the prompt, and something unsolicited behind it; replies differ by firmware",
           "LilyGo-Modem-Series#418"),
    "M3": ("the module restarts by itself; noise while the baud rate changes",
           "esp-protocols#789"),
    "M4": ("sends of more than 1,400 bytes fail", "TinyGSM#50"),
    "M5": ("a signal of 99 is unknown, not none", "LilyGo-T-SIM7600X#346"),
    "M6": ("a dead modem hangs the terminal; a lost link is not noticed",
           "micropython#4708 #5566 #6541"),
    "M7": ("lines come in pieces or together; a full buffer", "micropython#5442 #8867 #3704"),
    "M8": ("one time-out for all commands is too short for some", "esp-protocols#129"),
    "K1": ("ghost keys from reading before the lines have settled", "circuitpython#7621"),
    "K2": ("three keys on the corners of a rectangle close a fourth", "any diode-less matrix"),
    "K3": ("a missed edge of the key controller's interrupt strands keys", "esphome#18521"),
    "K4": ("bouncing contacts, noise on a long cable", "pad4pi#7"),
    "K5": ("presses are lost while a receipt prints", "spec: 10 presses a second"),
    "K6": ("a press is felt late while the terminal works", "spec: at most 40 ms"),
    "K7": ("long press and repeat by accident", "spec"),
    "K8": ("the PIN shows in tone, timing, log or by a keypad left alone", "PCI PTS B"),
    "K9": ("a stuck key makes the keypad useless or presses by itself", "spec"),
    "K10": ("the queue is full", "circuitpython#4891"),
    "K11": ("a keypad that is dead after a change elsewhere, Clear without effect, wrong units",
            "LNPoS#13 #36"),
    "D1": ("a Chinese font fills the RAM", "font-to-py#35 #36 #11, st7789_mpy#126"),
    "D2": ("a character that the font lacks", "MicroHydra#75"),
    "D3": ("a colour frame buffer does not fit", "153,600 bytes at 240x320"),
    "D4": ("everything is sent for one digit", "framebuf.show()"),
    "D5": ("a refresh stops the loop", "nano-gui: do_refresh"),
    "D6": ("noise in the controller's RAM, its offset, the glass mounted another way round",
           "data sheets"),
}  # fmt: skip

# What our own models and reading of data sheets brought up; the tests' sentences say what.
FAMILIES = {
    "P": "Printer", "M": "Modem", "K": "Keypad", "D": "Display", "W": "Wi-Fi", "E": "Ethernet",
    "S": "Magnetic stripe", "Q": "Code scanner", "T": "Touch", "B": "Battery and power",
    "R": "Clock chip", "Z": "Sound, sensors, tamper switch",
}  # fmt: skip
_NAME = re.compile(r"test_([a-z]\d{1,2})_")


def cases():
    """[(file, test, id, sentence, whether a naive driver is in it)], by id."""
    out = []
    for path, source, node, doc in named_tests.functions():
        match = _NAME.match(node.name)
        if match and match[1][0].upper() in FAMILIES:
            body = ast.get_source_segment(source, node) or ""
            naive = "naive" in body.lower()
            text = named_tests.sentence(doc)
            out.append((path, node.name, match[1].upper(), text, naive))
    return sorted(out, key=lambda c: (list(FAMILIES).index(c[2][0]), int(c[2][1:]), c[0], c[1]))


def document(found):
    lines = [
        "# What breaks in the field, and the tests that stand for it",
        "",
        "Written by `tools/devices_list.py` from the tests' names and docstrings; a test keeps it",
        "so. A test marked + runs the same check on a naive driver, and that one fails it.",
        f"{len(found)} tests.",
    ]
    for letter, title in FAMILIES.items():
        lines += ["", f"## {title}"]
        last = ""
        for path, name, tag, sentence, naive in found:
            if tag[0] != letter:
                continue
            if tag != last and tag in PAINS:
                lines += ["", f"### {tag}: {PAINS[tag][0]}", "", f"Seen in: {PAINS[tag][1]}", ""]
            elif tag != last and not last:
                lines.append("")
            last = tag
            lines.append(f"* {'+' if naive else '-'} `{path}` `{name}`: {sentence}")
    return "\n".join(lines) + "\n"


def complaints(found):
    out = [f"no test for {tag}" for tag in PAINS if tag not in {c[2] for c in found}]
    for tag in PAINS:
        tests = [c for c in found if c[2] == tag]
        if tests and not any(c[4] for c in tests):
            out.append(f"{tag}: no test shows that a naive driver fails")
    out += [f"{path}: {name} says nothing" for path, name, _, text, _ in found if not text]
    return out


if __name__ == "__main__":
    sys.exit(named_tests.main(LIST, cases(), complaints, document, sys.argv[1:]))
