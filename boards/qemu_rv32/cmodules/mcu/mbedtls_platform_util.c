// Of mbed TLS; the build wants its sources below this folder.
#include "platform_util.c"
