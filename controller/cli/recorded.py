"""Recorded: what a verb changes without asking a running controller leaves a row in the audit trail too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from controller.cli.exits import Answered
from controller.core.errors import HomelabError, Refused
from controller.usecases.access import Access, Actor

P = ParamSpec("P")
R = TypeVar("R")


class Recording(Protocol):
    """What has orders to record: who gives them, and the trail."""

    access: Access
    actor: Actor


H = TypeVar("H", bound=Recording)
Order = Callable[Concatenate[H, P], R]


def recorded(action: str | Callable[..., str], about: int | None = 0) -> Callable[[Order[H, P, R]], Order[H, P, R]]:
    """Decorator of an order. `action` is its name in the trail (or made from the arguments), `about` the position of the argument
    that says what it is about (None = none does)."""

    def make(order: Order[H, P, R]) -> Order[H, P, R]:
        @wraps(order)
        def with_a_row(self: H, /, *args: P.args, **named: P.kwargs) -> R:
            name = action if isinstance(action, str) else action(*args)
            subject = _text(args[about]) if about is not None and len(args) > about else ""
            with row(self.access, self.actor, name, subject):
                return order(self, *args, **named)

        return with_a_row

    return make


@contextmanager
def row(access: Access, actor: Actor, action: str, subject: str = "") -> Iterator[None]:
    """Around one order: writes down who gave it and how it ended."""
    outcome = "error"
    try:
        yield
        outcome = "ok"
    except (Refused, Answered):
        outcome = "refused"
        raise
    except HomelabError as error:
        outcome = type(error).__name__
        raise
    finally:
        access.audit.done(actor, "", action, subject, outcome)


def _text(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return " ".join(item if isinstance(item, str) else str(item.get("key", "")) for item in value)
    return str(value)
