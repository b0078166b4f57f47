# One screen at a time: draws it, brings it keys and cards, and says what is visible.

import asyncio

from ..kernel import clock
from .screens import TIMEOUT

TICK_MS = 500


class Busy(Exception):
    """Somebody is using the screen."""


class UI:
    """`inputs`: kernel Queue of (kind, value): ("key", name), ("card", Swipe), ("touch", (screen,
    (row, column))) where a finger went down and up. `heart`: kernel Heartbeat. `play`:
    callable(name of a sound); `secret`: callable(bool), while a PIN is typed."""

    def __init__(self, display, canvas, inputs, heart):
        self._display = display
        self.canvas = canvas
        self.inputs = inputs
        self._heart = heart
        self.play = None
        self.secret = None
        self.screen = None
        self._asking = False
        self._stale = True
        self.draws = 0

    def show(self, screen):
        """Draw `screen` and leave it there (progress); keys that are pressed meanwhile are
        dropped."""
        self._stale = True
        self.screen = screen
        self._draw()

    def _draw(self):
        self.screen.render(self.canvas)
        self._display.show()
        self.draws += 1

    def visible(self):
        """The visible text, one str a row."""
        return self.canvas.lines()

    async def ask(self, screen):
        """Run `screen` until it ends; its result."""
        if self._stale:
            self.drop_inputs()
            self._stale = False
        self.screen = screen
        self._draw()
        began = last = clock.ticks()
        self._asking = True
        try:
            if screen.sound and self.play is not None:
                self.play(screen.sound)
            if screen.secret and self.secret is not None:
                self.secret(True)
            while True:
                self._heart.beat()
                item = await self.inputs.get_within(TICK_MS)
                now = clock.ticks()
                if self._over(began, now, screen.total_ms):
                    if item is not None and item[0] == "card":
                        item[1].wipe()
                    self._wipe(screen)
                    return TIMEOUT
                if item is None:
                    if self._over(last, now, screen.timeout_ms):
                        self._wipe(screen)
                        return TIMEOUT
                    if screen.tick():
                        self._draw()
                    continue
                last = now
                kind, value = item
                if kind == "flow":
                    await self._lend(screen, value)
                    began = last = clock.ticks()
                    continue
                if kind == "key":
                    result = screen.key(value)
                elif kind == "touch":
                    result = self._touched(screen, value)
                else:
                    result = screen.event(kind, value)
                if result is not None:
                    return result
                if kind == "card":
                    value.wipe()  # nobody wanted it
                self._draw()
        except BaseException:
            self._wipe(screen)
            raise
        finally:
            self._asking = False
            if screen.secret and self.secret is not None:
                self.secret(False)

    async def borrow(self, flow):
        """Run the coroutine that flow() makes on the glass, in the place of a screen that is
        `calm`, which comes back afterwards; what it returns. For whoever does not own the glass
        (the technician's console). Busy."""
        if not self._asking or not self.screen.calm:
            raise Busy()
        box, done = [], asyncio.Event()
        if not self.inputs.put(("flow", (flow, box, done))):
            raise Busy()
        await done.wait()
        if not box:
            raise Busy()  # the screen was left just then
        return box[0]

    async def _lend(self, screen, value):
        flow, box, done = value
        try:
            if screen.calm:
                box.append(await flow())
        finally:
            done.set()
        self._asking = True
        self.screen = screen
        self._draw()

    def _touched(self, screen, value):
        if value[0] is not screen:
            return None  # it was meant for the one before
        row, column = value[1]
        return screen.touch(row, column, self.canvas.rows, self.canvas.columns)

    def forget(self):
        """The next screen takes nothing that was pressed before it came up."""
        self._stale = True

    def _over(self, since, now, ms):
        return ms is not None and clock.diff(now, since) >= ms

    def _wipe(self, screen):
        if hasattr(screen, "wipe"):
            screen.wipe()

    def drop_inputs(self):
        """Forget what was pressed or swiped while nobody asked."""
        while True:
            item = self.inputs.get_nowait()
            if item is None:
                return
            if item[0] == "card":
                item[1].wipe()
            elif item[0] == "flow":
                item[1][2].set()

    async def ticker(self):
        """Task: keeps a progress screen moving while a flow waits for something else."""
        while True:
            await asyncio.sleep_ms(TICK_MS)
            if not self._asking and self.screen is not None:
                self._heart.beat()
                if self.screen.tick():
                    self._draw()
