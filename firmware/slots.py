# The two bundle slots: signed images of the firmware in flash that go before the frozen one.
#
# A slot holds what `make bundle` made. Its first block, all of it fixed by the checks below:
#   "SYB1" | u16 LE n | manifest, n bytes of JSON | u16 LE m | signature, m bytes | 0xff up to 4096
# and then a ROMFS image. The signature is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2) over all
# that comes before its length. Nothing is interpreted before it is known to be signed: the
# manifest is parsed after its signature, the image is mounted after its hash.
#
# NVS, namespace "boot": "floor" is the lowest counter that may still run (anti-rollback); "slot0"
# and "slot1" are 8 bytes that name a bundle and one that tells how it fared: its number of starts
# without confirm(), _CONFIRMED or _BAD.

import hashlib
import json
import sys

import vfs
from esp32 import NVS, Partition
from micropython import const

import bootstate
import flavour
import identity
import signers

HEADER = const(4096)
PLACE = "/rom"
SLOTS = 2

_MAGIC = b"SYB1"
_PIECE = const(4096)
_TRIALS = const(3)  # starts that a new bundle has to prove itself
_CONFIRMED = const(0xFE)
_BAD = const(0xFF)
_NVS_NOT_FOUND = const(-4354)  # ESP_ERR_NVS_NOT_FOUND
_MARK = const(8)
_COUNTER_MAX = const(0x7FFFFFFF)  # what NVS keeps as i32
# DER of DigestInfo with SHA-256, up to the hash (RFC 8017, 9.2, note 1)
_SHA256 = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
_KEY_MIN, _KEY_MAX = const(256), const(512)  # bytes: 2048 to 4096 bits
_DEVELOPMENT = "development"  # the name of a key that signs for development firmware only


class Refused(Exception):
    """A slot that must not run. args: (reason,), one word. Of the header: blank, magic, length,
    padding, signer (nobody's, or not for releases), signature, manifest. Not for here: format,
    board, mpy, arch, size, counter, dev. In bootstate.bundle_reason also: old (not newer than the
    frozen firmware), floor (older than what was confirmed), trial (three starts, never confirmed),
    bad (so before), crashes, nvs (cannot be used: nobody knows what may run), hash (of the image),
    image (is no ROMFS)."""


_active = None  # (slot, mark, counter) of the bundle that runs
_frozen = None  # counter of the frozen firmware


# ---- what a slot says ---------------------------------------------------------------------------


def partition(slot):
    """The Partition of slot 0 or 1, None when the board has none."""
    found = Partition.find(Partition.TYPE_DATA, label="bundle_%d" % slot)
    return found[0] if found else None


def signed_by(digest, signature, n, e):
    """Whether `signature` is the RSASSA-PKCS1-v1_5 signature of a SHA-256 `digest` under the
    public key n (bytes, big endian), e: RFC 8017, 8.2.2, by comparing the whole encoded
    message."""
    size = len(n)
    if len(signature) != size or not _KEY_MIN <= size <= _KEY_MAX:
        return False
    modulus = int.from_bytes(n, "big")
    s = int.from_bytes(signature, "big")
    if s >= modulus:
        return False
    filler = b"\xff" * (size - 3 - len(_SHA256) - 32)
    return pow(s, e, modulus).to_bytes(size, "big") == (
        b"\x00\x01" + filler + b"\x00" + _SHA256 + digest
    )


def _header(part, keys):
    """(signed bytes, name of the signer) of a slot's first block. Refused."""
    block = bytearray(HEADER)
    part.readblocks(0, block, 0)
    view = memoryview(block)
    if view[:4] == b"\xff\xff\xff\xff":
        raise Refused("blank")
    if view[:4] != _MAGIC:
        raise Refused("magic")
    end = 6 + (block[4] | block[5] << 8)
    if end + 2 > HEADER:
        raise Refused("length")
    n = block[end] | block[end + 1] << 8
    rest = end + 2 + n
    if rest > HEADER:
        raise Refused("length")
    if block.count(b"\xff", rest) != HEADER - rest:
        raise Refused("padding")
    if not keys:
        raise Refused("signer")
    digest = hashlib.sha256(view[:end]).digest()
    signature = bytes(view[end + 2 : rest])
    for name, modulus, exponent in keys:
        if signed_by(digest, signature, modulus, exponent):
            return bytes(view[:end]), name
    raise Refused("signature")


_FIELDS = (
    ("format", int), ("board", str), ("version", str), ("counter", int), ("arch", str),
    ("mpy", str), ("size", int), ("sha256", str), ("dev", bool),
)  # fmt: skip


