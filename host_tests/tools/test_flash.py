"""`make flash` against a chip that is a ROM bootloader without hardware: what is written, what is
kept, what is refused. The test looks into the chip's memory itself, and reads it with esptool."""

import io

import esptool
import flashkit
import pytest
from esp_idf_defs.partitions import PartitionTable

from flashing import FlashingError, board, flash, image
from flashing import __main__ as command

FLAGS = {"stub": False, "before": "no-reset", "after": "no-reset"}
OWED = b"a transaction that nobody else knows of"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flash")
    boards = flashkit.make_boards(folder / "boards")
    key, pem = flashkit.make_key(folder)

    class Made:
        pass

    m = Made()
    m.folder, m.boards, m.images = folder, boards, {}
    m.bundle = lambda name, **fields: flashkit.bundle(key, name, **fields)
    for name, target in (("SY_BARE", "esp32s3"), ("SY_C3", "esp32c3"), ("SY_S3", "esp32s3")):
        names = b"" if name == "SY_S3" else flashkit.frozen_names(name)
        base = folder / f"{name}.bin"
        base.write_bytes(flashkit.whole(target, flashkit.app(target, names=names, size=0)))
        syb = folder / f"{name}.syb"
        syb.write_bytes(flashkit.bundle(key, name, flashkit.ARCH[target], flashkit.noise(3000)))
        out = folder / "out"
        m.images[name] = image.build(board.load(name, boards), base, syb, pem, out=out)
    return m


def raises(match):
    return pytest.raises(FlashingError, match=match)


def full(built):
    """A flash on which the image is, as another tool would have written it."""
    chip = flashkit.Flash(len(built.data))
    chip.data[:] = built.data
    return chip


def in_use(built):
    """The same after some trade: the places that a terminal keeps hold something."""
    chip = full(built)
    for name in ("journal", "audit", "vfs", "nvs"):
        at = built.table[name].offset
        chip.data[at : at + len(OWED)] = OWED
    return chip


def kept(chip, built):
    """{name: bytes} of what a terminal must not lose."""
    parts = [built.table[name] for name in ("journal", "audit", "vfs", "nvs")]
    return {p.name: bytes(chip.data[p.offset : p.offset + p.size]) for p in parts}


def actions(report):
    return {d.name: d.action for d in report.regions}


@pytest.mark.parametrize("name, target", (("SY_BARE", "esp32s3"), ("SY_C3", "esp32c3")))
def test_a_first_flash_writes_every_region_and_reads_it_back(made, monkeypatch, name, target):
    built = made.images[name]
    chip = flashkit.Flash(8 * flashkit.MB)
    chip.data[:] = b"\x5a" * len(chip.data)  # something was there before
    with flashkit.chip(target, chip, monkeypatch) as url:
        report = flash.flash(url, built.path, board=name, erase=True, **FLAGS)
        # and esptool reads the same
        with esptool.connect_esp(url, before="no-reset") as esp:
            esptool.attach_flash(esp)
            for r in built.regions:
                assert esptool.read_flash(esp, r.offset, 1024) == built.data[r.offset :][:1024]
    assert chip.data == built.data
    assert report.chip == target and report.flash_size == 8 * flashkit.MB
    done = actions(report)
    assert done["bootloader"] == done["ota_0"] == done["bundle_0"] == flash.WRITTEN
    assert done["journal"] == done["nvs"] == flash.ERASED


@pytest.mark.parametrize("name, target", (("SY_BARE", "esp32s3"), ("SY_C3", "esp32c3")))
def test_a_new_chip_gets_every_region(made, monkeypatch, name, target):
    built = made.images[name]
    chip = flashkit.Flash(8 * flashkit.MB)
    told = []
    with flashkit.chip(target, chip, monkeypatch) as url:
        progress = lambda what, done, total: told.append((what, done, total))  # noqa: E731
        report = flash.flash(url, built, progress=progress, **FLAGS)
    assert chip.data == built.data
    for r in built.regions:
        want = flash.SAME if r.name == "otadata" else flash.WRITTEN  # it is blank anyway
        assert actions(report)[r.name] == want
        if want == flash.WRITTEN:
            size = len(r.data)
            assert (f"reading back {r.name}", size, size) in told
            assert any(what == f"writing {r.name}" for what, _, _ in told)


