# The name by which bundles know this board.

BOARD = "SY_C3"
