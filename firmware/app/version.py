VERSION = "0.1.0"
# One more with each release: a bundle runs only when its counter is higher than that of the frozen
# firmware, and not lower than that of any bundle that was confirmed.
COUNTER = 1
