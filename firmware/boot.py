# Second step of the boot: something on the glass at once. Nothing here needs a file.

import board
import bootstate

display = bootstate.display = board.make_display()
display.start()
# framebuf's own letters are 8x8.
display.fb.text("SHOUYIN", (display.width - 56) // 2, (display.height - 8) // 2, 1)
display.flush()
