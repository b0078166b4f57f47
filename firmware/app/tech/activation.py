# Activation: from the signed file of the acquirer (docs/activation.schema.json) to a terminal that
# knows its merchant, its host, its operators and its technician.
#
#   tech.receive(name, offset, base64)   a piece of the file, in order
#   tech.activate(name)                  check everything, then take it over: all of it or nothing
#
# The file is {"activation":{...},"signature":"base64"}; what is signed are the bytes of the inner
# object as they stand. Pieces rest sealed with the device's secret: there may be passwords of
# Wi-Fi networks in them. What was checked is written as one sealed file; that it is there is the
# commitment: finish() writes it out to settings, operators and vault, now or at the next boot.

import binascii
import hashlib
import json
import os
import struct

from micropython import const

import board

from ..crypto import seal
from ..host.keyring import KeyRing
from ..kernel import clock, log
from ..store import files, wifi
from ..store.flashlog import FlashError
from ..store.settings import SCHEMA, SettingsError, check
from ..store.vault import Vault, VaultError
from .context import TechError
from .result import Result

FORMAT = const(1)
LONGEST = const(8192)  # bytes of a file
_PIECE_MAX = const(1024)
_NAME_MAX = const(32)
_BEGIN = b'{"activation":'
_SIGNED = b',"signature":"'
_STAGED = "/activation.staged"
_DONE = "/activation.json"  # what install_report() wants to know of it
ACCEPTED = "/acceptance.json"  # tech.acceptance
_CONTEXT = b"activation"
_ROUNDS = const(300)  # store.operators
_ENOSPC = const(28)
_OF_BATCH = ("tid", "mid", "key_mode")  # what the transactions of a batch were made with

# Field of the file -> parameter (store.settings).
_ACQUIRER = ("host", "port", "tpdu", "header", "key_mode")
_ROLES = ("cashier", "supervisor", "admin")
_CUSTODIANS = ("supervisor", "admin")
_TECHNICIAN = "technician"
_HEX = "0123456789abcdef"


def _sealer():
    return seal.Sealer(board.device_secret(), _CONTEXT)


# ---- receiving ----------------------------------------------------------------------------------


def _path(name):
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_MAX:
        raise TechError("name: 1 to %d characters" % _NAME_MAX)
    for c in name:
        if not ("a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9" or c in "-_."):
            raise TechError("name: letters, digits, - _ . only")
    return board.DATA + "/in-" + name


def _place(name, offset):
    return name.encode() + struct.pack("<I", offset)


def _read(name):
    """bytearray of what was received under `name` so far. TechError when it is damaged."""
    kept = files.load(_path(name)) or b""
    out = bytearray()
    at = 0
    sealer = _sealer()
    try:
        while at < len(kept):
            n = kept[at] | kept[at + 1] << 8
            out += sealer.open(kept[at + 2 : at + 2 + n], _place(name, len(out)))
            at += 2 + n
    except (ValueError, IndexError):
        raise TechError("what was received is damaged: begin at offset 0")
    return out


def _tidy():
    """One file at a time: those that nobody took over would fill the volume."""
    for name in os.listdir(board.DATA):
        if name.startswith("in-"):
            os.remove(board.DATA + "/" + name)


def receive(ctx, name, offset, data):
    """A piece of a file: `data` base64 of at most 1,024 bytes for `offset`; 0 begins anew. `have`
    tells where the next one begins. TechError."""
    path = _path(name)
    try:
        piece = binascii.a2b_base64(data)
    except (ValueError, TypeError):
        raise TechError("the piece is not base64")
    if not 0 < len(piece) <= _PIECE_MAX:
        raise TechError("a piece has 1 to %d bytes" % _PIECE_MAX)
    if offset == 0:
        _tidy()
    have = 0 if offset == 0 else len(_read(name))
    if offset != have:
        raise TechError("%d bytes are here: go on from there, or from 0" % have)
    if have + len(piece) > LONGEST:
        raise TechError("a file has at most %d bytes" % LONGEST)
    sealed = _sealer().seal(piece, _place(name, offset))
    kept = b"" if offset == 0 else files.load(path)
    files.replace(path, kept + struct.pack("<H", len(sealed)) + sealed)
    return Result({"name": name, "have": have + len(piece)})


