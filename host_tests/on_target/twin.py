# A module's plain twin: its source without viper, run as ordinary bytecode with Python's integers.


def plain(module):
    """Names of `module`'s source, compiled without @micropython.viper."""
    with open(module.__file__) as f:
        source = f.read()
    names = {"uint": int, "ptr8": None, "ptr32": None, "__name__": "twin"}
    exec(source.replace("@micropython.viper\n", ""), names)
    return names
