# Power cuts in every scenario of host_tests/histories: a part of what `make powercut` runs.

import gc
import sys

from harness import rounds

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
sys.path.append(HERE + "/../histories/on_target")
gc.threshold(-1)  # the heap is large here (conftest.py), and collecting it costs as much as a sale

import sweep  # noqa: E402
from scenarios import SCENARIOS, SETTINGS_ALL, Scenario  # noqa: E402

from app.pay import txn  # noqa: E402

_LATE = ("compaction", "migration from schema 1", "uploads in the background")


def _cuts(wanted):
    """Every operation of the scenarios that `wanted` names, at its beginning and in its middle,
    and some moments between them."""
    total = 0
    for scenario in SCENARIOS:
        if not wanted(scenario.name):
            continue
        operations, ms, findings = sweep.length(scenario)
        assert not findings, findings
        assert operations, scenario.name
        cuts = 0
        for number, point in enumerate(sweep.points(operations, ms, True, scenario.stride)):
            if number % rounds(1):
                continue
            findings = sweep.cut(scenario, point)
            assert not findings, "make powercut AT='%s': %s" % (
                sweep.name(scenario, point), findings[:4])  # fmt: skip
            cuts += 1
        total += cuts
        print("%s: %d cuts" % (scenario.name, cuts))
    assert total


def test_power_cuts_in_sales_voids_and_uploads():
    """[I1 I2 I3 I4 I10 F1] Sale, decline, offline sale, upload, parking, reversal, void, receipts:
    0 lost, 0 duplicated, 0 unexplained."""
    _cuts(lambda name: "settlement" not in name and "override" not in name and name not in _LATE)


def test_power_cuts_in_settlements_and_overrides():
    """[I2 I5 F1] Balanced, unbalanced with upload, resumed, overridden: each step."""
    _cuts(lambda name: "settlement" in name or "override" in name)


def test_power_cuts_in_compaction():
    """[I10 F1] Records of every state are copied forward."""
    _cuts(lambda name: name == "compaction")


def test_power_cuts_after_an_update():
    """[I12 F1 F9] A journal of schema 1 with reversals that are owed: boot, reversals, an offline
    sale, uploads, settlement."""
    _cuts(lambda name: name == "migration from schema 1")


def test_power_cuts_in_rounds_that_a_customer_interrupts():
    """[I6 F1 F4] Uploads in a task of their own."""
    _cuts(lambda name: name == "uploads in the background")


# ---- negative controls --------------------------------------------------------------------------


def _first_sale(day):
    yield day.sale(1000)


def _nothing(day):
    return ()


def test_a_scenario_that_does_not_do_what_it_is_there_for_is_a_finding():
    broken = Scenario("x", _nothing, _first_sale, ["1000: refused 51"])
    assert "no '1000: refused 51' in x" in str(sweep.length(broken)[2])
    assert sweep.length(Scenario("x", _nothing, _first_sale, ["1000: approved"]))[2] == []


def test_a_cut_that_is_never_reached_is_a_finding():
    scenario = Scenario("x", _nothing, _first_sale, [])
    operations = sweep.length(scenario)[0]
    assert sweep.cut(scenario, (operations - 1, 0.5)) == []
    assert "not reached" in str(sweep.cut(scenario, (operations + 500, 0.5)))


def test_books_that_are_tampered_with_after_the_cut_are_a_finding():
    def thief(day):
        yield day.sale(1000)
        key = [k for k, e in day.host.booked.items() if e[1] == 1000][0]
        del day.host.booked[key]

    findings = sweep.length(Scenario("x", _nothing, thief, []))[2]
    assert [what for what, _ in findings][:1] == ["lost"], findings


def test_the_names_of_points_lead_back_to_them():
    for scenario in SCENARIOS:
        for point in ((3, 0), (3, 0.25), (0, 1), (7, "twice"), ("ms", 340)):
            assert sweep.parse(sweep.name(scenario, point)) == (scenario, point)


def test_the_compaction_has_a_record_in_every_state_that_lasts():
    scenario = [s for s in SCENARIOS if s.name == "compaction"][0]
    passing = (txn.DRAFT, txn.SENDING, txn.SETTLED)
    lasting = [name for i, name in enumerate(txn.NAMES) if i not in passing]
    assert sorted(scenario.must) == sorted(lasting)
    assert SETTINGS_ALL["offline_count_max"] > 3
