"""The whole terminal boots from a signed bundle in its flash, and does without one that is damaged
or crashes; a held key and repeated crashes end in the safe mode."""

import csv

import pytest
from conftest import Till

from bundle import board as boards
from bundle import build, header, keys, romfs, signers
from simulator import board_process
from simulator.bench import Bench, BenchError

VERSION = "9.8.7"
LOGIN = "操作员登录"
SAFE = "安全模式"


def slot_at(number, board="SY_CLASSIC"):
    """Where a slot begins in the flash."""
    with (boards.folder(board) / "partitions.csv").open() as f:
        rows = {row[0].strip(): row for row in csv.reader(f) if row}
    return int(rows[f"bundle_{number}"][3], 0)


def put(flash, data, number=0):
    with open(flash, "r+b") as f:
        f.seek(slot_at(number))
        f.write(data)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "release.pem"
    keys.make(path)
    return path


@pytest.fixture(scope="module")
def good(key_file):
    """A release for the interpreter that these tests run in."""
    return build.build("SY_CLASSIC", key_file, arch="x64", version=VERSION, counter=7)


@pytest.fixture
def trusting(key_file, tmp_path, monkeypatch):
    """The folder of modules of a build that believes the key."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "signers.py").write_text(signers.public_module(key_file))
    monkeypatch.setenv("SHOUYIN_MODULES", str(folder))
    return folder


def off_and_on(till):
    till.power_off()
    till.power_on()
    till.expect(LOGIN)


def log(till):
    return till.log.read_text(errors="replace")


def test_a_terminal_signs_on_and_sells_from_a_bundle(trusting, good, make_till):
    till = make_till()
    put(till.flash, good.data)
    till.start()
    till.wait_for_network()
    till.sale()
    assert f"start {VERSION}, reset cause 1" in log(till)  # the bundle's own app/version
    assert f"bundle {VERSION}, slot 0" in log(till)
    assert "crash" not in log(till) and till.restarts == 0
    till.assert_books_agree()
    # a minute of service: the trial is over, more starts than a trial has do not end it
    till.run_for(60_000)
    for _ in range(4):
        off_and_on(till)
    assert log(till).count(f"bundle {VERSION}, slot 0") == 5
    assert "no bundle" not in log(till)


def test_sec17_a_bit_flipped_in_flash_brings_the_frozen_firmware_up_which_says_why(
    trusting, good, make_till
):
    till = make_till()
    data = bytearray(good.data)
    data[header.SIZE + len(good.image) // 3] ^= 0x10
    put(till.flash, data)
    till.power_on()
    till.expect(LOGIN)
    assert f"start {boards.version()[0]}, reset cause 1" in log(till)
    assert "no bundle: slot 0: hash, slot 1: blank" in log(till)


def test_sec17_without_its_key_a_bundle_is_refused(good, make_till):
    till = make_till()
    put(till.flash, good.data, 1)
    till.power_on()
    till.expect(LOGIN)
    assert "no bundle: slot 0: blank, slot 1: signer" in log(till)


def _crashing(key_file):
    """A bundle whose application ends at once, with a card number in its last words."""
    sources = {n: p.read_bytes() for n, p in boards.modules("SY_CLASSIC").items()}
    sources["app/root.py"] = b"raise ValueError('4111111111111111')\n"
    mpy_cross, _, mpy = build.compiler()
    files = build.compile_modules(sources, "x64", mpy_cross)
    files.update({n: p.read_bytes() for n, p in boards.assets().items()})
    image = romfs.image(files)
    fields = header.manifest("SY_CLASSIC", VERSION, 8, "x64", mpy, image, False)
    return header.pack(fields, keys.load(key_file)) + image


def test_a_new_bundle_that_crashes_is_given_up_after_three_starts(trusting, key_file, make_till):
    till = make_till()
    put(till.flash, _crashing(key_file))
    till.power_on()
    till.expect(LOGIN)
    assert till.restarts == 3
    assert "no bundle: slot 0: trial, slot 1: blank" in log(till)
    assert not till.sees(SAFE)
    off_and_on(till)
    assert "no bundle: slot 0: bad, slot 1: blank" in log(till)
    assert "41111111" not in log(till)


def test_a_bundle_that_crashes_makes_place_for_the_other_one(trusting, good, key_file, make_till):
    till = make_till()
    put(till.flash, _crashing(key_file))
    put(till.flash, good.data, 1)
    till.power_on()
    till.expect(LOGIN)
    assert till.restarts == 3
    assert f"bundle {VERSION}, slot 1" in log(till)


# ---- safe mode ----------------------------------------------------------------------------------

_BROKEN = """

