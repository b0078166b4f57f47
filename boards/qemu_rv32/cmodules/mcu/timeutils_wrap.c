// The qemu port does not compile it.
#include "shared/timeutils/timeutils.c"
