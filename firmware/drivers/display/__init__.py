# Displays. Every display has
#
#   width, height  pixels
#   scale          1: text of 16-pixel glyphs; 2: they are drawn twice as large, smoothed
#   fb             framebuf.FrameBuffer to draw in, of 1 or 4 bits a pixel
#   paper, ink, bar, shade   what to draw with: background, text, title bar, field. A mono display
#                  knows 0 and 1 only.
#   glyph(x, y, bits, at, width, style)   draw a glyph of the 16-pixel font (width 8 or 16, MSB
#                  left, from byte `at` of `bits`); style 0 (False): ink on paper, 1 (True): paper
#                  on bar. False when it would reach beyond the glass: then nothing is drawn. A
#                  display of scale 2 also has style 2, ink on shade, and
#                  glyph_large(x, y, bits, at, style), twice as large again, for glyphs of 8
#                  columns.
#   start()        reset, switch on; the glass is blank then. Blocks (up to 0.4 s): before the loop
#                  runs.
#   show()         what was drawn shall be seen. A display whose picture is small sends it at once;
#                  others wake their owner task, which sends it in slices of less than 5 ms on the
#                  bus. Called while a refresh is under way, the newest content wins.
#   tasks()        [(name, coroutine function)] of the owner tasks; empty where show() sends
#   flush()        show() and send all of it now; before the loop runs
#   power(on)      picture on or off; the memory keeps its content
#   sleep(), wake()   the controller draws next to nothing; content is kept, drawing goes on
#   backlight(level)  0-100, of the machine.PWM or machine.Pin that was injected as `light`
#   contrast(level)   0-100; mono displays only
#   bytes_sent     on the bus, since the start
#
# Owner tasks send everything once the loop runs: power, sleep and wake are requests to them.
