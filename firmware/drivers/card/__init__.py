# Card readers. A reader has: tasks() (name and coroutine function of
# each task that must run), async get() -> Swipe, flush() (forget what was swiped
# before now).
