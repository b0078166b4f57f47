# Lists on paper: every line fits, and the sum is that of the lines.

from app.pay import totals, txn
from app.pay.settlement import Settled
from app.store.records import Txn
from app.text.utf8 import columns_of
from app.ui import lists
from app.ui.flows.lists import _records

SETTINGS = {
    "merchant_name": "收银演示商店",
    "merchant_name_en": "SHOUYIN DEMO STORE",
    "mid": "302440380621100",
    "tid": "58402001",
}
MOST = 99_999_999  # fen, of one transaction
DAY = 99_999_900  # of all in one state


def record(kind, state, amount):
    t = Txn(kind, amount)
    t.trace, t.state, t.response_code, t.auth_code = 999_999, state, "05", "123456"
    t.pan_masked = "622500*********0014"
    return t


def fits(lines):
    for text, style in lines:
        width = columns_of(text) * (2 if "w" in style else 1)
        assert width <= 32, (text, width)


def test_every_line_fits_the_paper():
    for kind in lists.TYPES:
        for state in range(1, len(txn.NAMES)):
            fits(lists.entry(record(kind, state, MOST)))
    counts = [(state, 999, DAY) for state in range(1, len(txn.NAMES))]
    fits(lists.states(counts))
    rows = [
        (what, label, 999, 999 * MOST)
        for what, label in (
            (totals.TYPE, "1"),
            (totals.TYPE, "3"),
            (totals.ORG, "CUP"),
            (totals.OPERATOR, "01"),
        )
    ]
    rows += [(totals.STATE, "9", 999, DAY), (totals.STATE, "13", 999, DAY)]  # fmt: skip
    fits(lists.totals(rows))
    found = [(999_999, kind, MOST, why) for kind in lists.TYPES for why in range(1, 7)]
    fits(lists.explanation(found) + lists.explanation([]))
    fits(lists.head("未上送和被拒明细", "UNSUCCESSFUL / DENIED", SETTINGS, 999_999) + lists.SIGNED)
    fits(lists.fault_slip(SETTINGS, 999_999))
    s = Settled()
    for s.verdict in (0, 1, 2, 3):
        for s.forced in (False, True):
            s.own, s.host = (999 * MOST, 999, 0, 0), (0, 0, 999 * MOST, 999)
            fits(lists.settlement(s, SETTINGS, found, True))


def test_the_sum_is_that_of_the_lines():
    records = [record(1, txn.VOIDED, 1234), record(3, txn.STORED, 66), record(2, 2, 1234)]
    lines = [text for text, _ in _records([], records, [])]
    shown = [text.split()[-1] for text in lines[: 2 * len(records) : 2]]
    assert shown == ["12.34", "0.66", "-12.34"]
    assert lines[-1].split()[1:] == ["3", "0.66"]
