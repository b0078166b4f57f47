// Of mbed TLS; the build wants its sources below this folder.
#include "sha1.c"
