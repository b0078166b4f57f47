# Which board this is: bundles for another one are refused.
BOARD = "SY_C3"
