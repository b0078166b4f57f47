# Wi-Fi and Ethernet as people usually write them: the examples of the manual around asyncio. The
# tests must see each of its failures.

import asyncio

import network


class _Naive:
    def __init__(self, net):
        self._net = net
        self._sock = None
        self.ready = False
        self.reason = None
        self.signal = None

    @property
    def connected(self):
        return self._sock is not None

    async def connect(self, host, port, timeout_ms):
        # asyncio.open_connection does this: getaddrinfo blocks.
        address = self._net.getaddrinfo(host, port)[0][-1]
        self._sock = self._net.socket()
        self._sock.setblocking(False)
        try:
            self._sock.connect(address)
        except OSError:
            pass
        for _ in range(timeout_ms // 10):
            if self._sock.ioctl(3, 4):
                return
            await asyncio.sleep_ms(10)
        raise asyncio.TimeoutError()

    async def send(self, data, timeout_ms):
        while data:
            n = self._sock.write(data)
            if n is None:
                await asyncio.sleep_ms(10)
            else:
                data = data[n:]

    async def recv_into(self, buf, timeout_ms):
        while True:
            n = self._sock.readinto(buf)
            if n is not None:
                return n
            await asyncio.sleep_ms(10)

    async def close(self):
        self._sock.close()
        self._sock = None


class NaiveWifi(_Naive):
    def __init__(self, wlan, clock, networks, net=None):
        super().__init__(net)
        self._wlan = wlan
        self._networks = networks

    def tasks(self):
        return (("wifi", self.run),)

    async def run(self):
        self._wlan.active(True)
        for ssid, password in self._networks:
            try:
                self._wlan.connect(ssid, password)
            except OSError:
                self.reason = "error"
                return
            for _ in range(200):
                await asyncio.sleep_ms(100)
                if self._wlan.isconnected():
                    self.ready = True
                    break
                if self._wlan.status() in (network.STAT_NO_AP_FOUND, network.STAT_WRONG_PASSWORD):
                    names = {
                        network.STAT_NO_AP_FOUND: "no_ap",
                        network.STAT_WRONG_PASSWORD: "wrong_password",
                    }
                    self.reason = names[self._wlan.status()]
                    break
            if self.ready:
                break
        while True:
            await asyncio.sleep_ms(1000)
            self.ready = self._wlan.isconnected()


class NaiveEthernet(_Naive):
    def __init__(self, make_lan, clock, net=None):
        super().__init__(net)
        self._lan = None
        self._make_lan = make_lan

    def tasks(self):
        return (("ethernet", self.run),)

    async def run(self):
        try:
            self._lan = self._make_lan()
            self._lan.active(True)
        except OSError:
            return
        while not self._lan.isconnected():
            await asyncio.sleep_ms(100)
        self.ready = True
