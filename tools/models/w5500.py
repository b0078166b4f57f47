"""WIZnet W5500: the register side of the Ethernet controller, and the cable that is in it.

Owns: SPI frames of variable length, the common registers that a driver looks at when it starts and
when it watches the link, and what the network at the other end of the cable gives.
Must not: carry packets. In the ESP32 port the stack is lwIP in C; sockets are models.ip_net's.

Source: W5500 data sheet 1.1.0, 2.2 SPI frame (address 16 bit, control byte: block select in bits
7-3, write in bit 2, mode in bits 1-0), 4.1 common registers, PHYCFGR 0x002E (bit 0 link, bit 1
100 Mbit/s, bit 2 full duplex, bit 7 reset), VERSIONR 0x0039 = 0x04.
"""

_MR = 0x0000
_SHAR = 0x0009
_PHYCFGR = 0x002E
_VERSIONR = 0x0039
_VERSION = 0x04


class W5500:
    """rack.attach_spi(unit, chip, cs). `plugged`: the cable; `dhcp_us`: when its network answers
    DHCP, None: never; `lease`: what it gives; `dead`: the chip does not answer (MISO high);
    `stuck`: it answers, but no packet passes."""

    def __init__(self, plugged=True):
        self.plugged = plugged
        self.dhcp_us = 800_000
        self.lease = ("192.168.5.7", "255.255.255.0", "192.168.5.1", "192.168.5.1")
        self.dead = False
        self.stuck = False
        self.resets = 0
        self.errors = []
        self._common = bytearray(0x40)
        self._power_on()

    def _power_on(self):
        for i in range(len(self._common)):
            self._common[i] = 0
        self._common[_PHYCFGR] = 0xB8
        self._common[_VERSIONR] = _VERSION

    def power(self, on, now_us):
        if not on:
            self._power_on()

    def reset(self, level):
        if not level:
            self.resets += 1
            self.stuck = False
            self._power_on()

    def spi_write(self, data, dc):
        self.spi_transfer(data, dc)

    def spi_transfer(self, data, dc):
        """One frame (the chip select frames it): bytes on MISO."""
        if self.dead:
            return b"\xff" * len(data)
        if len(data) < 4:
            self.errors.append("frame of %d bytes" % len(data))
            return b"\x00" * len(data)
        at = data[0] << 8 | data[1]
        block, write, mode = data[2] >> 3, data[2] & 4, data[2] & 3
        if block or mode:
            self.errors.append("block %d, mode %d" % (block, mode))
            return b"\x00" * len(data)
        out = bytearray(len(data))
        for i in range(3, len(data)):
            if at >= len(self._common):
                self.errors.append("register %04x" % at)
                break
            if write:
                self._write(at, data[i])
            else:
                out[i] = self._read(at)
            at += 1
        return bytes(out)

    def _write(self, at, value):
        if at == _MR and value & 0x80:
            self.resets += 1
            self.stuck = False  # what hung is free again
            self._power_on()
        elif at == _PHYCFGR:
            self._common[at] = value | 0x80
        elif at != _VERSIONR:
            self._common[at] = value

    def _read(self, at):
        if at == _PHYCFGR:
            return self._common[at] & 0xF8 | (7 if self.plugged else 0)
        return self._common[at]

    def mac(self):
        return bytes(self._common[_SHAR : _SHAR + 6])

    def forwards(self):
        """Whether packets get through now."""
        return self.plugged and not self.dead and not self.stuck
