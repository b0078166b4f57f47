# Triple DES blocks a second: viper beside the same source in plain bytecode. Prints both.

import time

import twin

from app.crypto import des


def speed(make, blocks):
    cipher = make(bytes(range(16)))
    block = bytearray(8)
    start = time.ticks_us()
    for _ in range(blocks):
        cipher.encrypt(block)
    return blocks * 1_000_000 // max(1, time.ticks_diff(time.ticks_us(), start)), bytes(block)


for _ in range(3):
    fast, a = speed(des.Des, 20000)
    slow, _ = speed(twin.plain(des)["Des"], 500)
    _, b = speed(des.Des, 500)
    print("blocks_s", fast, slow)
