// Clock and console of the emulated machine.
#include <stdint.h>
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "uart.h"

// CLINT mtime, 10 MHz.
static uint64_t mtime(void) {
    volatile uint32_t *lo = (void *)0x0200bff8, *hi = (void *)0x0200bffc;
    uint32_t h, l;
    do {
        h = *hi;
        l = *lo;
    } while (h != *hi);
    return ((uint64_t)h << 32) | l;
}

// Goldfish RTC: the host's time of day in ns. Reading the low half latches the high one.
uint64_t mp_hal_time_ns(void) {
    volatile uint32_t *rtc = (void *)0x101000;
    uint32_t l = rtc[0], h = rtc[1];
    return ((uint64_t)h << 32) | l;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return mtime() / 10000;
}

mp_uint_t mp_hal_ticks_us(void) {
    return mtime() / 10;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return mtime();
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = mtime() + (uint64_t)us * 10;
    while (mtime() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    mp_uint_t start = mp_hal_ticks_ms();
    do {
        mp_event_handle_nowait();
    } while (mp_hal_ticks_ms() - start < ms);
}

// What was read ahead of the console, so that Ctrl-C works while Python code runs and the console
// can be polled. QEMU holds back what does not fit: nothing is lost.
static uint8_t ahead[256];
static unsigned ahead_r, ahead_w;
extern int mp_interrupt_char;
int __real_uart_rx_chr(void);

void console_poll(void) {
    while (ahead_w - ahead_r < sizeof(ahead)) {
        int c = __real_uart_rx_chr();
        if (c < 0) {
            break;
        }
        if (c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
            continue;
        }
        ahead[ahead_w++ % sizeof(ahead)] = c;
    }
}

int __wrap_uart_rx_chr(void) {
    if (ahead_r == ahead_w) {
        console_poll();
    }
    if (ahead_r == ahead_w) {
        return UART_RX_NO_CHAR;
    }
    return ahead[ahead_r++ % sizeof(ahead)];
}

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ret = 0;
    console_poll();
    if ((flags & MP_STREAM_POLL_RD) && ahead_r != ahead_w) {
        ret |= MP_STREAM_POLL_RD;
    }
    if (flags & MP_STREAM_POLL_WR) {
        ret |= MP_STREAM_POLL_WR;
    }
    return ret;
}
