"""The firmware on an emulated 32-bit microcontroller (QEMU, RISC-V): build, run, measure."""
