# Second step of the boot: the watchdog, and something on the glass at once. Nothing here needs a
# file.

import board
import bootstate

bootstate.watchdog = board.make_watchdog(8000)
bootstate.display = board.make_display()
bootstate.display.start()
bootstate.display.fb.text("SHOUYIN", 36, 28, 1)
bootstate.display.show()
