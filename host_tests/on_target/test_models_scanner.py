# The model of a QR and bar-code reader: the manual's examples, modes, light, faults.

from models.scanner import Scanner, crc_ccitt

DONE = b"\x02\x00\x00\x01\x00\x33\x31"
TRIGGER = b"\x7e\x00\x08\x01\x00\x02\x01\xab\xcd"
STOP = b"\x7e\x00\x08\x01\x00\x02\x00\xab\xcd"
CODE = b"281234567890123456"


def write(address, value):
    return b"\x7e\x00\x08\x01" + bytes([address >> 8, address & 255, value]) + b"\xab\xcd"


class Bench:
    def __init__(self, **faults):
        self.s = Scanner()
        self.now = 1000
        for name in faults:
            setattr(self.s, name, faults[name])

    def send(self, data, ms=20):
        self.s.receive(data, self.now)
        return self.out(ms)

    def out(self, ms=20):
        end = self.now + ms * 1000
        got = b""
        while True:
            due = self.s.next_due()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self.s.advance(self.now)
            got += self.s.transmit(self.now)
        self.now = end
        self.s.advance(end)
        return got + self.s.transmit(end)

    def on_command(self, tail=1):
        for address, value in ((0, 0xD5), (0x60, tail)):
            assert self.send(write(address, value)) == DONE


def test_crc_of_the_manual():
    assert crc_ccitt(bytes.fromhex("0701000a01")) == 0xEE8A
    assert crc_ccitt(bytes.fromhex("0801000a3e")) == 0x4CCF
    assert crc_ccitt(bytes.fromhex("0901000000")) == 0xDEC8
    assert crc_ccitt(bytes.fromhex("00013e")) == 0xE4AC


def test_examples_of_the_manual():
    b = Bench()
    assert b.send(bytes.fromhex("7e000801000a3e4ccf")) == DONE
    assert b.send(bytes.fromhex("7e000701000a01ee8a")) == bytes.fromhex("020000013ee4ac")
    assert b.send(bytes.fromhex("7e000701000a011122")) == b""
    assert b.s.errors == ["wrong CRC"]


def test_a_command_that_broke_off_is_forgotten_after_400_ms():
    b = Bench()
    assert b.send(b"\x7e\x00\x08\x01\x00\x0a\x3e", 300) == b""
    assert b.send(b"\xab\xcd") == DONE
    assert b.send(b"\x7e\x00\x08\x01\x00\x0a\x3e", 500) == b""
    assert b.send(TRIGGER) == DONE


def test_command_mode_reads_one_code_and_the_light_goes_out():
    b = Bench()
    b.s.show(CODE, b.now)
    assert b.send(TRIGGER, 500) == DONE and not b.s.reading  # still on the button
    b.on_command()
    assert not b.s.lit and not b.s.aiming
    assert b.send(TRIGGER, 50) == DONE and b.s.lit and b.s.aiming
    assert b.out(500) == CODE + b"\r"
    assert not b.s.lit and b.s.beeps == 1 and b.out(3000) == b""
    assert b.send(TRIGGER, 500) == DONE + CODE + b"\r"


def test_stop_and_longest_read():
    b = Bench()
    b.on_command()
    assert b.send(TRIGGER) == DONE and b.s.lit
    assert b.send(STOP) == DONE and not b.s.lit
    assert b.send(write(6, 20)) == DONE and b.send(TRIGGER) == DONE
    b.out(1900)
    assert b.s.lit
    b.out(100)
    assert not b.s.lit


def test_continuous_mode_sends_unasked():
    b = Bench()
    b.s.setup_code(0, 0xD6, b.now)
    b.s.show(CODE, b.now)
    assert b.out(1300) == CODE * 3


def test_tails():
    for tail, end in ((0, b""), (1, b"\r"), (0x21, b"\r\n"), (0x41, b"\t")):
        b = Bench()
        b.on_command(tail)
        b.s.show(CODE, b.now)
        assert b.send(TRIGGER, 500) == DONE + CODE + end


def test_save_and_loss_of_power():
    b = Bench()
    b.on_command()
    b.s.reboot(b.now)
    assert b.send(TRIGGER, 400) == b""  # it starts
    assert b.send(TRIGGER) == DONE and not b.s.reading
    b.on_command()
    assert b.send(bytes.fromhex("7e000901000000dec8")) == DONE and b.s.saves == 1
    b.s.reboot(b.now)
    b.out(400)
    assert b.send(TRIGGER) == DONE and b.s.reading


def test_faults():
    b = Bench(mute=1)
    assert b.send(TRIGGER) == b"" and b.send(TRIGGER) == DONE
    b = Bench(lost_replies=1)
    assert b.send(write(0, 0xD5)) == b"" and b.s.zones[0] == 0xD5
    b = Bench(bad_replies=1)
    got = b.send(TRIGGER)
    assert len(got) == 7 and got != DONE and b.send(TRIGGER) == DONE
    b = Bench(cut=5)
    b.on_command()
    b.s.show(CODE, b.now)
    assert b.send(TRIGGER, 500) == DONE + CODE[:5]
    b = Bench(noise=4)
    b.on_command()
    b.s.show(CODE, b.now)
    got = b.send(TRIGGER, 500)
    assert len(got) == 7 + 4 + 19 and got[11:] == CODE + b"\r"
    b = Bench(pieces=3)
    b.on_command()
    b.s.show(CODE, b.now)
    assert b.send(TRIGGER, 130) == DONE + CODE[:7] and b.out(500) == CODE[7:] + b"\r"
    b.s.stray(b"x", b.now)
    assert b.out() == b"x"
