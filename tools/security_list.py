"""Writes host_tests/security.md: which test proves which security requirement.

A test says it in its name, test_sec17_what_it_shows (test_sec6_sec28_...), or at the beginning of
its docstring, [SEC17] What it shows. With --check nothing is written, and a list that is not up to
date or a requirement of OURS without a test are errors. What nobody has built yet is listed as
that.
"""

import re
import sys

import named_tests

LIST = named_tests.TESTS / "security.md"

REQUIREMENTS = {
    1: "no card number, track, PIN or PIN block in log, exception, console, dump or event",
    2: "card numbers are masked on screen and paper",
    3: "track, CVV and PIN block are not kept behind the authorisation",
    4: "sensitive buffers are wiped after use",
    5: "the memory of a cancelled transaction is cleared",
    6: "keys are never in source, settings or a plain file; at rest they are sealed",
    7: "of a key only its check value is shown or exported",
    8: "manual key entry: two components by two people, each typed twice, not echoed",
    9: "TR-31 key blocks with usage and mode enforced",
    10: "a key in the wrong role raises",
    11: "DUKPT or session keys; counters that survive a power cut",
    12: "the MAC is verified before any field of a response is believed",
    13: "parsers: no crash, bounded memory",
    14: "TLS 1.2 or newer, own CA, host name, client certificate",
    15: "certificate dates against trusted time",
    16: "no fallback to an insecure mode; development builds are marked",
    17: "signed code: what is not signed or was changed is refused",
    18: "no way back to older code",
    19: "self-test at start and every 24 hours; what fails locks the terminal with a code",
    20: "roles; first passwords must be changed; slow, salted hashes",
    21: "five wrong passwords lock for 30 minutes, over restarts too",
    22: "a technician's session: idle limit, password again for keys, one-time challenge",
    23: "no Python prompt in a release; commands from a list, none prints a secret",
    24: "simulator and debugging listen on the loopback only and are in no release",
    25: "PIN entry: fixed times, no echo, no tones that tell digits apart",
    26: "numeric entry cannot be used to ask for a PIN in clear",
    27: "audit log: append-only, hash-chained, 10,000 events, nothing sensitive",
    28: "tamper and decommission erase keys and stored cards, over a power cut too",
    29: "random numbers from the hardware",
    30: "supply chain: pinned versions, bill of materials, reproducible bundle, no eval",
}
# Those that must have a test.
OURS = (6, 7, 8, 16, 17, 18, 19, 22, 23, 24, 27, 28, 30)

_NAMED = re.compile(r"test_((?:sec\d+_)+)")
_TAGS = re.compile(r"\[((?:SEC\d+ ?)+)\]")


def cases():
    """[(file, test, {requirements}, sentence)] of every test that carries one."""
    out = []
    for path, _, node, doc in named_tests.functions():
        named, tagged = _NAMED.match(node.name), _TAGS.match(doc)
        words = (named[1] if named else "") + (tagged[1] if tagged else "")
        numbers = {int(n) for n in re.findall(r"\d+", words)}
        if numbers and node.name.startswith("test_"):
            text = _TAGS.sub("", doc, count=1).strip()
            out.append((path, node.name, numbers, named_tests.sentence(text)))
    return out


def document(found):
    lines = [
        "# Security requirements, and the tests that prove them",
        "",
        "Written by `tools/security_list.py` from the tests' names and docstrings; a test keeps",
        f"it so. {len(found)} named tests. An ESP32 board is not a PCI-PTS-approved device: see",
        "the README's limits.",
    ]
    for number, what in REQUIREMENTS.items():
        tests = [
            f"* `{path}` `{name}`" + (f": {text}" if text else "")
            for path, name, numbers, text in found
            if number in numbers
        ]
        lines += ["", f"## {number}: {what}", ""]
        lines += tests or ["No test bears this number yet."]
    return "\n".join(lines) + "\n"


def complaints(found):
    used = {n for _, _, numbers, _ in found for n in numbers}
    out = [f"no test for requirement {n}" for n in OURS if n not in used]
    return out + [f"no such requirement: {n}" for n in sorted(used - REQUIREMENTS.keys())]


if __name__ == "__main__":
    sys.exit(named_tests.main(LIST, cases(), complaints, document, sys.argv[1:]))
