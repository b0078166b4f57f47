# The Wi-Fi networks that the terminal knows: names in the settings, passwords in the vault, where
# no list of parameters and no copy of the file system shows them.

from .settings import SettingsError, check

PLACES = (1, 2, 3)
_MARK = b"="  # before a password: an empty one is an open network, none at all is a lost one


def _ssid(place):
    return "wifi_ssid_%d" % place


def _slot(place):
    return "WIFI%d" % place


def networks(settings, vault):
    """((ssid, password), ...) by preference, as drivers.net.wifi.Wifi takes them; the password is
    b"" for an open network."""
    out = []
    for place in PLACES:
        if settings[_ssid(place)]:
            kept = vault.get(_slot(place))
            if kept is None:
                continue  # without its password it would be any open network of that name
            out.append((settings[_ssid(place)], bytes(kept[1:])))
    return tuple(out)


def prepared(networks):
    """({parameter: name}, {vault slot: bytes or None}) that make `networks` of (ssid, password)
    the known ones, for whoever writes settings and vault himself. SettingsError."""
    names, slots = {}, {}
    for place in PLACES:
        ssid, password = networks[place - 1] if place <= len(networks) else ("", "")
        names[_ssid(place)] = check(_ssid(place), ssid)
        slots[_slot(place)] = _MARK + check_password(password) if ssid else None
    return names, slots


def check_password(password):
    """Its bytes. SettingsError, without the password, when no WPA2 or WPA3 network can have it: 8
    to 63 printable ASCII characters, or 64 hexadecimal digits (IEEE 802.11, annex on passphrases);
    "" for an open network."""
    data = password.encode()
    hexadecimal = len(data) == 64
    if data and not hexadecimal and not 8 <= len(data) <= 63:
        raise SettingsError("password", "must have 8 to 63 characters")
    for b in data:
        if not 32 <= b <= 126 or (hexadecimal and b not in b"0123456789abcdefABCDEF"):
            raise SettingsError("password", "character not allowed")
    return data


def store(settings, vault, place, ssid, password):
    """Remember a network at `place` (1 is tried first), "" forgets it. All is checked before
    anything is written. SettingsError, VaultError."""
    if place not in PLACES:
        raise SettingsError("place", "must be 1 to %d" % len(PLACES))
    check(_ssid(place), ssid)
    data = check_password(password if ssid else "")
    # Should the power fail in between, the network is left out, and nothing is lost but what was
    # being changed.
    vault.put(**{_slot(place): None})
    settings.set(**{_ssid(place): ssid})
    if ssid:
        vault.put(**{_slot(place): _MARK + data})
