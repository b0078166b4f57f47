"""The house rules see what they forbid, and nothing else."""

import ast

import pytest

import house_rules
from acquirer.cards import CARDS


def python(text, name="firmware/app/x.py"):
    return house_rules.check_python(name, ast.parse(text), text)


@pytest.mark.parametrize(
    "text, said",
    (
        ("import random\n", "import of random"),
        ("from models.rack import Rack\n", "import of models.rack"),
        ("print(1)\n", "print()"),
        ("def f():\n    return eval('1')\n", "eval()"),
        ("import sys\nx = sys.platform\n", "sys.platform"),
        ("log.info(f'{1}')\n", "f-string"),
        ("try:\n    f()\nexcept Exception:\n    pass\n", "in silence"),
        ("try:\n    f()\nexcept:\n    pass\n", "in silence"),
        ("def f():\n" + "    x = 1\n" * 60, "f has 61 lines"),
        ("x = 1\n" * 451, "451 lines"),
    ),
)
def test_what_is_forbidden_on_the_device_is_seen(text, said):
    found = python(text)
    assert len(found) == 1 and said in found[0], found


@pytest.mark.parametrize(
    "text",
    (
        "from .loop import Loop\n",
        "log.info('%d', 1)\n",
        "try:\n    f()\nexcept OSError:\n    pass\n",
        "try:\n    f()\nexcept Exception as e:\n    log.exception('f', e)\n",
    ),
)
def test_what_is_allowed_is_not_complained_of(text):
    assert python(text) == []


def test_outside_the_firmware_only_sizes_count():
    assert python("import random\nprint(random.random())\n", "tools/x.py") == []
    assert python("x = 1\n" * 451, "tools/x.py")


def with_check_digit(digits):
    return next(n for n in (digits + str(i) for i in range(10)) if house_rules.luhn(n))


def test_card_numbers_but_the_test_cards_are_seen():
    for length in (13, 16, 19):
        number = with_check_digit("62284804025648900184"[: length - 1])
        found = house_rules.check_text("x.py", f'a = "{number}=3012"')
        assert len(found) == 1 and number not in found[0]
    for card in CARDS:
        assert house_rules.check_text("x.py", card.track2) == []
    assert house_rules.check_text("x.py", "460001234567890") == []  # an IMSI


def test_addresses_of_registries_are_seen():
    for host in ("pypi" + ".org", "registry.npm" + "js.org", "deb.deb" + "ian.org"):
        assert house_rules.check_text("Makefile", f"pip -i https://{host}/simple")
