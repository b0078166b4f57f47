"""QR codes on the model's paper, read back by a decoder that is not ours (ZXing), from a symbol
that another encoder made (segno)."""

import papers
import pytest

segno = pytest.importorskip("segno")
zxing = pytest.importorskip("zxingcpp")
image = pytest.importorskip("PIL.Image")

TEXTS = (
    "SHOUYIN TEST",
    "https://example.com/pay?o=20240102030405&a=1234567.89",
    "收银 " + "x" * 180,
)


def matrix(text, level="m"):
    return segno.make(text, error=level, micro=False, boost_error=False, encoding="utf-8").matrix


def packed(rows):
    """(size, bits) as our driver takes a code: rows of whole bytes, MSB left."""
    size = len(rows)
    stride = (size + 7) // 8
    out = b""
    for row in rows:
        value = int("".join(map(str, row)), 2) << 8 * stride - size
        out += value.to_bytes(stride, "big")
    return size, out


def decoded(rows):
    """The texts of all codes on a paper."""
    dots = papers.grid(rows)
    picture = image.new("L", (len(dots[0]), len(dots)), 255)
    picture.putdata([0 if d else 255 for row in dots for d in row])
    return sorted(r.text for r in zxing.read_barcodes(picture))


@pytest.mark.parametrize("profile", sorted(papers.MACHINES))
@pytest.mark.parametrize("text", TEXTS)
def test_a_code_by_dots_is_read_from_the_paper(tmp_path, profile, text):
    code = matrix(text)
    printer = papers.ours(tmp_path, profile, [("before", ""), (text, "qR")], packed(code))
    assert decoded(printer.rows) == [text]
    assert printer.qr_payloads == []
    # Every module of the same size, below the empty first line and the text.
    area = papers.cropped(papers.grid(printer.rows[60:]))
    scale = len(area) // len(code)
    assert scale >= 4 and len(area) == len(area[0]) == scale * len(code)
    shrunk = [row[scale // 2 :: scale] for row in area[scale // 2 :: scale]]
    assert shrunk == [list(row) for row in code]
    assert area == [[d for d in row for _ in range(scale)] for row in shrunk for _ in range(scale)]


def drawn(data, level):
    """A printer's own QR codes, as models want them."""
    rows = matrix(data.decode(), level)
    return [int("".join(map(str, row)), 2) for row in rows]


@pytest.mark.parametrize("profile", ["chinese80", "epson80"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_code_by_command_is_read_from_the_paper(tmp_path, profile, text):
    printer = papers.ours(tmp_path, profile, [(text, "q")], drawn=drawn)
    assert decoded(printer.rows) == [text]
    assert printer.qr_payloads == [text.encode()] and printer.unsupported == []


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("text", TEXTS[:2])
def test_python_escpos_prints_a_code_on_our_model(native, text):
    dummy = pytest.importorskip("escpos.printer").Dummy()
    dummy.qr(text, size=6, native=native)
    printer = papers.printed(dummy.output, qr=drawn)
    assert decoded(printer.rows) == [text]
    assert printer.qr_payloads == ([text.encode()] if native else [])
