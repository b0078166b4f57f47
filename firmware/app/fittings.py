# What the root makes of a board's variety: ways to the host and accessories, some of which may not
# be had. One that cannot be made is left out and logged; the others work.

import asyncio

import board

from .kernel import clock, log
from .kernel.supervisor import RESTART

_WATCH_MS = 10_000
# What a port raises when a peripheral cannot be had: no timer, no memory, no such pin, no answer.
_NOT_MADE = (OSError, RuntimeError, ValueError)


def bearers(settings, vault):
    """What the board has of them, in the order of the settings."""
    has = board.CAPS["bearers"]
    named = [k for k in settings["bearers"].split(",") if k in has] or has
    networks = ()
    if "wifi" in named:
        from .store import wifi

        networks = wifi.networks(settings, vault)
    made = []
    for kind in named:
        if kind == "wifi" and not networks and len(named) > 1:
            continue  # nothing that it could join
        try:
            made.append(board.make_bearer(kind, clock, settings, networks))
        except _NOT_MADE as e:
            log.exception(kind, e)
    return made


def extras(supervisor):
    """{kind: driver}, their tasks running: what only some boards have, and what no trade depends
    on."""
    made = {}
    for kind in ("buzzer", "touch", "battery", "tamper"):
        if kind in board.CAPS["extras"]:
            try:
                made[kind] = driver = board.make_extra(kind, clock)
            except _NOT_MADE as e:
                log.exception(kind, e)
                continue
            for name, task in driver.tasks():
                supervisor.spawn(name, task, RESTART)
    return made


async def watch(made, keypad):
    """Task: write down what is wrong with accessories and keypad, whenever that changes."""
    told = {}
    while True:
        await asyncio.sleep_ms(_WATCH_MS)
        reasons = [(kind, getattr(driver, "reason", "")) for kind, driver in made.items()]
        for kind, why in reasons + [("keypad", getattr(keypad, "fault", None) or "")]:
            if why != told.get(kind, ""):
                told[kind] = why
                log.warning("%s: %s", kind, why or "well again")
