# Clock chips with a battery of their own. A chip has read() -> (reason, time) and write(time);
# time is machine.RTC's (year, month, day, weekday 0-6, hour, minute, second, microsecond).
# keeper.py makes of chip and machine.RTC what app.kernel.clock.use_rtc() takes.

# Reasons why a chip's time is not to be trusted
STOPPED = "stopped"  # the oscillator stood still: battery empty, or first power
UNSET = "unset"  # never set by us, or setting broke off
DIGITS = "digits"  # no BCD
RANGE = "range"  # no such day or time
NO_ANSWER = "no_answer"
