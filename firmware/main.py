# Third step of the boot: the terminal, for ever.

import asyncio
import gc

import bootstate
import flavour

# Collecting often while code is loaded and objects are made keeps a small heap in one piece;
# root.run() sets what is right for the day.
gc.threshold(8192)

try:
    from app import root

    asyncio.run(root.run())
except Exception as e:
    if flavour.DEV:  # in a release _boot.py does
        bootstate.crashed(e)
    raise
