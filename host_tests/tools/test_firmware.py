"""tools/firmware.py: what is missing is named at once, and a build is judged. MicroPython's port
and ESP-IDF are stand-ins here: their make writes parts of the sizes that it is told."""

import os

import pytest
from esp_idf_defs.partitions import PartitionTable

import firmware
from bundle import keys as bundle_keys

BOARD = "SY_C3"

MAKEFILE = """
all:
	mkdir -p $(BUILD)/bootloader $(BUILD)/partition_table
	head -c $(BOOTLOADER) /dev/zero > $(BUILD)/bootloader/bootloader.bin
	cp $(TABLE) $(BUILD)/partition_table/partition-table.bin
	head -c $(APPLICATION) /dev/zero > $(BUILD)/micropython.bin
	head -c 100 /dev/zero > $(BUILD)/firmware.bin
	env > $(BUILD)/env.txt
	test -f $(BOARD_DIR)/mpconfigboard.cmake
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def env(tmp_path):
    """An environment with stand-ins for everything that is needed."""
    mp, idf = tmp_path / "micropython", tmp_path / "idf"
    write(mp / "ports" / "esp32" / "Makefile", MAKEFILE)
    write(
        mp / "py" / "mpconfig.h",
        "#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR 26\n"
        "#define MICROPY_VERSION_MICRO 1\n",
    )
    for name, file in firmware.SUBMODULES.items():
        write(mp / name / file, "")
    write(idf / "tools" / "cmake" / "project.cmake", "")
    write(
        idf / "tools" / "cmake" / "version.cmake",
        "set(IDF_VERSION_MAJOR 5)\nset(IDF_VERSION_MINOR 4)\nset(IDF_VERSION_PATCH 2)\n",
    )
    idf_py = idf / "tools" / "idf.py"
    write(idf_py, "#!/bin/sh\n")
    idf_py.chmod(0o755)
    cmake = tmp_path / "bin" / "cmake"
    write(cmake, "#!/bin/sh\n")
    cmake.chmod(0o755)
    table = tmp_path / "table.bin"
    table.write_bytes(firmware.table(BOARD).to_binary()[:0xC00])
    return {
        "PATH": f"{idf / 'tools'}:{tmp_path / 'bin'}:{os.environ['PATH']}",
        "MICROPYTHON_DIR": str(mp),
        "IDF_PATH": str(idf),
        "BOOTLOADER": "20000",
        "APPLICATION": "1700000",
        "TABLE": str(table),
    }


def build(env, tmp_path, **more):
    firmware.run(BOARD, env, build=tmp_path / "build", out=tmp_path / "out", **more)
    return tmp_path / "out" / (BOARD + ("-hardened" if more.get("hardened") else ""))


def test_a_build_is_measured_against_the_partitions_and_kept(env, tmp_path, capfd):
    place = build(env, tmp_path)
    said = capfd.readouterr().out
    assert "bootloader" in said and "20,000     32,768  61.0%" in said
    assert said.count("1,700,000  2,097,152  81.1%") == 2  # it must fit into both slots
    names = ["bootloader.bin", "firmware.bin", "micropython.bin", "partition-table.bin"]
    assert sorted(p.name for p in place.iterdir()) == names


@pytest.mark.parametrize(
    "part,size,said",
    [("APPLICATION", "2097153", "ota_0, ota_1"), ("BOOTLOADER", "32769", "bootloader")],
)
def test_what_does_not_fit_is_an_error(part, size, said, env, tmp_path):
    env[part] = str(int(size) - 1)
    build(env, tmp_path)
    env[part] = size
    with pytest.raises(firmware.FirmwareError, match=f"does not fit: {said}"):
        build(env, tmp_path)


def test_another_partition_table_than_the_boards_is_an_error(env, tmp_path):
    other = PartitionTable.from_csv("ota_0, app, ota_0, 0x10000, 0x200000\n")
    (tmp_path / "table.bin").write_bytes(other.to_binary())
    with pytest.raises(firmware.FirmwareError, match="not boards/SY_C3's"):
        build(env, tmp_path)


def test_a_failed_build_is_an_error(env, tmp_path):
    env["TABLE"] = str(tmp_path / "nowhere.bin")
    with pytest.raises(firmware.FirmwareError, match="ESP32 port failed"):
        build(env, tmp_path)


def test_the_build_knows_whether_it_is_hardened_and_where_made_modules_lie(env, tmp_path):
    for name in ("HARDENED", "GENERATED", "DEV"):
        env["SHOUYIN_" + name] = "left over"
    build(env, tmp_path)
    plain = (tmp_path / "build" / BOARD / "env.txt").read_text()
    assert "SHOUYIN_" not in plain
    build(env, tmp_path, hardened=True, modules=tmp_path)
    hard = (tmp_path / "build" / f"{BOARD}-hardened" / "env.txt").read_text()
    assert "SHOUYIN_HARDENED=1\n" in hard and f"SHOUYIN_GENERATED={tmp_path}\n" in hard


def problems(env, board=BOARD):
    return "\n".join(firmware.problems(board, env))


def test_nothing_is_missing_where_everything_is(env):
    assert problems(env) == ""


def test_everything_that_is_missing_is_named_at_once(tmp_path):
    said = problems({"PATH": str(tmp_path)}, "SY_NONE")
    for part in ("BOARD=SY_NONE: there are SY_C3, SY_CLASSIC", "MICROPYTHON_DIR is not set",
                 "IDF_PATH is not set", "export.sh", "make is not in PATH",
                 "cmake is not in PATH"):  # fmt: skip
        assert part in said, part


@pytest.mark.parametrize(
    "path,text,said",
    [
        ("micropython/ports/esp32/Makefile", None, "holds no ports/esp32"),
        ("micropython/py/mpconfig.h", "", "no version in py/mpconfig.h"),
        (
            "micropython/py/mpconfig.h",
            "#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR 24\n"
            "#define MICROPY_VERSION_MICRO 1\n",
            "is 1.24.1, 1.25 is needed",
        ),
        (
            "micropython/lib/micropython-lib/README.md",
            None,
            "submodules are empty (lib/micro",
        ),
        ("idf/tools/cmake/project.cmake", None, "it is no ESP-IDF"),
        ("idf/tools/cmake/version.cmake", "", "no version in tools/cmake/version.cmake"),
        (
            "idf/tools/cmake/version.cmake",
            "set(IDF_VERSION_MAJOR 4)\nset(IDF_VERSION_MINOR 4)\nset(IDF_VERSION_PATCH 7)\n",
            "is 4.4.7, 5.2 is needed",
        ),
        ("idf/tools/idf.py", None, "idf.py is not in PATH"),
    ],
)
def test_what_is_wrong_is_named(path, text, said, env, tmp_path):
    if text is None:
        (tmp_path / path).unlink()
    else:
        (tmp_path / path).write_text(text)
    found = firmware.problems(BOARD, env)
    assert len(found) == 1 and said in found[0], found


def test_only_boards_that_need_tinyusb_ask_for_it(env, tmp_path):
    (tmp_path / "micropython" / "lib" / "tinyusb" / "README.rst").unlink()
    assert problems(env) == ""
    assert "lib/tinyusb" in problems(env, "SY_MPOS")


def test_the_command_says_it_in_one_message(monkeypatch, capsys):
    for name in ("MICROPYTHON_DIR", "IDF_PATH"):
        monkeypatch.delenv(name, raising=False)
    assert firmware.main([BOARD]) == 2
    said = capsys.readouterr().err
    assert said.startswith("cannot: no image can be built here:\n  - MICROPYTHON_DIR is not set")
    assert "IDF_PATH is not set" in said


# ---- whom the image believes --------------------------------------------------------------------


def module(path):
    names = {}
    exec(path.read_text(), names)
    return names


def test_sec17_an_image_that_believes_nobody_is_not_built(tmp_path):
    """It would refuse every bundle for ever, also the one with the font."""
    with pytest.raises(firmware.FirmwareError, match="KEY=release.pem .* or DEV=1 .* no font"):
        firmware.generated(BOARD, build=tmp_path)


def test_a_release_believes_its_key_and_the_service_desk(tmp_path):
    release, desk = tmp_path / "release.pem", tmp_path / "desk.pem"
    numbers = [bundle_keys.make(path).public_key().public_numbers().n for path in (release, desk)]
    place = firmware.generated(BOARD, [release], [desk], build=tmp_path)
    made = module(place / "signers.py")
    (name, n, e), (who, m, _) = *made["KEYS"], *made["ACTIVATION"]
    assert (name, int.from_bytes(n, "big"), e) == ("release", numbers[0], 65537)
    assert (who, int.from_bytes(m, "big")) == ("desk", numbers[1])
    assert [p.name for p in place.iterdir()] == ["signers.py"]  # a release


def test_a_development_build_believes_the_development_key(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_keys, "DEVELOPMENT_KEY", tmp_path / "development.pem")
    place = firmware.generated(BOARD, dev=True, build=tmp_path)
    made = module(place / "signers.py")
    assert made["KEYS"] == made["ACTIVATION"] and made["KEYS"][0][0] == "development"
    assert module(place / "flavour.py")["DEV"] is True and (place / "devrepl.py").exists()
    with pytest.raises(firmware.FirmwareError, match="believes no development key"):
        firmware.generated(BOARD, [tmp_path / "development.pem"], build=tmp_path)
    # nothing of it is left in the release that is built next
    bundle_keys.make(tmp_path / "release.pem")
    place = firmware.generated(BOARD, [tmp_path / "release.pem"], build=tmp_path)
    assert [p.name for p in place.iterdir()] == ["signers.py"]


def test_modules_of_ones_own_go_first(tmp_path):
    own = tmp_path / "own"
    write(own / "signers.py", "KEYS = ACTIVATION = ()\n")
    place = firmware.generated(BOARD, modules=own, build=tmp_path)
    assert (place / "signers.py").read_text() == "KEYS = ACTIVATION = ()\n"
    for path in (tmp_path / "none", tmp_path / "none.pem"):
        with pytest.raises(firmware.FirmwareError, match=f"{path.name}"):
            firmware.generated(BOARD, [tmp_path / "none.pem"], modules=path, build=tmp_path)


def test_sec1_only_a_development_build_writes_core_dumps(env, tmp_path):
    """A stack or heap in flash could hold a card number, a PIN or a key."""
    common = firmware.BOARDS / "common"
    rows = (common / "sdkconfig.common").read_text().splitlines()
    assert "CONFIG_ESP_COREDUMP_ENABLE_TO_NONE=y" in rows
    assert not any("COREDUMP_ENABLE_TO_FLASH=y" in r or "TO_UART=y" in r for r in rows)
    for board in firmware.names():
        assert "COREDUMP" not in (firmware.BOARDS / board / "sdkconfig.board").read_text()
    build(env, tmp_path, dev=True)
    assert "SHOUYIN_DEV=1\n" in (tmp_path / "build" / f"{BOARD}-dev" / "env.txt").read_text()
    assert "CONFIG_ESP_COREDUMP_ENABLE_TO_FLASH=y" in (common / "sdkconfig.dev").read_text()
