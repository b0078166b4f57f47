# What the composition root does while nobody is served.

import asyncio
import sys

from harness import Skip, flash


class Board:
    CAPS = {"journal": 30}

    def journal_partition(self):
        return flash(512, 24)[1]


def load_root():
    sys.modules["board"], sys.modules["bootstate"] = Board(), Board()
    try:
        from app import root
    except ImportError:
        raise Skip("no root here")
    finally:
        del sys.modules["board"], sys.modules["bootstate"]
    return root


class Journal:
    erased = 0

    def needs_housekeeping(self):
        return True

    def housekeep(self):
        self.erased += 1


class Stub:
    """A terminal of which only what housekeeping looks at is there."""


def terminal(root, screen, operator):
    stub = Stub()
    stub.ui, stub.app, stub.engine, stub.journal = Stub(), Stub(), Stub(), Journal()
    stub.ui.screen, stub.app.operator, stub.engine.busy = screen, operator, False
    stub._last_input = root.clock.ticks()
    stub._unserved = lambda: root.Terminal._unserved(stub)
    return stub


async def erases_after(root, stub, ms):
    task = asyncio.create_task(root.Terminal._housekeeping(stub))
    await asyncio.sleep_ms(ms)
    task.cancel()
    return stub.journal.erased


async def test_the_flash_is_kept_ready_behind_every_screen_that_is_left_alone():
    """Uploads write at night as well: a log that fills up cannot count their sends any more."""
    root = load_root()
    screen = root.Message("", "")
    idle = root.Idle(None, ())
    for shown, operator, quiet_ms in ((idle, "01", 2000), (screen, None, 2000),
                                      (screen, "01", 120_000)):  # fmt: skip
        assert not await erases_after(root, terminal(root, shown, operator), quiet_ms - 300)
        assert await erases_after(root, terminal(root, shown, operator), quiet_ms + 1000)
    busy = terminal(root, screen, None)
    busy.engine.busy = True
    assert not await erases_after(root, busy, 10_000)