def make_printer(*given):
    raise KeyError("4111111111111111")
"""


def broken_board():
    """Source of a board.py that stops a start, except in safe mode."""
    return (boards.folder("SY_CLASSIC") / "modules" / "board.py").read_text() + _BROKEN


def test_three_crashes_in_a_row_end_in_the_safe_mode(trusting, make_till):
    till = make_till()
    (trusting / "board.py").write_text(broken_board())
    till.power_on()
    till.expect(SAFE, 30_000)
    assert till.restarts == 3
    line = next(n for n in log(till).splitlines() if "3 crashes, the last: KeyError < " in n)
    assert "make_printer" in line and "41111111" not in log(till)
    till.run_for(61_000)  # it stays up
    assert till.restarts == 3 and till.sees(SAFE)
    # What was wrong is mended: one start more is tried.
    (trusting / "board.py").unlink()
    off_and_on(till)


@pytest.mark.parametrize("board", ["SY_CLASSIC", "SY_MPOS"])
def test_a_key_held_at_power_on_asks_for_the_safe_mode(board, tmp_path):
    with Till(tmp_path / "till", board=board) as till:
        till.provision()
        till.devices.keys.press("F1", till.rack.now_us)
        till.power_on()
        till.expect(SAFE, 30_000)
        till.devices.keys.release("F1", till.rack.now_us)
        assert "safe mode" in log(till) and till.restarts == 0
        off_and_on(till)


def test_a_development_build_shows_a_crash_at_the_prompt_and_keeps_it(
    trusting, monkeypatch, make_till
):
    """There _boot returns, and the port runs boot and main: without a prompt the process ends."""
    monkeypatch.setenv("SHOUYIN_FLAVOUR", "dev")
    till = make_till()
    (trusting / "board.py").write_text(broken_board())
    till.power_on()
    with pytest.raises(BenchError, match=r"the firmware ended \(exit 1\)"):
        till.expect(LOGIN)
    assert "Traceback" in log(till)
    (trusting / "board.py").unlink()
    off_and_on(till)
    assert "1 crashes, the last: KeyError < " in log(till)


def test_tools_reach_the_data_volume_of_a_terminal_with_a_bundle(trusting, good, make_till):
    """A script on the board mounts the volume, and is no start of the bundle's trial."""
    till = make_till()
    put(till.flash, good.data)
    for _ in range(5):
        board_process.journal(till.flash)
    till.power_on()
    till.expect(LOGIN)
    assert f"bundle {VERSION}, slot 0" in log(till)


def test_without_a_font_the_glass_says_so_and_nothing_restarts(tmp_path, monkeypatch):
    """A frozen firmware whose slots are blank: its font lies in the bundle."""
    folder = tmp_path / "modules"
    folder.mkdir()
    chip = (boards.folder("SY_CLASSIC") / "../common/modules/chip.py").read_text(encoding="utf-8")
    assert 'ASSETS = "/rom"' in chip
    (folder / "chip.py").write_text(chip.replace('ASSETS = "/rom"', 'ASSETS = "/none"'))
    monkeypatch.setenv("SHOUYIN_MODULES", str(folder))
    with Bench(tmp_path / "bench") as bench:
        bench.provision()
        bench.power_on()
        bench.run_for(60_000)
        assert not bench.restarts
        assert "write a bundle into a slot" in bench.log.read_text(encoding="utf-8")
        dots = sum(b.bit_count() for b in bench.devices.display.pixels())
        assert 200 < dots < 2000  # words stand there
