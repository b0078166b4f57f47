"""The command line as a process, the control line, and the tables in README.md."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import test_acquirer_kit as kit
from test_acquirer_kit import close_hosts  # noqa: F401

from acquirer import cards, faults, keys, messages
from acquirer.codes import APPROVED, RESPONSE_CODES
from acquirer.control import COMMANDS, Control, Quit

README = kit.ROOT / "tools" / "acquirer" / "README.md"
# Only so that a broken test ends; nothing is measured.
PATIENCE_S = 120


def start(*arguments, input_from=subprocess.PIPE):
    environment = {**os.environ, "PYTHONPATH": str(kit.ROOT / "tools")}
    return subprocess.Popen(
        [sys.executable, "-m", "acquirer", *map(str, arguments)],
        stdin=input_from,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def failing(*arguments):
    """(exit code, standard error) of a start that cannot work."""
    process = start(*arguments)
    _, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, errors


class Running:
    """A running host with one socket to it; its first lines are read up to the port."""

    def __init__(self, *arguments):
        self.process = start("--port", 0, *arguments)
        self.head = []
        while True:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            self.head.append(line.strip())
            found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)", line.strip())
            if found:
                break
        self.port = int(found[1])

    def exchange(self, body):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as link:
            link.sendall(len(body).to_bytes(2, "big") + body)
            with link.makefile("rb") as stream:
                size = int.from_bytes(stream.read(2), "big")
                return kit.Answer(stream.read(size))

    def end(self, number=signal.SIGTERM):
        """Remaining output after the signal; the exit code must be 0 and standard error empty."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE_S)
        assert (self.process.returncode, errors) == (0, "")
        return output

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class RemotePos(kit.Pos):
    """The kit's terminal with a socket in place of the Host."""

    def __init__(self, running, tmk):
        super().__init__(None, tmk=tmk)
        self.running = running

    def send(self, mti, fields, **how):
        self.last = (mti, fields)
        return self.running.exchange(self.pack(mti, fields, **how))


def printed_tmk(head):
    """Master key from the two printed components; every printed check value must be right."""
    parts = []
    for line in head:
        found = re.fullmatch(r"TMK component (\d)  ([0-9A-F]{32})  KCV ([0-9A-F]{6})", line)
        if found:
            part = bytes.fromhex(found[2])
            assert kit.des(part, bytes(8))[:3].hex().upper() == found[3]
            parts.append(part)
    assert len(parts) == 2
    tmk = bytes(a ^ b for a, b in zip(*parts, strict=True))
    assert f"TMK KCV {kit.des(tmk, bytes(8))[:3].hex().upper()} (test key)" in head
    return tmk


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_day_with_the_process(tmp_path, number):
    db = tmp_path / "acquirer.db"
    with Running("--db", db) as running:
        tmk = printed_tmk(running.head)
        pos = RemotePos(running, tmk)
        assert pos.sign_in()[39] == "00"
        assert pos.sale(1234)[39] == "00"
        output = running.end(number)
    line = output.splitlines()[-1]
    for word in ("0200 sale", "stan=000002", "amount=12.34", "rc=00", "booked"):
        assert word in line
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 0200", line)
    assert pos.last[1][35] not in output and cards.CARDS[0].pan not in output

    with Running("--db", db, "--quiet") as running:
        assert not any("component" in text for text in running.head)
        assert any(text.startswith("TMK kept from the ledger, KCV ") for text in running.head)
        pos.running = running
        assert pos.settle((1234, 1))[48][30] == "1"
        assert running.end() == ""


def test_the_seed_repeats_the_key():
    heads = []
    for _ in range(2):
        with Running("--seed", 5) as running:
            heads.append(running.head[:-1])
            running.end()
    assert heads[0] == heads[1]
    with Running("--seed", 6) as running:
        assert running.head[:-1] != heads[0]
        running.end()


@pytest.mark.parametrize("lines", [1, 2])
def test_tmk_file(tmp_path, lines):
    one, two = bytes(range(16)), bytes(range(100, 116))
    tmk = one if lines == 1 else keys.combine(one, two)
    path = tmp_path / "tmk"
    path.write_text("\n".join(part.hex() for part in (one, two)[:lines]) + "\n")
    with Running("--tmk-file", path, "--tid", "12345678", "--batch", 9) as running:
        assert len(running.head) == 1  # nothing of the key is printed
        pos = RemotePos(running, tmk)
        pos.tid = "12345678"
        assert pos.sign_in()[39] == "00" and pos.batch == 9
        running.end()


