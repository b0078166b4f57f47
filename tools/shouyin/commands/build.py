"""flash, deploy, bundle, image: the repository's tools under one roof."""


def register(add, group):
    pass
