// Start of the emulated microcontroller: the heap, then a prompt. The host tells over it what to
// run (modules/launch.py).
#include "py/compile.h"
#include "py/gc.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "shared/runtime/pyexec.h"

static uint32_t heap[MICROPY_HEAP_SIZE / sizeof(uint32_t)];

int __wrap_main(int argc, char **argv) {
    mp_stack_ctrl_init();
    // Of 64 KiB. The ESP32 port gives its main task 16 KiB.
    mp_stack_set_limit(15 * 1024);
    gc_init(heap, (char *)heap + MICROPY_HEAP_SIZE);
    for (;;) {
        mp_init();
        for (;;) {
            if (pyexec_mode_kind == PYEXEC_MODE_RAW_REPL) {
                if (pyexec_raw_repl() != 0) {
                    break;
                }
            } else if (pyexec_friendly_repl() != 0) {
                break;
            }
        }
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        gc_sweep_all();
        mp_deinit();
    }
}