def test_tpdu_and_header_are_held_against_the_arguments():
    with Running("--seed", 1) as running:
        pos = RemotePos(running, printed_tmk(running.head))
        pos.tpdu = "6000060000"
        assert pos.sign_in()[39] == "30"
        running.end()
    with Running("--seed", 1, "--tpdu", "any", "--header", "any") as running:
        pos = RemotePos(running, printed_tmk(running.head))
        pos.tpdu, pos.header = "6000060000", "613100311108"
        assert pos.sign_in()[39] == "00"
        running.end()


def test_control_line_of_the_process():
    with Running("--seed", 1, "--control") as running:
        pos = RemotePos(running, printed_tmk(running.head))
        running.process.stdin.write("fault response_code mti=0800 code=96\nfaults\n")
        running.process.stdin.flush()
        out = running.process.stdout
        assert "help" in out.readline()
        assert out.readline() == "armed: response_code x1 mti=0800 code=96\n"
        assert out.readline() == "response_code x1 mti=0800 code=96\n"
        assert pos.sign_in()[39] == "96"
        output, errors = running.process.communicate("nonsense\nquit\n", timeout=PATIENCE_S)
        assert (running.process.returncode, errors) == (0, "")
        assert "unknown command nonsense" in output and "fault=response_code" in output


def test_commands_from_a_file(tmp_path):
    commands = tmp_path / "commands"
    commands.write_text("fault no_answer\nfaults\nquit\nclear\n")
    with commands.open() as file:
        process = start("--port", 0, "--control", input_from=file)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")
    assert output.endswith("armed: no_answer x1\nno_answer x1\n")


def test_a_terminal_on_standard_input_turns_the_control_line_on():
    ours, theirs = pty.openpty()
    process = start("--port", 0, input_from=theirs)
    os.close(theirs)
    os.write(ours, b"faults\nquit\n")
    output, errors = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    assert (process.returncode, errors) == (0, "")
    assert output.endswith("nothing armed\n")


def test_standard_input_that_ends_does_not_end_the_host():
    with Running("--seed", 1, "--control") as running:
        pos = RemotePos(running, printed_tmk(running.head))
        running.process.stdin.close()
        running.process.stdin = None
        assert pos.sign_in()[39] == "00"
        running.end()


def test_without_control_standard_input_is_left_alone():
    with Running("--seed", 1) as running:
        pos = RemotePos(running, printed_tmk(running.head))
        running.process.stdin.write("quit\n")
        running.process.stdin.flush()
        assert pos.sign_in()[39] == "00"
        assert "rc=00" in running.end()


OPTIONS = (
    *("--host", "--port", "--db", "--seed", "--tid", "--mid", "--batch", "--tpdu", "--header"),
    *("--tmk-file", "--control", "--no-control", "--quiet"),
)


def test_help_names_every_option():
    process = start("--help")
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and errors == ""
    for option in OPTIONS:
        assert option in output


BAD_ARGUMENTS = [
    (["--port", "99999"], "99999 is no port"),
    (["--port", "many"], "many is no port"),
    (["--seed", "x"], "--seed"),
    (["--tid", "123"], "--tid 123"),
    (["--mid", "123"], "--mid 123"),
    (["--tpdu", "6100030000"], "--tpdu 6100030000"),
    (["--header", "60310031000"], "--header 60310031000"),
    (["--batch", "0"], "--batch 0"),
    (["--no-such-option"], "--no-such-option"),
    (["--host", "192.0.2.1", "--port", "0"], "cannot listen on 192.0.2.1:0"),
    (["--host", "no such host.invalid", "--port", "0"], "cannot listen on no such host.invalid"),
]


@pytest.mark.parametrize("arguments, words", BAD_ARGUMENTS)
def test_bad_arguments_are_one_line_and_exit_code_2(arguments, words):
    code, errors = failing(*arguments)
    assert code == 2 and words in errors
    assert errors.startswith("acquirer: ") and errors.count("\n") == 1


def test_port_in_use_is_one_line_and_exit_code_2():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = failing("--port", port)
    assert code == 2 and f"127.0.0.1:{port}" in errors and "in use" in errors
    assert errors.count("\n") == 1


def test_bad_ledger_is_one_line_and_exit_code_2(tmp_path):
    letter = tmp_path / "letter"
    letter.write_text("Dear Sir or Madam, " * 100)
    for path in (letter, tmp_path, tmp_path / "no" / "folder"):
        code, errors = failing("--port", 0, "--db", path)
        assert code == 2 and str(path) in errors and errors.count("\n") == 1


