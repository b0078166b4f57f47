# What the root does for the terminal's own safety: its audit log, a destruction of keys that a
# power cut has interrupted, and the switch that tells that the case was opened.

import asyncio

import machine

import board
import bootstate
import kept

from .kernel import log
from .store import audit
from .store.flashlog import FlashError, FlashLog, LogFull
from .store.vault import Vault

_VERSION = 32  # bytes of the name of a firmware
_LOOK_MS = 1000  # between two looks at an open case of a terminal without keys


def audit_log():
    """The AuditLog. Without its partition, or with one that cannot be read, the terminal trades
    all the same, and says so in the log."""
    partition = kept.partition("audit")
    try:
        if partition is not None:
            ring = FlashLog(partition, 2, audit.PAYLOAD)
            made = audit.AuditLog(ring, kept.Place("audit", 20))
            made.open(bootstate.watchdog.feed)
            return made
        log.error("no audit partition")
    except (FlashError, LogFull, OSError, ValueError) as e:
        log.exception("audit log", e)
    return audit.AuditLog(None)


def firmware(events, version):
    """The audit log hears of it when other firmware runs than at the start before."""
    now = version.encode()[:_VERSION]
    try:
        before = kept.get("firmware", _VERSION)
        if before != now:
            kept.put("firmware", now)
    except OSError as e:
        log.exception("firmware", e)
        return
    if before not in (None, now):
        events.event("ota", "", version)


def finish(events):
    """Go on with what tech.zeroise had begun, before anything else; `events` AuditLog."""
    try:
        begun = kept.get("zeroise", 1)
    except OSError as e:
        log.error("NVS: %d", e.args[0])
        begun = None  # without it there is no device secret either: nothing can be read
    if begun or events.latest == "zeroising":
        from .tech import zeroise

        if zeroise.resume(events, bootstate.watchdog.feed):
            machine.reset()


def finish_activation():
    """An activation that was accepted and not written out."""
    from .store import files

    if files.exists(board.DATA + "/activation.staged"):
        from .tech import activation

        activation.finish()


def locked():
    """Whether the case was opened and no new key was loaded since."""
    if "tamper" not in board.CAPS["extras"]:
        return False
    from .tech import zeroise

    return bool(zeroise.locked())


def unlock():
    """Two custodians have loaded a master key."""
    if locked():
        from .tech import zeroise

        zeroise.unlock()


def _may_have_keys():
    """Whether there is a key vault, or it cannot be told."""
    from .store import files

    return bool(bootstate.vfs_problem) or files.exists(board.DATA + "/vault.bin")


async def case(terminal, switch):
    """Task: the case is opened: the keys are destroyed at once, whatever is going on. A terminal
    that never had any has nothing to lose: a bare board without the switch can be tried out. Once
    there are some, a switch that is open still destroys them within a second."""
    await switch.wait()
    while not _may_have_keys():
        await asyncio.sleep_ms(_LOOK_MS)
        switch.reset()
        await switch.wait()
    if locked():
        await asyncio.Event().wait()  # for ever: they are gone
    from .tech import zeroise

    # Before the vault was loaded, its file goes all the same.
    vault = terminal.vault or Vault(board.DATA + "/vault.bin", None)
    zeroise.tampered(terminal.audit, vault, bootstate.watchdog.feed)
    machine.reset()


async def key_entry(terminal):
    """Load a master key into a terminal that cannot trade without a new one."""
    from .tech.keys import Desk
    from .ui.flows import keyentry

    if await keyentry.enter(Desk(terminal)) is not None:
        terminal.restart_soon()
