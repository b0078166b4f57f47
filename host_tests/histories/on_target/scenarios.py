# What the sweep cuts: one thing each that a terminal does, with whatever has to be there first.
#
# `before` and `act` are generators of steps (coroutines of Day's). The power is cut in `act` only.

import old_flash
from fakehost import SETTINGS

from app.pay import types

SETTINGS_ALL = dict(SETTINGS, offline_count_max=20, offline_total_max=1_000_000, settle_end=1,
                 reversal_tries=3, response_timeout_s=2)  # fmt: skip


class Scenario:
    """`must`: what the log of the whole says when nothing is cut, or the scenario is not what its
    name says. `boots`: False when `act` begins with the boot. `stride`: between two operations
    that are cut where there is little time."""

    def __init__(self, name, before, act, must, settings=None, boots=True, stride=1):
        self.name = name
        self.before = before
        self.act = act
        self.must = must
        self.settings = dict(SETTINGS_ALL, **(settings or {}))
        self.boots = boots
        self.stride = stride


# ---- steps --------------------------------------------------------------------------------------


async def _offline(day, amount):
    day.host.ready = False
    await day.sale(amount, 0, None)
    day.host.ready = True


async def _strange(day):
    """Something in the host's books that the terminal does not know."""
    day.book.planted.add(9_000_000)
    day.host.booked[day.host.batch, 900_000] = ["sale", 9_000_000, "approved", None, 1, None]


def _void(day, amount):
    return day.void(day.book.sales[amount], None)


async def _churn(day):
    """Fill the ring until every block was emptied."""
    journal = day.shop.journal
    for _ in range(day.shop.dev.ioctl(4, 0) + 6):
        for _ in range(3):
            journal.put_note(9, bytes(120))
        while journal.needs_housekeeping() and journal.housekeep():
            pass


async def _print(day):
    day.paper = True
    day.print_owed()


# ---- before -------------------------------------------------------------------------------------


def _nothing(day):
    return ()


def _signed_in(day):
    yield day.sign_in()


def _one_sale(day):
    yield day.sale(100)


def _one_stored(day):
    yield day.sign_in()
    yield _offline(day, 200)


def _one_uploading(day):
    yield day.sign_in()
    yield _offline(day, 200)
    day.host.faults = ["no answer"]
    yield day.upload_now()


def _one_uploaded(day):
    yield day.sale(100)
    yield _offline(day, 200)
    yield day.upload_now()


def _refused_stored(day):
    day.host.codes[200] = "51"
    yield day.sign_in()
    yield _offline(day, 200)
    yield _offline(day, 300)


def _one_unknown(day):
    yield day.sale(100)
    day.host.faults = ["cut after"]
    yield day.sale(200)


def _void_unknown(day):
    yield day.sale(100)
    day.host.faults = ["no answer"]
    yield _void(day, 100)


def _receipts(day):
    day.paper = False
    yield day.sale(100)
    yield day.sale(200)
    yield _void(day, 200)
    yield _offline(day, 300)


def _mixed(day):
    """Ten records and more that count, of all kinds."""
    for n in range(9):
        yield day.sale(100 + n)
    yield _void(day, 103)
    day.host.codes[150] = "51"
    yield day.sale(150)
    for n in range(3):
        yield _offline(day, 200 + n)
    yield day.upload_now()


def _unbalanced(day):
    yield from _mixed(day)
    yield _strange(day)


def _owing(day):
    yield day.sale(100)
    yield _offline(day, 200)
    yield _offline(day, 201)
    day.host.faults = ["cut after"]
    yield day.sale(300)


def _stubborn(day):
    yield from _owing(day)
    day.host.schedule = lambda mti, kind, key: "code 30" if kind == "reversal" else ""


def _settlement_refused(day):
    yield day.sale(100)
    day.host.schedule = lambda mti, kind, key: "code 96" if kind == "settlement" else ""


def _settlement_lost(day):
    yield from _owing(day)
    day.host.faults = ["", "", "", "cut after"]
    yield day.settle()


def _all_states(day):
    """A record in every state that lasts."""
    host = day.host
    yield day.sale(100)
    host.faults = ["cut after"]
    yield day.sale(101)  # REVERSED by the next
    host.codes.update({102: "51", 106: "54"})
    yield day.sale(102)  # DECLINED
    yield day.sale(103)
    yield _void(day, 103)  # VOIDED
    yield _offline(day, 104)
    yield day.upload_now()  # UPLOADED
    yield _offline(day, 105)
    yield _void(day, 105)  # CANCELLED
    yield _offline(day, 106)
    for _ in range(3):
        yield day.upload_now()  # REJECTED
    yield _offline(day, 107)
    yield day._override(types.UPLOAD_OWED)  # EXPIRED
    yield _offline(day, 108)
    host.faults = ["no answer"]
    yield day.upload_now()  # UPLOADING
    day.paper = False
    yield _offline(day, 109)  # STORED, with a receipt that is owed
    host.faults = ["cut after"]
    yield day.sale(110)  # UNKNOWN


# ---- act ----------------------------------------------------------------------------------------


def _sale(day):
    yield day.sale(1000)


def _declined(day):
    day.host.codes[1000] = "51"
    yield day.sale(1000)


