"""The door to Home Assistant: commands, a live model of its states and registries, and its stored configuration.

`Home` is one instance; `Connection.parse` reads its declaration; `connection_of` tells which one a document means."""

from controller.clients.homeassistant.connection import TYPE, Connection
from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.errors import Refused, Unsure
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.model import Happening, Shown

__all__ = ["TYPE", "Connection", "Happening", "Home", "Refused", "Shown", "Unsure", "connection_of"]
