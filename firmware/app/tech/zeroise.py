# Destroying what is secret (security.md, item 28): on the technician's word, when the terminal
# leaves its shop (decommission), and at once when its case was opened (tamper).
#
# A flag in NVS comes first; whatever the power does then, the next boot finds the flag and goes on
# before anything else. Order of a decommissioning: flag, device secret (what was sealed with it,
# the vault and the cards in the journal, cannot be opened from here on), every block of the
# partitions below, then the raw NVS partition: ESP-IDF only marks an entry as erased, its bytes
# stay in the page (ESP-IDF, NVS library, "Structure of a page"). The flag goes with it: that this
# last step has begun and not ended is told by the newest event of the audit log, which stays.
#
# After a tamper the books stay: settings, operators and journal are kept, so that what the shop is
# owed is not lost; vault, device secret and core dump go. A file says that the terminal is locked,
# because the flag went too. Two custodians with a new master key unlock it.

import os

import vfs

import board
import kept

from ..kernel import clock, log
from ..store import files

_FLAG = "zeroise"
DECOMMISSION = b"D"
TAMPER = b"T"
LAST_STEP = "zeroising"  # newest event while the raw NVS is being erased
_SECRET = "device"  # chip.device_secret()
# A core dump holds memory, and with it keys.
_ALL = ("vfs", "journal", "coredump")
_MARKER = board.DATA + "/tampered"
_PIECE = 256


def _no_pulse():
    pass


def pending():
    """DECOMMISSION or TAMPER when one has begun and did not come to its last step, else None."""
    return kept.get(_FLAG, 1)


def _forget(path):
    try:
        os.remove(path)
    except OSError as e:
        if e.args[0] not in (2, 19):  # ENOENT, ENODEV: nothing there, nothing mounted
            log.exception("zeroise", e)


def _is_blank(partition, block, size):
    buf = bytearray(_PIECE)
    for at in range(0, size, _PIECE):
        partition.readblocks(block, buf, at)
        if bytes(buf).count(b"\xff") != _PIECE:
            return False
    return True


def _erase(label, pulse):
    """Erase every block of a partition that holds anything."""
    partition = kept.partition(label)
    if partition is None:
        return
    size = partition.ioctl(5, 0)
    for block in range(partition.ioctl(4, 0)):
        if not _is_blank(partition, block, size):
            partition.ioctl(6, block)
        pulse()


# ---- decommissioning ----------------------------------------------------------------------------


def begin(audit, vault, who="tech", detail=""):
    """The point of no return: afterwards nothing that was sealed can be opened any more. resume()
    does the rest, at the next boot at the latest."""
    audit.event("decommission", who, detail)
    kept.put(_FLAG, DECOMMISSION)
    kept.put(_SECRET, None)
    vault.forget()


def resume(audit, pulse=None):
    """Bring to its end what pending() tells, from any point at which the power was cut: True, and
    the caller resets the processor: NVS and the file system are no longer what the system
    believes. False: there is no file system; the flag stays, and keeps the terminal locked."""
    pulse = pulse or _no_pulse
    kind = pending()
    if kind == TAMPER:
        return _destroy_keys(audit, pulse)
    if kind == DECOMMISSION:
        _destroy_all(pulse)
    _last_step(audit, pulse)
    return True


def _last_step(audit, pulse):
    audit.event(LAST_STEP)
    kept.put(_FLAG, None)
    _erase("nvs", pulse)
    audit.event("zeroised")


def _destroy_all(pulse):
    kept.put(_SECRET, None)
    try:
        vfs.umount(board.DATA)
    except OSError as e:
        log.exception("not mounted", e)
    for label in _ALL:
        _erase(label, pulse)


# ---- tamper -------------------------------------------------------------------------------------


def tampered(audit, vault, pulse=None):
    """The case was opened: the keys go now. The caller resets the processor."""
    kept.put(_FLAG, TAMPER)
    kept.put(_SECRET, None)
    vault.forget()
    _destroy_keys(audit, pulse or _no_pulse)


def _destroy_keys(audit, pulse):
    kept.put(_SECRET, None)
    try:
        if files.load(_MARKER) is None:
            audit.event("tamper")
            files.replace(_MARKER, ("%04d-%02d-%02d %02d:%02d:%02d" % clock.now()).encode())
    except OSError as e:
        log.exception("zeroise", e)  # the flag stays: it locks the terminal as well
        return False
    for name in ("/vault.bin", "/vault.bin.new"):
        _forget(board.DATA + name)
    _erase("coredump", pulse)
    _last_step(audit, pulse)
    return True


def locked():
    """When the case was opened (text), "" when it was not: the terminal must not trade."""
    if pending() == TAMPER:
        return "?"
    try:
        marker = files.load(_MARKER)
    except OSError as e:
        if e.args[0] != 19:  # ENODEV: no file system
            raise
        return ""
    return marker.decode() if marker else ""


def unlock():
    """Two custodians have loaded a new master key."""
    kept.put(_FLAG, None)
    _forget(_MARKER)
