# Random days of a shop (host_tests/histories): a sample of what `make histories` runs, and the
# proof that their judge sees what it is there to see.

import gc
import sys

from harness import Rng, rounds, seed

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
sys.path.append(HERE + "/../histories/on_target")
gc.threshold(-1)  # the heap is large here (conftest.py), and collecting it costs as much as a sale

import chance  # noqa: E402
from day import Day  # noqa: E402
from notebook import OFFLINE, UNKNOWN  # noqa: E402
from outside import CARDS, write_in_clear  # noqa: E402
from scenarios import SETTINGS_ALL  # noqa: E402
from watch import DUPLICATED, LOST, REACH, UNEXPLAINED  # noqa: E402

from app.host import cup  # noqa: E402
from app.pay import txn  # noqa: E402

_FIRST = 20_261_123
_SHARE = 100


def _histories(share):
    """`_SHARE` days; every one must be without a finding."""
    first = seed(_FIRST) + share * _SHARE
    cuts = 0
    for n in range(first, first + rounds(_SHARE)):
        findings, history = chance.one(n)
        cuts += history.day.cuts
        assert not findings, "make histories SEED=%d N=1: %s" % (n, findings[:4])
    print("%d histories, %d power cuts" % (rounds(_SHARE), cuts))
    assert cuts


def test_histories_1():
    """[I1 I2 I3 I4 I5 I6 I7 I9 I10 I13 F1 F2 F3 F4 F6 F7 F10 F11] A hundred random days."""
    _histories(0)


def test_histories_2():
    """[I2 F1 F3] The next hundred."""
    _histories(1)


def test_histories_3():
    """[I2 F1 F3] And the next."""
    _histories(2)


def test_histories_4():
    """[I2 F1 F3] And the next."""
    _histories(3)


def test_histories_5():
    """[I2 F1 F3] And the last."""
    _histories(4)


def test_a_history_comes_again_from_its_seed():
    def lines(n):
        out = []
        chance.one(n, out.append)
        return out

    first = lines(77)
    assert len(first) > 20 and lines(77) == first
    assert lines(78) != first


# ---- negative controls: each kind of fault is seen, and classed rightly -------------------------


def _day():
    """A day with a sale, a void, an offline sale that was uploaded, and one that is still here."""
    day = Day(Rng(1), SETTINGS_ALL)
    day.background = False
    day.boot()
    for step in (day.sale(100), day.sale(200), day.sale(300)):
        assert day.run(step)
        day.idle()
    day.run(day.void(day.book.sales[200]))
    day.host.ready = False
    day.run(day.sale(400, 0, None))
    assert day.book.sales[400].shown == OFFLINE
    day.host.ready = True
    return day


def _after(tamper, late=False):
    """Classes and texts of what is found when `tamper(day)` has done its work, before everything
    is made well or after it."""
    day = _day()
    if not late:
        tamper(day)
    day.make_well()
    if late:
        tamper(day)
    return day.judge()


def _is(findings, what, text=""):
    return any(w == what and text in t for w, t in findings)


def _key(day, amount, kind="sale"):
    return [k for k, e in day.host.booked.items() if e[0] == kind and e[1] == amount][0]


def test_an_untouched_day_has_no_findings():
    assert _after(lambda day: None) == []


def test_what_the_host_does_not_have_is_lost():
    def forget(day):
        del day.host.booked[_key(day, 300)]

    def reverse(day):
        day.host.booked[_key(day, 400, "offline")][2] = "reversed"

    for tamper in (forget, reverse):
        found = _after(tamper, True)
        assert _is(found, LOST, "charged 0 times"), found
        assert not _is(found, DUPLICATED), found


def test_what_the_host_has_twice_or_without_a_receipt_is_duplicated():
    def twice(day):
        day.host.booked[1, 700] = list(day.host.booked[_key(day, 300)])

    def void_undone(day):
        day.host.booked[_key(day, 200)][2] = "approved"

    def refused(day):
        day.book.sales[300].shown = UNKNOWN

    for tamper in (twice, void_undone, refused):
        found = _after(tamper, True)
        assert _is(found, DUPLICATED, "charged "), found
        assert not _is(found, LOST, "charged"), found


def test_what_nobody_asked_for_is_unexplained():
    def strange(day):
        day.host.booked[1, 700] = ["sale", 12_345, "approved", None, 1, None]

    assert _is(_after(strange, True), UNEXPLAINED, "of 12345")
    assert _is(_after(lambda day: day.host.violate("0200", None, "x"), True), UNEXPLAINED, "x")


def test_power_that_went_before_anything_was_shown_is_judged_by_the_journal():
    """[I2] Standing at the host and approved in the journal, or neither."""

    def nothing_shown(day):
        day.book.sales[300].shown = None

    assert _after(nothing_shown, True) == []

    def and_not_booked(day):
        nothing_shown(day)
        del day.host.booked[_key(day, 300)]

    assert _is(_after(and_not_booked, True), LOST, "shown None, charged 0")


