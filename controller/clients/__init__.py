"""Doors to the outside: one package per SDK or backend, errors translated at the door."""
