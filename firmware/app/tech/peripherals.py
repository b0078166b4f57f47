# Keypad, display and printer for the technician: tech.keypad(), tech.display.test(),
# tech.printer.test(), tech.printer.status(). Refused while somebody is served.

import asyncio

from ..kernel import clock
from .context import TechError
from .devices import Borrowed
from .result import Result

_SECONDS_MAX = 300
_SHOWN_MS = 1500
_QUIET_MS = 200


# ---- keypad -------------------------------------------------------------------------------------


async def keypad(ctx, seconds=30):
    """Say every key that is pressed, until each was seen or the time is over. Meanwhile the screen
    gets none of them."""
    if not isinstance(seconds, int) or not 1 <= seconds <= _SECONDS_MAX:
        raise TechError("keypad(seconds): 1 to %d" % _SECONDS_MAX)
    async with Borrowed(ctx, "keypad") as keys:
        names = keys.names
        seen = []
        began = clock.ticks()
        pressed = _Pressed(ctx, keys)
        try:
            while len(seen) < len(names):
                left = seconds * 1000 - clock.diff(clock.ticks(), began)
                if left <= 0:
                    break
                name = await pressed.next(min(left, _QUIET_MS))
                if name is None:
                    continue
                if name not in seen:
                    seen.append(name)
                ctx.say("%-8s %d of %d" % (name, len(seen), len(names)))
        finally:
            pressed.end()
        missing = [name for name in names if name not in seen]
        data = {"seen": seen, "missing": missing, "stuck": list(keys.stuck)}
        return Result(data, _keypad_lines(data))


def _keypad_lines(data):
    lines = ["seen: " + " ".join(data["seen"])]
    lines.append("never pressed: " + " ".join(data["missing"]) if data["missing"] else "all keys")
    if data["stuck"]:
        lines.append("STUCK: " + " ".join(data["stuck"]))
    return lines


class _Pressed:
    """Where the names of pressed keys come from: the running terminal's task hands them over, a
    stopped one's keypad is asked."""

    def __init__(self, ctx, keys):
        self._keys = keys
        self._t = ctx.terminal
        self._names = []
        if self._t is not None:
            if self._t.keys_to is not None:
                raise TechError("the keys are being tried already")
            self._t.keys_to = self._take

    def _take(self, name):
        if len(self._names) < 16:
            self._names.append(name)

    async def next(self, ms):
        """The next name, None when there is none for `ms`."""
        if self._t is None:
            try:
                down, name, _ = await asyncio.wait_for_ms(self._keys.get(), ms)
            except asyncio.TimeoutError:
                return None
            return name if down else None
        began = clock.ticks()
        while not self._names:
            if clock.diff(clock.ticks(), began) >= ms:
                return None
            await asyncio.sleep_ms(20)
        return self._names.pop(0)

    def end(self):
        if self._t is not None and self._t.keys_to == self._take:
            self._t.keys_to = None


# ---- display ------------------------------------------------------------------------------------


def _checks(fb, width, height, ink, side=8):
    for y in range(0, height, side):
        for x in range(y // side % 2 * side, width, 2 * side):
            fb.fill_rect(x, y, side, side, ink)


def _frame(fb, width, height, ink):
    fb.rect(0, 0, width, height, ink)
    fb.line(0, 0, width - 1, height - 1, ink)
    fb.line(0, height - 1, width - 1, 0, ink)


async def display_test(ctx):
    """All ink, all paper, squares, a frame: who looks sees missing dots and lines; nothing can be
    read back."""
    async with Borrowed(ctx, "display") as d:
        fb, width, height = d.fb, d.width, d.height
        paper, ink = d.paper, d.ink
        pictures = (
            ("all ink", lambda: fb.fill(ink)),
            ("all paper", lambda: fb.fill(paper)),
            ("squares", lambda: _checks(fb, width, height, ink)),
            ("frame", lambda: _frame(fb, width, height, ink)),
        )
        try:
            for name, draw in pictures:
                fb.fill(paper)
                draw()
                d.flush()
                ctx.say(name)
                await asyncio.sleep_ms(_SHOWN_MS)
        finally:
            _back(ctx)
        fault = getattr(d, "fault", None)
        data = {"pictures": [name for name, _ in pictures], "fault": fault}
        return Result(
            data, ["shown: " + ", ".join(data["pictures"]), "fault: %s" % (fault or "-")]
        )


def _back(ctx):
    """The screen that was there."""
    ui = getattr(ctx.terminal, "ui", None)
    if ui is not None and ui.screen is not None:
        ui.show(ui.screen)


# ---- printer ------------------------------------------------------------------------------------


def _outcome(result):
    data = {"status": result.status, "reason": result.reason}
    return Result(data, [("%s %s" % (result.status, result.reason)).rstrip()])


async def printer_test(ctx):
    """The self-test page; {"status": ok, fault or unknown, "reason"}."""
    async with Borrowed(ctx, "printer") as p:
        return _outcome(await p.print(p.selftest()))


async def printer_status(ctx):
    """Whether it could print now; {"status", "reason"}."""
    async with Borrowed(ctx, "printer") as p:
        return _outcome(await p.status())
