"""The demo's day: equal books at its end, the recorded screens and paper, no card data left."""

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from acquirer.cards import CARDS
from simulator import demo, preset

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "overview.png"


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
        with Image.open(path.with_suffix(".png")) as image:
            digest = hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()[:16]
        text = path.read_text(encoding="utf-8").splitlines()
        g.see(path.stem, {"text": text, "picture": digest})
    assert len(g.seen) >= 15
    wrong = g.judge()
    assert not wrong, "\n".join(wrong)


def test_the_picture_of_the_readme_is_what_the_demo_makes(day, request):
    d, _, _ = day
    made = (d.out / "overview.png").read_bytes()
    if request.config.getoption("--record-goldens") and not request.session.testsfailed:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(made)
    with Image.open(PICTURE) as shown, Image.open(d.out / "overview.png") as image:
        assert shown.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_nothing_odd_went_over_the_wires(day):
    d, _, _ = day
    devices = d.bench.devices
    assert devices.printer.errors == [] and devices.printer.lost == 0
    assert devices.modem.errors == [] and devices.modem.unsupported == []
    assert devices.display.errors == []
    assert d.bench.restarts == 0


def test_no_driver_stops_the_loop(day):
    """Not for more than 5 ms of bus time, in a whole day of printing, paying and power cuts."""
    d, _, _ = day
    assert 0 < d.bench.longest_us <= 5000


def bcd(digits):
    return bytes.fromhex(digits + ("0" if len(digits) % 2 else ""))


def secrets():
    """What must not rest anywhere: keys, card numbers, tracks, passwords; in digits and packed."""
    found = [preset.tmk(), preset.tmk()[:8], preset.tmk()[8:]]
    found += [bytes.fromhex(c) for c in preset.COMPONENTS]
    for card in CARDS:
        found += [card.pan.encode(), bcd(card.pan), card.track2[17:].encode()]
    found += [password.encode() for _, password in (preset.CASHIER, preset.SUPERVISOR)]
    return found


def leaks(data):
    """The secrets that stand in `data`, as they are or in hexadecimal digits."""
    low = data.lower()
    return [s for s in secrets() if s in data or s.hex().encode() in low]


def test_no_card_data_rests_anywhere(day):
    """Flash image, key file, log, texts: no PAN, no track, no key."""
    d, _, _ = day
    places = [p for p in (d.out / "terminal").iterdir() if p.is_file()]
    places += list(d.out.glob("*.txt"))
    assert len(places) > 10
    for path in places:
        assert not leaks(path.read_bytes()), path.name


def test_the_search_for_card_data_finds_every_kind(day):
    """Negative control of the test above: each secret, put into the flash image, is found."""
    d, _, _ = day
    image = (d.out / "terminal" / "flash.bin").read_bytes()
    for secret in secrets():
        for form in (secret, secret.hex().encode(), secret.hex().upper().encode()):
            assert leaks(image[:5000] + form + image[5000 + len(form) :]), form


def test_the_day_is_the_same_every_time(day, tmp_path):
    first, said, _ = day
    second = demo.Demo(tmp_path / "again", seed=1, say=lambda text: None)
    try:
        assert second.run()
    finally:
        second.bench.close()
    for path in first.out.glob("*.txt"):
        assert (second.out / path.name).read_text() == path.read_text(), path.name
