"""One module per schema revision. A released revision never changes."""
