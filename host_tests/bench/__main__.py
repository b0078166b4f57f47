"""`make bench`: flash wear beside littlefs, the codec beside pyiso8583 and cryptography, viper
beside bytecode. Ratios and counts, no absolute times: the machine is shared."""

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


def flash():
    """Wear of the three shapes, a dict each."""
    results = []
    for word, *rest in lines(target("flash_wear.py", TRANSACTIONS)):
        if word == "progress":
            progress("flash: " + " ".join(rest))
        elif word == "result":
            results.append(json.loads(" ".join(rest)))
    progress("")
    print(f"Flash wear, {TRANSACTIONS} sales of 3 commits (intent, outcome, receipt printed),")
    print("a settlement every 250, blocks of 4 KiB, the same records in every shape:\n")
    print(f"{'':<36}{'bytes/sale':>11}{'programs/sale':>15}{'erases/sale':>13}"
          f"{'of them while a customer waits':>32}")  # fmt: skip
    ours = results[0]
    for r in results:
        n = r["transactions"]
        print(
            f"{r['shape']:<36}{r['bytes'] / n:>11.0f}{r['programs'] / n:>15.1f}"
            f"{r['erases'] / n:>13.3f}{r['erases_paid'] / n:>32.3f}"
        )
    for r in results[1:]:
        print(
            f"  {r['shape']}: {r['bytes'] / ours['bytes']:.1f} x the bytes, "
            f"{r['erases'] / ours['erases']:.0f} x the erases"
        )
    if ours["erases_paid"]:
        sys.exit("the journal erased on the payment path")
    chart = OUT / "flash.png"
    bars(
        [
            (title, [(r["shape"], r[key] / r["transactions"]) for r in results])
            for title, key in (("bytes per sale", "bytes"), ("erases per sale", "erases"))
        ]
    ).save(chart)  # fmt: skip
    print(
        f"\nerases on the payment path: {ours['erases_paid']}    chart: {chart.relative_to(ROOT)}"
    )
    return results


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
    results = {"flash": flash(), "codec_ratio": codec(), "des_ratio": des()}
    (OUT / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
