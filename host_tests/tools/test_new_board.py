"""tools/new_board: a board is made and found good; damaged in many ways, each is named."""

import re

import pytest
from new_board import __main__ as command
from new_board import checks, template

KINDS = (("esp32s3", 8, "none"), ("esp32s3", 16, "octal"), ("esp32c3", 8, "none"))


@pytest.fixture
def board(tmp_path):
    """The folder of a new board for an ESP32-S3 with quad PSRAM."""
    return template.make("SY_NEW", "esp32s3", 8, "quad", tmp_path)


@pytest.fixture
def small(tmp_path):
    return template.make("SY_TINY", "esp32c3", 8, "none", tmp_path)


@pytest.mark.parametrize("target,flash,psram", KINDS)
def test_a_new_board_is_made_and_found_good(target, flash, psram, tmp_path, capsys):
    asked = ["SY_NEW", "--boards", str(tmp_path), "--target", target]
    asked += ["--flash", str(flash), "--psram", psram]
    assert command.main(asked) == 0
    said = capsys.readouterr().out
    assert "SY_NEW: fits together" in said and "error" not in said
    folder = tmp_path / "SY_NEW"
    assert checks.flash_mb(folder) == flash and checks.psram(folder) == psram
    assert "SY_CLASSIC" not in "".join(
        (folder / n).read_text(encoding="utf-8")
        for n in checks.FILES
        if n != "modules/board.py"  # says where to read what a board file is
    )
    assert command.main(asked) == 2  # nothing is written over
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name,target,flash,psram,why",
    [
        ("sy_new", "esp32s3", 8, "none", "a board's name is SY_"),
        ("SY_../X", "esp32s3", 8, "none", "a board's name is SY_"),
        ("SY_NEW", "esp32", 8, "none", "--target esp32 is not one of esp32s3, esp32c3"),
        ("SY_NEW", "esp32s3", 4, "none", "--flash 4 is not one of 8, 16"),
        ("SY_NEW", "esp32c3", 8, "octal", "--psram octal is not one of none on an esp32c3"),
    ],
)
def test_what_cannot_be_made_is_refused(name, target, flash, psram, why, tmp_path):
    with pytest.raises(template.TemplateError, match=re.escape(why)):
        template.make(name, target, flash, psram, tmp_path)
    assert list(tmp_path.iterdir()) == []


def change(folder, name, old, new):
    path = folder / name
    before = path.read_text(encoding="utf-8")
    assert old in before, (name, old)
    path.write_text(before.replace(old, new), encoding="utf-8")


# file, what stands there, what is put there, what must be said
DAMAGES = (
    ("board.json", '"mcu": "esp32s3"', '"mcu": "esp32c3"', "board.json: mcu is esp32c3"),
    ("board.json", "{", "", "board.json: "),
    ("manifest.py", "common/manifest.py", "manifest.py", "manifest.py does not include"),
    ("mpconfigboard.cmake", "esp32s3", "esp32h2", "IDF_TARGET is esp32h2"),
    ("mpconfigboard.cmake", "common/board.cmake", "x.cmake", "does not include ../common/board"),
    ("sdkconfig.board", "FLASHSIZE_8MB=y", "FLASHSIZE_8MB=n", "not exactly one CONFIG_ESPTOOLPY"),
    ("pins.csv", "LCD_CS,GPIO10", "LCD_CS,GPIO9", "LCD_DC and LCD_CS share GPIO9"),
    ("pins.csv", "LCD_DC,", "LCD_CS,", "LCD_CS is there twice"),
    ("pins.csv", "LCD_CS,GPIO10", "LCD_CS,10", "'LCD_CS,10' is not NAME,GPIOn"),
    ("pins.csv", "LCD_CS,GPIO10", "LCD_CS,GPIO23", "LCD_CS on GPIO23: the esp32s3 has no"),
    ("pins.csv", "LCD_CS,GPIO10", "LCD_CS,GPIO29", "LCD_CS on GPIO29: belongs to the flash"),
    ("pins.csv", "LCD_CS,GPIO10", "LCD_CS,GPIO19", "LCD_CS on GPIO19: belongs to USB"),
    ("partitions.csv", "0x210000", "0x200000", "partitions.csv: "),
    ("partitions.csv", "0x7f0000", "0x800000", "partitions.csv: "),
    ("partitions.csv", "audit,", "audi,", "partitions.csv: no partition audit"),
    ("partitions.csv", "journal,    data, 0x40", "journal,    data, 0x44",
     "journal is type 1, subtype 0x44, not type 1, subtype 0x40"),
    ("partitions.csv", "0x510000, 0x100000", "0x510000, 0x0f0000",
     "bundle_0 and bundle_1 are not equally large"),
    ("modules/identity.py", "SY_NEW", "SY_OLD", "BOARD is 'SY_OLD', the folder is SY_NEW"),
    ("modules/board.py", 'NAME = "SY_NEW"', 'NAME = "SY_CLASSIC"', "NAME is 'SY_CLASSIC'"),
    ("modules/board.py", "CAPS = {", "CAPS = {{", "modules/board.py:"),
)  # fmt: skip