def received(name):
    """bytearray, empty when nothing was received under `name`. TechError when it is damaged."""
    return _read(name)


def discard(name):
    """Forget what was received."""
    os.remove(_path(name))


# ---- checking -----------------------------------------------------------------------------------


def _opened(data):
    """(dict, name of the signer) of a whole file whose signature holds. TechError."""
    import signers
    from slots import signed_by  # the boot's own: one way to check a signature

    at = bytes(data).rfind(_SIGNED)
    if not bytes(data).startswith(_BEGIN) or at < 0 or bytes(data[-2:]) != b'"}':
        raise TechError("this is no activation file")
    signed = bytes(data[len(_BEGIN) : at])
    try:
        signature = binascii.a2b_base64(bytes(data[at + len(_SIGNED) : -2]))
    except ValueError:
        raise TechError("this is no activation file: signature")
    keys = getattr(signers, "ACTIVATION", ())
    if not keys:
        raise TechError("this firmware knows no signer of activation files")
    digest = hashlib.sha256(signed).digest()
    for name, n, e in keys:
        if signed_by(digest, signature, n, e):
            try:
                return json.loads(signed), name
            except ValueError:
                raise TechError("signed, but not JSON")
    raise TechError("the signature is nobody's whom this firmware knows, or the file was changed")


def _take(data, name, kind, where=""):
    """data[name], of type `kind`. TechError."""
    value = data.get(name)
    if type(value) is not kind:
        raise TechError("%s%s is missing, or of another type" % (where, name))
    return value


def _only(data, names, where=""):
    for name in data:
        if name not in names:
            raise TechError("%s%s is not known" % (where, name))


def _parameters(file):
    """{name: value} for the settings; every value is checked."""
    merchant = _take(file, "merchant", dict)
    _only(merchant, ("number", "name", "name_en"), "merchant.")
    values = dict(_take(file, "parameters", dict))
    for name in values:
        if name in ("tid", "mid", "merchant_name", "merchant_name_en") + _ACQUIRER:
            raise TechError("parameters.%s has a place of its own" % name)
        if name.startswith("wifi_ssid"):
            raise TechError("parameters.%s belongs to wifi" % name)
    values["tid"] = _take(file, "terminal", str)
    values["mid"] = _take(merchant, "number", str, "merchant.")
    values["merchant_name"] = _take(merchant, "name", str, "merchant.")
    values["merchant_name_en"] = merchant.get("name_en", "")
    acquirer = _take(file, "acquirer", dict)
    _only(acquirer, _ACQUIRER, "acquirer.")
    values.update(acquirer)
    for name in ("host", "port"):
        if name not in acquirer:
            raise TechError("acquirer.%s is missing" % name)
    for name, value in values.items():
        try:
            check(name, value)
        except SettingsError as e:
            raise TechError("%s %s" % e.args)
    return values


def _is_hex(text, digits):
    return isinstance(text, str) and len(text) == digits and all(c in _HEX for c in text)


def _person(entry, roles, first):
    """(number, record) for the file of operators."""
    if not isinstance(entry, dict):
        raise TechError("an operator is an object")
    no, role = entry.get("number"), entry.get("role")
    _only(entry, ("number", "role", "salt", "hash", "rounds"), "operator ")
    if not isinstance(no, str) or len(no) != 2 or not no.isdigit():
        raise TechError("an operator's number has two digits")
    if role not in roles:
        raise TechError("operator %s: role must be one of %s" % (no, " ".join(roles)))
    if not (_is_hex(entry.get("salt"), 16) and _is_hex(entry.get("hash"), 64)):
        raise TechError("operator %s: salt and hash" % no)
    if entry.get("rounds") != _ROUNDS:
        raise TechError("operator %s: rounds must be %d" % (no, _ROUNDS))
    record = {"role": role, "change": first, "wrong": 0}
    record["salt"], record["hash"] = entry["salt"], entry["hash"]
    return no, record


