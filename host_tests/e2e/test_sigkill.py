"""The firmware is killed between request and reply, at random moments: the books agree."""

KILLS = 20


def kill_somewhere(till, rng):
    """Begin a sale and kill the process at a random moment after its request began to leave."""
    before = till.net.sends
    till.pay(str(1000 + rng.randrange(9000)))
    till.run_until(lambda: till.net.sends > before, "the request to leave", 60_000)
    # The request is 60 ms on its way, the host answers at once, 60 ms back; some 60 ms until the
    # answer is read and written.
    moment = till.rack.now_us + rng.randrange(200_000)
    while till.rack.now_us < moment:
        till.step(moment)
    for _ in range(rng.randrange(6)):
        till.step(till.rack.now_us + 1000)
    till.power_off()


def test_killed_between_request_and_reply_at_20_random_moments(till, rng):
    till.menu("5", "1")
    till.expect("签到成功")
    till.back_to_idle()
    outcomes = {"told": 0, "owed": 0}
    for n in range(KILLS):
        kill_somewhere(till, rng)
        till.power_on()
        till.login()
        till.run_for(500)
        if till.sees("上笔交易中断"):
            outcomes["owed"] += 1
            till.press("ENTER")
        elif till.sees("有签购单未打印"):
            outcomes["told"] += 1  # approved and written, the receipt is owed
            till.press("ENTER")
            till.finish_receipts()
        till.run_until(till.devices.network_ready, "the network", 180_000)
        till.sale("100")
        till.assert_books_agree()
        till.tear()
        assert n < KILLS
    print(outcomes, till.host.books.totals("58402001"))
    assert outcomes["owed"] >= 5
    till.settle()
    till.expect("对账平", 120_000)
