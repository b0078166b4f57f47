# The printer model: text, modes, images, what is on the paper. Runs inside MicroPython.

from test_models_printer import black, job, settle

# --- layout -------------------------------------------------------------------------------------


def test_text_line():
    p = job(b"AB\nC\n")
    assert p.text_lines() == ["AB", "C"]
    assert len(p.rows) == 60
    assert [black(r) for r in p.rows[:24]] == [[(0, 23)]] * 24
    assert [black(r) for r in p.rows[24:30]] == [[]] * 6
    assert black(p.rows[30]) == [(0, 11)]
    assert p.errors == []


def test_nothing_prints_without_line_feed():
    p = job(b"AB")
    assert p.rows == [] and p.text_lines() == []
    p.receive(b"C\n", 1000)
    settle(p)
    assert p.text_lines() == ["ABC"]


def test_wrap_at_32_columns():
    p = job(b"x" * 33 + b"\n")
    assert p.text_lines() == ["x" * 32, "x"]
    assert black(p.rows[0]) == [(0, 383)] and black(p.rows[30]) == [(0, 11)]


def test_chinese():
    p = job(b"A\xc4\xe3\xba\xc3\n")
    assert p.text_lines() == ["A\u4f60\u597d"]
    assert black(p.rows[0]) == [(0, 59)]
    # 12 + 15 x 24 = 372: one more hanzi does not fit, one ASCII character does.
    p = job(b"A" + b"\xc4\xe3" * 15 + b"\xba\xc3\n")
    assert p.text_lines() == ["A" + "\u4f60" * 15, "\u597d"]
    p = job(b"A" + b"\xc4\xe3" * 15 + b"B\n")
    assert p.text_lines() == ["A" + "\u4f60" * 15 + "B"]


def test_chinese_needs_both_bytes_and_the_mode():
    p = job(b"\xc4")
    p.receive(b"\xe3\n", 10)
    settle(p)
    assert p.text_lines() == ["\u4f60"]
    p = job(b"\x1c.\xc4\xe3\n", codepages=lambda n, byte: "<")
    assert p.text_lines() == ["<<"]
    p = job(b"\x1c.\xc4\x1c&\xc4\xe3\n", codepages=None)
    assert p.text_lines() == ["?\u4f60"] and len(p.errors) == 1
    p = job(b"\x1bt\x05\x1c.\x81\n", codepages=lambda n, byte: chr(0x400 + 16 * n + byte % 16))
    assert p.text_lines() == ["\u0451"]


def test_broken_chinese_is_an_error():
    p = job(b"\xc4\n")  # the line feed is no trail byte and must still be one
    assert p.text_lines() == [""] and len(p.errors) == 1
    p = job(b"\x81\x30\x81\x30\n")  # four-byte GB18030: not in a two-byte printer
    assert len(p.errors) == 2 and p.text_lines() == ["00"]
    p = job(b"\xc4\xe4\n")
    assert p.text_lines() == ["\ufffd"] and len(p.errors) == 1
    p = job(b"\xff\x80\x40\n")  # neither begins a character
    assert len(p.errors) == 2 and p.text_lines() == ["@"]
    p = job(b"\xc4\x7f\xc4\xff\n")
    assert p.errors[0] == "GB18030 0xc4 followed by 0x7f"
    assert p.errors[2] == "GB18030 0xc4 followed by 0xff"


def test_missing_glyph_is_reported():
    p = job(b"\xc4\xe3\n", decode=lambda two: "\u7f3a")
    assert p.errors == ["no glyph for U+7F3A"]


def test_alignment():
    for n, first in ((0, 0), (1, 180), (2, 360), (49, 180)):
        p = job(b"\x1ba" + bytes((n,)) + b"AB\n")
        assert black(p.rows[0]) == [(first, first + 23)], n
    p = job(b"A\x1ba\x01B\n")
    assert p.errors == ["ESC a inside a line"] and black(p.rows[0]) == [(0, 23)]


