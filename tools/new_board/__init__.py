"""A folder of its own for a new board, from a template, and the check of any board's folder."""
