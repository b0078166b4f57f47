# Wi-Fi against what shops' networks do. Each failure mode has its own test, W1 to W15, and most
# run on a naive driver too, which must fail.

import asyncio

import bus
import network
from harness import araises, cancel_at, raises, seed, until
from naive_wifi import NaiveWifi
from netbench import HOST, NAME, PORT, Bench, again, fails, longest_gap, ready, talk, wifi

from app.kernel import clock, log
from drivers.net.wifi import Wifi, word
from models import XorShift
from models.wifi_air import OPEN, WPA, WPA3, AccessPoint, random_plan

SECOND = ("home", "87654321")


async def test_it_joins_and_carries_a_message():
    b, d = wifi()
    assert not d.ready and d.reason == "starting" and d.signal is None
    await ready(d, 3000)
    assert d.reason is None and d.signal == 4
    await d.connect(NAME, PORT, 5000)
    assert d.connected and await talk(d) == b"hello"
    await d.close()
    assert not d.connected and b.net.open == []
    await d.connect(HOST, PORT, 5000)  # an address needs no DNS
    assert await talk(d, bytes(range(256)) * 3) == bytes(range(256)) * 3
    await d.close()
    assert b.dns.queries == [(NAME, 1)] and b.dns.errors == [] and b.net.open == []


async def test_wpa3_and_open_networks_and_addresses_without_dhcp():
    for point, password in (
        (AccessPoint("shop", "secret99", WPA3), "secret99"),
        (AccessPoint("shop"), ""),
    ):
        again()
        _, d = wifi(("shop", password), points=(point,))
        await ready(d, 4000)
    again()
    point = AccessPoint("shop", "secret99")
    point.dhcp_us = None
    fixed = ("192.168.4.77", "255.255.255.0", "192.168.4.1", "192.168.4.1")
    b, d = wifi(points=(point,), address=fixed)
    await ready(d, 4000)
    assert d.addresses() == fixed
    await d.connect(NAME, PORT, 5000)


def test_what_no_network_can_have_is_refused_before_anything_is_tried():
    wlan = network.WLAN(network.STA_IF)
    for ssid, password in (("", ""), ("x" * 33, ""), ("a", "1234567"), ("a", "x" * 65),
                           ("a", "g" * 64), ("\u5e97" * 11, "")):  # fmt: skip
        raises(ValueError, Wifi, wlan, clock, ((ssid, password),))
    Wifi(wlan, clock, (("\u5e97" * 10, "a" * 64), (b"x" * 32, b"12345678")), net=Bench().net)


# ---- W1 -----------------------------------------------------------------------------------------


async def check_wrong_password(make):
    for reason in (202, 204, 15, 2):
        again()
        point = AccessPoint("shop", "another1")
        point.wrong_reason = reason
        b, d = wifi(make=make, points=(point,))
        await asyncio.sleep_ms(12_000)
        assert not d.ready and d.reason == "wrong_password", (reason, d.reason)
        b.air.plan((0, "password", 0, "secret99"))  # the shop puts the old one back
        await ready(d, 90_000)
        b.stop()


async def test_w1_a_wrong_password_is_told_as_such():
    """micropython#12315 #3537: a wrong password ends as 202, 204, 15 or 2, by chip and router."""
    await check_wrong_password(Wifi)
    again()
    await fails(check_wrong_password, NaiveWifi)


# ---- W2 -----------------------------------------------------------------------------------------


async def check_glitch(make):
    point = AccessPoint("shop", "secret99")
    point.refusals = [202]
    b, d = wifi(make=make, points=(point,))
    said = []
    for _ in range(80):
        await asyncio.sleep_ms(100)
        said.append(d.reason)
    assert d.ready and "wrong_password" not in said


async def test_w2_one_failed_handshake_is_not_a_wrong_password():
    """micropython#4842: AUTH_FAIL comes with the right password too; the second try succeeds."""
    await check_glitch(Wifi)
    again()
    await fails(check_glitch, NaiveWifi)


