# Encodes QR codes for the judges outside: a line "LEVEL HEX" in, a line "SIZE HEX" or "! why" out.

import binascii
import sys

ROOT = __file__.rsplit("/", 4)[0]
sys.path[:] = [ROOT + "/firmware", ".frozen"]

from app.text import qr  # noqa: E402

for line in sys.stdin:
    level, _, payload = line.rstrip("\n").partition(" ")
    try:
        size, bits = qr.encode(binascii.unhexlify(payload), level)
        print(size, binascii.hexlify(bits).decode())
    except ValueError as e:
        print("!", e.args[0])
