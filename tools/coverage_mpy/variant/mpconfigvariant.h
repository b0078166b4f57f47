// MicroPython's Unix port, standard variant, whose virtual machine reports every instruction:
// trace.c takes those reports in the place of sys.settrace.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_PY_SYS_SETTRACE (1)

#include "variants/mpconfigvariant_common.h"
