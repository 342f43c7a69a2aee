"""All views: the modules whose operations make up the page."""

from __future__ import annotations

from controller.web.call import Routes
from controller.web.views import overview, service, settings

_MODULES = (overview, service, settings)


def pages() -> Routes:
    """Every operation of the page, by path and method."""
    return {path: methods for module in _MODULES for path, methods in module.ROUTES.items()}
