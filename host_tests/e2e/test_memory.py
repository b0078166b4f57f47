"""200 sales in one process leave no memory behind."""


def test_free_memory_after_200_sales_is_what_it_was_after_10(make_till):
    till = make_till(receipt_copies=1)
    till.devices.printer.head.keep_rows = 0
    till.start()
    till.expect("未签到", 120_000)
    till.run_for(200_000)  # the first round of self-tests has left its results behind
    till.hold_ms = 40
    free = {}
    for n in range(1, 201):
        till.pay("100")
        till.expect("交易成功", 60_000)
        till.press("ENTER")
        till.expect("请刷卡或输入金额", 60_000)
        till.tear()
        till.papers.clear()
        if n % 50 == 0:
            till.devices.printer.load_paper(now_us=till.rack.now_us)
        if n in (10, 50, 100, 200):
            till.run_for(3000)
            free[n] = till.memory()[0]
    print("free after collection:", free)
    assert till.restarts == 0
    assert abs(free[200] - free[10]) <= 256, free
    till.assert_books_agree()
