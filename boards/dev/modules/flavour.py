# A development build: the service console runs any Python. Never in a release.

DEV = True
