"""`make bench`: flash wear beside littlefs, the codec beside pyiso8583 and cryptography, viper
beside bytecode; bytes on the bus and loop gaps of displays, printer and modem. Ratios and counts,
no absolute times: the machine is shared."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from acquirer import keys, packing
from acquirer.cards import CARDS
from simulator import board_process

from .chart import bars
from .displays import displays
from .modem import modem
from .printer import printer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "out" / "bench"
TRANSACTIONS = 1000
ROUNDS, SALES = 9, 300
MAK = bytes.fromhex("0123456789ABCDEF")


def target(script, *args, heap="8m"):
    """A script under the Unix port, as Popen; no simulated board: real time, plain memory."""
    path = [ROOT / "firmware", ROOT / "tools", ROOT / "host_tests" / "on_target"]
    env = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": tempfile.gettempdir(),
        "MICROPYPATH": ":".join(map(str, path)) + ":.frozen",
    }
    command = [
        board_process.interpreter(),
        "-X",
        f"heapsize={heap}",
        str(HERE / "on_target" / script),
    ]
    return subprocess.Popen(
        [*command, *map(str, args)], env=env, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, bufsize=1,
    )  # fmt: skip


def lines(process):
    """What it prints, line by line. SystemExit when it fails."""
    for line in process.stdout:
        yield line.split()
    if process.wait():
        sys.exit(f"{process.args[3]} failed")


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


# ---- flash --------------------------------------------------------------------------------------


# What one sale may cost at the most, all in.
BYTES_MAX, ERASES_MAX = 640, 0.2
# Reads of a boot for each block of the ring: what it is, its first record, its records, and the
# search for the newest state.
BOOT_READS_MAX = 4


def flash():
    """Wear and boots of the three shapes, a dict each."""
    results = []
    for word, *rest in lines(target("flash_wear.py", TRANSACTIONS)):
        if word == "progress":
            progress("flash: " + " ".join(rest))
        elif word == "result":
            results.append(json.loads(" ".join(rest)))
    progress("")
    print("What a sale costs in flash, all in: a day of 999 sales and a settlement that balances,")
    print("1 MiB in blocks of 4 KiB, the same records in every shape. A sale with the host is")
    print(
        "intent, outcome, receipt printed; one without it stored, receipt printed, send counted,"
    )
    print("uploaded; repeated is that with a first answer that was lost, five commits. (One file")
    print("per transaction: a tenth of the day.)")
    for what in ("online", "offline", "repeated"):
        wear_table(what, [r for r in results if r["what"] == what])
    boot_table([r for r in results if r["what"] == "boot"])
    chart(results)
    judge(results)
    return results


def wear_table(what, results):
    print(f"\n{what:<36}{'bytes/sale':>11}{'programs/sale':>15}{'erases/sale':>13}"
          f"{'of them while a customer waits':>32}")  # fmt: skip
    ours = results[0]
    for r in results:
        n = r["sales"]
        print(
            f"{r['shape']:<36}{r['bytes'] / n:>11.0f}{r['programs'] / n:>15.1f}"
            f"{r['erases'] / n:>13.3f}{r['erases_paid'] / n:>32.3f}"
        )
    for r in results[1:]:
        of = [r[key] / r["sales"] / (ours[key] / ours["sales"]) for key in ("bytes", "erases")]
        print(f"  {r['shape']}: {of[0]:.1f} x the bytes, {of[1]:.0f} x the erases")
    thousand = [1000 * ours[key] / ours["sales"] for key in ("bytes", "erases")]
    print(
        f"  journal, 1,000 sales with their settlement: {thousand[0] / 1024:,.0f} KiB, "
        f"{thousand[1]:.0f} erases"
    )


def boot_table(results):
    print(f"\n{'a boot, or mounting and reading all':<36}{'sales':>11}{'reads':>15}{'KiB':>13}")
    for r in results:
        print(f"{r['shape']:<36}{r['sales']:>11,}{r['reads']:>15,}{r['bytes'] / 1024:>13,.0f}")


def judge(results):
    """SystemExit when the journal does not keep what is promised for it."""
    ours = [r for r in results if r["shape"] == "journal"]
    days = [r for r in ours if r["what"] != "boot"]
    most = max(r["bytes"] / r["sales"] for r in days)
    erases = max(r["erases"] / r["sales"] for r in days)
    paid = sum(r["erases_paid"] for r in days)
    reads = max(r["reads"] / r["blocks"] for r in ours if r["what"] == "boot")
    kept = most <= BYTES_MAX and erases <= ERASES_MAX and not paid and reads <= BOOT_READS_MAX
    print(
        f"\ntarget: at most {BYTES_MAX} bytes and {ERASES_MAX} erases a sale, no erase on the "
        f"payment path,\n{BOOT_READS_MAX} reads a block at boot: {most:.0f} bytes, "
        f"{erases:.3f} erases, {paid} on the payment path, {reads:.1f} reads: "
        f"{'kept' if kept else 'NOT KEPT'}"
    )
    if not kept:
        sys.exit("the journal costs more than it may")


def chart(results):
    """Bars of what the tables say, in out/bench."""

    def group(title, what, key):
        chosen = [r for r in results if r["what"] == what]
        return title, [(r["shape"], r[key] / r["sales"]) for r in chosen]

    full = [r for r in results if r["what"] == "boot" and r["sales"] >= TRANSACTIONS - 1]
    groups = [
        group("bytes per sale", "online", "bytes"),
        group("erases per sale", "online", "erases"),
        group("bytes per sale without the host", "offline", "bytes"),
        group("erases per sale without the host", "offline", "erases"),
        (f"reads of a boot with {TRANSACTIONS:,} sales", [(r["shape"], r["reads"]) for r in full]),
    ]
    path = OUT / "flash.png"
    bars(groups).save(path)
    print(f"\nchart: {path.relative_to(ROOT)}")


# ---- codec --------------------------------------------------------------------------------------


def sale():
    """Fields of a swiped sale with PIN, as text."""
    card = CARDS[0]
    return {
        3: "000000", 4: "000000001234", 11: "000002", 22: "021", 25: "00", 26: "12",
        35: card.track2.replace("=", "D"), 41: "58402001", 42: "302440380621100", 49: "156",
        52: "0123456789ABCDEF", 53: "2600000000000000", 60: "22000001000200",
    }  # fmt: skip


def answer():
    """Frame of the host's answer to it."""
    fields = {
        3: "000000", 4: "000000001234", 11: "000002", 12: "093000", 13: "1123", 15: "1123",
        25: "00", 32: "00095840", 37: "093000000002", 38: "100002", 39: "00", 41: "58402001",
        42: "302440380621100", 44: "03010000   03025840   ", 49: "156", 60: "22000001000200",
        63: "CUP", 64: "0" * 8,
    }  # fmt: skip
    body = packing.pack(packing.Message("6000000003", "603100310001", "0210", fields))
    mac = keys.ecb_mac(MAK, packing.mac_input(body))
    return packing.frame(body[:-8] + mac.encode())