def test_sizes():
    p = job(b"\x1d!\x11AB\n")
    assert len(p.rows) == 48 and black(p.rows[47]) == [(0, 47)]
    p = job(b"\x1d!\x20A\x1d!\x00B\n")
    assert black(p.rows[0]) == [(0, 47)] and len(p.rows) == 30
    p = job(b"\x1b!\x30A\x1b!\x00B\n")
    assert len(p.rows) == 48
    assert black(p.rows[0]) == [(0, 23)]  # the small letter stands on the base line
    assert black(p.rows[24]) == [(0, 35)]
    p = job(b"\x1b!\x10A\n")  # double height alone, then double width alone
    assert len(p.rows) == 48 and black(p.rows[0]) == [(0, 11)]
    p = job(b"\x1b!\x20A\n")
    assert len(p.rows) == 30 and black(p.rows[0]) == [(0, 23)]
    p = job(b"\x1c!\x0cA\xc4\xe3\n")
    assert len(p.rows) == 48 and black(p.rows[0]) == [(12, 59)]
    p = job(b"\x1cW\x01\xc4\xe3\x1cW\x00\xba\xc3\n")
    assert black(p.rows[0]) == [(0, 47)] and black(p.rows[47]) == [(0, 71)]
    p = job(b"\x1d!\x11" + b"A" * 17 + b"\n")
    assert p.text_lines() == ["A" * 16, "A"]


def test_font_b():
    p = job(b"\x1bM\x01AB\n\x1bM\x00A\n")
    assert black(p.rows[0]) == [(0, 17)] and black(p.rows[16]) == [(0, 17)]
    assert black(p.rows[17]) == [] and black(p.rows[30]) == [(0, 11)]


def test_bold_underline_reverse():
    p = job(b"\x1bE\x01 .\x1bE\x00\n")
    assert black(p.rows[0]) == [(12, 13)]
    p = job(b"\x1b!\x08 .\x1b!\x00\n")
    assert black(p.rows[0]) == [(12, 13)]
    p = job(b"\x1b!\x80 \x1b!\x00 \n")
    assert black(p.rows[22]) == [] and black(p.rows[23]) == [(0, 11)]
    p = job(b"\x1b-\x01 \x1b-\x02 \x1b-\x00 \n")
    assert black(p.rows[21]) == [] and black(p.rows[22]) == [(12, 23)]
    assert black(p.rows[23]) == [(0, 23)]
    p = job(b"\x1dB\x01 A\x1dB\x00\n")
    assert black(p.rows[0]) == [(0, 11)]


def test_spacing():
    p = job(b"\x1b \x04AB\n")
    assert black(p.rows[0]) == [(0, 11), (16, 27)]
    p = job(b"\x1cS\x02\x03\xc4\xe3\xba\xc3\n")
    assert black(p.rows[0]) == [(2, 25), (31, 54)]
    p = job(b"\x1d!\x10\x1cS\x02\x00\xc4\xe3\n")  # spacing grows with the character
    assert black(p.rows[0]) == [(4, 51)]
    p = job(b"\x1b3\x50A\n\x1b2A\n")
    assert len(p.rows) == 80 + 30
    p = job(b"\x1b3\x00A\nB\n")  # never less than the characters' height
    assert len(p.rows) == 48


def test_tabs_and_positions():
    p = job(b"A\tB\tC\n")
    assert black(p.rows[0]) == [(0, 11), (96, 107), (192, 203)]
    assert p.text_lines() == ["A\tB\tC"]
    p = job(b"\x1bD\x02\x05\x00A\tB\tC\n")
    assert black(p.rows[0]) == [(0, 11), (24, 35), (60, 71)]
    p = job(b"A\x1b$\x2c\x01B\n")
    assert black(p.rows[0]) == [(0, 11), (300, 311)] and p.text_lines() == ["A B"]


def test_feeds():
    p = job(b"A\x1bJ\x28B\x1bd\x02\n")
    assert p.text_lines() == ["A", "B", ""]
    assert len(p.rows) == 40 + 60 + 30
    assert black(p.rows[40]) == [(0, 11)]
    p = job(b"\x1bJ\x00\x1bd\x00")
    assert p.rows == []


def test_cr_and_can():
    assert job(b"A\r\nB\r\n").text_lines() == ["A", "B"]
    assert job(b"A\r\n", cr_feeds=True).text_lines() == ["A", ""]
    p = job(b"AB\x18C\n")
    assert p.text_lines() == ["C"]


def test_init_resets_modes_but_not_the_buffer():
    p = job(b"\x1ba\x02\x1dB\x01\x1d!\x11\x1c.\x1b@A\xc4\xe3\n")
    assert p.text_lines() == ["A\u4f60"] and black(p.rows[0]) == [(0, 35)] and len(p.rows) == 30
    p = job(b"AB\x1b@C\n")
    assert p.text_lines() == ["C"] and len(p.errors) == 1


# --- images ------------------------------------------------------------------------------------


