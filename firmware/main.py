# Third step of the boot: the terminal, for ever.

import asyncio

from app import root

asyncio.run(root.run())
