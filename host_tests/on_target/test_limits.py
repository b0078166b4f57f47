# What the small parts refuse, and what they do at their limits.

import asyncio

import cryptolib
import wires
from harness import raises

from app.crypto import des, seal
from app.crypto.seal import SealError
from app.host import cup, iso8583
from app.host.iso8583 import FormatError
from app.kernel import log
from app.kernel.mailbox import Queue
from app.kernel.supervisor import RESTART, Supervisor
from app.store import files, records, vault
from app.store.records import RecordError, Txn
from app.store.vault import VaultError
from app.text import strings
from app.text.font import Font, FontError
from app.ui.canvas import Canvas
from drivers.printer import JobResult

FONT = wires.ASSETS + "/font16.bin"

# ---- crypto -------------------------------------------------------------------------------------


def test_a_key_schedule_needs_eight_bytes():
    for n in (0, 7, 9, 16):
        raises(ValueError, des.schedule, bytes(n))


def test_a_long_hmac_key_counts_by_its_digest():
    # RFC 4231 test case 6: a key of 131 bytes
    tag = seal.hmac_sha256(
        b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First"
    )
    assert tag[:8] == b"\x60\xe4\x31\x59\x1e\xe0\xb6\x7f" and tag[-4:] == b"\x0e\xe3\x7f\x54"


def test_a_short_device_secret_is_none():
    for n in (0, 15):
        raises(ValueError, seal.Sealer, bytes(n))


def test_a_right_seal_over_wrong_padding_is_refused():
    s = seal.Sealer(bytes(32))
    for last in (0, 17, 255):
        body = bytes(16) + cryptolib.aes(s._cipher_key, 2, bytes(16)).encrypt(
            bytes(15) + bytes((last,))
        )
        tag = seal.hmac_sha256(s._mac_key, b"", body)
        e = raises(SealError, s.open, body + tag)
        assert e.args == ("padding",), last


# ---- messages -----------------------------------------------------------------------------------


def test_a_message_that_ends_too_early_or_would_not_fit_is_none():
    for n in range(10):
        e = raises(FormatError, iso8583.unpack, cup.FIELDS, memoryview(bytes(n)), 0, n)
        assert e.args[0] in (0, 1), n
    e = raises(FormatError, iso8583.unpack, cup.FIELDS, memoryview(bytes(10)), 0, 11)
    assert e.args == (0, "cut off")
    fields = {35: bytearray(b"1234567890123456=3012"), 41: "58402001"}
    small = bytearray(14)
    e = raises(FormatError, iso8583.pack, cup.FIELDS, "0200", fields, small, 0)
    assert e.args == (35, "buffer")


def test_what_a_message_says_of_pin_and_track():
    assert cup.f53(False, False) is None
    assert [cup.f53(True, False)[:3], cup.f53(False, True)[:3]] == ["260", "061"]


# ---- records, files, vault ----------------------------------------------------------------------


def test_records_of_another_schema_are_no_records():
    t = Txn(1, 100)
    t.pan_masked = "622500******0014"
    for what, data, read in (
        ("intent", records.encode_intent(t), records.decode_intent),
        ("outcome", records.encode_outcome(t), lambda d: records.decode_outcome(d, t)),
        ("outcome", records.encode_outcome(t), records.outcome_key),
        ("mark", records.encode_mark(t), records.decode_mark),
        ("full", records.encode_full(t, True), records.split_full),
    ):
        read(data)
        for bad in (bytes((records.SCHEMA + 1,)) + data[1:], b"\x00" + data[1:], data[:2], b""):
            e = raises(RecordError, read, bad)
            assert e.args == (what + " schema",), (what, bad)


def test_a_file_that_is_there_and_cannot_be_read_is_not_taken_for_missing():
    assert files.load(wires.ASSETS + "/no such file") is None
    e = raises(OSError, files.load, wires.ASSETS)
    assert e.args[0] != 2


