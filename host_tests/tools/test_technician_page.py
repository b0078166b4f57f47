"""docs/technician.md is what the firmware and the tool say now."""

import technician_page


def test_the_page_is_up_to_date():
    page = technician_page.document()
    want = technician_page.PAGE.read_text(encoding="utf-8")
    assert page == want, "write it anew: python tools/technician_page.py"
