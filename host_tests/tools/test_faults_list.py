"""host_tests/faults.md is what the tests say, and no invariant or fault is without one."""

import faults_list


def test_the_list_is_complete_and_up_to_date():
    found = faults_list.cases()
    assert faults_list.complaints(found) == []
    assert faults_list.LIST.read_text(encoding="utf-8") == faults_list.document(found)


def test_what_is_missing_is_seen():
    found = faults_list.cases()
    few = [case for case in found if "F6" not in case[2]]
    assert "no test for F6" in faults_list.complaints(few)
    assert any("at least" in line for line in faults_list.complaints(found[:5]))
    wrong = [*found, ("a", "test_b", ["I99"], "")]
    assert "no such tag: I99" in faults_list.complaints(wrong)


def test_every_named_test_is_listed_once_for_each_of_its_tags():
    found = faults_list.cases()
    text = faults_list.document(found)
    for path, name, tags, _ in found:
        assert text.count(f"* `{path}` `{name}`") == len(tags), name
