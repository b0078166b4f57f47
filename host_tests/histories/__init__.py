"""Random days of a shop, and power cuts at every operation of the flash, run inside MicroPython
(on_target/) in virtual time against the acquirer model. CPython drives the processes."""
