# Variant of the Unix port for coverage (tools/coverage_mpy/build.py calls make).

FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py

# Not used by the firmware or the simulated board, and Debian's source lacks what they need.
MICROPY_PY_FFI = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_BLUETOOTH = 0
MICROPY_PY_JNI = 0

# What the virtual machine tells its profiler goes to trace.c.
LDFLAGS_EXTRA += -Wl,--wrap=mp_prof_frame_enter -Wl,--wrap=mp_prof_frame_update
LDFLAGS_EXTRA += -Wl,--wrap=mp_prof_instr_tick
LDFLAGS_EXTRA += -Wl,--wrap=mp_emit_glue_assign_bytecode -Wl,--wrap=mp_make_function_from_proto_fun
LDFLAGS_EXTRA += -Wl,--wrap=mp_compile_to_raw_code

# Debian's source of MicroPython links mbed TLS as a system library: here it is ours. (An upstream
# checkout compiles its own and leaves this empty.)
ifneq ($(MBEDTLS_BUILT),)
CFLAGS_EXTRA += -I$(MBEDTLS_SOURCE)/include
LDFLAGS_EXTRA += -L$(MBEDTLS_BUILT)
endif