def _manifest(data):
    try:
        manifest = json.loads(data)
    except ValueError:
        raise Refused("manifest")
    if not isinstance(manifest, dict):
        raise Refused("manifest")
    for name, kind in _FIELDS:
        if type(manifest.get(name)) is not kind:
            raise Refused("manifest")
    return manifest


def _runs_here(manifest, room, signer):
    """Refused unless this board with this interpreter can run the bundle."""
    # persistentcode.h: version in bits 0-7, sub-version in 8-9, native architecture from 10 on
    mpy = getattr(sys.implementation, "_mpy", 0)
    arches = ("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
              "xtensa", "xtensawin", "rv32imc", "rv64imc")  # fmt: skip
    arch = mpy >> 10
    development = manifest["dev"]
    for reason, right in (
        ("format", manifest["format"] == 1),
        ("board", manifest["board"] == identity.BOARD),
        ("mpy", manifest["mpy"] == "%d.%d" % (mpy & 0xFF, mpy >> 8 & 3)),
        ("arch", arch < len(arches) and manifest["arch"] in ("", arches[arch])),
        ("size", 0 < manifest["size"] <= room - HEADER),
        ("counter", 0 < manifest["counter"] <= _COUNTER_MAX),
        ("dev", flavour.DEV or not development),
        ("signer", development or signer != _DEVELOPMENT),
    ):
        if not right:
            raise Refused(reason)


def read(part, keys=None):
    """(manifest, mark) of the bundle in a partition: signed, and made for this board. Its image
    has not been looked at. Refused."""
    signed, signer = _header(part, signers.KEYS if keys is None else keys)
    manifest = _manifest(signed[6:])
    _runs_here(manifest, part.ioctl(4, 0) * part.ioctl(5, 0), signer)
    return manifest, hashlib.sha256(signed).digest()[:_MARK]