def test_raster():
    p = job(b"\x1dv0\x00\x02\x00\x03\x00" + b"\x80\x01\xff\x00\x00\xff")
    assert [black(r) for r in p.rows] == [[(0, 0), (15, 15)], [(0, 7)], [(8, 15)]]
    p = job(b"\x1ba\x01\x1dv0\x03\x01\x00\x01\x00\x81")
    assert [black(r) for r in p.rows] == [[(184, 185), (198, 199)]] * 2
    for m, width, height in ((0, 8, 1), (1, 16, 1), (2, 8, 2), (3, 16, 2), (51, 16, 2)):
        p = job(b"\x1dv0" + bytes((m,)) + b"\x01\x00\x01\x00\xff")
        assert [black(r) for r in p.rows] == [[(0, width - 1)]] * height, m
    assert p.errors == []


def test_raster_swallows_exactly_its_bytes():
    p = job(b"\x1dv0\x00\x30\x00\x02\x00" + b"\x1b@" * 48 + b"A\n")
    assert p.text_lines() == ["A"] and p.errors == [] and len(p.rows) == 32


def test_raster_errors():
    p = job(b"\x1dv0\x00\x31\x00\x01\x00" + b"\xff" * 49)
    assert len(p.errors) == 1 and black(p.rows[0]) == [(0, 383)]
    p = job(b"A\x1dv0\x00\x01\x00\x01\x00\xff")
    assert len(p.errors) == 1 and p.text_lines() == ["A"] and len(p.rows) == 25
    assert len(job(b"\x1dv0\x04\x01\x00").errors) == 0  # the header is not complete yet
    assert len(job(b"\x1dv0\x04\x01\x00\x01\x00").errors) > 0


def test_column_image():
    p = job(b"\x1b*\x21\x02\x00" + b"\x80\x00\x01" + b"\xff\x00\x00" + b"\n")
    assert black(p.rows[0]) == [(0, 1)] and black(p.rows[7]) == [(1, 1)]
    assert black(p.rows[8]) == [] and black(p.rows[23]) == [(0, 0)]
    assert p.text_lines() == []
    p = job(b"\x1b*\x00\x01\x00\x81\n")  # 8 dots, one dot is 2 x 3
    assert [black(p.rows[y]) for y in (0, 2, 3, 20, 21, 23)] == (
        [[(0, 1)], [(0, 1)], [], [], [(0, 1)], [(0, 1)]]
    )
    p = job(b"\x1b*\x01\x01\x00\x80A\n")
    assert black(p.rows[0]) == [(0, 12)] and p.text_lines() == ["A"]
    p = job(b"\x1b*\x20\x01\x00\x80\x00\x00\n")
    assert black(p.rows[0]) == [(0, 1)] and black(p.rows[1]) == []
    p = job(b"A" * 31 + b"\x1b*\x21\x0e\x00" + b"\x80\x00\x00" * 14 + b"\n")
    assert black(p.rows[0]) == [(0, 383)] and len(p.rows) == 30  # two columns do not fit
    p = job(b"\x1b*\x21\x90\x01" + b"\x80\x00\x00" * 400 + b"B\n")
    assert p.text_lines() == ["B"] and len(p.rows) == 30 + 30
    p = job(b"\x1b*\x02\x01\x00A\n")  # a mode that does not exist: the rest is text
    assert p.errors[0] == "ESC * 2" and p.text_lines() == ["A"]


def test_qr_is_recorded_not_printed():
    store = b"12345"
    data = b"\x1d(k\x04\x001A2\x00" + b"\x1d(k\x03\x001C\x06" + b"\x1d(k\x03\x001E0"
    data += b"\x1d(k\x08\x001P0" + store + b"\x1d(k\x03\x001Q0"
    p = job(data + b"A\n")
    assert p.qr_payloads == [store] and p.errors == [] and p.text_lines() == ["A"]
    assert p.unsupported == ["GS ( k 181"]


def test_known_but_unsupported_and_unknown():
    p = job(b"\x1dV\x00\x1dVB\x10\x1bp\x00\x19\xfa\x1b{\x01\x1dk\x04ABC\x00\x1dkI\x02{BA\n")
    assert p.unsupported == ["GS V", "GS V", "ESC {", "GS k", "GS k"]
    assert p.drawer_pulses == [(0, 50, 500)] and p.errors == [] and p.text_lines() == ["A"]
    p = job(b"\x1b\x99A\x07\n")
    assert p.errors == ["ESC 0x99", "control byte 0x07"] and p.text_lines() == ["A"]
