# Small sensors. Each has tasks() (name and coroutine function of each task that must run), status
# OK, FAULT (with `reason`) or UNKNOWN (nothing measured yet): unknown is not a value.

OK = "ok"
FAULT = "fault"
UNKNOWN = "unknown"

# Reasons of a FAULT
OPEN = "open"  # the sensor's wire is broken
SHORT = "short"
NO_ANSWER = "no_answer"
