# What the manifest.py of every board includes: the firmware, and the modules of every board. The
# port's own manifest with its _boot.py and inisetup.py, which formats what it cannot mount, is not
# part of it.
import os

include("../manifest.py")

# A build puts what it has made (signers.py, flavour.py) into a folder and names it here.
_made = os.environ.get("SHOUYIN_GENERATED", "")
_names = sorted(os.listdir(_made)) if _made else []
for _name in _names:
    if _name.endswith(".py"):
        module(_name, base_path=_made, opt=1)
for _name in sorted(os.listdir("modules")):
    if _name.endswith(".py") and _name not in _names:
        module(_name, base_path="modules", opt=1)
