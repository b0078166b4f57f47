# Board for MicroPython's qemu port, out of its tree: a 32-bit RISC-V machine with the instruction
# set of an ESP32-C3, bare metal. tools/mcu/build.py calls make with BOARD_DIR naming this folder.
HERE := $(abspath $(BOARD_DIR))

QEMU_ARCH = riscv32
QEMU_MACHINE = virt
RV32_ARCH = rv32imac
# gcc 12: the CSR instructions still belong to the base set
CFLAGS += -misa-spec=2.2
AS += -misa-spec=2.2
CFLAGS += -DQEMU_SOC_VIRT -DMICROPY_HW_MCU_NAME='"$(RV32_ARCH)"'
LDSCRIPT = mcu/rv32/virt.ld
SRC_BOARD_O += shared/runtime/gchelper_native.o shared/runtime/gchelper_rv32i.o
MPY_CROSS_FLAGS += -march=rv32imc

CFLAGS += -I$(HERE) -DMP_CONFIGFILE='"mpconfigboard.h"'
USER_C_MODULES = $(HERE)/cmodules
FROZEN_MANIFEST ?= $(HERE)/manifest.py
MPY_LIB_DIR = $(HERE)/mpylib
MICROPY_VFS_LFS2 = 1
MICROPY_HEAP_SIZE ?= 143360
# our own main, and a console that can be polled
LDFLAGS += -Wl,--wrap=mp_hal_stdio_poll -Wl,--wrap=uart_rx_chr -Wl,--wrap=main

# AES and SHA: MBEDTLS names the source of mbed TLS 3.6
CFLAGS += -DMICROPY_SSL_MBEDTLS=1 -I$(MBEDTLS)/include -I$(MBEDTLS)/library
CFLAGS += -DMBEDTLS_CONFIG_FILE='"mbed_config.h"'
QSTR_GLOBAL_DEPENDENCIES += $(HERE)/mpconfigboard.h
