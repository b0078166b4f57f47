"""The technician's tool on a terminal whose batch is full: every transaction arrives."""

import json

import pytest

from fieldkit import Field

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
