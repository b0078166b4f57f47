"""host_tests/devices.md is what the tests say, and every failure of the field has its test."""

import devices_list


def test_the_list_is_complete_and_up_to_date():
    found = devices_list.cases()
    assert devices_list.complaints(found) == []
    assert devices_list.LIST.read_text(encoding="utf-8") == devices_list.document(found)


def test_a_missing_test_and_one_without_its_naive_driver_are_found():
    found = devices_list.cases()
    few = [c for c in found if c[2] != "M3"]
    assert "no test for M3" in devices_list.complaints(few)
    tame = [(*c[:4], False) if c[2] == "P2" else c for c in found]
    assert "P2: no test shows that a naive driver fails" in devices_list.complaints(tame)
    silent = [(*c[:3], "", c[4]) for c in found]
    assert len(devices_list.complaints(silent)) == len(found)
