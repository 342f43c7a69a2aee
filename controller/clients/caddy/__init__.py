"""The door to Caddy: its admin endpoint, its front door and who listens on its ports."""

from controller.clients.caddy.choose import caddy_called
from controller.clients.caddy.connection import COEXIST, DURATION, FOLDER_HINT, LOOPBACK, OWNED, TYPE, Acme, Connection, ranges
from controller.clients.caddy.door import CaddyDoor, Config, Refused, Stale, Unsure
from controller.clients.caddy.listeners import doubled
from controller.clients.caddy.log import LOGGERS, failed_tries, failure
from controller.clients.caddy.probe import Door, probe, reachable, visited

__all__ = [
    "COEXIST",
    "DURATION",
    "FOLDER_HINT",
    "LOGGERS",
    "LOOPBACK",
    "OWNED",
    "TYPE",
    "Acme",
    "CaddyDoor",
    "Config",
    "Connection",
    "Door",
    "Refused",
    "Stale",
    "Unsure",
    "caddy_called",
    "doubled",
    "failed_tries",
    "failure",
    "probe",
    "ranges",
    "reachable",
    "visited",
]
