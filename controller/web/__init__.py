"""The web endpoint: API, events, metrics, webhook and the status page, as a thin face over the use cases."""

from controller.web.app import create_app
from controller.web.metrics import Meter
from controller.web.server import serve

__all__ = ["Meter", "create_app", "serve"]
