"""Which lines of firmware/ the tests run, measured inside MicroPython: `make coverage`."""
