# Displays. A display has: width, height, fb (framebuf.FrameBuffer to draw in), show() (send what
# changed), contrast(0-63), power(on).
