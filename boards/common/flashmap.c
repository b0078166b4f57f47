// flashmap.view(label): a partition's bytes, readable in place. flashmap.panicked(): whether the last
// run ended in a panic, which machine.reset_cause() does not tell from a reset that was wanted.
//
// VfsRom runs code out of memory that it is given: bytecode of an app bundle then stays in flash and
// costs the heap nothing. The port maps only one partition, the one with the name "romfs"; a
// terminal has two slots.

#include "py/runtime.h"
#include "py/mperrno.h"
#include "py/objarray.h"

#include "esp_partition.h"
#include "esp_system.h"

// A mapping is made once and stays until the reset: modules may be running out of it.
typedef struct _mapping_t {
    const esp_partition_t *part;
    const void *data;
} mapping_t;

#define MAPPINGS (2)
static mapping_t mappings[MAPPINGS];

static const void *map(const esp_partition_t *part) {
    for (size_t i = 0; i < MAPPINGS; ++i) {
        if (mappings[i].part == part) {
            return mappings[i].data;
        }
        if (mappings[i].part == NULL) {
            const void *data;
            esp_partition_mmap_handle_t handle;
            esp_err_t err = esp_partition_mmap(
                part, 0, part->size, ESP_PARTITION_MMAP_DATA, &data, &handle);
            if (err != ESP_OK) {
                mp_raise_OSError(-err);
            }
            mappings[i].part = part;
            mappings[i].data = data;
            return data;
        }
    }
    mp_raise_OSError(MP_ENOMEM);
}

// view(label): a read-only memoryview over the data partition of that name. OSError: ENOENT when
// there is none, ENOMEM when more than two are wanted.
static mp_obj_t flashmap_view(mp_obj_t label) {
    const esp_partition_t *part = esp_partition_find_first(
        ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, mp_obj_str_get_str(label));
    if (part == NULL) {
        mp_raise_OSError(MP_ENOENT);
    }
    return mp_obj_new_memoryview('B', part->size, (void *)map(part));
}
static MP_DEFINE_CONST_FUN_OBJ_1(flashmap_view_obj, flashmap_view);

static mp_obj_t flashmap_panicked(void) {
    return mp_obj_new_bool(esp_reset_reason() == ESP_RST_PANIC);
}
static MP_DEFINE_CONST_FUN_OBJ_0(flashmap_panicked_obj, flashmap_panicked);

static const mp_rom_map_elem_t flashmap_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_flashmap) },
    { MP_ROM_QSTR(MP_QSTR_panicked), MP_ROM_PTR(&flashmap_panicked_obj) },
    { MP_ROM_QSTR(MP_QSTR_view), MP_ROM_PTR(&flashmap_view_obj) },
};
static MP_DEFINE_CONST_DICT(flashmap_globals, flashmap_globals_table);

const mp_obj_module_t flashmap_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&flashmap_globals,
};

MP_REGISTER_MODULE(MP_QSTR_flashmap, flashmap_module);
