"""Answers that are the API's own; everything else is a view of the use cases."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.core.event import Event
from controller.usecases.access import TokenView
from controller.usecases.adopting import Adopted
from controller.usecases.importing_sketch import Left
from controller.usecases.passed import PassView
from controller.usecases.rollback import WayBack
from controller.usecases.secrets import SecretView
from controller.usecases.views import FORMAT_VERSION, RunView


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Runs, newest first; `next` is the cursor of the following page, null at the end."""

    runs: tuple[RunView, ...]
    next: float | None
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Events, oldest first; `next` is the number to ask for events after."""

    events: tuple[Event, ...]
    next: int
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """`done` null: the pass was asked for; its events have numbers above `after`."""

    after: int
    done: PassView | None = None
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class WentBack:
    """The commit that a rollback wrote, the way it took, and (with `wait`) the pass that applied it."""

    revision: str
    way: WayBack
    after: int
    done: PassView | None = None
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over, and what was left and why."""

    adopted: tuple[Adopted, ...]
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class SecretNames:
    """Everything in the vault, by reference."""

    secrets: tuple[SecretView, ...]


@dataclass(frozen=True, slots=True)
class SecretValues:
    """Every value in plain text."""

    secrets: dict[str, str]


@dataclass(frozen=True, slots=True)
class Digests:
    """The full digests of the rollouts that were meant."""

    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that were meant."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Me:
    """Who the caller is to the controller."""

    name: str
    scopes: tuple[str, ...]
    door: str
    world: str
    instance: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time token, and the link that a browser trades it with ("" where no page is served)."""

    token: str
    url: str


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A new token: its text is shown only here."""

    token: str
    about: TokenView


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every token that works."""

    tokens: tuple[TokenView, ...]


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """What a git server signs with; null = none was made yet, and every hook is refused."""

    secret: str | None


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether the controller can do its work, per dependency: ok, waiting, failing, or `2 of 3` answer."""

    ready: bool
    checks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alive:
    """The process answers."""

    alive: bool = True