# ---- W3 -----------------------------------------------------------------------------------------


async def check_stale(make):
    b, d = wifi(("gone", "secret99"), ("shop", "secret99"), make=make)
    await ready(d, 14_000)
    assert b.air.joined.ssid == b"shop"


async def test_w3_the_reason_of_the_last_failure_is_not_that_of_this_attempt():
    """network_wlan.c: status() says 201 of the network before until there is an address."""
    await check_stale(Wifi)
    again()
    await fails(check_stale, NaiveWifi)


# ---- W4 -----------------------------------------------------------------------------------------


async def check_busy(make):
    b = Bench()
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("old", "something")  # left over from before a soft reset, still trying for ever
    raises(OSError, wlan.connect, "shop", "secret99")
    d = b.start(make(wlan, clock, (("shop", "secret99"),), net=b.net))
    await ready(d, 8000)


async def test_w4_an_attempt_that_runs_already_does_not_stop_us():
    """thonny#2713: "Wifi Internal Error" after a soft reset: the station is still connecting."""
    await check_busy(Wifi)
    again()
    await fails(check_busy, NaiveWifi)


class BrokenRadio:
    """A WLAN whose radio fails for a while: "Wifi Unknown Error 0x0101" is no memory."""

    PM_NONE = 0

    def __init__(self, wlan, failures):
        self._wlan = wlan
        self.failures = failures

    def __getattr__(self, name):
        return getattr(self._wlan, name)

    def active(self, is_active=None):
        if is_active and self.failures:
            self.failures -= 1
            raise RuntimeError("Wifi Unknown Error 0x0101")
        return self._wlan.active() if is_active is None else self._wlan.active(is_active)


async def test_a_radio_that_does_not_start_is_told_and_tried_again():
    """The port raises RuntimeError for what it has no text for; that is no OSError."""
    b = Bench()
    d = Wifi(BrokenRadio(network.WLAN(), 3), clock, (("shop", "secret99"),), net=b.net)
    b.start(d)
    await asyncio.sleep_ms(1500)
    assert not d.ready and d.reason == "no_radio"
    await ready(d, 30_000)


# ---- W5 -----------------------------------------------------------------------------------------


async def check_lost(make):
    b, d = wifi(make=make)
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    b.air.plan((0, "up", 0, False))
    await until(lambda: not d.ready, 8500, "the loss")
    assert not d.connected and d.signal is None and d.reason in ("lost", "no_ap")
    await asyncio.sleep_ms(120_000)
    assert d.reason == "no_ap"
    b.air.plan((0, "up", 0, True))
    await ready(d, 65_000)
    await d.connect(HOST, PORT, 5000)
    assert await talk(d) == b"hello"
    await d.close()
    assert b.net.open == []
    return d


async def test_w5_an_access_point_that_goes_is_noticed_in_8_seconds_and_joined_again():
    """Beacons are missed for 6 s; we look every second, and are back within a minute."""
    d = await check_lost(Wifi)
    assert d.rejoins == 1
    again()
    await fails(check_lost, NaiveWifi)


# ---- W6 -----------------------------------------------------------------------------------------


async def check_mute(make):
    b, d = wifi(make=make)
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    b.air.plan((0, "mute", 0, True))
    await d.send(b"hello", 5000)
    buf = bytearray(20)
    await araises(asyncio.TimeoutError, asyncio.wait_for_ms(d.recv_into(buf, 8000), 12_000))
    assert network.WLAN().isconnected()  # the port knows of nothing
    await until(lambda: not d.ready, 4500, "the loss")
    assert not d.connected
    await d.close()
    b.air.plan((0, "mute", 0, False))
    await ready(d, 30_000)
    await d.connect(HOST, PORT, 5000)
    assert await talk(d) == b"hello"


async def test_w6_an_access_point_that_carries_nothing_is_noticed():
    """micropython#3913 #4538: isconnected() stays true; noticed 4 s after somebody waited in
    vain."""
    await check_mute(Wifi)
    again()
    await fails(check_mute, NaiveWifi)


