"""The folders of the boards: partitions by ESP-IDF's own rules, pins, and what the simulated chip
makes of them."""

import struct

import pytest
from esp_idf_defs.otadata import OtaDataSelectEntry, OtaImageState
from esp_idf_defs.partitions import PartitionTable
from new_board import checks, chips

import firmware
from simulator import board_process

BOARDS = firmware.BOARDS
NAMES = firmware.names()
MIB = 1 << 20


def text(board, name):
    return (BOARDS / board / name).read_text(encoding="utf-8")


def test_there_are_the_four_boards():
    assert NAMES == ["SY_C3", "SY_CLASSIC", "SY_COUNTER", "SY_MPOS"]


@pytest.mark.parametrize("board", NAMES)
def test_partitions_verify_and_fill_the_flash_without_overlap(board):
    table = checks.table(BOARDS / board)
    size = checks.flash_mb(BOARDS / board) * MIB
    table.verify_size_fits(size)
    again = PartitionTable.from_binary(table.to_binary())
    assert list(again) == list(table)
    rows = sorted((p.offset, p.size, p.name) for p in table)
    for (at, n, name), (following, _, _) in zip(rows, rows[1:], strict=False):
        assert at + n == following, name
    assert rows[0][0] == 0x9000 and rows[-1][0] + rows[-1][1] == size
    for name in ("ota_0", "ota_1", "bundle_0", "bundle_1"):
        # ESP-IDF maps flash in pages of 64 KiB.
        part = table.find_by_name(name)
        assert part.offset % 0x10000 == 0 and part.size % 0x10000 == 0, name


def test_the_small_flash_is_laid_out_alike_on_all_boards_that_have_it():
    small = {n: text(n, "partitions.csv") for n in NAMES if checks.flash_mb(BOARDS / n) == 8}
    assert len(small) == 3 and len(set(small.values())) == 1


@pytest.mark.parametrize("board", NAMES)
def test_everything_about_a_board_fits_together(board):
    found = [f.text for f in checks.check(BOARDS / board) if f.bad]
    assert found == []


def test_pins_that_need_a_second_look_are_known():
    """Each of these was looked at: what hangs there does no harm at reset."""
    looked = {
        f"{board}: {f.text.split(':')[0]}"
        for board in NAMES
        for f in checks.check_pins(BOARDS / board, checks.check_chip(BOARDS / board)[0])
    }
    assert looked == {
        "SY_C3: CARD_DATA on GPIO2", "SY_C3: KEY_INT on GPIO8", "SY_C3: MODEM_PWRKEY on GPIO21",
        "SY_CLASSIC: MODEM_STATUS on GPIO3", "SY_CLASSIC: CARD_TX on GPIO43",
        "SY_MPOS: MODEM_STATUS on GPIO3", "SY_MPOS: SCAN_TX on GPIO43",
        "SY_COUNTER: MODEM_STATUS on GPIO3", "SY_COUNTER: SCAN_TX on GPIO43",
        "SY_COUNTER: TAMPER on GPIO46",
    }  # fmt: skip


# ---- the simulated chip -------------------------------------------------------------------------

REFUSALS = """
from machine import ADC, I2C, SPI, UART, Pin, Timer, freq

def refused(function, *args):
    try:
        function(*args)
    except ValueError:
        return
    print("not refused:", args)

for pin in (14, 17, 18, 19, 22, 48):
    refused(Pin, pin)
refused(UART, 2)
refused(SPI, 2)
refused(I2C, 1)
refused(Timer, 2)
refused(ADC, 6)
refused(freq, 240_000_000)
UART(0), UART(1), SPI(1), I2C(0), Timer(1), ADC(5), Pin(21), freq(160_000_000)
print("done")
"""


def test_the_simulated_chip_is_the_boards_own(tmp_path):
    script = tmp_path / "refusals.py"
    script.write_text(REFUSALS)
    said = board_process.run(tmp_path / "flash.bin", script, board="SY_C3")
    assert said.splitlines() == ["done"]
    assert (tmp_path / "flash.bin").stat().st_size == 8 * MIB
    said = board_process.run(tmp_path / "large.bin", script, board="SY_COUNTER")
    assert "not refused: (2,)" in said and (tmp_path / "large.bin").stat().st_size == 16 * MIB


UPDATE = """
import esp32
from esp32 import Partition

esp32.bootloader()
other = Partition(Partition.RUNNING).get_next_update()
other.ioctl(6, 0)
other.writeblocks(0, b"\\xe9" + bytes(15), 0)
other.set_boot()
esp32.bootloader()
print(Partition(Partition.RUNNING).info()[4])
Partition.mark_app_valid_cancel_rollback()
"""


def test_otadata_is_as_another_reader_of_it_understands(tmp_path):
    """After two updates in a row: esp-idf-defs reads slot and state out of the flash image."""
    script = tmp_path / "update.py"
    script.write_text(UPDATE)
    flash = tmp_path / "flash.bin"
    at = checks.table(BOARDS / "SY_CLASSIC").find_by_name("otadata").offset
    for slot in (1, 0):
        said = board_process.run(flash, script)
        assert said.split() == [f"ota_{slot}"]
        image = flash.read_bytes()
        a, b = (OtaDataSelectEntry.from_bytes(image[o : o + 32]) for o in (at, at + 4096))
        chosen, _ = OtaDataSelectEntry.select(a, b)
        assert chosen.ota_slot(2) == slot and chosen.ota_state == OtaImageState.VALID
    assert struct.unpack_from("<I", image, at)[0] == 3


def test_every_chip_has_a_reference_board_of_its_own():
    for chip in chips.CHIPS.values():
        assert checks.check_chip(BOARDS / chip.reference)[0] == chip.target
    for mb, board in chips.FLASH.items():
        assert checks.flash_mb(BOARDS / board) == mb
