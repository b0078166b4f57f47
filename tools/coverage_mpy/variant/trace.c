// Which lines of the firmware run: taken from the virtual machine, one report an instruction.
//
// Stands in for sys.settrace (the linker's --wrap gives us the calls that are meant for
// py/profile.c): a tracer in Python would allocate, which tests under heap_lock() forbid, would
// be traced itself, and would cost ten times the time. Nothing here touches the heap or the clock.
//
// Writes to $SHOUYIN_TRACE/trace.PID, at once, because the simulated terminal is killed in the
// middle of things:
//     = N PATH    N means this source file from here on
//     N LINE      the statement at this line began
//     N !LINE     the native function that was made at this line is called (it has no lines)
//     N +LINE     there is code for this line (only with $SHOUYIN_TRACE_CODE, when compiled)
//
// A line counts when its *first* instruction runs. The compiler numbers lines only upwards, so that
// the end of a loop is counted to the line above it, which may well never have run.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "py/bc.h"
#include "py/compile.h"
#include "py/emitglue.h"
#include "py/objfun.h"
#include "py/profile.h"
#include "py/runtime.h"

#define UNDER "/firmware/"
#define FILES 200
#define LINES 4096
#define IGNORED 255

static int out = -2; // -2: not opened yet, -1: no trace wanted
static int files;
static byte file_of[65536]; // by the qstr of the source's path; 0: not seen yet
static byte seen[FILES][LINES / 8];
static byte called[FILES][LINES / 8];

static mp_obj_frame_t frame; // the virtual machine wants one, with a callback in it

// One line after the other of a function's table: the offsets [start, end) of its instructions.
typedef struct {
    const byte *info, *top;
    size_t line, next_line;
    size_t start, end;
} lines_t;

static void open_out(void) {
    const char *folder = getenv("SHOUYIN_TRACE");
    char path[1024];
    out = -1;
    if (folder) {
        snprintf(path, sizeof(path), "%s/trace.%d", folder, (int)getpid());
        out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (out < 0) {
            perror(path);
            exit(4);
        }
    }
}

static void say(const char *text, int n) {
    if (write(out, text, n) != n) {
        perror("trace");
        exit(4);
    }
}

// Number of a source file, or IGNORED.
static int file_number(qstr name) {
    if (out == -2) {
        open_out();
    }
    if (file_of[name] == 0) {
        const char *path = qstr_str(name);
        file_of[name] = IGNORED;
        if (out >= 0 && strstr(path, UNDER)) {
            char text[1024];
            if (files == FILES) {
                fprintf(stderr, "trace: more than %d files\n", FILES);
                exit(4);
            }
            file_of[name] = ++files;
            say(text, snprintf(text, sizeof(text), "= %d %s\n", files - 1, path));
        }
    }
    return file_of[name] == IGNORED ? IGNORED : file_of[name] - 1;
}

static void record(byte table[FILES][LINES / 8], int file, const char *kind, size_t line) {
    byte bit = 1 << (line & 7);
    if (line >= LINES || table[file][line >> 3] & bit) {
        return;
    }
    table[file][line >> 3] |= bit;
    char text[32];
    say(text, snprintf(text, sizeof(text), "%d %s%u\n", file, kind, (unsigned)line));
}

static lines_t lines_of(const mp_bytecode_prelude_t *p) {
    return (lines_t) {p->line_info, p->line_info_top, 0, 1, 0, 0};
}

// To the next line that has instructions (the last one ends at SIZE_MAX); false: there is none.
static bool next_line(lines_t *t) {
    if (t->end == SIZE_MAX) {
        return false;
    }
    t->start = t->end;
    t->line = t->next_line;
    while (t->info < t->top) { // encoding: mp_bytecode_get_source_line() in py/bc.h
        size_t c = *t->info++;
        size_t lines = c >> 5;
        if (c & 0x80) {
            lines = ((c << 4) & 0x700) | *t->info++;
            c &= 0xf;
        }
        t->end += c & 0x1f;
        t->next_line += lines;
        if (lines) {
            if (t->end > t->start) {
                return true;
            }
            t->line = t->next_line;
        }
    }
    t->end = SIZE_MAX;
    return true;
}

// ---- what the virtual machine calls ----------------------------------------------------------

mp_obj_t __wrap_mp_prof_frame_enter(mp_code_state_t *code_state) {
    frame.callback = mp_const_true;
    code_state->frame = &frame;
    return MP_OBJ_NULL;
}

