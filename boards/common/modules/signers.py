# Whose signatures count: ((name, modulus as big-endian bytes, public exponent), ...), 2048 to 4096
# bits. KEYS: for bundles; ACTIVATION: the acquirer's or the service desk's, for activation files.
#
# Nobody's. Builds put another module of this name in the place of this one:
# tools/bundle/signers.py makes it from the keys of whoever builds.

KEYS = ()
ACTIVATION = ()