def _pieces(part, size, sha):
    """Feed an image to `sha`, piece by piece."""
    buf = memoryview(bytearray(_PIECE))
    for at in range(0, size, _PIECE):
        piece = buf[: min(_PIECE, size - at)]
        part.readblocks((HEADER + at) // _PIECE, piece, 0)
        sha.update(piece)
        yield


def _intact(part, manifest, feed):
    sha = hashlib.sha256()
    for _ in _pieces(part, manifest["size"], sha):
        feed()
    return sha.digest().hex() == manifest["sha256"]


async def digest(slot):
    """Whether the image in a slot still is what its manifest says, read in slices between which
    others run: for the self-test of a running terminal. False too when the slot is refused."""
    import asyncio

    part = partition(slot)
    try:
        manifest, _ = read(part)
    except Refused:
        return False
    sha = hashlib.sha256()
    for _ in _pieces(part, manifest["size"], sha):
        await asyncio.sleep_ms(0)
    return sha.digest().hex() == manifest["sha256"]


# ---- what is remembered -------------------------------------------------------------------------


def _only_missing(e):
    """What cannot be read is not what was never written."""
    if e.args[0] != _NVS_NOT_FOUND:
        raise e


def _floor(nvs):
    try:
        return nvs.get_i32("floor")
    except OSError as e:
        _only_missing(e)
        return 0


def _raise_floor(nvs, counter):
    if _floor(nvs) < counter:
        nvs.set_i32("floor", counter)
        nvs.commit()


def _fared(nvs, slot, mark):
    """Starts of this bundle so far, _CONFIRMED or _BAD."""
    kept = bytearray(_MARK + 1)
    try:
        nvs.get_blob("slot%d" % slot, kept)
    except OSError as e:
        _only_missing(e)
        return 0
    return kept[_MARK] if kept[:_MARK] == mark else 0


def _note(nvs, slot, mark, fared):
    nvs.set_blob("slot%d" % slot, mark + bytes((fared,)))
    nvs.commit()


# ---- the choice ---------------------------------------------------------------------------------


def _frozen_counter():
    global _frozen
    if _frozen is None:  # once: a bundle that runs brings a version of its own
        from app.version import COUNTER

        _frozen = COUNTER
    return _frozen


def _lowest(manifest):
    """The lowest counter with which a bundle like that may run. OSError of NVS."""
    frozen = _frozen_counter()
    if not (flavour.DEV and manifest["dev"]):
        frozen += 1  # a developer builds again and again under the same number
    return max(frozen, _floor(NVS("boot")))


def _judge(slot, manifest, mark):
    """Why a bundle that could run must not, None when it may. OSError of NVS."""
    fared = _fared(NVS("boot"), slot, mark)
    if fared == _BAD:
        return "bad"
    if _TRIALS <= fared != _CONFIRMED:
        return "trial"
    lowest, counter = _lowest(manifest), manifest["counter"]
    if counter < lowest:
        return "old" if counter <= _frozen_counter() else "floor"
    return None


def verdict(slot):
    """(reason, lowest): why what lies in a slot will not run at the next start, None when it may,
    for who has just written it; and the lowest counter that may run, None when the slot is refused
    whatever its counter. The image is not looked at."""
    try:
        manifest, mark = read(partition(slot))
        return _judge(slot, manifest, mark), _lowest(manifest)
    except Refused as e:
        return e.args[0], None
    except OSError:
        return "nvs", None


def _candidates(tired):
    """[(may run, counter, -slot, manifest, mark, partition)], the best first; {slot: reason} of
    all that may not."""
    found, reasons = [], {}
    for slot in range(SLOTS):
        part = partition(slot)
        if part is None:
            continue
        try:
            manifest, mark = read(part)
        except Refused as e:
            reasons[slot] = e.args[0]
            continue
        try:
            why = _judge(slot, manifest, mark)
            if why == "trial":
                _note(NVS("boot"), slot, mark, _BAD)
        except OSError as e:
            bootstate.nvs_error, why = e.args[0], "nvs"
        if why is None and tired:
            why = "crashes"
        if why:
            reasons[slot] = why
        found.append((why is None, manifest["counter"], -slot, manifest, mark, part))
    found.sort(reverse=True)
    return found, reasons


def _begin(slot, manifest, mark):
    """Count a start of a bundle; whether that could be written down."""
    try:
        nvs = NVS("boot")
        fared = _fared(nvs, slot, mark)
        if fared == _CONFIRMED:
            # The power may have gone before confirm() had raised it.
            _raise_floor(nvs, manifest["counter"])
        else:
            _note(nvs, slot, mark, fared + 1)
    except OSError as e:
        bootstate.nvs_error = e.args[0]
        return False
    return True


def _run(slot, manifest, mark):
    global _active
    _active = slot, mark, manifest["counter"]
    bootstate.bundle, bootstate.bundle_slot = manifest, slot


def start(feed, tired=False):
    """Mount the best bundle at /rom and put it before what is frozen. Without one the frozen
    firmware runs; the assets of a signed bundle that must not run are mounted for it all the same.
    `feed` is called between pieces of work of some milliseconds. `tired`: bundles crashed so often
    that none is to run. Sets bundle, bundle_slot and bundle_reason of bootstate; returns whether a
    bundle was given up right now."""
    found, reasons = _candidates(tired)
    given_up = "trial" in reasons.values()
    for runs, _, slot, manifest, mark, part in found:
        slot = -slot
        if not _intact(part, manifest, feed):
            reasons[slot] = "hash"
            continue
        if runs and not _begin(slot, manifest, mark):
            reasons[slot], runs = "nvs", False
        try:
            _mount(part, manifest["size"], runs)
        except OSError:
            reasons[slot] = "image"
            continue
        if runs:
            _run(slot, manifest, mark)
        break
    bootstate.bundle_reason = ", ".join("slot %d: %s" % r for r in sorted(reasons.items()))
    return given_up


def _mapped(part):
    """The partition's bytes in place, so that code runs out of flash; None where the port cannot
    map them."""
    try:
        from flashmap import view  # boards/common/flashmap.c
    except ImportError:
        try:
            return memoryview(part)
        except TypeError:
            return None
    return view(part.info()[4])


def _mount(part, size, runs):
    """`runs`: the image's modules are to be found too."""
    image = _mapped(part)
    if image is None:
        from romreader import RomReader

        fs = RomReader(part, HEADER, size)
    else:
        fs = vfs.VfsRom(image[HEADER : HEADER + size])
    try:
        vfs.umount(PLACE)
    except OSError:
        pass  # nothing there: only boards with assets of their own have something
    vfs.mount(fs, PLACE)
    if runs:
        sys.path.insert(0, PLACE)
        # What was loaded so far came from the frozen firmware, and would be found again.
        for name in ("app.version", "app", "chip"):
            sys.modules.pop(name, None)


def confirm():
    """The bundle that runs has passed its self-test and serves: its trial is over, and nothing
    older may come back."""
    if _active is None:
        return
    slot, mark, counter = _active
    nvs = NVS("boot")
    if _fared(nvs, slot, mark) != _CONFIRMED:
        _note(nvs, slot, mark, _CONFIRMED)
    _raise_floor(nvs, counter)
