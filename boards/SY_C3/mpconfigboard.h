#define MICROPY_HW_BOARD_NAME "Shouyin SY_C3"
#define MICROPY_HW_MCU_NAME "ESP32C3"
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "sy-c3"

#include "../common/board.h"
