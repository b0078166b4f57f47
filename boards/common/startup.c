// What runs before MicroPython.
//
// The port's own start-up erases NVS when it is full or was written by a newer ESP-IDF. Here the
// device's secret lies there, and without it the vault with the keys is worthless: nothing is ever
// erased. The firmware then finds no secret that it can read, says so and stays locked; a
// technician decides (docs/hardening.md, decommissioning).

#include "esp_log.h"
#include "nvs_flash.h"

void shouyin_startup(void);

void shouyin_startup(void) {
    esp_err_t err = nvs_flash_init();
    if (err != ESP_OK) {
        // ESP_ERR_NVS_NO_FREE_PAGES, ESP_ERR_NVS_NEW_VERSION_FOUND and whatever else there is
        ESP_LOGE("shouyin", "NVS is not usable (0x%x) and was left as it is", (int)err);
    }
}
