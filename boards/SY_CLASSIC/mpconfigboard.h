#define MICROPY_HW_BOARD_NAME "Shouyin SY_CLASSIC"
#define MICROPY_HW_MCU_NAME "ESP32S3"
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "sy-classic"

#include "../common/board.h"