def test_a_terminal_in_use_keeps_what_only_it_has(made, monkeypatch):
    built = made.images["SY_BARE"]
    chip = in_use(built)
    before = kept(chip, built)
    app = built.table["ota_0"]
    chip.data[app.offset : app.offset + 5000] = flashkit.noise(5000, 9)  # an older application
    chip.data[built.table["otadata"].offset] = 0  # which had been updated once
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        report = flash.flash(url, built, **FLAGS)
    assert kept(chip, built) == before
    assert set(chip.begun) == {app.offset, built.table["otadata"].offset}  # nothing else erased
    done = actions(report)
    assert done["ota_0"] == done["otadata"] == flash.WRITTEN
    assert done["bootloader"] == done["partition_table"] == done["bundle_0"] == flash.SAME
    for r in built.regions:
        assert chip.data[r.offset : r.offset + len(r.data)] == r.data, r.name


def test_a_bundle_that_stays_in_the_other_slot_is_named(made, monkeypatch):
    built = made.images["SY_BARE"]
    chip = in_use(built)
    other = made.bundle("SY_BARE", version="9.9.9", counter=99)
    at = built.table["bundle_1"].offset
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        assert flash.flash(url, built, **FLAGS).notes == []
        chip.data[at : at + len(other)] = other
        notes = flash.flash(url, built, **FLAGS).notes
    assert len(notes) == 1 and "bundle_1 still holds bundle 9.9.9 with counter 99" in notes[0]
    assert chip.data[at : at + len(other)] == other


def test_without_a_bundle_there_is_no_font_and_that_is_said(made, monkeypatch):
    built = made.images["SY_BARE"]
    bare = image.build(
        board.load("SY_BARE", made.boards), made.folder / "SY_BARE.bin", out=made.folder / "bare"
    )
    assert image.NO_FONT in bare.lines() and image.NO_FONT not in built.lines()
    chip = flashkit.Flash(8 * flashkit.MB)
    other = made.bundle("SY_BARE", version="9.9.9", counter=99)
    at = built.table["bundle_1"].offset
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        assert flash.flash(url, bare, **FLAGS).notes == [image.NO_FONT]
        assert flash.flash(url, bare, erase=True, **FLAGS).notes == [image.NO_FONT]
        chip.data[at : at + len(other)] = other
        assert image.NO_FONT not in flash.flash(url, bare, **FLAGS).notes


def test_an_older_bundle_over_a_newer_one_is_said_not_to_run(made, monkeypatch):
    built = made.images["SY_BARE"]
    chip = in_use(built)
    at = built.table["bundle_0"].offset
    newer = made.bundle("SY_BARE", version="9.9.9", counter=99)
    chip.data[at : at + len(newer)] = newer
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        notes = flash.flash(url, built, **FLAGS).notes
        assert len(notes) == 1 and "9.9.9 with counter 99, now one with counter 7" in notes[0]
        assert "WILL NOT RUN" in notes[0]
        assert flash.flash(url, built, **FLAGS).notes == []


@pytest.mark.parametrize("n", (1, 31, 32, 100, 352, 383))
def test_a_table_whose_writing_was_interrupted_needs_no_erase(made, monkeypatch, n):
    built = made.images["SY_BARE"]
    chip = in_use(built)
    before = kept(chip, built)
    chip.data[0x8000 + n : 0x9000] = b"\xff" * (0x1000 - n)
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        flash.flash(url, built, **FLAGS)
    assert kept(chip, built) == before
    assert chip.data[0x8000:0x9000] == built.data[0x8000:0x9000]


def test_the_volume_of_an_official_image_is_written_when_blank_and_kept_when_not(
    made, monkeypatch
):
    built = made.images["SY_S3"]
    vfs = built.table["vfs"]
    chip = in_use(built)
    before = kept(chip, built)
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        assert actions(flash.flash(url, built, **FLAGS))["vfs"] == flash.KEPT
        assert kept(chip, built) == before
        chip.data[vfs.offset : vfs.offset + vfs.size] = b"\xff" * vfs.size
        assert actions(flash.flash(url, built, **FLAGS))["vfs"] == flash.WRITTEN
    assert kept(chip, built)["vfs"] == built.data[vfs.offset : vfs.offset + vfs.size]
    assert kept(chip, built)["journal"] == before["journal"]


