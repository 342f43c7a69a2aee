"""Files of a new spec repository."""
