"""Terminals that are set up and ready to work: what a technician would have typed.

Test keys and test identities only. A preset is a dict for app.tech.provision.from_spec on the
board.
"""

TID = "58402001"
MID = "302440380621100"
HOST = "127.0.0.1"

# An acquirer that lets the terminal approve small sales while the network is gone.
OFFLINE = {"offline_count_max": 20, "offline_txn_max": 20_000, "offline_total_max": 100_000}

CASHIER = ("01", "147258")
SUPERVISOR = ("00", "963852")

# Two components of a test master key, as two people would hold them.
COMPONENTS = ("1F2E3D4C5B6A79880796A5B4C3D2E1F0", "E0C1A283645F46273849AB0C1D2E3F51")


def tmk():
    """bytes of the test master key."""
    a, b = (bytes.fromhex(c) for c in COMPONENTS)
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def classic(port, **settings):
    """A classic terminal of one cashier and one supervisor, whose acquirer listens on `port`."""
    values = {
        "tid": TID,
        "mid": MID,
        "merchant_name": "收银演示商店",
        "merchant_name_en": "SHOUYIN DEMO STORE",
        "host": HOST,
        "port": port,
    }
    values.update(settings)
    return {
        "settings": values,
        "operators": [
            [CASHIER[0], "cashier", CASHIER[1], False],
            [SUPERVISOR[0], "supervisor", SUPERVISOR[1], False],
        ],
        "master_key": list(COMPONENTS),
    }