async def test_a_host_that_is_silent_is_no_dead_link():
    """The DNS server still answers: nothing is torn down."""
    b, d = wifi()
    await ready(d)
    b.host.connect = "silent"
    for _ in range(3):
        await araises(asyncio.TimeoutError, d.connect(HOST, PORT, 5000))
        await asyncio.sleep_ms(4000)
    assert d.ready and d.rejoins == 0 and b.net.open == []
    assert b.dns.queries == [("", 2)] * 3


# ---- W7, W8 -------------------------------------------------------------------------------------


class Hollow:
    """micropython-lib#305: status 1010, isconnected() true, and the address is 0.0.0.0."""

    def __init__(self, wlan):
        self._wlan = wlan
        self.hollow = False

    def __getattr__(self, name):
        return getattr(self._wlan, name)

    def ifconfig(self, *args):
        return ("0.0.0.0",) * 3 + ("192.168.4.1",) if self.hollow else self._wlan.ifconfig(*args)


async def check_hollow(make):
    b = Bench()
    wlan = Hollow(network.WLAN())
    d = b.start(make(wlan, clock, (("shop", "secret99"),), net=b.net))
    await ready(d)
    wlan.hollow = True
    assert wlan.isconnected()
    await until(lambda: not d.ready, 2000, "the loss")


async def test_w7_a_connection_without_an_address_is_none():
    """micropython-lib#305: 1010 and 0.0.0.0 at once when the router was switched off."""
    await check_hollow(Wifi)
    again()
    await fails(check_hollow, NaiveWifi)


async def check_no_dhcp(make):
    silent = AccessPoint("shop", "secret99")
    silent.dhcp_us = None
    b, d = wifi(make=make, points=(silent,))
    await asyncio.sleep_ms(25_000)
    assert not d.ready and d.reason == "no_address"
    silent.dhcp_us = 9_000_000  # late, but there
    await ready(d, 60_000)


async def test_w8_dhcp_that_never_answers_is_told_and_the_next_network_is_tried():
    """Joined, and no address: neither connected nor failed for the port."""
    await check_no_dhcp(Wifi)
    again()
    silent = AccessPoint("shop", "secret99")
    silent.dhcp_us = None
    b, d = wifi(("shop", "secret99"), SECOND, points=(silent, AccessPoint(*SECOND)))
    await ready(d, 20_000)
    assert d.network == 1
    again()
    await fails(check_no_dhcp, NaiveWifi)


# ---- W9 -----------------------------------------------------------------------------------------


async def check_order(make):
    points = (AccessPoint(*SECOND, channel=1, rssi=-40), AccessPoint("shop", "secret99", rssi=-80))
    b, d = wifi(("shop", "secret99"), SECOND, make=make, points=points)
    await ready(d)
    assert b.air.joined is points[1]  # the first that we name, not the first that is heard
    b.air.plan((0, "up", 1, False))
    await asyncio.sleep_ms(20_000)
    assert d.ready and b.air.joined is points[0]
    return d


async def test_w9_several_networks_are_tried_in_our_order():
    """The preferred one first; when it goes, the next one within 20 s."""
    d = await check_order(Wifi)
    assert d.network == 1 and d.signal == 4
    again()
    # Of several failures the one that tells most is shown.
    b, d = wifi(("gone", "secret99"), ("shop", "wrong-one"), ("gone2", "secret99"))
    await asyncio.sleep_ms(20_000)
    assert d.reason == "wrong_password"
    again()
    await fails(check_order, NaiveWifi)


