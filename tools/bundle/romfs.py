"""A ROMFS image, written with mpremote's writer: all data first, in one record, each file at a
multiple of four bytes, so that native code and the font can be used where they lie; then the
directories, small, which name them by pointers.

Source: MicroPython, docs/reference/romfs.rst and extmod/vfs_rom.c.
"""

from mpremote.romfs import VfsRomWriter

ALIGN = 4
_HEAD = 8  # bytes of the image's header, at any size: filled up with leading zeros of its length


class Writer(VfsRomWriter):
    def finalise(self):
        _, data = self._dir_stack.pop()
        length = self._encode_uint(len(data))
        fill = _HEAD - len(self.ROMFS_HEADER) - len(length)
        return self.ROMFS_HEADER + b"\x80" * fill + length + bytes(data)


def _place(files):
    """(blob, {name: (offset in it, size)}): contents one after the other, aligned."""
    # Where the blob begins depends on how long it is: kind and length stand before it.
    total = sum((len(data) + ALIGN - 1) // ALIGN * ALIGN for data in files.values()) + ALIGN
    before = _HEAD + 1 + len(VfsRomWriter()._encode_uint(total))
    lead = -before % ALIGN
    blob = bytearray(lead)
    places = {}
    for name, data in files.items():
        places[name] = (len(blob), len(data))
        blob += data + bytes(-len(data) % ALIGN)
    blob += bytes(total - len(blob))
    return bytes(blob), places


def _tree(names):
    """Nested dicts: {name: full name, or dict of a folder}"""
    root = {}
    for name in sorted(names):
        *folders, last = name.split("/")
        here = root
        for part in folders:
            here = here.setdefault(part, {})
        here[last] = name
    return root


def image(files):
    """bytes of the image of {path: contents}; the same for the same files."""
    writer = Writer()
    blob, places = _place(dict(sorted(files.items())))
    base = writer.mkdata(blob)

    def write(tree):
        for name, what in tree.items():
            if isinstance(what, dict):
                writer.opendir(name)
                write(what)
                writer.closedir()
            else:
                at, size = places[what]
                writer.mkfile(name, (size, base + at))

    write(_tree(files))
    return writer.finalise()
