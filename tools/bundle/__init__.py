"""`make bundle`: the firmware of a board as one signed file for a bundle slot.

board.py    which modules and assets a board's bundle holds, its slot, its processor
build.py    compile them, lay them out as a ROMFS image, sign: the whole way
romfs.py    the image
header.py   manifest and signature
keys.py     the keys that sign
signers.py  the module by which a board knows whose signatures to believe
sbom.py     what it is made of, as CycloneDX
"""


class BundleError(Exception):
    """A bundle cannot be made. The text says what is wrong and what to do."""
