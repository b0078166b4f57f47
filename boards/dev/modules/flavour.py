# Which build this is: one for development, with a full REPL. Never sold.

DEV = True
