# Third step of the boot: the terminal, for ever.

import asyncio
import gc

# Collecting often while code is loaded and objects are made keeps a small heap in one piece;
# root.run() sets what is right for the day.
gc.threshold(4096)

from app import root  # noqa: E402

asyncio.run(root.run())
