# Texts: the font file, GB18030, amounts, wrapping, and that every string fits where it is shown.

import wires
from harness import raises

from app.text import gb18030, money, responses, strings
from app.text.font import Font, FontError
from app.text.utf8 import code_points, columns_of, wrap

FONT = wires.ASSETS + "/font16.bin"


def wide(f, code):
    at = f.wide_at(code)
    return bytes(f.wide_bits[at : at + 32])


def narrow(f, code):
    at = f.narrow_at(code)
    return bytes(f.narrow_bits[at : at + 16])


def test_a_glyph_is_the_one_of_the_character():
    f = Font(FONT)
    one = wide(f, ord("一"))
    assert sum(1 for b in one if b) in (2, 3, 4)  # one stroke
    assert narrow(f, ord("-")) != narrow(f, ord("_"))
    assert narrow(f, ord(" ")) == bytes(16)
    assert narrow(f, 1) == narrow(f, ord("?"))


def test_a_missing_character_is_shown_as_such_and_counted():
    f = Font(FONT)
    assert not f.has("\u4e02") and f.has("中") and f.has("A")
    assert wide(f, 0x4E02) == wide(f, ord("〓"))
    assert wide(f, 0x1F600) == wide(f, ord("〓"))
    e = gb18030.Encoder(f)
    assert e("a\u4e02b") == b"a\xa1\xfeb" and e.missing == 1


def test_the_cache_gives_what_the_file_has():
    f = Font(FONT)
    text = (
        "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后"
        "自以会家可下而过天去能对小多然于心学么之都好看起发当没成只如事把还用第样道想"
    )
    first = [wide(f, ord(c)) for c in text]
    assert len(set(first)) == len(set(text)) > 48  # more than the cache has places
    assert [wide(f, ord(c)) for c in text] == first
    reads = f.reads
    for _ in range(10):
        wide(f, ord(text[-1]))
    assert f.reads == reads


def test_a_damaged_font_file_is_an_error():
    raises(FontError, Font, "/no/such/file")
    raises(FontError, Font, __file__)


def test_amounts():
    for fen, text in (
        (0, "0.00"),
        (5, "0.05"),
        (1234, "12.34"),
        (99999, "999.99"),
        (100000, "1,000.00"),
        (123456789, "1,234,567.89"),
        (-1234, "-12.34"),
    ):
        assert money.yuan(fen) == text, fen


def test_wrapping_keeps_words_whole_and_characters_uncut():
    words = wrap("Swipe broke off. Swipe again evenly.", 16, 3)
    assert words == ["Swipe broke off.", "Swipe again", "evenly."]
    assert wrap("读卡失败,请重新刷卡", 16, 3) == ["读卡失败,请重新", "刷卡"]
    assert wrap("a\nb", 16, 3) == ["a", "b"]
    assert wrap("x" * 40, 16, 3) == ["x" * 16, "x" * 16, "x" * 8]
    assert wrap("", 16, 3) == [""]
    for text in ("交易成功,请向发卡行确认", "RMB 12.34 元整 OK"):
        for piece in wrap(text, 16, 9):
            assert columns_of(piece) <= 16


# Texts that stand on a row of the 16-column screen as they are.
FORMATS = {
    "operator_batch": ("01", 999999),
    "reversal_owed_line": (1, "9,999.99"),
    "reversal_owed_short": (99,),
    "err.wrong": (4,),
    "total_line": (999,),
}


def test_no_text_is_the_same_as_a_key():
    for table in (strings.TEXT, strings.PROBLEM):
        keys = [row[0] for row in strings.rows(table)]
        assert len(set(keys)) == len(keys) == len(table) // 3
        for _, *texts in strings.rows(table):
            assert not set(texts) & set(keys), texts


def test_every_row_fits_the_small_screen_in_both_languages():
    for key, *texts in strings.rows(strings.TEXT):
        for text in texts:
            if "%" in text:
                if key not in FORMATS:
                    continue  # wrapped where it is shown
                text = text % FORMATS[key]
            limit = 16
            if key in ("operator_no", "password", "enter_voucher"):
                limit = 14
            for row in text.split("\n"):
                assert columns_of(row) <= limit, (key, row)


def test_every_problem_fits_three_rows_in_both_languages():
    long = [
        (k, t)
        for k, *both in strings.rows(strings.PROBLEM)
        for t in both
        if len(wrap(t, 16, 9)) > 3
    ]
    assert not long, long


def test_every_response_fits_three_rows():
    long = []
    for code, (kind, zh, en) in responses.CODES.items():
        assert kind in "ABCDE"
        long += [(code, t) for t in (zh, en) if len(wrap("[%s] %s" % (code, t), 16, 9)) > 3]
    assert not long, long
    assert responses.response("ZZ", 0) == responses.response("Q1", 0)


def test_every_character_of_every_text_is_in_the_font():
    f = Font(FONT)
    texts = []
    for table in (strings.TEXT, strings.PROBLEM):
        for row in strings.rows(table):
            texts += row[1:]
    for _, zh, en in responses.CODES.values():
        texts += (zh, en)
    for text in texts:
        for c in text:
            assert c == "\n" or f.has(c), (c, text)


def test_walking_through_text_interns_nothing():
    """A one-character str is kept for ever by MicroPython; see text/utf8.py."""
    import gc

    import micropython

    def walk(first):
        # bytes that become a str of 100 different characters, and what the screen does with it
        data = b"".join(
            bytes((0xE4 + (first >> 12), 0x80 + (first >> 6 & 63), 0x80 + i)) for i in range(50)
        )
        text = data.decode()
        wrap(text, 16, 9)
        return columns_of(text), sum(code_points(text))

    walk(0)
    gc.collect()
    before = micropython.qstr_info()
    used = gc.mem_alloc()
    for i in range(20):
        assert walk(64 * (i + 1))[0] == 100
    gc.collect()
    assert gc.mem_alloc() - used < 500 and before is micropython.qstr_info()


def test_code_points():
    text = "aé中😀\n"
    assert list(code_points(text)) == [97, 0xE9, 0x4E2D, 0x1F600, 10]
    assert columns_of(text) == 1 + 2 + 2 + 2 + 1


def test_languages():
    strings.use("en")
    try:
        assert strings.text("sale") == "Sale" and strings.response("51").startswith("Insufficient")
        assert strings.problem("full").startswith("Journal")
    finally:
        strings.use("zh")
    assert strings.text("sale") == "消费"
    raises(KeyError, strings.use, "fr")
    assert strings.short("net.no_sim", "net.none") == "无SIM卡"
    assert strings.short("net.unheard_of", "net.none") == "无通讯方式"
