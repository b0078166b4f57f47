"""The acquirer: a simulated UnionPay-style host that judges the terminal firmware.

Independent on purpose: nothing here is shared with firmware/. ISO 8583 is pyiso8583 with our own
packing table, cryptography is psec and pyca/cryptography, the ledger is SQLite. Test cards and
test keys only; see README.md.
"""

# What a bench or a person gets when nothing else is said: the terminal of the test installation.
DEFAULT_TID = "58402001"
DEFAULT_MID = "302440380621100"
DEFAULT_TPDU = "6000030000"
DEFAULT_HEADER = "603100310001"
