# Inside the simulated chip, in virtual time: the terminal from its first screen to the end of its
# start, with nothing wired to it but a closed case. Prints "wrong: ..." when it does not come that
# far.

import asyncio

import bus
from machine import Pin

import board
import bootstate

_START_S = 20


class Closed:
    """The tamper switch of a closed case, as a GPIO model of the rack."""

    def __init__(self, pin):
        self._levels = {pin: 0}

    def drive(self, driven, now_us):
        pass

    def levels(self, driven, now_us):
        return self._levels

    def next_due(self):
        return None

    def advance(self, now_us):
        pass


async def trial(root, log):
    lines = []
    echo = board.CONSOLE

    def keep(text):
        lines.append(text)
        if echo:
            echo(text)

    board.CONSOLE = keep
    task = asyncio.create_task(root.run())
    await asyncio.sleep(_START_S)
    if task.done():
        try:
            await task
            print("wrong: the terminal ended")
        except Exception as e:  # noqa: BLE001  a new board may fail in any way
            print("wrong: the terminal ended: %s: %s" % (type(e).__name__, e))
        return
    if not any(" journal: " in line for line in lines):
        print("wrong: the terminal did not get to its journal: %s" % lines[-1:])
    log.echo = None


def main():
    if hasattr(Pin.board, "TAMPER"):
        bus.current.rack.attach_gpio(Closed(Pin.board.TAMPER._id))
    bootstate.watchdog = board.make_watchdog(8000)  # as _boot.py does
    import boot  # noqa: F401  the display

    from app import root
    from app.kernel import log

    asyncio.run(trial(root, log))


main()
