# A module's plain twin: its source without viper, run as ordinary bytecode with Python's integers.


def plain(module):
    """Names of `module`'s source, compiled without @micropython.viper. Where there is no source,
    the build has frozen one as NAME_twin."""
    try:
        f = open(module.__file__)  # noqa: SIM115  closed below
    except OSError:
        name = module.__name__.rsplit(".", 1)[-1] + "_twin"
        return __import__(name).__dict__
    with f:
        source = f.read()
    names = {"uint": int, "ptr8": None, "ptr32": None, "__name__": "twin"}
    exec(source.replace("@micropython.viper\n", ""), names)
    return names
