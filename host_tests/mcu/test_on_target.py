"""Every file of host_tests/on_target on the 32-bit machine, over one serial connection."""

import os
from pathlib import Path

import pytest
from mcu import build, qemu

from simulator import ontarget

ON_TARGET = Path(__file__).resolve().parents[1] / "on_target"
# The emulator is some ten times slower than the Unix port.
SLOW = 40
FILES = sorted(p.stem for p in ON_TARGET.glob("test_*.py"))
# What cannot be there: name of the file or of a test, and why.
LEFT_OUT = {
    "test_histories": "its modules (host_tests/histories) are not in the image; needs 1 MB",
    "test_powercut_saf": "as test_histories",
    "test_display_large": "the memory of a 320x480 controller does not fit beside the driver's",
    "test_display_screens": "as test_display_large",
    "test_display_pains": "a naive driver's frame does not fit",
    "test_display_font": "draws 7,445 characters twice; one colour frame beside its controller's",
    "test_models_tft": "the memory of a 320x480 controller needs one piece of 76,800 bytes",
    "test_small_sensors": "locks the heap around the simulated chip, whose numbers allocate there",
    "test_small_rtc": "its calendar goes beyond 2038, the simulated chip's ends there on 32 bits",
    "test_keypad_load": "the models of keys, printer and modem do not fit beside each other",
    "test_printer_pains": "the paper of two printers does not fit",
    "test_simboard": "tests the simulated board of the Unix port: its files, its sockets",
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """The prompt of a machine that runs the tests' variant."""
    elf = build.elf("tests")
    memory = qemu.Memory(tmp_path_factory.mktemp("mcu") / "ram.bin")
    listener, port = qemu.serve()
    process = qemu.Qemu(elf, build.assets(), memory, port)
    sock, _ = listener.accept()
    prompt = qemu.Prompt(sock)
    yield prompt
    sock.close()
    listener.close()
    process.kill()


@pytest.mark.parametrize("name", FILES)
def test_file(machine, name):
    if name in LEFT_OUT:
        pytest.skip(LEFT_OUT[name])
    machine.reset()
    settings = {"SLOW": SLOW}
    if "SEED" in os.environ:
        settings["SEED"] = os.environ["SEED"]
    try:
        lines = machine.run(qemu.call("test", name, **settings), limit_s=600)
    except qemu.PromptError as e:
        pytest.fail(f"{name} broke off:\n{e}")
    output = "\n".join(lines)
    results = ontarget.parse(output)
    wanted = ontarget.test_names((ON_TARGET / f"{name}.py").read_text())
    assert sorted(results) == sorted(wanted), output[-3000:]
    failed = {n: text for n, (passed, text) in results.items() if passed is False}
    assert not failed, "\n".join(f"{n}\n{text}" for n, text in failed.items())
    print(f"{len(results)} tests, {sum(r[0] is None for r in results.values())} skipped")
