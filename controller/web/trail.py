"""Trail: what every writing operation leaves in the audit trail. A webhook leaves none: it carries no order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from controller.web.call import Call, Face, Operation
from controller.web.problem import of

_ABOUT = ("digests", "digest", "keys", "key", "objects", "target", "ref", "name", "id")
"""Fields of bodies that say what an operation is about. None of them is ever a secret."""


@contextmanager
def recorded(face: Face, operation: Operation, call: Call) -> Iterator[None]:
    """Writes down how a writing operation ended, for a caller that we know."""
    if call.method in ("GET", "HEAD") or call.actor is None or operation.scope is None:
        yield
        return
    outcome = "ok"
    try:
        yield
    except Exception as error:
        outcome = of(error).code
        raise
    finally:
        action = operation.handle.__name__.strip("_").replace("_", "-")
        face.access.audit.done(call.actor, call.peer, action, subject(call), outcome)


def subject(call: Call) -> str:
    """What a call is about, in a line: the parts of its path, and of its body what names things."""
    found = "/".join(call.path.values())
    if found or call.body is None:
        return found
    return next((text for name in _ABOUT if (text := _text(getattr(call.body, name, None)))), "all" if _all(call) else "")


def _all(call: Call) -> bool:
    return getattr(call.body, "all", False) is True


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return " ".join(item if isinstance(item, str) else str(getattr(item, "key", "")) for item in value)
    return ""
