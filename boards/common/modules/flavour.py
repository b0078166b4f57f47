# What kind of build this is. boards/dev/modules has another one, which goes before this.

DEV = False
