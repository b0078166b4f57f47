# The modem driver with both families under a schedule of faults: whatever comes.

import asyncio

import bus
from harness import Rng, rounds, seed
from modem_desk import families, fresh, modem, now, ready, talk

from models.modem_schedule import Schedule


@families
async def test_a_schedule_of_faults(family):
    """Forty faults of all kinds; no exception but those that a bearer may raise, no wrong byte
    (on a line without bit errors), and everything as before at the end."""
    first = seed(20)
    for number in range(rounds(3)):
        fresh()
        await _schedule(family, first + number)


async def _schedule(family, number):
    made, net, driver = modem(family, seed=number)
    net.echo = True
    await ready(driver)
    schedule = Schedule(made, number, 40, now(), 12_000_000)
    bus.current.rack.attach(schedule)
    rng = Rng(number)
    good = bad = 0
    try:
        while now() < schedule.end_us:
            data = rng.bytes(1 + rng.below(1500))
            net.sent = b""
            noisy = made.faults.drop or made.faults.flip
            try:
                if not driver.connected:
                    await driver.connect("h", 1, 9000)
                got = await talk(driver, data)
                assert noisy or made.faults.drop or made.faults.flip or data.startswith(got)
                good += got == data
            except (OSError, asyncio.TimeoutError):
                bad += 1
            # An answer is not left for the next question.
            await driver_close(driver)
            await asyncio.sleep_ms(rng.below(1500))
        await _at_last(driver)
    except BaseException:
        print("schedule %d: %s" % (number, schedule))
        raise
    print("%s, schedule %d: %d good, %d failed" % (family, number, good, bad))
    assert good > 10


async def _at_last(driver):
    for _ in range(6):  # a fault that waits for a send or a command may still be armed
        await ready(driver, 400_000)
        try:
            await driver_close(driver)
            await driver.connect("h", 1, 9000)
            assert await talk(driver, b"at last") == b"at last"
            return
        except (OSError, asyncio.TimeoutError):
            pass
    raise AssertionError("no exchange any more")


async def driver_close(driver):
    try:
        await driver.close()
    except (OSError, asyncio.TimeoutError):
        pass
