# Keypads. A keypad has: tasks() (name and coroutine function of
# each task that must run), async get() -> (pressed, key, ticks), lost (events that found
# the queue full), stuck (keys that were down at start).