def _write(day, trace, state):
    """Put the record of that number into a state that is not its next one."""
    journal = day.shop.journal
    t = journal.load(journal.find(trace))
    t.state = state
    journal.mark(t)
    day.watch.scan(journal)


def test_a_state_that_goes_back_and_a_batch_that_is_closed_too_early_are_seen():
    """[I2] Also when the books agree in the end."""
    day = _day()
    _write(day, day.book.sales[100].trace, txn.SENDING)
    assert _is(day.findings, UNEXPLAINED, "APPROVED went to SENDING")
    day = _day()
    day.shop.journal.close_batch()
    assert _is(day.findings, LOST, "STORED when its batch was closed")
    day = _day()
    day.shop.journal.batch = 7
    day.watch.scan(day.shop.journal)
    assert _is(day.findings, UNEXPLAINED, "batch 1 became 7")


def test_records_that_go_or_change_places_are_seen():
    """[I2 I9]"""
    day = _day()
    day.shop.journal._n -= 1
    day.watch.scan(day.shop.journal)
    assert _is(day.findings, LOST, "left the journal")
    day = _day()
    traces = day.shop.journal._trace
    traces[0], traces[1] = traces[1], traces[0]
    day.watch.scan(day.shop.journal)
    assert _is(day.findings, UNEXPLAINED)


def test_parked_without_refusals_and_given_up_without_a_report_are_seen():
    for state, text in ((txn.REJECTED, "refusals"), (txn.EXPIRED, "exception report")):
        found = _after(lambda day, state=state: _write(day, day.book.sales[400].trace, state))
        assert _is(found, UNEXPLAINED, text), found


def test_requests_out_of_order_or_without_a_record_are_seen():
    """[I1 I5 I6] In the instant in which their first byte goes out."""
    day = _day()
    day.watch.first_byte("0200", 999)
    assert _is(day.findings, UNEXPLAINED, "I1: 0200 of 999")
    day = _day()
    day.host.faults = ["cut after"]
    day.run(day.sale(500))
    assert day.book.sales[500].shown == UNKNOWN
    day.watch.first_byte("0500", 0)
    assert _is(day.findings, UNEXPLAINED, "I5: 0500 goes out while")
    day = _day()
    day.host.ready = False
    day.run(day.sale(600, 0, None))
    _write(day, day.book.sales[600].trace, txn.UPLOADING)
    day.findings.clear()
    day.watch.first_byte("0220", day.book.sales[600].trace)
    assert _is(day.findings, UNEXPLAINED, "I6:")


def test_what_is_in_memory_only_is_seen():
    """[I1] A request, or an approval, whose record would not survive a power cut."""
    day = _day()
    day.watch.flash_every = 1
    trace = day.book.sales[400].trace
    i = day.shop.journal.find(trace)
    day.shop.journal._state[i] = txn.UPLOADING
    day.watch.first_byte("0220", trace)
    assert _is(day.findings, UNEXPLAINED, "not in the flash")
    day = _day()
    day.watch.approval_on_flash(999, True)
    assert _is(day.findings, UNEXPLAINED, "I1: 999")


def test_limits_that_are_passed_are_seen():
    """[I7]"""
    day = _day()
    day.settings = dict(day.settings, offline_txn_max=1)
    day.run(_check(day, 400))
    assert _is(day.findings, UNEXPLAINED, "I7")


async def _check(day, amount):
    class Approved:
        why = ""

    day._check_limits(day.book.sales[amount], Approved, day.watch.outstanding())


def test_a_card_number_in_the_flash_is_seen():
    """[I13] As characters, and two digits to a byte at either half."""
    for form in range(3):
        for pan in CARDS:
            day = _day()
            day.make_well()
            write_in_clear(pan, form)
            assert _is(day.judge(), UNEXPLAINED, "I13"), form


def test_a_receipt_that_nobody_owes_is_seen():
    day = _day()
    t = txn_of(day, 100)
    t.amount = 101
    day.book.receipt(t, 0)
    assert _is(day.findings, UNEXPLAINED, "nobody asked for")
    day = _day()
    day.book.sales[100].shown = UNKNOWN
    day.book.receipt(txn_of(day, 100), 0)
    assert _is(day.findings, UNEXPLAINED, "has a receipt")


def txn_of(day, amount):
    journal = day.shop.journal
    t = journal.load(journal.find(day.book.sales[amount].trace))
    assert t.kind == cup.SALE
    return t


def test_a_step_that_dies_or_never_ends_is_seen():
    day = _day()

    async def dies():
        raise ValueError("x")

    async def never_ends():
        while True:
            await day.rest(60_000)

    assert not day.run(dies()) and not day.run(never_ends())
    assert _is(day.findings, UNEXPLAINED, "a step died: ValueError")
    assert _is(day.findings, UNEXPLAINED, "step without end")


def test_final_states_are_left_no_more_and_all_others_may_be():
    for state in range(len(txn.NAMES)):
        stays = REACH[state] == {state}
        assert stays == (state in txn.FINAL), txn.NAMES[state]
