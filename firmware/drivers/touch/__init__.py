# Touch panels. A panel has: tasks() (name and coroutine function of each task that must run),
# async get() -> (kind, x, y, ticks) in screen coordinates, lost (contacts that found the queue
# full), stuck (a contact that will not end), status and reason.
#
# A contact is one DOWN, any number of MOVE, and at its end one UP; or CANCEL instead of UP when it
# turned out to be none (two fingers, water, a controller that broke down under it). Only an UP
# makes a press.

DOWN = "down"
MOVE = "move"
UP = "up"
CANCEL = "cancel"

OK = "ok"
FAULT = "fault"
UNKNOWN = "unknown"

# Reasons of a FAULT
NO_ANSWER = "no_answer"
WRONG_CHIP = "wrong_chip"
STUCK = "stuck"
