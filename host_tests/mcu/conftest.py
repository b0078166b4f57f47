"""Tests on the emulated microcontroller: `make test-mcu`. They need QEMU and a cross compiler, and
are left out of `make test`."""

import os

collect_ignore_glob = [] if os.environ.get("SHOUYIN_MCU") else ["test_*.py"]
