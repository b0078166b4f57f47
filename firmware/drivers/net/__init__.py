# Wi-Fi and Ethernet, as bearers: see drivers/modem/__init__.py for what a bearer is. The stack is
# lwIP in the port; what is here joins networks, keeps them, resolves names without blocking, and
# uses non-blocking sockets with a deadline on everything.
#
#   Wifi(network.WLAN(network.STA_IF), clock, ((ssid, password), ...), country="CN")
#   Ethernet(make_lan, clock)        make_lan(): network.LAN(...); a dead chip is no failed boot
