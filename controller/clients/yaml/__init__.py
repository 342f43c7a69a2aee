"""The only door to PyYAML: hostile or honest text becomes data with positions, data becomes text, and edits go into text."""

from controller.clients.yaml.reader import read_yaml
from controller.clients.yaml.splice import splice
from controller.clients.yaml.writer import write_yaml

__all__ = ["read_yaml", "splice", "write_yaml"]
