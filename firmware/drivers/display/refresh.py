# The owner task of a display whose picture takes longer on the bus than the event loop may wait.
#
# A driver brings begin_refresh() (look at everything again) and poll_refresh() (send at most one
# slice; milliseconds until it wants to be called again, None when everything is on the glass).

import asyncio
import time

_GIVE_UP_MS = 500  # poll_refresh() wants to be left alone for longer: nobody answers


class Refresh:
    def __init__(self):
        self._wanted = asyncio.Event()

    def show(self):
        """What was drawn shall be seen: the owner task sends it. Called while a refresh is under
        way, what it has not looked at yet is sent newly drawn, and then all is looked at again."""
        self._wanted.set()

    def tasks(self):
        return [("display", self._refresh)]

    async def _refresh(self):
        wanted = self._wanted
        while True:
            await wanted.wait()
            wanted.clear()
            self.begin_refresh()
            pause = self.poll_refresh()
            while pause is not None:
                await asyncio.sleep_ms(pause)
                pause = self.poll_refresh()

    def flush(self):
        """Send everything now, before the loop runs. Gives up when nobody answers."""
        self.begin_refresh()
        pause = self.poll_refresh()
        while pause is not None and pause <= _GIVE_UP_MS:
            time.sleep_ms(pause)
            pause = self.poll_refresh()

    def begin_refresh(self):
        raise NotImplementedError

    def poll_refresh(self):
        raise NotImplementedError
