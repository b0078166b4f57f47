# What the manifest.py of every board includes: the firmware, and the modules of every board. The
# port's own manifest with its _boot.py and inisetup.py, which formats what it cannot mount, is not
# part of it.
import os

include("../manifest.py")

# A build names folders here whose modules (signers.py, flavour.py) go before the common ones.
_names = []
for _made in os.environ.get("SHOUYIN_GENERATED", "").split(os.pathsep):
    for _name in sorted(os.listdir(_made)) if _made else []:
        if _name.endswith(".py") and _name not in _names:
            module(_name, base_path=_made, opt=1)
            _names.append(_name)
for _name in sorted(os.listdir("modules")):
    if _name.endswith(".py") and _name not in _names:
        module(_name, base_path="modules", opt=1)
