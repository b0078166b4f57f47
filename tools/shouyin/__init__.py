"""The technician's tool on a computer: `python -m tools.shouyin`, and its parts as a library.

Everything goes through the terminal's service console (app.tech.console) by the raw REPL of
MicroPython, with mpremote's transport. Commands and their output: docs/technician.md.
"""
