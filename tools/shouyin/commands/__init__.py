"""The subcommands, one module for each group. register(add, group) adds them to the parser."""
