"""All views: the modules whose operations make up the page."""

from __future__ import annotations

from controller.web.call import Routes
from controller.web.views import (
    account,
    api,
    audit,
    compare,
    domains,
    door,
    find,
    history,
    looking,
    notifications,
    overview,
    people,
    plan,
    proposals,
    propose,
    service,
    settings,
    tokens,
    topology,
)

_MODULES = (
    overview,
    looking,
    find,
    service,
    settings,
    api,
    door,
    account,
    people,
    tokens,
    notifications,
    plan,
    history,
    compare,
    domains,
    topology,
    audit,
    proposals,
    propose,
)


def pages() -> Routes:
    """Every operation of the page, by path and method."""
    return {path: methods for module in _MODULES for path, methods in module.ROUTES.items()}
