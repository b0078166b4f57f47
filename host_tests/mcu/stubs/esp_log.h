// What startup.c needs of ESP-IDF's esp_log.h.
#pragma once
#include <stdio.h>
#define ESP_LOGE(tag, format, ...) printf("E (%s) " format "\n", tag, ##__VA_ARGS__)
