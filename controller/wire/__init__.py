"""The composition root: builds everything out of the settings, and is the only room that knows all others.

`open_house` is for one command, `run_controller` for `homelab run`, `load_kinds` for what can be declared, `read_zone_file` for
zone files that are imported, `OwnGit` for a person's own git."""

from controller.clients.child import OwnGit
from controller.clients.dns.listing import read_zone_file
from controller.wire.house import House, open_house, open_source
from controller.wire.kinds import load_kinds
from controller.wire.run import Running, run_controller

__all__ = ["House", "OwnGit", "Running", "load_kinds", "open_house", "open_source", "read_zone_file", "run_controller"]