def _people(file):
    """{number: record}: the operators, whose first passwords must be changed, and the
    technician."""
    people = {}
    custodians = 0
    for entry in _take(file, "operators", list):
        no, record = _person(entry, _ROLES, True)
        if no in people:
            raise TechError("operator %s is there twice" % no)
        people[no] = record
        custodians += record["role"] in _CUSTODIANS
    if custodians < 2:
        raise TechError("the master key needs two operators who are supervisor or admin")
    entry = dict(_take(file, "technician", dict))
    entry["role"] = _TECHNICIAN
    no, record = _person(entry, (_TECHNICIAN,), False)
    if no in people:
        raise TechError("operator %s is there twice" % no)
    people[no] = record
    return people


def _networks(file):
    """[[ssid, password], ...]"""
    out = []
    for entry in file.get("wifi", ()):
        _only(entry, ("ssid", "password"), "wifi ")
        ssid, password = entry.get("ssid"), entry.get("password", "")
        try:
            check("wifi_ssid_1", ssid)
            wifi.check_password(password)
        except SettingsError as e:
            raise TechError("wifi: %s %s" % e.args)
        except AttributeError:
            raise TechError("wifi: password must be a text")
        if not ssid:
            raise TechError("wifi: a network has a name")
        out.append([ssid, password])
    if len(out) > len(wifi.PLACES):
        raise TechError("wifi: at most %d networks" % len(wifi.PLACES))
    return out


def _date(file, name):
    text = _take(file, name, str)
    parts = text.split("-")
    if len(text) != 10 or len(parts) != 3 or not all(p.isdigit() for p in parts):
        raise TechError("%s must be YYYY-MM-DD" % name)
    return text


def _for_whom_and_when(file):
    """Notes for the technician. TechError when the file is not for this terminal, today."""
    serial = file.get("serial")
    if serial is not None and serial not in (board.serial(), "%06X" % board.serial()):
        raise TechError("the file is for another terminal: serial number %s" % serial)
    first, last = _date(file, "not_before"), _date(file, "not_after")
    if not clock.is_set():
        return ["the clock is not set: the file's dates could not be checked"]
    today = "%04d-%02d-%02d" % clock.now()[:3]
    if not first <= today <= last:
        raise TechError("the file is valid from %s to %s; today is %s" % (first, last, today))
    return []


_FIELDS = ("format", "merchant", "terminal", "acquirer", "parameters", "operators", "technician",
           "wifi", "kcv", "serial", "not_before", "not_after", "signer")  # fmt: skip


def plan(data):
    """(what finish() writes, notes) of a file. TechError names what is wrong with it."""
    file, signer = _opened(data)
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        raise TechError("format must be %d" % FORMAT)
    _only(file, _FIELDS)
    if _take(file, "signer", str) != signer:
        raise TechError("signer is not the one whose signature it is")
    kcv = _take(file, "kcv", str)
    if not _is_hex(kcv.lower(), 6):
        raise TechError("kcv must have 6 hex digits")
    notes = _for_whom_and_when(file)
    values = _parameters(file)
    done = {"kcv": kcv.upper(), "tid": values["tid"], "signer": signer,
            "sha256": binascii.hexlify(hashlib.sha256(bytes(data)).digest()).decode()}  # fmt: skip
    return {
        "settings": values, "operators": _people(file), "wifi": _networks(file), "done": done
    }, notes  # fmt: skip


# ---- taking over --------------------------------------------------------------------------------


