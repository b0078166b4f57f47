// Of mbed TLS; the build wants its sources below this folder.
#include "sha256.c"
