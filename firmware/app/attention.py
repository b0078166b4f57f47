# What the root says when something is wrong or was: the line of the boot in the log, the screen of
# a terminal that cannot trade.

import asyncio

import board
import bootstate

from . import guard
from .kernel import log
from .kernel.supervisor import ONESHOT
from .tech import health
from .text import strings
from .ui.screens import OK, Message
from .version import VERSION

# Service screens that are no fault of the firmware's
_WAITS_FOR_SETUP = ("not_set_up", "no_operators", "safe_mode")
_NOT_YET = ("not_set_up", "no_operators")  # what a new terminal lacks; it can be trained with
_KEYS_HELP = ("tampered", "vault")  # what a new master key puts right


def tell_boot():
    """How the boot went, into the log."""
    log.info("start %s, reset cause %d", VERSION, bootstate.cause)
    if bootstate.bundle is not None:
        log.info("bundle %s, slot %d", bootstate.bundle["version"], bootstate.bundle_slot)
    elif bootstate.bundle_reason:
        log.warning("no bundle: %s", bootstate.bundle_reason)
    if bootstate.crashes:
        log.warning("%d crashes, the last: %s", bootstate.crashes, bootstate.crash)
    if bootstate.safe:
        log.warning("safe mode")


async def healthy():
    """Once it has served for a while, what runs is known to be good."""
    await asyncio.sleep_ms(bootstate.HEALTHY_MS)
    bootstate.healthy()


async def service(terminal, problem):
    """A screen that says what is wrong, for ever; the technician has the console. A new terminal
    can be trained with, and a training be left."""
    log.error("service needed: %s", problem)
    if problem in _WAITS_FOR_SETUP:
        terminal.supervisor.spawn("healthy", healthy, ONESHOT)
    terminal.problem = problem
    training = terminal.training is not None
    hint = "training_out" if training else "training_in" if problem in _NOT_YET else ""
    while True:
        title = (strings.text("notice") + " " + health.code_of(problem)).rstrip()
        screen = Message(title, strings.problem(problem), strings.text(hint) if hint else "")
        screen.calm = True
        if await terminal.ui.ask(screen) != OK:
            continue
        if problem in _KEYS_HELP:
            await guard.key_entry(terminal)
        elif hint and not terminal.switch_training(not training):
            problem = "training_failed"


_NO_FONT = ("SHOUYIN", "NO FONT:", "WRITE A BUNDLE", "(make flash)")


async def no_font(e):
    """Without a font there is no service screen, and a restart would not bring one: it lies in the
    bundle. framebuf's own letters, which are 8x8, say what to do, for ever."""
    log.echo = board.CONSOLE
    log.exception("font", e)
    log.error("no font: write a bundle into a slot")
    display = bootstate.display
    display.fb.fill(0)
    for row, text in enumerate(_NO_FONT):
        display.fb.text(text, 0, 4 + 12 * row, 1)
    display.flush()
    while True:
        bootstate.watchdog.feed()
        await asyncio.sleep_ms(1000)
