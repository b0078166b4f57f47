"""`shouyin flash` onto a chip that is nobody's hardware."""

import json

import flashkit
import pytest
from test_shouyin_link import run

from flashing import board as boards
from flashing import image
from shouyin import errors


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An image of a board with the real tables: (path, bytes)."""
    folder = tmp_path_factory.mktemp("flash")
    board = boards.load("SY_S3", flashkit.make_boards(folder / "boards"))
    application = flashkit.app("esp32s3", names=flashkit.frozen_names("SY_S3"))
    base = folder / "firmware.bin"
    base.write_bytes(flashkit.whole("esp32s3", application))
    built = image.build(board, base, out=folder / "out")
    return built


def flash(url, made, *more, typed="", as_json=True):
    argv = ("flash", str(made.path), "--no-stub", "--before", "no-reset", "--after", "no-reset")
    return run(*argv, *more, port=url, typed=typed, as_json=as_json)


def test_an_image_is_written_and_read_back_and_a_second_time_left_alone(made, monkeypatch):
    memory = flashkit.Flash(made.flash_size)
    with flashkit.chip("esp32s3", memory, monkeypatch) as url:
        code, text, err = flash(url, made, "--board", "SY_S3")
        assert code == errors.DONE, text
        done = {r["name"]: r["action"] for r in json.loads(text)["regions"]}
        assert done.pop("otadata") == "already there"  # it is blank anyway
        assert set(done.values()) == {"written"}
        for region in made.regions:
            at = slice(region.offset, region.offset + len(region.data))
            assert memory.data[at] == region.data, region.name
        assert "writing" in err and "100 %" in err
        code, text, _ = flash(url, made, as_json=False)
        assert code == errors.DONE and "already there" in text and "written" not in text


def test_erasing_wants_it_typed(made, monkeypatch):
    memory = flashkit.Flash(made.flash_size)
    journal = made.table.find_by_name("journal")
    memory.data[journal.offset] = 0
    with flashkit.chip("esp32s3", memory, monkeypatch) as url:
        code, text, err = flash(url, made, "--erase", typed="yes\n")
        assert code == errors.LOCAL and "nothing was written" in json.loads(text)["error"]
        assert "journal" in err and "owes" in err
    assert not memory.begun


def test_a_port_that_is_not_there_is_no_matter_of_the_boot_button(made, tmp_path):
    for argv in (("flash", str(made.path)), ("deploy", str(made.path))):
        code, text, err = run(*argv, port="/dev/ttyNOPE0")
        assert code == errors.NO_TERMINAL and text == ""
        assert "there is no port /dev/ttyNOPE0" in err and "shouyin ports" in err
        assert "BOOT" not in err


def test_the_wrong_board_and_no_chip_are_named(made, tmp_path):
    code, text, _ = flash("socket://127.0.0.1:1", made, "--board", "SY_C3")
    assert code == errors.LOCAL and "not for SY_C3" in json.loads(text)["error"]
    code, text, _ = flash("socket://127.0.0.1:1", made)
    assert code == errors.LOCAL and "hold BOOT" in json.loads(text)["next"]
    code, _, err = run("flash", str(tmp_path / "none.bin"), port="socket://127.0.0.1:1")
    assert code == errors.LOCAL and "none" in err
