MCU_MOD_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(MCU_MOD_DIR)/mcu.c $(MCU_MOD_DIR)/hal.c $(MCU_MOD_DIR)/main.c
SRC_USERMOD_LIB_C += $(MCU_MOD_DIR)/timeutils_wrap.c
SRC_USERMOD_LIB_C += $(addprefix $(MCU_MOD_DIR)/mbedtls_,aes.c md5.c platform_util.c sha1.c sha256.c)
CFLAGS_USERMOD += -I$(MCU_MOD_DIR)
