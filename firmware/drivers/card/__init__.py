# Card readers. A reader has: tasks() (name and coroutine function of each task that must run),
# async get() -> swipe.Swipe, flush() (forget what was swiped before now).
#
# magstripe  modules that decode by themselves, on a UART
# ttl        decoders with clock and data outputs, on interrupts
