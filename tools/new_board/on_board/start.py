# Inside the simulated chip, in virtual time: the terminal from its first screen to the end of its
# start, with nothing wired to it. Prints "wrong: ..." when it does not come that far.

import asyncio

import boot  # noqa: F401  watchdog and display

from app import root
from app.kernel import log

_START_S = 20


async def trial():
    lines = []
    echo = root.board.CONSOLE

    def keep(text):
        lines.append(text)
        if echo:
            echo(text)

    root.board.CONSOLE = keep
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


asyncio.run(trial())
