# The technician's view of the journal: what he sees is what there is, and looking changes nothing.

import json

import shop as _shop
from fakehost import FakeHost
from harness import flash
from shop import Shop

import board
from app.pay import txn
from app.store.flashlog import FlashLog
from app.tech import journal as tech

_shop.SETTINGS.update({"offline_count_max": 9, "offline_txn_max": 90_000})


async def test_count_and_amount_by_state_as_text_and_as_data():
    """[I14] At the REPL, as at the terminal."""
    nor, dev = flash(512, 24)
    s = Shop(dev, FakeHost()).boot()
    await s.sale(1234)
    s.host.faults = ["refuse"]
    await s.sale(5000)
    s.host.faults = ["no answer"]
    await s.sale(700)
    data = tech.summary(s.journal).data
    assert data["states"] == {
        "APPROVED": {"count": 1, "amount_fen": 1234},
        "STORED": {"count": 1, "amount_fen": 5000},
        "UNKNOWN": {"count": 1, "amount_fen": 700},
    }
    assert data["owed"] == {"count": 2, "amount_fen": 5700}
    assert json.loads(json.dumps(data)) == data
    text = repr(tech.summary(s.journal))
    for part in ("STORED", "50.00", "57.00", "3 of 30 places used", "signed on"):
        assert part in text, part
    assert "RECORDS" not in text and "6225" not in text

    # A stopped terminal: from the flash, which stays as it is.
    old = board.journal_partition, board.CAPS["journal"], tech.FlashLog
    board.journal_partition = lambda: dev
    board.CAPS["journal"] = 30
    tech.FlashLog = lambda partition: FlashLog(partition, ready=3)  # a small ring
    try:
        before = nor.ops
        assert tech.summary().data["states"] == data["states"]
        assert nor.ops == before
    finally:
        board.journal_partition, board.CAPS["journal"], tech.FlashLog = old


def test_what_cannot_be_read_is_said():
    """[I11 I12 I14] Damaged records and those of newer firmware."""
    _, dev = flash(512, 24)
    s = Shop(dev, FakeHost()).boot()
    s.journal.unreadable = 2
    s.journal._newer.append(16)
    text = repr(tech.summary(s.journal))
    assert "2 RECORDS CANNOT BE READ" in text and "update before settling" in text


def test_every_state_has_a_name():
    assert len(txn.NAMES) == txn.EXPIRED + 1
