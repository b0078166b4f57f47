// Module mcu: the serial line as bytes, the heap as numbers, and a counter of instructions.
//
// The counter (CSR instret; exact with QEMU's -icount shift=0) stands still between pause() and
// resume(): what the simulated board does to reach its device models is not the firmware's work.
#include <stdint.h>
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "uart.h"

static uint64_t base, paused_at, paused;
static unsigned depth;

static uint64_t instret(void) {
    uint32_t h, l, again;
    do {
        __asm__ volatile ("csrr %0, instreth" : "=r" (h));
        __asm__ volatile ("csrr %0, instret" : "=r" (l));
        __asm__ volatile ("csrr %0, instreth" : "=r" (again));
    } while (h != again);
    return ((uint64_t)h << 32) | l;
}

// mark(): count from here.
static mp_obj_t mcu_mark(void) {
    paused = 0;
    base = instret();
    paused_at = base;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mcu_mark_obj, mcu_mark);

// instructions() -> int since mark(), without those between pause() and resume().
static mp_obj_t mcu_instructions(void) {
    uint64_t now = depth ? paused_at : instret();
    return mp_obj_new_int_from_ull(now - base - paused);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mcu_instructions_obj, mcu_instructions);

// What the simulated chip allocates in between does not bring the next collection nearer either.
static size_t allocated;

static mp_obj_t mcu_pause(void) {
    if (depth++ == 0) {
        paused_at = instret();
        allocated = MP_STATE_MEM(gc_alloc_amount);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mcu_pause_obj, mcu_pause);

static mp_obj_t mcu_resume(void) {
    if (depth && --depth == 0) {
        paused += instret() - paused_at;
        if (MP_STATE_MEM(gc_alloc_amount) > allocated) {
            MP_STATE_MEM(gc_alloc_amount) = allocated;
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mcu_resume_obj, mcu_resume);

// excluded(f): a callable that does what f does, and binds like a function, while the counter stands
// still. What is C in a port of MicroPython and Python in the simulated chip is wrapped in it.
typedef struct {
    mp_obj_base_t base;
    mp_obj_t f;
} excluded_obj_t;

static mp_obj_t excluded_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    excluded_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mcu_pause();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t out = mp_call_function_n_kw(self->f, n_args, n_kw, args);
        nlr_pop();
        mcu_resume();
        return out;
    }
    mcu_resume();
    nlr_jump(nlr.ret_val);
}

static mp_obj_t excluded_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    excluded_obj_t *self = mp_obj_malloc(excluded_obj_t, type);
    self->f = args[0];
    return MP_OBJ_FROM_PTR(self);
}

static MP_DEFINE_CONST_OBJ_TYPE(
    excluded_type, MP_QSTR_excluded, MP_TYPE_FLAG_BINDS_SELF,
    make_new, excluded_make_new, call, excluded_call
    );

// write(buf): all of it onto the serial line.
static mp_obj_t mcu_write(mp_obj_t data) {
    mp_buffer_info_t b;
    mp_get_buffer_raise(data, &b, MP_BUFFER_READ);
    uart_tx_strn(b.buf, b.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mcu_write_obj, mcu_write);

// frame(op, unit, time_us, payload): one frame of tools/models/frames.py, without leaving anything
// for the garbage collector.
static mp_obj_t mcu_frame(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t b;
    mp_get_buffer_raise(args[3], &b, MP_BUFFER_READ);
    uint32_t t = mp_obj_get_int_truncated(args[2]);
    mcu_pause();
    uint8_t head[8] = {
        mp_obj_get_int(args[0]), mp_obj_get_int(args[1]), b.len, b.len >> 8, t, t >> 8, t >> 16, t >> 24,
    };
    uart_tx_strn((const char *)head, sizeof(head));
    uart_tx_strn(b.buf, b.len);
    mcu_resume();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mcu_frame_obj, 4, 4, mcu_frame);

// readinto(buf): waits until buf is full.
static mp_obj_t mcu_readinto(mp_obj_t data) {
    mp_buffer_info_t b;
    mp_get_buffer_raise(data, &b, MP_BUFFER_WRITE);
    uint8_t *p = b.buf;
    for (size_t i = 0; i < b.len;) {
        int c = uart_rx_chr();
        if (c != UART_RX_NO_CHAR) {
            p[i++] = c;
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mcu_readinto_obj, mcu_readinto);

// pending() -> bool: whether a byte has come in.
static mp_obj_t mcu_pending(void) {
    return mp_obj_new_bool(mp_hal_stdio_poll(MP_STREAM_POLL_RD) != 0);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mcu_pending_obj, mcu_pending);

// heap() -> (total, used, free, largest free block), bytes, as they are: without a collection.
static mp_obj_t mcu_heap(void) {
    gc_info_t info;
    gc_info(&info);
    mp_obj_t out[4] = {
        MP_OBJ_NEW_SMALL_INT(info.total),
        MP_OBJ_NEW_SMALL_INT(info.used),
        MP_OBJ_NEW_SMALL_INT(info.free),
        MP_OBJ_NEW_SMALL_INT(info.max_free * MICROPY_BYTES_PER_GC_BLOCK),
    };
    return mp_obj_new_tuple(4, out);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mcu_heap_obj, mcu_heap);

static const mp_rom_map_elem_t mcu_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_mcu) },
    { MP_ROM_QSTR(MP_QSTR_mark), MP_ROM_PTR(&mcu_mark_obj) },
    { MP_ROM_QSTR(MP_QSTR_instructions), MP_ROM_PTR(&mcu_instructions_obj) },
    { MP_ROM_QSTR(MP_QSTR_pause), MP_ROM_PTR(&mcu_pause_obj) },
    { MP_ROM_QSTR(MP_QSTR_resume), MP_ROM_PTR(&mcu_resume_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mcu_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_excluded), MP_ROM_PTR(&excluded_type) },
    { MP_ROM_QSTR(MP_QSTR_frame), MP_ROM_PTR(&mcu_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mcu_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_pending), MP_ROM_PTR(&mcu_pending_obj) },
    { MP_ROM_QSTR(MP_QSTR_heap), MP_ROM_PTR(&mcu_heap_obj) },
};
static MP_DEFINE_CONST_DICT(mcu_globals, mcu_globals_table);

const mp_obj_module_t mcu_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&mcu_globals,
};
MP_REGISTER_MODULE(MP_QSTR_mcu, mcu_module);
