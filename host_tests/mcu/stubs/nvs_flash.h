// What startup.c needs of ESP-IDF's nvs_flash.h.
#pragma once
typedef int esp_err_t;
#define ESP_OK 0
esp_err_t nvs_flash_init(void);
