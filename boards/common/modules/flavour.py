# Which build this is. A release answers technicians in their own grammar only, and refuses bundles
# made for development.

DEV = False
