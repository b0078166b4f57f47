"""docs/hardware.md says what pins.csv and board.py say."""

import dataclasses
import re
import xml.etree.ElementTree as ET

import pytest

import hardware_page as page
from hardware_parts import MODULES, PARTS, SPECIAL

BOARDS = page.names()
# Targets of branches that are merged beside this one; empty afterwards.
NOT_MERGED = set()
SVG = "{http://www.w3.org/2000/svg}"


def test_the_page_and_its_drawings_are_up_to_date():
    for path, text in page.files().items():
        assert path.read_text(encoding="utf-8") == text, path.name


@pytest.mark.parametrize("name", BOARDS)
def test_every_pin_has_its_wire_and_none_has_two_owners(name):
    board = page.load(name)
    assert page.clashes(board) == []
    wires = page.wires(board)
    shared = {"I2C_SCL", "I2C_SDA"}
    signals = [w.signal for w in wires if w.signal not in shared]
    assert sorted(signals) == sorted(set(board.pins) - shared)
    assert all(w.gpio == board.pins[w.signal] for w in wires)
    assert (board.chip, board.psram) in MODULES
    kinds = [PARTS[p].title.split()[0] for p in board.parts]
    assert {"Display", "Printer", "4G", "Card"} <= set(kinds) and kinds.count("Keypad") == 1


def test_what_is_missing_is_named():
    board = page.load("SY_CLASSIC")
    pins = {s: g for s, g in board.pins.items() if s != "CARD_RX"}
    with pytest.raises(page.PageError, match="MagStripe needs CARD_RX"):
        page.wires(dataclasses.replace(board, pins=pins))
    more = {**board.pins, "LAMP": 21}
    with pytest.raises(page.PageError, match="no part takes LAMP"):
        page.wires(dataclasses.replace(board, pins=more))
    for pins, what in (({"A": 5, "B": 5}, "share GPIO5"), ({"A": 20}, "USB")):
        assert what in page.clashes(dataclasses.replace(board, pins=pins))[0]
    with pytest.raises(page.PageError, match="markers of"):
        page.filled("a page without markers")


def test_strapping_pins_are_those_of_the_data_sheets():
    """ESP32-S3: GPIO0, 3, 45, 46; ESP32-C3: GPIO2, 8, 9."""
    strapping = {
        chip: {g for g, (note, _) in pins.items() if note.startswith("strapping")}
        for chip, pins in SPECIAL.items()
    }
    assert strapping == {"esp32s3": {0, 3, 45, 46}, "esp32c3": {2, 8, 9}}
    for name in BOARDS:
        board, text = page.load(name), "\n".join(page.section(page.load(name)))
        for gpio in strapping[board.chip]:
            assert f"GPIO{gpio} (" in text, (name, gpio)  # wired or not: what may be done to it


@pytest.mark.parametrize("name", BOARDS)
def test_a_drawing_has_a_line_for_each_wire_and_nothing_sticks_out(name):
    board = page.load(name)
    root = ET.fromstring(page.drawing(board))
    _, _, width, height = map(int, root.get("viewBox").split())
    assert len(root.findall(f"{SVG}path")) == len(page.wires(board))
    boxes = [
        tuple(int(r.get(k)) for k in ("x", "y", "width", "height"))
        for r in root.findall(f"{SVG}rect")
    ]
    for x, y, w, h in boxes:
        assert 0 <= x and x + w <= width and 0 <= y and y + h <= height
    devices = sorted((y, y + h) for _, y, _, h in boxes[1:])
    assert all(a[1] <= b[0] for a, b in zip(devices, devices[1:], strict=False))
    assert len(devices) == len(board.parts)
    # 12-pixel letters are some 6.5 wide
    inside = {"e": 200, "": 320, "b": 320}
    for text in root.findall(f"{SVG}text"):
        assert len(text.text) * 6.2 <= inside[text.get("class") or ""], text.text


def test_keys_sit_alike_on_all_boards():
    own = page.layout(page.BOARDS / "SY_CLASSIC" / "modules" / "board.py")
    assert page.layout(page.BOARDS / "common" / "modules" / "parts.py") == own


def test_the_amounts_of_the_page_are_those_of_the_training():
    source = (page.ROOT / "firmware/app/train/host.py").read_text(encoding="utf-8")
    table = source.split("OUTCOMES = (")[1].split("\n)")[0]
    outcomes = re.findall(r'\((\d+), (?:"(\d\d)"|NO_ANSWER)\)', table)
    text = page.PAGE.read_text(encoding="utf-8")
    told = re.findall(r"^\| \.(\d\d) \| (\d\d|none)", text, re.M)
    assert told == [(f"{int(n):02d}", code or "none") for n, code in outcomes]


def test_the_commands_of_the_page_are_those_of_the_makefile():
    makefile = (page.ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = dict(re.findall(r"^([a-z-]+):.*##.*\n((?:\t.*\n)+)", makefile, re.M))
    text = page.PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"^ *make ([a-z]+)([^#\n]*)", text, re.M)
    assert {name for name, _ in commands} == {"demo", "bundle", "image", "flash", "firmware"}
    for name, rest in commands:
        if name in recipes:
            for variable in re.findall(r"\b([A-Z_]+)=", rest):
                there = f"$({variable})" in recipes[name] or f"{variable}=" in makefile
                assert there, (name, variable)
        else:
            assert name in NOT_MERGED, name
