# An official MicroPython image on the simulated chip, as far as it concerns us: its own _boot.py
# mounts the volume at "/" and the port then runs /boot.py. Nothing of the firmware is in reach:
# this process' files are moved to /host, and modules come from there only until /boot.py begins.
#
#   SHOUYIN_FLASH=/host/FLASH micropython stock_start.py REPOSITORY

import sys

import vfs

ROOT = "/host" + sys.argv[1]
vfs.umount("/")
vfs.mount(vfs.VfsPosix("/"), "/host")
sys.path[:] = [ROOT + "/boards/unix", ROOT + "/tools", ".frozen"]

import esp32  # noqa: E402
import loop  # noqa: E402
import machine  # noqa: E402, F401
import network  # noqa: E402, F401
import wires  # noqa: E402

loop.install()

# VfsPosix.rename() takes only one path when it is not mounted at the root: NVS is in memory.
_nvs = {}
wires.nvs_load = lambda: _nvs.get("text", "")
wires.nvs_store = lambda text: _nvs.update(text=text)

import asyncio  # noqa: E402


def _started(coroutine):
    """In the place of asyncio.run: the firmware's main.py has come so far."""
    import os

    import bootstate

    coroutine.close()
    for name in ("app.root", "board", "chip", "boot", "slots"):
        print(name, sys.modules[name].__file__)
    print("bundle", bootstate.bundle and bootstate.bundle["version"], bootstate.bundle_reason)
    print("volume", bootstate.vfs_problem, sorted(os.listdir("/flash")))
    print("mounted", sorted(os.listdir("/")))
    if sys.argv[2:] == ["ctrl-c"]:
        raise KeyboardInterrupt


asyncio.run = _started

# ports/esp32/modules/_boot.py and flashbdev.py
bdev = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vfs")[0]
vfs.mount(bdev, "/")
with open("/boot.py") as f:
    source = f.read()
exec(compile(source, "/boot.py", "exec"), {"__name__": "__main__"})
print("prompt")
