# Time of one sale in our codec and crypto: request packed and MACed, answer unpacked and its MAC
# checked. argv: rounds, sales a round, a JSON file with the fields of the request, the answer's
# frame and the MAC key. Prints the microseconds of each round.

import json
import sys
import time

from app.crypto.keys import MAK, Key
from app.crypto.mac import same, union_pay_ecb
from app.host import cup, framing, iso8583

rounds, sales = int(sys.argv[1]), int(sys.argv[2])
with open(sys.argv[3]) as f:
    spec = json.load(f)
answer = memoryview(bytes.fromhex(spec["answer"]))
key = Key(MAK, bytes.fromhex(spec["mak"]))
request = {int(n): v for n, v in spec["request"].items()}
request[52] = bytes.fromhex(request[52])
buf = bytearray(1024)


def one():
    request[64] = bytes(8)
    end = iso8583.pack(cup.FIELDS, "0200", request, buf, framing.BODY_AT)
    buf[end - 8 : end] = union_pay_ecb(key, buf, framing.BODY_AT, end - 8)
    framing.wrap(buf, end, "6000030000", "603100310001")
    framing.check_response(answer, "6000030000")
    mti, fields = iso8583.unpack(cup.FIELDS, answer, framing.BODY_AT, len(answer))
    at = len(answer) - 8
    assert same(union_pay_ecb(key, answer, framing.BODY_AT, at), fields[64])
    return end


end = one()
print("frame", bytes(buf[:end]).hex())
for _ in range(rounds):
    sys.stdin.readline()  # the peer's round is over
    start = time.ticks_us()
    for _ in range(sales):
        one()
    print("us", time.ticks_diff(time.ticks_us(), start))
