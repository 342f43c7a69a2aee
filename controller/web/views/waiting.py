"""What waits for a person, from everything that can wait: each source is a function that tells its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controller.core.change import Action
from controller.usecases.access import Scope
from controller.usecases.views import StatusLine, status_view
from controller.web.call import Call, Face


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for a person. `lines` are (key, why); `href` is the page where it is looked at and decided ("" =
    none), `command` what does the same in a terminal; `asks` = it is done by hand, there is nothing to approve."""

    title: str
    mark: str
    lines: tuple[tuple[str, str], ...]
    href: str = ""
    command: str = ""
    asks: bool = False


Source = Callable[[Face, Call], Iterable[Waiting]]


def held_rollouts(face: Face, call: Call) -> Iterable[Waiting]:
    """Rollouts that the rules hold, each with its keys."""
    report = face.report
    found: dict[str, list[StatusLine]] = {}
    for item in status_view(report).items if report is not None else ():
        if item.sync == "Held" and item.rollout:
            found.setdefault(item.rollout, []).append(item)
    for digest, lines in found.items():
        asks = any(line.why.startswith(f"{Action.ASK}:") for line in lines)
        yield Waiting(
            title="Rollout",
            mark=digest[:12],
            lines=tuple((line.key, line.why) for line in lines),
            href="/plan" if _may_look(call) and not asks else "",
            command="" if asks else f"homelab approve {digest[:12]}",
            asks=asks,
        )


def pending_proposals(face: Face, call: Call) -> Iterable[Waiting]:
    """Proposals that nobody has decided about."""
    if face.desk.propose is None:
        return
    for item in face.desk.propose.list():
        lines = ((item.title, f"by {item.author}"),)
        yield Waiting(title="Proposal", mark=item.id, lines=lines, href=f"/proposals/{item.id}" if _may_look(call) else "")


def _may_look(call: Call) -> bool:
    """True where the page behind a link is for whoever asks: it holds a plan."""
    return call.actor is not None and call.actor.may(Scope.PLAN)


SOURCES: tuple[Source, ...] = (held_rollouts, pending_proposals)


def waiting(face: Face, call: Call) -> tuple[Waiting, ...]:
    """Everything, in the order of the sources."""
    return tuple(item for source in SOURCES for item in source(face, call))
