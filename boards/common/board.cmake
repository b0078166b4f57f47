# What all boards have in common; the mpconfigboard.cmake of a board includes it last, behind its
# set(IDF_TARGET ...) and its list of SDKCONFIG_DEFAULTS. Paths without a folder in front are the
# ESP32 port's own (MicroPython 1.25 or newer).

set(SY_COMMON ${CMAKE_CURRENT_LIST_DIR})

# The name of a partition table is taken relative to the port's folder: it must be absolute here.
set(SY_TABLE ${CMAKE_BINARY_DIR}/sdkconfig.partitions)
file(WRITE ${SY_TABLE}
    "CONFIG_PARTITION_TABLE_CUSTOM=y\n"
    "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME=\"${MICROPY_BOARD_DIR}/partitions.csv\"\n"
)
list(APPEND SDKCONFIG_DEFAULTS ${SY_COMMON}/sdkconfig.common ${SY_TABLE})

# `make firmware DEV=1`
if(DEFINED ENV{SHOUYIN_DEV})
    list(APPEND SDKCONFIG_DEFAULTS ${SY_COMMON}/sdkconfig.dev)
endif()

# `make firmware HARDENED=1`; read docs/hardening.md first.
if(DEFINED ENV{SHOUYIN_HARDENED})
    list(APPEND SDKCONFIG_DEFAULTS ${SY_COMMON}/sdkconfig.hardened)
endif()

set(MICROPY_SOURCE_BOARD
    ${SY_COMMON}/startup.c
    ${SY_COMMON}/flashmap.c
)

if(NOT MICROPY_FROZEN_MANIFEST)
    set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
endif()
