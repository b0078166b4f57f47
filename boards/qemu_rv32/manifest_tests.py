# The same with the device models and the tests that run on the target. Asserts are kept.
import os

include("manifest.py")

HERE = os.getcwd()  # a manifest is executed in its own folder
MODELS = os.path.join(HERE, "../../tools/models")
package(
    "models",
    files=tuple(
        name
        for name in sorted(os.listdir(MODELS))
        if name.endswith(".py") and name not in ("__init__.py", "frames.py", "nor.py")
    ),
    base_path="../../tools",
    opt=0,
)
freeze("../../host_tests/on_target", opt=0)
module("des_twin.py", base_path="$(GEN_DIR)", opt=0)
