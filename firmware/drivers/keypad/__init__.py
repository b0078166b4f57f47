# Keypads. A keypad is an events.Keypad; it has
#   tasks()             (name, coroutine function) of each task that must run
#   async get()         (pressed, key name, ticks): presses, repeats, releases
#   async next()        (kind, key name, ticks): these, long presses and stuck keys
#   pin_mode(on)        while a PIN is entered
#   lost, stuck         events that found the queue full; names of keys that are ignored
#
# matrix.Matrix: keys on GPIO. tca8418.TCA8418: a key controller on I2C.