def test_a_flash_that_was_interrupted_goes_on_without_losing_the_journal(made, monkeypatch):
    built = made.images["SY_BARE"]
    chip = in_use(built)
    before = kept(chip, built)
    chip.data[0x8000:0x9000] = b"\xff" * 0x1000  # the table had been erased, and the power went
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        flash.flash(url, built, **FLAGS)
    assert kept(chip, built) == before
    PartitionTable.from_binary(bytes(chip.data[0x8000:0x8C00])).verify(0x8000)


def other_table(built, **moved):
    """The image's table, with partitions {name: (offset, size)} elsewhere, as binary."""
    table = PartitionTable.from_binary(built.data[0x8000:0x8C00])
    for name, (offset, size) in moved.items():
        table[name].offset, table[name].size = offset, size
    return table.to_binary()


def test_a_journal_that_would_move_stops_everything(made, monkeypatch):
    built = made.images["SY_BARE"]
    journal = built.table["journal"]
    for place in ((journal.offset, 0x80000), (journal.offset + 0x80000, 0x80000)):
        chip = in_use(built)
        binary = other_table(built, journal=place)
        chip.data[0x8000 : 0x8000 + len(binary)] = binary
        before = bytes(chip.data)
        with (
            flashkit.chip("esp32s3", chip, monkeypatch) as url,
            raises("journal would move.*ERASE=1"),
        ):
            flash.flash(url, built, **FLAGS)
        assert chip.data == before and not chip.begun


def test_a_board_with_other_firmware_needs_erase(made, monkeypatch):
    built = made.images["SY_BARE"]
    chip = flashkit.Flash(8 * flashkit.MB)
    official = flashkit.whole("esp32s3", flashkit.app("esp32s3"))
    chip.data[: len(official)] = official
    with (
        flashkit.chip("esp32s3", chip, monkeypatch) as url,
        raises("no 'journal': it is not a terminal's"),
    ):
        flash.flash(url, built, **FLAGS)
        chip.data[0x8000:0x8020] = b"\x00" * 32
        with pytest.raises(FlashingError, match="no valid partition table.*ERASE=1"):
            flash.flash(url, built, **FLAGS)
    assert not chip.begun


def test_erase_warns_of_what_is_owed_and_can_still_be_stopped(made, monkeypatch):
    built = made.images["SY_BARE"]
    chip = in_use(built)
    before = bytes(chip.data)
    said = []

    def stop(text):
        said.append(text)
        raise FlashingError("nothing was written")

    with flashkit.chip("esp32s3", chip, monkeypatch) as url, raises("nothing was written"):
        flash.flash(url, built, erase=True, warn=stop, **FLAGS)
    assert chip.data == before
    assert "journal, audit, vfs, nvs" in said[0] and "owes to the acquirer are lost" in said[0]


def test_the_wrong_chip_is_refused_before_anything_is_written(made, monkeypatch):
    for name, target in (("SY_C3", "esp32s3"), ("SY_BARE", "esp32c3"), ("SY_BARE", "esp32")):
        chip = flashkit.Flash(8 * flashkit.MB)
        with (
            flashkit.chip(target, chip, monkeypatch) as url,
            raises(f"the image for {name} is for"),
        ):
            flash.flash(url, made.images[name], erase=True, **FLAGS)
        assert not chip.begun


def test_a_flash_that_is_too_small_is_refused(made, monkeypatch):
    chip = flashkit.Flash(4 * flashkit.MB)
    with (
        flashkit.chip("esp32s3", chip, monkeypatch) as url,
        raises("has 4 MB of flash, SY_BARE needs 8 MB"),
    ):
        flash.flash(url, made.images["SY_BARE"], erase=True, **FLAGS)
    assert not chip.begun


def test_a_chip_with_security_fuses_is_left_alone(made, monkeypatch):
    from esptool.targets import ESP32S3ROM

    for fuse, match in (
        ("get_secure_boot_enabled", "secure boot is on"),
        ("get_flash_encryption_enabled", "flash encryption"),
    ):
        chip = flashkit.Flash(8 * flashkit.MB)
        with monkeypatch.context() as patch, flashkit.chip("esp32s3", chip, patch) as url:
            patch.setattr(ESP32S3ROM, fuse, lambda self: True)
            with pytest.raises(FlashingError, match=match):
                flash.flash(url, made.images["SY_BARE"], erase=True, **FLAGS)
        assert not chip.begun