def _unanswered(day):
    day.host.faults = ["no answer"]
    yield day.sale(1000)
    day.host.faults = ["", "wrong mac"]
    yield day.sale(1001)


def _new_keys(day):
    day.host.change_keys("77")
    yield day.sale(1000)


def _offline_sale(day):
    yield _offline(day, 1000)


def _upload(day):
    yield day.upload_now()


def _upload_thrice(day):
    for _ in range(3):
        yield day.upload_now()


def _upload_badly(day):
    day.host.faults = ["cut before", "code 96", "wrong mac", "twice"]
    for _ in range(4):
        yield day.upload_now()


def _reversal(day):
    day.host.faults = ["lost", "cut before", "wrong mac"]
    yield day.upload_now()
    yield day.upload_now()


def _void_100(day):
    yield _void(day, 100)


def _void_200(day):
    yield _void(day, 200)


def _settle(day):
    yield day.settle()


def _settle_in_pieces(day):
    day.host.faults = ["no answer", "", "cut after", "", "garbage", "code 79"]
    for _ in range(3):
        yield day.settle()


def _override(day):
    yield day.settle(True)
    day.host.schedule = None
    yield day.settle()


def _housekeeping(day):
    yield _churn(day)


def _printing(day):
    yield _print(day)


def _background(day):
    """Rounds in a task of their own, and a customer who interrupts them."""
    day.background = True
    day.boot()
    yield day.rest(2300)
    yield day.sale(1000)
    yield day.rest(8000)


def _old_journal(day):
    day.boot()
    yield _print(day)
    yield day.sale(1000)
    yield _offline(day, 2000)
    yield _void(day, 10100)
    yield day.upload_now()
    yield day.settle()


def _morning_of_schema_1(day):
    old_flash.begin(day)
    return ()


SCENARIOS = (
    Scenario("first sale, with sign-in", _nothing, _sale, ["0810", "1000: approved 00"]),
    Scenario("sale", _signed_in, _sale, ["1000: approved 00"]),
    Scenario("declined sale", _signed_in, _declined, ["1000: refused 51"]),
    Scenario("sale without an answer, and the next", _signed_in, _unanswered,
             ["1000: unknown", "reversed, rc 00", "1001: unknown"]),
    Scenario("sale after a change of keys", _signed_in, _new_keys,
             ["0210 000002 rc 77", "1000: approved 00"]),
    Scenario("offline sale", _signed_in, _offline_sale, ["1000: approved offline"]),
    Scenario("upload", _one_stored, _upload, ["uploaded, rc 00"]),
    Scenario("upload, refused and parked", _refused_stored, _upload_thrice,
             ["2 refused: 51", "3 uploaded", "1/2 REJECTED"]),
    Scenario("upload with faults", _one_stored, _upload_badly, ["0230 000002 rc 96", "uploaded"]),
    Scenario("reversal with retries", _one_unknown, _reversal,
             ["no answer: timeout", "no answer: cut", "0410: MAC", "3 reversed, rc 00"]),
    Scenario("void of an online sale", _one_sale, _void_100, ["void of 100: approved 00"]),
    Scenario("void of a stored sale", _one_stored, _void_200, ["void of 200: approved"]),
    Scenario("void of a sale being uploaded", _one_uploading, _void_200,
             ["UPLOADING", "2 uploaded", "void of 200: approved 00"]),
    Scenario("void of an uploaded sale", _one_uploaded, _void_200, ["void of 200: approved 00"]),
    Scenario("reversal of a void", _void_unknown, _reversal, ["void of 100: unknown", "reversed"]),
    Scenario("receipts that are owed", _receipts, _printing, ["void of 200: approved"]),
    Scenario("settlement, balanced", _mixed, _settle, ["settled: balanced"]),
    Scenario("settlement with reversals and uploads", _owing, _settle,
             ["5 reversed", "3 uploaded", "4 uploaded", "settled: balanced"]),
    Scenario("settlement, unbalanced", _unbalanced, _settle,
             ["0330 000018 rc 00", "settled: not"]),
    Scenario("settlement, unbalanced, with faults", _unbalanced, _settle_in_pieces,
             ["settle_unknown", "settle_refused 79", "settled: not"]),
    Scenario("settlement after a lost answer", _settlement_lost, _settle,
             ["settle_unknown", "settled: balanced"]),
    Scenario("override of a reversal", _stubborn, _override,
             ["override of reversal_owed", "settled: not"],
             {"reversal_tries": 1}),
    Scenario("override of a settlement", _settlement_refused, _override,
             ["override of settle_refused", "settled: not"]),
    Scenario("uploads in the background", _owing, _background,
             ["1000: approved", "reversed", "uploaded"]),
    Scenario("compaction", _all_states, _housekeeping,
             ["APPROVED", "DECLINED", "REVERSED", "VOIDED", "UPLOADED", "CANCELLED", "REJECTED",
              "EXPIRED", "UPLOADING", "STORED", "UNKNOWN"], stride=3),
    Scenario("migration from schema 1", _morning_of_schema_1, _old_journal,
             ["99 reversed, rc 25", "106 reversed, rc 00", "109 reversed, rc 00",
              "void of 10100: approved", "2000: approved offline", "settled: balanced"],
             boots=False),
)  # fmt: skip
