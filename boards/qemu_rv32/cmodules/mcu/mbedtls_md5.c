// Of mbed TLS; the build wants its sources below this folder.
#include "md5.c"