mp_obj_t __wrap_mp_prof_frame_update(const mp_code_state_t *code_state) {
    return MP_OBJ_FROM_PTR(&frame);
}

mp_obj_t __wrap_mp_prof_instr_tick(mp_code_state_t *code_state, bool is_exception) {
    static const byte *code, *from, *to; // the line of the latest instruction
    const mp_obj_fun_bc_t *fun = code_state->fun_bc;
    int file = file_number(fun->context->constants.qstr_table[0]);
    if (file == IGNORED || is_exception) {
        return mp_const_none;
    }
    const byte *ip = code_state->ip;
    if (code == fun->bytecode && from < ip && ip < to) {
        return mp_const_none;
    }
    mp_bytecode_prelude_t prelude;
    mp_prof_extract_prelude(fun->bytecode, &prelude);
    size_t at = ip - prelude.opcodes;
    lines_t lines = lines_of(&prelude);
    while (next_line(&lines) && lines.end <= at) {
    }
    code = fun->bytecode;
    from = prelude.opcodes + lines.start;
    to = lines.end == SIZE_MAX ? (const byte *)UINTPTR_MAX : prelude.opcodes + lines.end;
    if (lines.start == at) {
        record(seen, file, "", lines.line);
    }
    return mp_const_none;
}

// ---- native functions --------------------------------------------------------------------------

static mp_obj_t native_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_obj_fun_bc_t *self = MP_OBJ_TO_PTR(self_in);
    int file = file_number(self->context->constants.qstr_table[0]);
    if (file != IGNORED) {
        record(called, file, "!", self->rc->line_of_definition);
    }
    const mp_obj_type_t *type =
        self->rc->kind == MP_CODE_NATIVE_VIPER ? &mp_type_fun_viper : &mp_type_fun_native;
    return MP_OBJ_TYPE_GET_SLOT(type, call)(self_in, n_args, n_kw, args);
}

static MP_DEFINE_CONST_OBJ_TYPE(
    type_native, MP_QSTR_function, MP_TYPE_FLAG_BINDS_SELF, call, native_call
    );

mp_obj_t __real_mp_make_function_from_proto_fun(
    mp_proto_fun_t proto_fun, const mp_module_context_t *context, const mp_obj_t *def_args);

mp_obj_t __wrap_mp_make_function_from_proto_fun(
    mp_proto_fun_t proto_fun, const mp_module_context_t *context, const mp_obj_t *def_args) {
    mp_obj_t made = __real_mp_make_function_from_proto_fun(proto_fun, context, def_args);
    mp_obj_fun_bc_t *fun = MP_OBJ_TO_PTR(made);
    if (fun->base.type == &mp_type_fun_viper || fun->base.type == &mp_type_fun_native) {
        fun->base.type = &type_native;
        fun->rc = proto_fun;
    }
    return made;
}

// ---- lines that have code at all ---------------------------------------------------------------

static int compiling = IGNORED;

void __real_mp_compile_to_raw_code(
    mp_parse_tree_t *tree, qstr source_file, bool is_repl, mp_compiled_module_t *module);

void __wrap_mp_compile_to_raw_code(
    mp_parse_tree_t *tree, qstr source_file, bool is_repl, mp_compiled_module_t *module) {
    compiling = getenv("SHOUYIN_TRACE_CODE") ? file_number(source_file) : IGNORED;
    __real_mp_compile_to_raw_code(tree, source_file, is_repl, module);
}

void __real_mp_emit_glue_assign_bytecode(mp_raw_code_t *rc, const byte *code,
    mp_raw_code_t **children, size_t len, uint16_t n_children, uint16_t scope_flags);

void __wrap_mp_emit_glue_assign_bytecode(mp_raw_code_t *rc, const byte *code,
    mp_raw_code_t **children, size_t len, uint16_t n_children, uint16_t scope_flags) {
    __real_mp_emit_glue_assign_bytecode(rc, code, children, len, n_children, scope_flags);
    if (compiling == IGNORED) {
        return;
    }
    size_t end = code + len - rc->prelude.opcodes;
    lines_t lines = lines_of(&rc->prelude);
    while (next_line(&lines)) {
        if (lines.start < end) {
            static byte known[FILES][LINES / 8];
            record(known, compiling, "+", lines.line);
        }
    }
}
