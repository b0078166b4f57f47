"""A long queue of stored sales goes to the acquirer: in memory that does not grow with it, and
through any number of power cuts, each sale exactly once."""

from simulator import board_process, books, preset

QUEUE = 1000
CARDS = ("normal", "credit", "no_pin")  # whose issuers approve


def assert_each_is_booked_once(till, traces):
    """Nothing lost, nothing twice, in the terminal's books and the acquirer's."""
    till.assert_books_agree()
    offline = [t for t in till.host.books.transactions(preset.TID) if t["kind"] == "offline"]
    assert sorted(int(t["stan"]) for t in offline) == sorted(traces)
    assert {t["state"] for t in offline} == {"approved"}
    assert till.states() == dict.fromkeys(traces, "UPLOADED")
    assert till.unmarked_repeats() == []


def waiting_for_an_answer(till, advices):
    """Bring the terminal to where that many advices have reached the host, and the answer to the
    last is not there yet."""
    till.run_until(lambda: len(till.sent("offline")) >= advices, f"{advices} advices", 600_000)


def used_by_queue_length(till, lengths, queue):
    """{length of the queue: bytes in use after a collection, with an answer outstanding}. The
    least of eight in turn: some have the screen's next picture in them."""
    used = {}
    for left in lengths:
        found = []
        for n in range(8):
            waiting_for_an_answer(till, queue - left + n)
            found.append(till.memory()[1])
        used[left] = min(found)
    return used


def test_i15_1000_stored_sales_drain_in_memory_that_does_not_grow(make_till):
    till = make_till()
    traces = till.fill({"state": "STORED", "count": QUEUE, "fen": 100, "step": 1, "cards": CARDS})
    assert len(traces) == QUEUE
    till.start()
    till.network(False)
    till.run_for(200_000)  # the first round of self-tests, which takes memory of its own
    till.network(True)
    till.wait_for_network()
    till.menu("5", "7")
    used = used_by_queue_length(till, (990, 750, 500, 250, 12), QUEUE)
    till.expect("全部已上送", 600_000)
    till.press("ENTER")
    till.run_for(5000)
    idle = till.memory()[1]
    print("bytes in use while an answer is awaited, by queue length:", used, "idle after:", idle)
    assert max(used.values()) - min(used.values()) <= 512, used  # half a byte a record
    assert_each_is_booked_once(till, traces)


LEAK = """
import bootstate
import chip
from app.pay import saf

kept = []
accepted = saf.Saf._accepted


def leak(self, t, code):
    kept.append(t.trace)
    kept.append(bytes(4))
    accepted(self, t, code)


saf.Saf._accepted = leak
bootstate.watchdog = chip.make_watchdog(8000)  # as _boot.py does
for part in ("boot", "main"):
    with open("{firmware}/" + part + ".py") as f:
        exec(f.read())
"""


def test_i15_negative_control_a_firmware_that_keeps_a_little_of_each_is_found_out(make_till):
    till = make_till()
    till.fill({"state": "STORED", "count": 200, "fen": 100})
    script = till.folder / "leak.py"
    script.write_text(LEAK.format(firmware=board_process.ROOT / "firmware"))
    till.script = script
    till.start()
    till.wait_for_network()
    till.menu("5", "7")
    used = used_by_queue_length(till, (190, 100, 10), 200)
    assert used[100] - used[190] > 512 and used[10] - used[100] > 512, used


def cut_somewhere(till, rng):
    """Let the terminal boot and send, and cut its power: anywhere, or near an answer."""
    till.power_on()
    if rng.random() < 0.3:
        till.run_for(rng.randrange(18_000))
    else:
        waiting_for_an_answer(till, len(till.sent("offline")) + 1 + rng.randrange(5))
        till.run_for(rng.randrange(250))
    till.power_off()


def test_f5_50_reboots_while_200_records_drain(make_till, rng):
    till = make_till(uploads_per_round=10)
    traces = till.fill({"state": "STORED", "count": 200, "fen": 100, "step": 1, "cards": CARDS})
    left = len(traces)
    for _ in range(50):
        cut_somewhere(till, rng)
        journal = till.journal()
        states = [t["state"] for t in journal["transactions"]]
        left = states.count("STORED") + states.count("UPLOADING")
        assert books.compare(journal, till.host, preset.TID).agree
    repeats = [s[0] for s in till.sent("offline")].count("0221")
    print(f"50 cuts, {repeats} of them with an answer outstanding, {left} sales left")
    assert left > 0 and repeats >= 8
    till.start()
    till.wait_for_network()
    till.drained()
    assert till.restarts == 0
    assert_each_is_booked_once(till, traces)
