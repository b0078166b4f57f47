# The firmware, as it is frozen into any board: what a board's own manifest.py includes.
# -O1 takes asserts out and keeps line numbers.
include("$(MPY_DIR)/extmod/asyncio")

package("app", base_path="../firmware", opt=1)
package("drivers", base_path="../firmware", opt=1)
for name in ("_boot", "boot", "bootstate", "main", "romreader", "slots", "volume"):
    module(name + ".py", base_path="../firmware", opt=1)
module("tech.py", base_path="../firmware", opt=1)
