"""The technician's tool on a terminal whose batch is full: every transaction arrives."""

import json

import pytest

from fieldkit import Field
from shouyin import errors

COUNT = 60


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    f = Field(tmp_path_factory.mktemp("batch"),
              {"state": "APPROVED", "count": COUNT, "fen": 100, "step": 1})  # fmt: skip
    f.unlock()
    yield f
    f.close()


def test_a_large_batch_is_exported_whole_page_by_page(desk, tmp_path):
    """More than fits into what a command may say, or into the terminal's memory at once."""
    file = tmp_path / "batch.jsonl"
    done = desk.good("journal", "export", str(file))
    rows = [json.loads(n) for n in file.read_text("utf-8").splitlines()]
    assert done["transactions"] == len(rows) == COUNT
    assert [r["amount"] for r in rows] == list(range(100, 100 + COUNT))
    assert len({r["trace"] for r in rows}) == COUNT
    assert "reading the journal: 50 %" in desk.said


def test_an_import_of_parameters_is_all_or_nothing_also_when_it_is_long(desk, tmp_path):
    """One wrong parameter, the last of them, in a file of several pieces."""
    before = desk.good("settings", "get")
    export = {"format": 1, "board": "SY_CLASSIC", "settings": {
        **before, "merchant_name": "新店", "offline_cards": ",".join(["622500"] * 17),
        "receipt_code": "收" * 71, "wifi_ssid_1": "店" * 10, "void_pin": 2,
    }}  # fmt: skip
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps(export), encoding="utf-8")
    desk.unlock()
    code, data = desk.run("settings", "import", str(file))
    assert code == errors.REFUSED and data["error"] == "void_pin must be 0 to 1"
    assert desk.good("settings", "get") == before
    export["settings"]["void_pin"] = 0
    file.write_text(json.dumps(export), encoding="utf-8")
    changed = desk.good("settings", "import", str(file))["changed"]
    assert len(changed) == 5 and desk.good("settings", "get") == export["settings"]
    export["settings"].update(tid="58409999", language="en")
    file.write_text(json.dumps(export), encoding="utf-8")
    code, data = desk.run("settings", "import", str(file))
    assert code == errors.REFUSED and "settle the open batch first" in data["error"]
    assert desk.good("settings", "get", "language") == "zh"