@pytest.mark.parametrize("name,old,new,said", DAMAGES)
def test_each_damage_is_named(name, old, new, said, board, monkeypatch):
    # Running the board is for the tests below.
    monkeypatch.setattr(checks, "check_types", lambda folder: [])
    monkeypatch.setattr(checks, "check_start", lambda folder: [])
    assert [f for f in checks.check(board) if f.bad] == []
    change(board, name, old, new)
    bad = [f.text for f in checks.check(board) if f.bad]
    assert any(said in text for text in bad), bad


def test_a_missing_file_is_named_and_ends_the_check(board):
    (board / "pins.csv").unlink()
    (board / "modules" / "identity.py").unlink()
    assert [f.text for f in checks.check(board)] == [
        "pins.csv is missing",
        "modules/identity.py is missing",
    ]


def test_pins_of_octal_psram_are_refused_only_where_there_is_one(board):
    change(board, "pins.csv", "LCD_CS,GPIO10", "LCD_CS,GPIO35")
    assert not any(f.bad for f in checks.check_pins(board, "esp32s3"))
    change(board, "sdkconfig.board", "MODE_QUAD", "MODE_OCT")
    said = [f.text for f in checks.check_pins(board, "esp32s3") if f.bad]
    assert said == ["LCD_CS on GPIO35: belongs to the octal PSRAM"]


def test_strapping_pins_are_warned_of_and_allowed(small):
    change(small, "pins.csv", "PRINTER_TX,GPIO7", "PRINTER_TX,GPIO9")
    found = [f for f in checks.check_pins(small, "esp32c3") if "GPIO9" in f.text]
    assert [f.bad for f in found] == [False] and "starts the chip's loader" in found[0].text


# What only running the board shows: text, what is put there, what must be said
CONTRACT = (
    ("def make_extra", "def make_nothing", "modules/board.py has no make_extra"),
    ('    "journal": 500,', '    "journals": 500,', "has no CAPS['journal']"),
    ('    "journal": 500,', '    "journal": 9000,', "journal: flash is too small for a batch"),
    ("_MODEM_UART = 0", "_MODEM_UART = 1", "make_printer and bearer 4g share UART 1"),
    ("_MODEM_UART = 0", "_MODEM_UART = 2", "bearer 4g: ValueError: UART(2) doesn't exist"),
    ("(128, 64, 1)", "(128, 32, 1)", "CAPS says display (128, 32), the driver (128, 64)"),
    ("    raise ValueError(kind)", "    return None", "make_extra makes what there is not"),
)


@pytest.mark.parametrize("old,new,said", CONTRACT)
def test_what_the_firmware_asks_of_a_board_is_tried(old, new, said, small):
    change(small, "modules/board.py", old, new)
    bad = [f.text for f in checks.check_start(small)]
    assert any(said in text for text in bad), bad


def test_a_board_that_breaks_at_its_start_says_where(small):
    change(small, "modules/board.py", "import parts\n", "import parts\nimport nowhere\n")
    (found,) = checks.check_start(small)
    assert "nowhere" in found.text


def test_a_terminal_that_does_not_come_up_is_found(small):
    """Every driver can be made, but one cannot be run."""
    change(
        small,
        "modules/board.py",
        "    return SSD1306I2C(parts.i2c())",
        "    glass = SSD1306I2C(parts.i2c())\n    glass.tasks = None\n    return glass",
    )
    (found,) = checks.check_start(small)
    assert found.text.startswith("the terminal ended: TypeError: ")


@pytest.mark.skipif(not checks.lint.TYPINGS.is_dir(), reason="the stubs come with make lint")
def test_types_are_checked_against_the_esp32_port(small):
    assert checks.check_types(small) == []
    change(small, "modules/board.py", "parts.i2c())", "parts.i2c(), adress=0x3D)")
    (found,) = checks.check_types(small)
    assert found.bad and 'Unexpected keyword argument "adress"' in found.text


@pytest.mark.parametrize("name, why", [("", "BOARD= is missing"), ("SY_NONE", "no board SY_NONE")])
def test_a_board_that_is_not_there_is_not_checked(name, why, board, capsys):
    assert command.main([name, "--check", "--boards", str(board.parent)]) == 2
    assert (
        capsys.readouterr().err == f"cannot: {'there is ' * bool(name)}{why}; there are SY_NEW\n"
    )
