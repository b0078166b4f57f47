# Frozen into the interpreter: asyncio, whose core the simulated board replaces in parts.
include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821
