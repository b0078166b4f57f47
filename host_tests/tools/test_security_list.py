"""host_tests/security.md is what the tests say, and no requirement of ours is without one."""

import security_list


def test_the_list_is_complete_and_up_to_date():
    found = security_list.cases()
    assert security_list.complaints(found) == []
    assert security_list.LIST.read_text(encoding="utf-8") == security_list.document(found)


def test_what_is_missing_is_seen():
    found = security_list.cases()
    few = [case for case in found if 17 not in case[2]]
    assert "no test for requirement 17" in security_list.complaints(few)
    wrong = [*found, ("a", "test_b", {99}, "")]
    assert "no such requirement: 99" in security_list.complaints(wrong)
