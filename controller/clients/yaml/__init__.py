"""The only door to PyYAML: hostile or honest text becomes plain data with positions, and data becomes text."""

from controller.clients.yaml.reader import read_yaml
from controller.clients.yaml.writer import write_yaml

__all__ = ["read_yaml", "write_yaml"]
