#define MICROPY_HW_BOARD_NAME "Shouyin SY_MPOS"
#define MICROPY_HW_MCU_NAME "ESP32S3"
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "sy-mpos"

#include "../common/board.h"