@pytest.mark.parametrize(
    "text", [None, "", "0123", "G" * 32, "1" * 32 + "\n" + "2" * 32 + "\n" + "3" * 32]
)
def test_bad_key_file_is_one_line_without_its_contents(tmp_path, text):
    path = tmp_path / "tmk"
    if text is not None:
        path.write_text(text)
    code, errors = failing("--port", 0, "--tmk-file", path)
    assert code == 2 and str(path) in errors and errors.count("\n") == 1
    assert not text or text.split("\n")[0] not in errors


# The control line without a process


@pytest.fixture
def control():
    pos = kit.signed_in_pos()
    return pos, Control(pos.host, kit.TID)


def test_control_help_names_every_command_and_fault(control):
    text = control[1].line("help")
    for name in (*COMMANDS, *faults.FAULTS):
        assert name in text


def test_control_faults(control):
    pos, line = control[0], control[1].line
    assert line("faults") == "nothing armed"
    assert line("fault no_answer 3 kind=sale after=1 chance=0.5").startswith("armed: no_answer x3")
    assert "wrong_field" in line("fault wrong_field field=4 value=000000000001")
    assert len(line("faults").splitlines()) == 2
    assert line("clear") == "nothing armed" and pos.host.faults.armed() == []


@pytest.mark.parametrize(
    "text",
    [
        "fault",
        "fault nothing",
        "fault no_answer many",
        "fault no_answer 0",
        "fault no_answer x=1",
        "fault no_answer after=x",
        "fault no_answer chance=often",
        "fault no_answer name=x",
        "fault no_answer count=3",
        "fault wrong_field field=x",
        "totals 99999999",
        "ledger x",
    ],
)
def test_control_errors_are_text(control, text):
    assert control[1].line(text).startswith("error: ")


def test_control_reports(control):
    pos, line = control[0], control[1].line
    assert line("ledger") == "no transactions"
    sale = pos.sale(123456)
    pos.void(sale)
    assert "622500******0014" in line("ledger") and "1234.56" in line("ledger")
    assert "voided" in line("ledger 58402001 1") and "of 000002" in line("ledger")
    assert line("ledger 2") == "no transactions"
    assert re.search(r"sale +1 +1234\.56", line("totals"))
    assert re.search(r"net +2 +0\.00", line("totals 1"))
    assert line("") == "" and "unknown command" in line("sale 12")


def test_control_blocks_and_quits(control):
    pos, line = control[0], control[1].line
    assert line("block") == "blocked" and pos.sale()[39] == "58"
    assert line("unblock") == "active" and pos.sale()[39] == "00"
    with pytest.raises(Quit):
        line("quit")


# Tables


@pytest.mark.parametrize(
    "name, table",
    [
        ("cards", cards.cards_table),
        ("amounts", cards.amounts_table),
        ("faults", faults.faults_table),
    ],
)
def test_readme_tables_are_those_of_the_code(name, table):
    text = README.read_text(encoding="utf-8")
    (shown,) = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL)
    assert shown == table()


def test_readme_names_every_message():
    text = README.read_text(encoding="utf-8")
    for mti, code in messages.REQUESTS:
        assert mti in text and code in text


def test_cards_are_sound():
    assert len(cards.BY_PAN) == len(cards.BY_NAME) == len(cards.CARDS)
    for card in cards.CARDS:
        assert cards.passes_luhn(card.pan), card.name
        assert card.pan == "6224242900000113" or card.pan.startswith("622500000000")
        assert re.fullmatch(r"\d{16}=\d{4}\d{3}\d+", card.track2) and len(card.track2) <= 37
        assert card.track1.startswith("B" + card.pan + "^") and len(card.track1) <= 76
        assert card.track3 is None or (card.pan in card.track3 and len(card.track3) <= 104)
        assert (card.pin is None) == (card.pin_rule == "none")
        assert card.pin_rule in cards.PIN_RULES
        assert card.answer in RESPONSE_CODES
        assert card.description_zh and card.description_en
    assert {len(card.track2) % 2 for card in cards.CARDS} == {0, 1}
    assert cards.CARDS[0].pan == "6225000000000014" and cards.CARDS[0].pin == "123456"


def test_luhn_is_the_published_one():
    # ISO/IEC 7812-1 annex B example, as in many textbooks: 7992739871 has check digit 3.
    assert [d for d in range(10) if cards.passes_luhn(f"7992739871{d}")] == [3]


def test_special_amounts_are_known_codes():
    for code in cards.SPECIAL_FEN.values():
        assert code in RESPONSE_CODES
    assert {"00", "11", "16", "A2", "A4", "A5", "A6"} == APPROVED
