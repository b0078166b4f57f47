# Third step of the boot: the terminal, for ever.

import asyncio
import gc

from app import root

# Collecting often keeps a small heap in one piece.
gc.threshold(16_384)

asyncio.run(root.run())
