"""The door to Home Assistant: commands, a live model of its states and registries, and its stored configuration.

`Home` is one instance; `Connection.parse` reads its declaration; `connection_of` tells which one a document means.

Wire: `connection` (as declared), `channel` (a socket) → `line` (a conversation) → `contact` (made again when lost), `ears` (who
listens), `rest` (the editor's calls), `errors`.
Model: `reading` (what is asked at first) → `model` (kept current) → `home` (what everybody uses), `known` (names in registries).
Bodies: `values` → `spelling` → `bodies` (one form); `blueprints`, `mentions`, `checks`, `allowed`, `guarded` (what opens a house)
and `sensitive` (secrets) look into them.
Documents: `names`, `declared`, `declaring`, `promises`.
Providers: `items` (automations, scripts, scenes) with `standing` (their entities), `registry` (areas, floors, labels),
`lifecycle` (one course of a write), `finding` (import). `sensors` are states of our own, beside all that."""

from controller.clients.homeassistant.connection import TYPE, Connection
from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.errors import Refused, Unsure
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.model import Happening, Shown

__all__ = ["TYPE", "Connection", "Happening", "Home", "Refused", "Shown", "Unsure", "connection_of"]
