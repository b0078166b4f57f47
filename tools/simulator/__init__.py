"""The bench: a simulated terminal (firmware process, device models) beside an acquirer."""
