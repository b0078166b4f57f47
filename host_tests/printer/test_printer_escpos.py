"""python-escpos as the terminal: what it prints comes out of our printer model as it should."""

import random

import papers
import pytest

escpos = pytest.importorskip("escpos.printer")
image = pytest.importorskip("PIL.Image")

DOTS = {384: {}, 576: {"dots": 576}}


def picture(width, height, seed):
    """A black and white picture that no two rows are alike in, and its dots."""
    dots = random.Random(seed)
    rows = [[int(dots.random() < 0.4) for _ in range(width)] for _ in range(height)]
    out = image.new("1", (width, height), 1)
    out.putdata([0 if d else 255 for row in rows for d in row])
    return out, rows


@pytest.mark.parametrize("paper", sorted(DOTS))
@pytest.mark.parametrize("impl", ["bitImageRaster", "bitImageColumn"])
@pytest.mark.parametrize("height", [1, 24, 111])
def test_an_image_of_the_papers_width(paper, impl, height):
    source, rows = picture(paper, height, height)
    dummy = escpos.Dummy()
    dummy.image(source, impl=impl, center=False)
    printer = papers.printed(dummy.output, **DOTS[paper])
    assert papers.grid(printer.rows)[:height] == rows
    assert not any(map(any, printer.rows[height:]))


@pytest.mark.parametrize("paper", sorted(DOTS))
def test_text_stands_where_it_should(paper):
    dummy = escpos.Dummy()
    dummy.set(align="right")
    dummy.text("RMB 1,234.56\n")
    dummy.set(align="center", double_width=True, double_height=True)
    dummy.text("TOTAL\n")
    printer = papers.printed(dummy.output, papers.Rom(), **DOTS[paper])
    assert printer.text_lines() == ["RMB 1,234.56", "TOTAL"]
    small, large = printer.rows[:24], printer.rows[30:78]

    def glyph(char):
        _, _, data = papers.Rom().glyph(char)
        return [row[:12] for row in papers.grid([data[2 * y : 2 * y + 2] for y in range(24)])]

    def line(text):
        return [sum((glyph(c)[y] for c in text), []) for y in range(24)]

    assert [r[-12 * 12 :] for r in papers.grid(small)] == line("RMB 1,234.56")
    left = (paper - 5 * 24) // 2
    doubled = [[d for d in row for _ in "12"] for row in line("TOTAL") for _ in "12"]
    assert papers.grid(large, left, 5 * 24) == doubled
    assert not any(map(any, papers.grid(large, 0, left)))


def test_chinese_goes_through_as_users_of_python_escpos_send_it():
    """It has no Chinese; its users are told to send the bytes themselves (python-escpos#491)."""
    dummy = escpos.Dummy()
    dummy._raw(b"\x1c&")
    dummy._raw("商户存根 消费".encode("gb18030") + b"\n")
    printer = papers.printed(dummy.output, papers.Rom())
    assert printer.text_lines() == ["商户存根 消费"]


def test_a_cut_and_the_status_of_the_cutter():
    dummy = escpos.Dummy()
    dummy.text("x\n")
    dummy.cut()
    printer = papers.printed(dummy.output, cutter=True)
    assert len(printer.cuts) == 1 and printer.unsupported == []
    jammed = papers.Printer(cutter=True, flow="none")
    jammed.cutter_jam()
    jammed.receive(dummy.output, 0)
    while (due := jammed.next_due()) is not None:
        jammed.advance(due)
        jammed.transmit(due)
    assert not jammed.online() and jammed.cuts == []
    jammed.receive(b"\x10\x04\x03", jammed._now)
    assert jammed.transmit(jammed._now + 2000) == b"\x1a"
    jammed.cutter_jam(False)
    assert jammed.online()
