# The bus protocol between a simulated board and the rack of device models in another process.
#
# One reliable byte stream (a TCP socket on the loopback; a serial line works too). The board is
# the master of simulated time: each of its frames carries the low 32 bits of its clock. Frames are
#
#   board -> rack   op(1) unit(1) length(2, little endian) time_us(4, little endian) payload
#   rack -> board   op(1) unit(1) length(2, little endian) payload
#
# Integers in payloads are little endian. Runs on CPython and on MicroPython.

PROTOCOL = 4

# board -> rack
HELLO = 0x01  # payload: PROTOCOL(1); answered by WELCOME
# until_us(8), all ones: for ever; instructions(8) executed so far, 0 where nobody counts them;
# longest_us(4): virtual time of the longest pass of the event loop since the last WAIT. Answered
# by WAKE once something happened or time is up.
WAIT = 0x02
PIN_CONFIG = 0x10  # unit = pin; mode(1) pull(1) level(1)
PIN_SET = 0x11  # unit = pin; level(1)
PIN_IRQ = 0x12  # unit = pin; trigger(1)
PIN_SAMPLE = 0x13  # answered by REPLY: pairs of pin(1) level(1)
UART_CONFIG = 0x20  # baud(4)
UART_TX = 0x21  # data
SPI_WRITE = 0x30  # data
SPI_TRANSFER = 0x31  # data; answered by REPLY with as many bytes
# address(1) count(2) data; answered by REPLY: 0 not acknowledged, 1 done, 2 SDA held low(1) data
I2C_TRANSFER = 0x40
I2C_SCAN = 0x41  # answered by REPLY: addresses
WDT_START = 0x50  # timeout_ms(4)
WDT_FEED = 0x51
RESET = 0x52  # cause(1): the board's processor resets itself; the connection ends
MEMORY = 0x53  # heap after a collection: free(4) used(4) largest block(4) allocated so far(4)
ADC_READ = 0x60  # unit = pin; answered by REPLY: uv(4), the voltage at the pin
PWM = 0x61  # unit = pin; freq(4) duty(2), a frequency of 0: not driven any more
CELSIUS = 0x62  # answered by REPLY: the chip's own temperature(1, signed)
LOG = 0x54  # a line of the firmware's log, where the console carries these frames

# rack -> board
WELCOME = 0x81  # virtual(1) reset_cause(1) now_us(8) epoch_s(8, calendar at now_us = 0)
WAKE = 0x82  # now_us(8)
REPLY = 0x83
UART_RX = 0x84  # data
IRQ = 0x85  # unit = pin; level(1)
ASK_MEMORY = 0x86  # answered by MEMORY when the board next looks

FOREVER = 0xFFFFFFFFFFFFFFFF
