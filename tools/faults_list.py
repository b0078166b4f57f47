"""Writes host_tests/faults.md: which test proves which invariant and meets which fault.

A test says it at the beginning of its docstring, [I3 F2] What it shows, or in its name,
test_i3_f2_what_it_shows. With --check nothing is written, and a list that is not up to date, an
invariant or a fault without a test, or fewer than 60 cases are errors.
"""

import re
import sys

import named_tests

LIST = named_tests.TESTS / "faults.md"
LEAST = 60

INVARIANTS = {
    "I1": "written before it is sent, and before it is shown",
    "I2": "one final state a record; states only move forward; sums agree",
    "I3": "one key for life; every send after the first is marked a repeat",
    "I4": "sent without an answer is unknown: a reversal is owed; advices go again",
    "I5": "reversals first, never given up; then advices, then notices; settlement waits",
    "I6": "dependent messages never overtake; a poisoned record is parked, the rest go on",
    "I7": "limits before an offline approval, each with its reason",
    "I8": "retry with growing, jittered pauses; reset at link-up; one message in flight",
    "I9": "order and age do not depend on the calendar",
    "I10": "check sums, torn tails, copies before erasing, stated wear",
    "I11": "flash full or damaged: nothing new, the readable goes out, the rest is counted",
    "I12": "schema versions: an update and going back with records pending",
    "I13": "no card data in clear; sealed, and gone after the final state",
    "I14": "count and amount by state on screen, paper, REPL and simulator",
    "I15": "draining a thousand records takes no more memory than draining one",
}
FAULTS = {
    "F1": "power cut at every flash operation, clean and torn, and between them",
    "F2": "link cut before, in and after request and reply",
    "F3": "host: silent, late, twice, wrong, refusing, garbage",
    "F4": "a sale during an upload",
    "F5": "reboot storm during a drain",
    "F6": "clock jumps",
    "F7": "capacity: the limit and one more, trace numbers that come round",
    "F8": "flash full",
    "F9": "schema 1 to 2 and back with ten pending",
    "F10": "keys change between store and forward",
    "F11": "paper out after the approval",
    "F12": "30 % loss and 10 s round trips for a day",
}
_NAMED = re.compile(r"test_((?:[if]\d+_)+)")
_TAGS = re.compile(r"\[((?:[IF]\d+ ?)+)\]")


def cases():
    """[(file, test, tags, sentence)] of every test that carries tags."""
    out = []
    for path, _, node, doc in named_tests.functions():
        tags = _tags(node.name, doc)
        if tags:
            words = _TAGS.sub("", doc, count=1).strip()
            out.append((path, node.name, tags, re.split(r"(?<=[.])\s", words)[0]))
    return out


def _tags(name, doc):
    """Tags of a test, by its docstring and its name."""
    found = _TAGS.match(doc)
    named = _NAMED.match(name)
    out = found[1].split() if found and name.startswith("test_") else []
    out += [tag for tag in (named[1].upper().split("_") if named else []) if tag not in out]
    return [tag for tag in out if tag]


def document(found):
    lines = [
        "# Invariants, faults, and the tests that prove them",
        "",
        "Written by `tools/faults_list.py` from the tests' docstrings; a test keeps it so.",
        f"{len(found)} named cases. Beside them: `make histories` (random days) and "
        "`make powercut` (every cut).",
    ]
    for title, table in (("Invariants", INVARIANTS), ("Faults", FAULTS)):
        lines += ["", f"## {title}"]
        for tag, what in table.items():
            lines += ["", f"### {tag}: {what}", ""]
            lines += [
                f"* `{path}` `{name}`" + (f": {text}" if text else "")
                for path, name, tags, text in found
                if tag in tags
            ]
    return "\n".join(lines) + "\n"


def complaints(found):
    used = {tag for _, _, tags, _ in found for tag in tags}
    known = INVARIANTS.keys() | FAULTS.keys()
    out = [f"no test for {tag}" for tag in sorted(known - used)]
    out += [f"no such tag: {tag}" for tag in sorted(used - known)]
    if len(found) < LEAST:
        out.append(f"{len(found)} cases, at least {LEAST} are wanted")
    return out


if __name__ == "__main__":
    sys.exit(named_tests.main(LIST, cases(), complaints, document, sys.argv[1:]))
