"""Finding the class of a provider: only packages of octoDNS are ever imported, and a missing one is named with its remedy."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from importlib import import_module

from controller.clients.octodns.surface import Provider
from controller.core.errors import Problem, Rejected

CLASS = re.compile(r"(?P<package>octodns_[a-z0-9_]+)(?:\.[A-Za-z0-9_]+)*\.(?P<name>[A-Z][A-Za-z0-9_]*)")
"""How a class is written: `octodns_cloudflare.CloudflareProvider`. Nothing else is imported: a declaration must not be able to
run any code of this machine."""


def load(written: str) -> Callable[..., Provider]:
    """The class of a provider. Raises Rejected."""
    match = CLASS.fullmatch(written)
    if match is None:
        message = f"{written!r} is not the class of an octoDNS provider"
        raise Rejected([Problem(("class",), message, "write class: octodns_cloudflare.CloudflareProvider")])
    package = match["package"].replace("_", "-")
    remedy = f"pip install 'homelabhub[octodns]' {package}"
    try:
        from octodns.provider.base import BaseProvider

        found = getattr(import_module(written.rpartition(".")[0]), match["name"], None)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("octodns", match["package"]):
            raise _broken(package, error) from error
        message = f"{written} needs a package that is not installed here: {remedy}"
        raise Rejected([Problem(("class",), message, remedy)]) from error
    except Exception as error:
        raise _broken(package, error) from error
    if not (isinstance(found, type) and issubclass(found, BaseProvider)):
        raise Rejected([Problem(("class",), f"{package} has no provider {match['name']!r}", "its description names the class")])
    for chatty in ("Record", "Zone", "Plan"):
        logging.getLogger(chatty).setLevel(logging.ERROR)  # they warn about every record of somebody else at every look
    provider: Callable[..., Provider] = found
    return provider


def _broken(package: str, error: Exception) -> Rejected:
    return Rejected([Problem(("class",), f"{package} cannot be loaded: {error}", f"pip install --upgrade {package}")])
