# What is frozen into the emulated board: the firmware, the simulated chip of boards/unix, and what
# connects it to this machine.
include("../manifest.py")

freeze("../SY_CLASSIC/modules", opt=1)
freeze("../common/modules", opt=1)
for name in (
    "analog", "bus", "esp32", "loop", "machine", "network", "otadata", "target", "time", "vtasks",
):  # fmt: skip
    module(name + ".py", base_path="../unix", opt=1)
for name in ("launch", "ramflash", "wires"):
    module(name + ".py", base_path="modules", opt=1)
package("models", files=("__init__.py", "frames.py", "nor.py"), base_path="../../tools", opt=1)
module("layout.py", base_path="$(GEN_DIR)", opt=1)
