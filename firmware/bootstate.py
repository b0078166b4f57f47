# What the boot steps hand on to each other and to app.root.

vfs_problem = None  # str: why the data file system is not mounted
watchdog = None  # started by boot.py; a WDT is constructed once only
display = None  # started by boot.py
