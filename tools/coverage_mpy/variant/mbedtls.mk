# mbed TLS with its default configuration, as the static libraries that the Unix port asks for.
#
#   make -f mbedtls.mk SOURCE=/path/of/mbedtls      into the current folder

OBJECTS := $(patsubst $(SOURCE)/library/%.c,%.o,$(wildcard $(SOURCE)/library/*.c))

all: libmbedtls.a libmbedx509.a libmbedcrypto.a

# Everything in one; the other two names stay empty.
libmbedtls.a: $(OBJECTS)
	ar rcs $@ $^

libmbedx509.a libmbedcrypto.a:
	ar rcs $@

%.o: $(SOURCE)/library/%.c
	$(CC) -O1 -w -ffunction-sections -fdata-sections -I$(SOURCE)/include -I$(SOURCE)/library -c $< -o $@