def peer(request, reply):
    """The same work by pyiso8583 and cryptography; returns the frame of the request."""
    fields = {**request, 64: "0" * 8}
    body = packing.pack(packing.Message("6000030000", "603100310001", "0200", fields))
    body = body[:-8] + keys.ecb_mac(MAK, packing.mac_input(body)).encode()
    message = packing.unpack(reply[2:])
    if keys.ecb_mac(MAK, message.mac_input) != message.fields[64]:
        sys.exit("the answer's MAC is wrong")
    return packing.frame(body)


def codec():
    """Ratios of our time to the peer's, one a round; the rounds alternate."""
    request, reply = sale(), answer()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump({"request": request, "answer": reply.hex(), "mak": MAK.hex()}, f)
        f.flush()
        process = target("codec.py", ROUNDS, SALES, f.name)
        found = lines(process)
        frame = bytes.fromhex(next(found)[1])
        if frame != peer(request, reply):
            sys.exit("the two codecs make different frames")
        ratios = []
        for n in range(ROUNDS):
            progress(f"codec: round {n + 1} of {ROUNDS}")
            start = time.perf_counter()
            for _ in range(SALES):
                peer(request, reply)
            theirs = (time.perf_counter() - start) * 1e6
            process.stdin.write("\n")
            ratios.append(int(next(found)[1]) / theirs)
        process.stdin.close()
        process.wait()
    progress("")
    print("\nA sale packed and MACed, its answer unpacked and checked; the same frames, byte for")
    print("byte, in MicroPython (ours) and in CPython (pyiso8583 and cryptography):\n")
    print(
        f"  ours takes {statistics.median(ratios):.2f} x the time of the peer "
        f"(median of {ROUNDS} rounds; {min(ratios):.2f} to {max(ratios):.2f})"
    )
    return ratios


# ---- triple DES ---------------------------------------------------------------------------------


def des():
    rounds = [(int(a), int(b)) for _, a, b in lines(target("des_speed.py"))]
    ratios = [fast / slow for fast, slow in rounds]
    fast, slow = (statistics.median(column) for column in zip(*rounds, strict=True))
    print("\nTriple DES, the same source with viper and as plain bytecode:\n")
    print(f"  viper {fast:,.0f} blocks/s, bytecode {slow:,.0f} blocks/s on this machine, now")
    print(f"  viper is {statistics.median(ratios):.0f} x as fast")
    return ratios


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    results = {
        "flash": flash(),
        "codec_ratio": codec(),
        "des_ratio": des(),
        "displays": displays(lines(target("displays.py"))),
        "printer": printer(target, lines),
        "modem": modem(target, lines),
    }
    (OUT / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
