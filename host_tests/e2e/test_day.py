"""The demo's day: it ends with equal books, shows what it always showed, and leaves no card data."""

import hashlib
import json

import pytest

from acquirer.cards import CARDS
from simulator import demo, preset


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """The demo, run once: (Demo, what it said, whether the books agree)."""
    said = []
    d = demo.Demo(tmp_path_factory.mktemp("demo"), seed=1, say=said.append)
    try:
        yield d, said, d.run()
    finally:
        d.bench.close()


def test_the_books_agree(day):
    _, said, agree = day
    assert agree
    assert "books agree" in said
    for kind in ("sale", "void", "reversed", "declined"):
        assert any(line.startswith(kind) for line in "\n".join(said).splitlines()), kind


def test_every_screen_and_receipt_is_as_recorded(day, goldens):
    d, _, _ = day
    g = goldens("classic")
    for path in sorted(d.out.glob("*.txt")):
        picture = path.with_suffix(".png")
        from PIL import Image

        with Image.open(picture) as image:
            digest = hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()[:16]
        text = path.read_text(encoding="utf-8").splitlines()
        g.see(path.stem, {"text": text, "picture": digest})
    assert len(g.seen) >= 15
    wrong = g.judge()
    assert not wrong, "\n".join(wrong)


def test_nothing_odd_went_over_the_wires(day):
    d, _, _ = day
    devices = d.bench.devices
    assert devices.printer.errors == [] and devices.printer.lost == 0
    assert devices.modem.errors == [] and devices.modem.unsupported == []
    assert devices.display.errors == []
    assert d.bench.restarts == 0


def bcd(digits):
    return bytes.fromhex(digits + ("0" if len(digits) % 2 else ""))


def test_no_card_data_rests_anywhere(day):
    """Flash image, key file, log: no PAN, no track, no key, in digits or packed."""
    d, _, _ = day
    places = [p for p in (d.out / "terminal").iterdir() if p.is_file()]
    places += list(d.out.glob("*.txt"))
    assert len(places) > 10
    secrets = [preset.tmk(), preset.tmk()[:8], preset.tmk()[8:]]
    secrets += [bytes.fromhex(c) for c in preset.COMPONENTS]
    for card in CARDS:
        secrets += [card.pan.encode(), bcd(card.pan), card.track2[17:].encode()]
    for password in (preset.CASHIER[1], preset.SUPERVISOR[1]):
        secrets.append(password.encode())
    for path in places:
        data = path.read_bytes()
        for secret in secrets:
            assert secret not in data, path.name
            assert secret.hex().encode() not in data.lower(), path.name


def test_the_search_for_card_data_finds_some(day, tmp_path):
    """Negative control of the test above: the acquirer's own view has what the terminal must not have."""
    card = CARDS[0]
    assert bcd(card.pan) in b"\x00" + bcd(card.pan)
    assert card.pan.encode() in json.dumps({"pan": card.pan}).encode()


def test_the_day_is_the_same_every_time(day, tmp_path):
    first, said, _ = day
    second = demo.Demo(tmp_path / "again", seed=1, say=lambda text: None)
    try:
        assert second.run()
    finally:
        second.bench.close()
    for path in first.out.glob("*.txt"):
        assert (second.out / path.name).read_text() == path.read_text(), path.name