async def test_the_words_of_all_failures():
    for reason, expected in (
        (201, "no_ap"), (203, "refused"), (200, "lost"), (210, "weak_security"),
        (211, "weak_security"), (212, "weak_signal"), (39, "refused"),
    ):  # fmt: skip
        assert word(reason) == expected
        again()
        point = AccessPoint("shop", "secret99")
        point.refusals = [reason] * 99
        b, d = wifi(points=(point,))
        await asyncio.sleep_ms(10_000)
        assert d.reason == expected, (reason, d.reason)
        b.stop()
    # A password is not given to a network that asks for none, or for too little.
    for auth in (OPEN, WPA):
        again()
        b, d = wifi(points=(AccessPoint("shop", "secret99", auth),))
        await asyncio.sleep_ms(10_000)
        assert d.reason == "weak_security" and b.air.points[0].attempts == 0
        b.stop()
    again()
    b = Bench()
    d = b.start(Wifi(network.WLAN(), clock, (), net=b.net))
    await asyncio.sleep_ms(100)
    assert d.reason == "not_set_up"


# ---- W10 ----------------------------------------------------------------------------------------


async def test_w10_a_hidden_network_is_joined_and_a_scan_only_happens_on_demand():
    """scan() blocks for 2-3 s and cannot name hidden networks: joining must not need it."""
    hidden = AccessPoint("shop", "secret99", hidden=True, channel=3)
    b = Bench((hidden, AccessPoint(*SECOND, rssi=-70, auth=WPA3), AccessPoint("cafe", rssi=-90)))
    scans = []
    wlan = network.WLAN()
    real = wlan.scan
    wlan.scan = lambda: scans.append(1) or real()
    d = b.start(Wifi(wlan, clock, (("shop", "secret99"),), net=b.net))
    assert d.scan() == [
        ("", -52, "wpa2", 3), ("home", -70, "wpa3", 6), ("cafe", -90, "open", 6),
    ]  # fmt: skip
    scans.clear()
    await ready(d)
    b.air.plan((0, "up", 0, False), (70_000_000, "up", 0, True))
    await asyncio.sleep_ms(200_000)
    assert d.ready and scans == []
    # In the middle of an attempt to join the port would hear nothing.
    b.air.plan((0, "up", 0, False))
    await until(lambda: b.air.searching(), 20_000)
    assert real() == []
    assert [n[0] for n in d.scan()] == ["home", "cafe"]
    b.air.plan((0, "up", 0, True))
    await ready(d, 65_000)


# ---- W11 ----------------------------------------------------------------------------------------


async def check_radio(make):
    network.country("XX")
    b, d = wifi(make=make)
    await ready(d)
    wlan = network.WLAN()
    assert wlan.config("pm") == wlan.PM_NONE and wlan.config("reconnects") == 0
    assert network.country() == "CN"


async def test_w11_the_radio_is_set_up_as_a_terminal_needs_it():
    """Asleep between beacons the station answers 100-300 ms late; its own reconnecting fights
    with ours; the country decides which channels are heard."""
    await check_radio(Wifi)
    again()
    await fails(check_radio, NaiveWifi)


# ---- W12 ----------------------------------------------------------------------------------------


async def check_roaming(make):
    near = AccessPoint("shop", "secret99", channel=1)
    far = AccessPoint("shop", "secret99", channel=11)
    far.lease = ("192.168.4.9", "255.255.255.0", "192.168.4.1", "192.168.4.1")
    b, d = wifi(make=make, points=(near, far))
    await ready(d)
    await d.connect(HOST, PORT, 5000)
    b.air.plan((0, "up", 0, False))
    await asyncio.sleep_ms(15_000)
    assert d.ready and b.air.joined is far
    assert not d.connected  # it belongs to an address that we do not have any more
    await d.close()
    await d.connect(HOST, PORT, 5000)
    assert await talk(d) == b"hello"
    b.air.plan((0, "renumber", 1, ("192.168.4.50",) + far.lease[1:]))
    await until(lambda: not d.connected, 2000, "the end of the connection")
    await ready(d)


async def test_w12_another_access_point_or_address_ends_our_connections():
    """Nobody answers on a connection of an address that is not ours any more."""
    await check_roaming(Wifi)
    again()
    await fails(check_roaming, NaiveWifi)


# ---- W13 ----------------------------------------------------------------------------------------


