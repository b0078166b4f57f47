"""The budgets: what is within, what is beyond, and what is missing."""

from mcu import budgets

BUDGET = {"size": {"RAM": 1000, "free after boot": 1000}}


def judge(**values):
    return budgets.judge("size", {n.replace("_", " "): v for n, v in values.items()}, BUDGET)


def test_three_per_cent_are_allowed_and_no_more():
    assert judge(RAM=1030, free_after_boot=970) == []
    assert judge(RAM=1, free_after_boot=99_999) == []
    (found,) = judge(RAM=1031, free_after_boot=1000)
    assert "RAM is 1,031, 3.1 % over 1,000" in found


def test_one_collection_beside_the_tolerance_is_no_growth_but_two_are():
    budget = {"instructions": {"flow": 9_000_000, "primitive": 500_000}}

    def over(flow, primitive):
        values = {"flow": flow, "primitive": primitive}
        return len(budgets.judge("instructions", values, budget))

    assert over(10_650_000, 510_000) == 0
    assert over(10_700_000, 510_000) == 1
    assert over(9_000_000, 520_000) == 1


def test_free_memory_must_not_become_less():
    (found,) = judge(RAM=1000, free_after_boot=969)
    assert "free after boot is 969" in found


def test_a_number_without_a_budget_and_a_budget_without_a_number():
    found = judge(RAM=1000, stack=1)
    assert len(found) == 2
    assert "stack has no budget" in found[0] and "was not measured" in found[1]


def test_the_file_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(budgets, "PATH", tmp_path / "budgets.toml")
    assert budgets.load() == {}
    values = {"size": {"free, in one piece": 7}, "instructions": {"journal, 1,000": 9}}
    budgets.store(values)
    assert budgets.load() == values


def test_the_budgets_of_the_repository_are_there_and_are_numbers():
    stored = budgets.load()
    assert {"size", "instructions"} <= set(stored)
    assert all(isinstance(n, int) and n > 0 for s in stored.values() for n in s.values())