def test_a_flash_that_stores_wrongly_is_noticed(made, monkeypatch):
    """Negative control: one bit of the application is stored wrongly."""
    built = made.images["SY_BARE"]
    chip = flashkit.Flash(8 * flashkit.MB, broken=built.table["ota_0"].offset + 5_432)
    with flashkit.chip("esp32s3", chip, monkeypatch) as url, raises("while writing ota_0: MD5"):
        flash.flash(url, built, **FLAGS)


def test_a_chip_whose_md5_is_right_and_whose_bytes_are_not_is_noticed(made, monkeypatch):
    """Negative control of our own comparison: the chip's sums say that all is well."""
    built = made.images["SY_BARE"]
    at = built.table["ota_0"].offset + 5_432
    chip = flashkit.Flash(8 * flashkit.MB, lying=at)
    with (
        flashkit.chip("esp32s3", chip, monkeypatch) as url,
        raises(f"ota_0 reads back differently at 0x{at:x}"),
    ):
        flash.flash(url, built, **FLAGS)


def test_an_image_without_bootloader_goes_onto_a_terminal_only(made, monkeypatch):
    base = made.folder / "alone" / "micropython.bin"
    base.parent.mkdir()
    names = flashkit.frozen_names("SY_BARE")
    base.write_bytes(flashkit.app("esp32s3", names=names, size=0))
    built = image.build(board.load("SY_BARE", made.boards), base, out=None)
    with flashkit.chip("esp32s3", flashkit.Flash(8 * flashkit.MB), monkeypatch) as url:
        for erase in (False, True):
            with pytest.raises(FlashingError, match="no bootloader"):
                flash.flash(url, built, erase=erase, **FLAGS)
    chip = in_use(made.images["SY_BARE"])
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        assert "bootloader" not in actions(flash.flash(url, built, **FLAGS))


def test_nobody_at_the_port_is_said_so(made):
    with pytest.raises(FlashingError, match="socket://127.0.0.1:1"):
        flash.flash("socket://127.0.0.1:1", made.images["SY_BARE"], **FLAGS)
    with pytest.raises(FlashingError, match="is for SY_BARE, not for SY_C3"):
        flash.flash("socket://127.0.0.1:1", made.images["SY_BARE"], board="SY_C3", **FLAGS)
    with pytest.raises(FlashingError, match="there is no port /dev/ttyNOPE0; .*shouyin ports"):
        flash.flash("/dev/ttyNOPE0", made.images["SY_BARE"], **FLAGS)


def test_the_command_shows_sizes_and_what_was_done(made, monkeypatch, capsys):
    built = made.images["SY_C3"]
    arguments = ["--no-stub", "--before", "no-reset", "--after", "no-reset"]
    chip = full(built)
    with flashkit.chip("esp32c3", chip, monkeypatch) as url:
        where = ["flash", "--port", url, "--image", str(built.path)]
        assert command.main([*where, "--board", "SY_C3", *arguments]) == 0
        said = capsys.readouterr().out
        assert "ota_0           0x010000" in said and "2,097,152" in said
        assert said.count(flash.SAME) == len(built.regions)
        assert command.main([*where, "--board", "SY_CLASSIC", *arguments]) == 1
    assert "the image is for SY_C3, not for SY_CLASSIC" in capsys.readouterr().err
    assert command.main(["flash", "--port", "", "--board", "SY_C3"]) == 1
    assert "PORT= is missing" in capsys.readouterr().err


def test_where_nobody_can_be_asked_erase_must_say_all(made, monkeypatch, capsys):
    built = made.images["SY_BARE"]
    chip = in_use(built)
    before = bytes(chip.data)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with flashkit.chip("esp32s3", chip, monkeypatch) as url:
        where = ["flash", "--port", url, "--image", str(built.path), "--board", "SY_BARE"]
        where += ["--no-stub", "--before", "no-reset", "--after", "no-reset", "--erase"]
        assert command.main([*where, "1"]) == 1
        assert "owes to the acquirer are lost" in (said := capsys.readouterr().err)
        assert "ERASE=all agrees" in said and chip.data == before
        assert command.main([*where, "all"]) == 0
        assert chip.data == built.data
        assert command.main([*where, "1"]) == 0  # nothing is lost, nobody is asked