async def check_flapping(make):
    b, d = wifi(make=make)
    await ready(d)
    b.air.plan(*((bus.current.now_us() + k * 3_000_000, "kick", 0, 2) for k in range(200)))
    before = b.air.points[0].attempts
    await asyncio.sleep_ms(600_000)
    assert b.air.points[0].attempts - before <= 40
    await ready(d, 70_000)


async def test_w13_an_access_point_that_throws_us_out_is_not_hammered():
    """Routers lock out who comes back at once; after 10 minutes of it we are still there."""
    await check_flapping(Wifi)
    again()
    await fails(check_flapping, NaiveWifi)


# ---- W14 ----------------------------------------------------------------------------------------


async def test_w14_the_password_is_in_no_log_and_no_text():
    """It is the shop's: not in the log, a reason, or what the object prints as."""
    log.clear()
    b, d = wifi(("shop", "do-not-show"))
    await asyncio.sleep_ms(30_000)
    assert d.reason == "wrong_password"
    for text in log.lines() + [repr(d), str(d.reason), str(d.scan())]:
        assert "do-not-show" not in text
    e = raises(ValueError, Wifi, network.WLAN(), clock, (("shop", "short"),))
    assert "short" not in str(e)


# ---- W15 ----------------------------------------------------------------------------------------


async def test_w15_cancelled_at_any_point_it_can_be_started_again():
    """The supervisor restarts the owner task whenever it likes; what was begun is given up."""
    for ms in range(0, 2600, 210):
        again()
        b, d = wifi()
        await asyncio.sleep_ms(ms)
        b.stop()
        await asyncio.sleep_ms(1)
        assert not d.ready and d.reason == "starting"
        b.start(d)
        await ready(d, 9000)
        b.stop()
        await asyncio.sleep_ms(1)
        assert b.net.open == []


async def test_a_suspicion_that_is_looked_into_can_be_cancelled():
    """The probe has a socket of its own: it is closed."""
    b, d = wifi()
    await ready(d)
    b.air.plan((0, "mute", 0, True))
    d.suspicion.set()
    await until(lambda: b.net.open, 2000)
    b.stop()
    await asyncio.sleep_ms(1)
    assert b.net.open == []


# ---- all of it ----------------------------------------------------------------------------------


async def _customer(b, d, done):
    """Connects, talks and closes, again and again; nothing but the two exceptions is raised."""
    while True:
        try:
            await d.connect(NAME, PORT, 8000)
            done[0] += await talk(d, b"x" * 400, 8000) == b"x" * 400
        except (OSError, asyncio.TimeoutError):
            pass
        await d.close()
        await asyncio.sleep_ms(700)


async def test_two_access_points_on_bad_days():
    rng = XorShift(seed(20))
    for _ in range(2):
        again()
        points = (AccessPoint("shop", "secret99"), AccessPoint(*SECOND, channel=11))
        b, d = wifi(("shop", "secret99"), SECOND, points=points)
        start = bus.current.now_us()
        b.air.plan(*((start + t, w, n, v) for t, w, n, v in random_plan(rng, 2, 300_000_000)))
        done = [0]
        customer = asyncio.create_task(_customer(b, d, done))
        await asyncio.sleep_ms(300_000)
        good = done[0]
        await asyncio.sleep_ms(180_000)
        assert good > 10 and done[0] > good + 20, (good, done[0])
        assert not b.tasks[0].done() and b.net.most_open <= 3, b.net.most_open
        await cancel_at(0, d.close)
        customer.cancel()
        b.stop()
        await asyncio.sleep_ms(1)
        await d.close()
        assert b.net.open == []


async def test_nothing_of_it_stops_the_loop():
    b, d = wifi(SECOND, ("shop", "secret99"))
    await asyncio.sleep_ms(200)  # the radio's start takes 100 ms of its own
    _, gap = await longest_gap(ready(d, 20_000))
    assert gap <= 5000, gap
    b.air.plan((0, "up", 0, False))
    _, gap = await longest_gap(asyncio.sleep_ms(30_000))
    assert gap <= 5000, gap
