"""`make size`: what the firmware takes of ROM and RAM on the 32-bit machine."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import grimp

from . import build, qemu
from .bench import McuBench
from .flows import DAY
from .toolchain import ROOT, say

FIRMWARE = ROOT / "firmware"
# The simulated chip: imported first, so that the modules' own cost is what comes after.
CHIP = ("wires", "bus", "time", "machine", "esp32", "vtasks")

# Its import starts to build the terminal: what it keeps is in the numbers of the day.
NOT_ALONE = ("app.root",)

# How the tools of MicroPython name what they freeze.
_SYMBOL = re.compile(
    r"(?:fun_data_native|fun_data|raw_code|proto_fun|children|frozen_module|const_obj_table_data"
    r"|const_qstr_table_data|const_\w+?)_(.+)"
)

# Measures imports one by one.
_IMPORTS = """
import gc
def used():
    gc.collect()
    return gc.mem_alloc()
last = used()
for name in {names}:
    __import__(name)
    now = used()
    print(name, now - last)
    last = now
"""


class MemoryBench(McuBench):
    """A McuBench that looks at the heap at every wait while `peak` is not None."""

    peak = None
    _looking = False

    def step(self, until_us):
        super().step(until_us)
        bus = self._bus
        if self.peak is not None and not self._looking and bus.waiting is not None:
            self._looking = True
            try:
                self.peak = max(self.peak, self.memory()[1])
            finally:
                self._looking = False


def modules():
    """Names of the firmware's modules, each behind those that it imports: what an import costs is
    then the module's own."""
    sys.path.insert(0, str(FIRMWARE))
    try:
        graph = grimp.build_graph("app", "drivers", cache_dir=None)
    finally:
        sys.path.remove(str(FIRMWARE))
    order = []

    def visit(name):
        if name in seen:
            return
        seen.add(name)
        parent = name.rpartition(".")[0]
        for needed in sorted(graph.find_modules_directly_imported_by(name) | {parent} - {""}):
            visit(needed)
        order.append(name)

    seen = set()
    for name in sorted(graph.modules):
        visit(name)
    return order


def frozen_bytes(elf):
    """{module: bytes of ROM}: code, constants and tables of the frozen modules, by symbols."""
    nm = subprocess.run(
        ["riscv64-unknown-elf-nm", "--print-size", str(elf)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = {m.replace(".", "_"): m for m in modules()}
    out = dict.fromkeys(names.values(), 0)
    for line in nm.splitlines():
        parts = line.split()
        if len(parts) != 4:
            continue
        match = _SYMBOL.match(parts[3])
        symbol = match[1] if match else ""
        best = max((n for n in names if symbol.startswith((n + "_", n + "__"))), key=len,
                   default=None)  # fmt: skip
        if best:
            out[names[best]] += int(parts[1], 16)
    return out


def import_bytes():
    """{module: bytes of heap that its import keeps}, with "chip" for the simulated one."""
    elf, assets = build.elf("large"), build.assets()
    with tempfile.TemporaryDirectory() as folder:
        memory = qemu.Memory(Path(folder) / "ram.bin")
        listener, port = qemu.serve()
        process = qemu.Qemu(elf, assets, memory, port)
        try:
            sock, _ = listener.accept()
            ours = [m for m in modules() if m not in NOT_ALONE]
            drivers = [m for m in ours if m.split(".")[0] == "drivers"]
            rest = [m for m in ours if m not in drivers]
            names = [*CHIP, "asyncio", *drivers, "board", *rest]
            lines = qemu.Prompt(sock).run(qemu.NO_RACK + _IMPORTS.replace("{names}", repr(names)))
            sock.close()
        finally:
            process.kill()
            listener.close()
    found = {name: int(n) for name, n in (line.split() for line in lines)}
    chip = sum(found.pop(name) for name in CHIP)
    del found["board"]
    return {"chip": chip, **found}


def day(variant="standard"):
    """Heap after boot and peak of each flow: a dict of numbers."""
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = MemoryBench(folder, variant)
        try:
            bench.provision()
            bench.start()
            bench.expect("未签到", 120_000)
            bench.run_for(3000)
            free, used, largest, before = bench.memory()
            out["idle"] = {"free": free, "used": used, "largest": largest}
            for name, flow in DAY:
                say(f"memory: {name}")
                before = bench.memory()[3]
                bench.peak = 0
                flow(bench)
                peak, bench.peak = bench.peak, None
                after = bench.memory()
                out[name] = {"peak": peak, "used": after[1], "allocated": after[3] - before}
            if bench.restarts:
                raise RuntimeError(bench.report("the terminal restarted"))
        finally:
            bench.close()
    return out


def measure():
    """Everything: {"modules": {name: {"rom", "ram"}}, "chip": bytes, "day": {...}}."""
    say("size: frozen modules")
    rom = frozen_bytes(build.elf("standard"))
    ram = import_bytes()
    chip = ram.pop("chip")
    if chip < build.CHIP:
        raise RuntimeError(f"the simulated chip takes {chip} bytes, build.CHIP gives {build.CHIP}")
    rows = {m: {"rom": rom[m], "ram": ram.get(m)} for m in modules()}
    return {"modules": rows, "chip": chip, "day": day()}
