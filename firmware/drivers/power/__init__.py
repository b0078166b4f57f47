# Batteries. A battery has: tasks() (name and coroutine function of each task that must run),
# percent (0-100, None while unknown), mv, low, critical, charging, status OK, FAULT (with
# `reason`) or UNKNOWN. critical: do not begin what power may not last for (printing, an update).

OK = "ok"
FAULT = "fault"
UNKNOWN = "unknown"

# Reasons of a FAULT
NO_BATTERY = "no_battery"
TOO_HIGH = "too_high"  # no cell has that: a divider with a broken wire
NO_ANSWER = "no_answer"
WRONG_CHIP = "wrong_chip"