class Open:
    """A sealer that seals nothing."""

    def seal(self, data, context):
        return bytes(data)

    def open(self, data, context):
        return bytearray(data)


def test_a_vault_that_cannot_be_written_keeps_the_old_keys():
    v = vault.Vault("/no_such_folder/vault", Open())
    e = raises(VaultError, lambda: v.put(PIK=b"1234"))
    assert "cannot be written" in e.args[0] and v.get("PIK") is None


def test_a_vault_of_a_later_firmware_is_not_guessed_at():
    for data in (b"", b"\x02\x03PIK\x01x"):
        e = raises(VaultError, vault._parse, data)
        assert e.args == ("vault version",)


# ---- kernel -------------------------------------------------------------------------------------


async def test_a_queue_can_be_waited_for_without_end_and_emptied():
    q = Queue(4)

    async def later():
        await asyncio.sleep_ms(3_600_000)
        q.put("at last")

    asyncio.create_task(later())
    assert await q.get() == "at last"
    for i in range(3):
        q.put(i)
    q.clear()
    assert len(q) == 0 and q.get_nowait() is None and q._items == [None] * 4


async def test_a_task_that_ran_for_long_is_started_again_soon():
    starts = []

    async def fails():
        starts.append(asyncio.core.ticks())
        # twice at once, then after more than a minute, then at once
        await asyncio.sleep_ms(61_000 if len(starts) == 3 else 0)
        raise ValueError()

    s = Supervisor(None)
    s.spawn("t", fails, RESTART)
    await asyncio.sleep_ms(70_000)
    s.cancel("t")
    gaps = [asyncio.core.ticks_diff(b, a) // 1000 for a, b in zip(starts, starts[1:])]  # noqa: B905
    assert gaps[:3] == [1, 2, 62] and gaps[3:4] == [2], gaps


def test_the_log_keeps_what_its_level_lets_through():
    log.clear()
    assert log.lines() == []
    try:
        log.set_level(log.ERROR)
        log.warning("quiet")
        log.error("loud")
    finally:
        log.set_level(log.INFO)
    log.debug("quiet")
    log.info("again")
    assert [n.split(" ", 2)[2] for n in log.lines()] == ["loud", "again"]


def test_a_log_line_that_was_cut_in_a_character_does_not_hide_the_others():
    log.clear()
    log.info("before")
    log.info("x" + "汉" * 60)
    log.info("after")
    lines = log.lines()
    assert len(lines) == 3 and lines[0].endswith("before") and lines[2].endswith("after")


# ---- texts and printer --------------------------------------------------------------------------


def test_what_is_no_character_of_the_font_has_no_glyph():
    f = Font(FONT)
    assert f._index(0x1F600) == -1 and f._index(0xE000) == -1 and f._index(0x6536) >= 0


def test_a_font_file_that_is_cut_off_is_no_font():
    f = Font(FONT)
    f._f.seek(0, 2)
    end = f._f.tell()
    raises(FontError, f._read, end - 1, 2)
    assert len(f._read(end - 1, 1)) == 1


def test_every_problem_has_its_text():
    assert strings.known_problem("paper") is False and strings.known_problem("print.paper")
    assert strings.short("net.no_sim", "net.none") != strings.short("net.xyz", "net.none")
    assert strings.short("net.xyz", "net.none") == strings.text("net.none")


def test_a_text_ends_at_the_edge_of_the_glass():
    from desk import Glass

    c = Canvas(Glass(), Font(FONT))
    c.clear()
    c.text(0, 0, "12345678901234567890")
    c.text(1, 1, "收" * 9)
    assert c.lines()[0].strip() == "1234567890123456"
    assert c.lines()[1].strip() == "收" * 7  # the eighth would be cut in two


def test_a_result_of_a_printer_names_its_reason():
    assert repr(JobResult("fault", "paper")) == "<fault paper>"