def activate(ctx, name):
    """Take over what was received under `name`: all of it, or nothing and a TechError that says
    why. The terminal then starts anew."""
    path = _path(name)
    data = _read(name)
    if not data:
        raise TechError("nothing was received under this name")
    wanted, notes = plan(data)
    try:
        left = len(ctx.journal())
    except (FlashError, OSError, ValueError) as e:
        raise TechError("the journal cannot be read: %s" % e)
    if left:
        notes = notes + [_owner(ctx, left, wanted["settings"])]
    if ctx.app is not None:
        from .devices import need_free

        need_free(ctx)
    ctx.audit("activation", wanted["done"]["tid"])
    try:
        stage(wanted)
    except OSError as e:
        raise TechError("nothing was written: error %d" % e.args[0])
    try:
        finish()
        ctx.reread()
        os.remove(path)
    except OSError as e:
        raise TechError("accepted, but not written out, error %d: tech.reboot()" % e.args[0])
    if ctx.terminal is not None:
        ctx.terminal.restart_soon()
    to_do = ["two custodians type the master key, KCV %s: tech.keys.enter()"
             % wanted["done"]["kcv"], "tech.acceptance()", "tech.install_report()"]  # fmt: skip
    result = {"activated": True, "tid": wanted["done"]["tid"], "notes": notes, "to_do": to_do}
    lines = ["activated: terminal %s" % wanted["done"]["tid"]] + notes + ["still to do:"]
    return Result(result, lines + ["  " + line for line in to_do])


def _owner(ctx, left, new):
    """A note that `left` transactions are not settled. TechError when they would end under another
    number than they began with. Parameters that are lost or damaged forbid nothing: the file is
    then the only way on."""
    try:
        old = ctx.settings()
        differ = [n for n in _OF_BATCH if old[n] != new.get(n, SCHEMA[n][1])] if old["tid"] else ()
    except SettingsError:
        differ = ()
    if differ:
        raise TechError("%d transactions belong to terminal %s, merchant %s: settle first"
                        % (left, old["tid"], old["mid"]))  # fmt: skip
    return "%d transactions are not settled yet: settle them with this terminal" % left


def stage(wanted):
    """Commit to it: from here on finish() leads to the new state, whatever the power does."""
    clear = json.dumps(wanted).encode()
    files.replace(board.DATA + _STAGED, _sealer().seal(clear, _CONTEXT))


def _forget(path):
    if files.exists(path):
        os.remove(path)


def finish():
    """Write out what was staged; again, when it was interrupted. OSError."""
    path = board.DATA + _STAGED
    kept = files.load(path)
    if kept is None:
        return
    try:
        wanted = json.loads(bytes(_sealer().open(kept, _CONTEXT)))
    except ValueError as e:
        log.exception("staged activation", e)  # of another device secret: nobody can read it
        os.remove(path)
        return
    names, slots = wifi.prepared(wanted["wifi"])
    wanted["settings"].update(names)
    files.replace_json(board.DATA + "/settings.json", wanted["settings"])
    files.replace_json(board.DATA + "/operators.json", wanted["operators"])
    _forget(board.DATA + ACCEPTED)  # it was tested as another terminal
    vault = Vault(board.DATA + "/vault.bin", seal.Sealer(board.device_secret()))
    try:
        vault.load()
    except VaultError as e:
        log.error("%s", e.args[0])  # its keys are lost anyway: a new master key is due
    # Working keys belong to the merchant who was there before; so does a master key that is not
    # the one of the file.
    if KeyRing(vault).check_values().get("TMK") != wanted["done"]["kcv"]:
        slots["TMK"] = None
    try:
        vault.put(PIK=None, MAK=None, TDK=None, **slots)
    except VaultError as e:
        log.error("%s", e.args[0])
        raise OSError(_ENOSPC)
    files.replace_json(board.DATA + _DONE, wanted["done"])
    os.remove(path)


def done():
    """{"kcv", "tid", "signer", "sha256"} of the activation, None when there was none."""
    try:
        return files.load_json(board.DATA + _DONE)
    except ValueError:
        return None
