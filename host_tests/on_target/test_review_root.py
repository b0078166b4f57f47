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


async def test_before_a_restart_no_request_begins():
    """A sale of the two seconds after an activation would be made with the old number."""
    root = load_root()
    order = []

    class Machine:
        def reset(self):
            order.append("reset")

    stub = Stub()
    stub.app, stub.app.engine, stub.supervisor = Stub(), Stub(), Stub()
    stub.app.engine.turn = asyncio.Lock()
    tasks = []
    stub.supervisor.spawn = lambda name, make, _: tasks.append(asyncio.create_task(make()))
    machine, root.machine = root.machine, Machine()
    try:
        await stub.app.engine.turn.acquire()  # one is under way: it comes to its end
        root.Terminal.restart_soon(stub)
        await asyncio.sleep_ms(root._RESTART_MS + 100)
        assert order == []
        stub.app.engine.turn.release()
        await asyncio.sleep_ms(100)
        assert stub.app.engine.turn.locked() and order == []
        await asyncio.sleep_ms(root._RESTART_MS + 100)
        assert order == ["reset"]
    finally:
        root.machine = machine


async def test_a_training_can_be_left_in_safe_mode():
    """Nothing was loaded there, not even the parameters."""
    root = load_root()
    from app.train import mode

    done = []

    class Machine:
        def reset(self):
            done.append("reset")

    stub = Stub()
    stub.app, stub.audit, root.board = None, Stub(), Board()
    root.board.DATA = "/flash"
    stub.audit.event = lambda *event: done.append(event)
    switch, mode.switch = mode.switch, lambda on, *_: done.append(on) or True
    machine, root.machine = root.machine, Machine()
    try:
        root.Terminal.switch_training(stub, False)
    finally:
        mode.switch, root.machine = switch, machine
    assert done == [False, ("config", "", "training 0"), "reset"]


class Driver:
    reason = ""

    def tasks(self):
        return ()


def test_an_accessory_that_cannot_be_made_stops_nobody():
    """No PWM timer, a chip that does not answer, no memory for the radio: the rest works."""
    load_root()
    from app import fittings

    extras = ("buzzer", "touch", "battery")
    for broken in extras + (None,):
        for error in (OSError(19), RuntimeError("out of PWM timers"), ValueError("scale")):

            def make_extra(kind, clock, broken=broken, error=error):
                if kind == broken:
                    raise error
                driver = Driver()
                driver.play = None
                return driver

            fittings.board = Board()
            fittings.board.CAPS = {"extras": extras}
            fittings.board.make_extra = make_extra
            assert set(fittings.extras(Stub())) == set(extras) - {broken}, (error, broken)


def test_a_bearer_that_cannot_be_made_leaves_the_others():
    load_root()
    from app import fittings

    def make_bearer(kind, clock, settings, networks):
        if kind == "lan":
            raise OSError("WiFi Out of Memory")
        return kind

    fittings.board = Board()
    fittings.board.CAPS = {"bearers": ("lan", "4g")}
    fittings.board.make_bearer = make_bearer
    for order, made in (("lan,wifi,4g", ["4g"]), ("4g,lan", ["4g"]), ("wifi", ["4g"])):
        assert fittings.bearers({"bearers": order}, None) == made, order


async def test_a_press_counts_where_it_began():
    """A finger that slides, a screen that comes up under it, a contact that was none."""
    root = load_root()
    events = []

    class Touch:
        async def get(self):
            while not events:
                await asyncio.sleep_ms(1)
            return events.pop(0)

    stub = Stub()
    stub.touch, stub.ui, stub.inputs, put = Touch(), Stub(), Stub(), []
    stub.ui.screen, stub.ui.canvas = "first", Stub()
    stub.ui.canvas.cell = lambda x, y: (y // 10, x // 10)
    stub.inputs.put = put.append
    task = asyncio.create_task(root.Terminal._touches(stub))

    async def contact(*told, screen="first"):
        stub.ui.screen = "first"
        for n, (kind, x, y) in enumerate(told):
            if n:
                stub.ui.screen = screen
            events.append((kind, x, y, 0))
            await asyncio.sleep_ms(5)

    await contact(("down", 5, 5), ("move", 6, 6), ("up", 7, 7))
    assert put == [("touch", ("first", (0, 0)))]
    await contact(("down", 5, 5), ("up", 5, 25))
    await contact(("down", 5, 5), ("up", 5, 5), screen="second")
    await contact(("down", 5, 5), ("cancel", 5, 5))
    assert len(put) == 1
    task.cancel()
