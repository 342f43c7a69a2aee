"""octoDNS: the door to its provider packages (Cloudflare, Route 53, …). Imported only for a connection that names one."""

from controller.clients.octodns.bridge import Abilities, Octodns, Standing
from controller.clients.octodns.loading import CLASS, load
from controller.clients.octodns.spelling import objection

__all__ = ["CLASS", "Abilities", "Octodns", "Standing", "load", "objection"]
