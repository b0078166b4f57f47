// What all boards have in common; the mpconfigboard.h of a board includes it.

// App bundles are ROMFS images in partitions of their own.
#define MICROPY_VFS_ROM (1)
#define MICROPY_VFS_ROM_IOCTL (1)

// What a payment terminal has no use for. (WebREPL: the port defines MICROPY_PY_WEBREPL for all
// boards, and a board cannot take that back; its Python modules are not frozen here.)
#define MICROPY_PY_BLUETOOTH (0)
#define MICROPY_PY_ESPNOW (0)
#define MICROPY_PY_MACHINE_I2S (0)
#define MICROPY_HW_ENABLE_SDCARD (0)

// The technician's console is on USB: all UARTs belong to devices.
#define MICROPY_HW_ENABLE_UART_REPL (0)

// startup.c
#define MICROPY_BOARD_STARTUP shouyin_startup
void shouyin_startup(void);
