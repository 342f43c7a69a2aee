"""The status page: one template, one style sheet, one script, no build step. Every text in it is hostile and is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from controller.core.change import Action
from controller.usecases.energy import energy as energy_used
from controller.usecases.views import StatusLine, status_view
from controller.web.call import Call, Face, Reply

HTML = "text/html; charset=utf-8"
FILES = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
_RUNS = 8


@dataclass(frozen=True, slots=True)
class Held:
    """A rollout that waits for a person."""

    digest: str
    lines: tuple[StatusLine, ...]

    @property
    def asks(self) -> bool:
        """True when a person must do something by hand: there is nothing to approve."""
        return any(line.why.startswith(f"{Action.ASK}:") for line in self.lines)


@cache
def file(name: str) -> Callable[[Face, Call], Reply]:
    """The operation that answers with one of the page's files, read once."""
    content = files("controller.web").joinpath(name).read_bytes()
    return lambda _face, _call: Reply(content, media=FILES[name])


@cache
def _template(name: str = "page.html") -> Template:
    loader = PackageLoader("controller.web", "")
    about = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    about.filters["clock"] = _clock
    about.filters["took"] = lambda seconds: f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    about.filters["kwh"] = lambda kwh: "nothing recorded" if kwh is None else f"{kwh:.1f} kWh"
    about.filters["money"] = lambda cost: "no price" if cost is None else f"{cost:.2f}"
    return about.get_template(name)


def show(face: Face, call: Call) -> Reply:
    """The page for whoever is signed in; for everyone else its door, which tells nothing."""
    world = "simulated" if face.desk.world.startswith("memory") else "docker"
    if call.actor is None:
        return _html(401, {"actor": None, "world": world})
    report = face.report
    status = status_view(report, face.desk.look.store.leader()[0]) if report is not None else None
    shown = {
        "actor": call.actor,
        "world": world,
        "leads": face.desk.sync is not None,
        "status": status,
        "held": held(status.items) if status else (),
        "order": _ORDER,
        "last": face.desk.look.last_event(),
        "runs": face.desk.look.history(_RUNS),
    }
    return _html(200, shown)


def energy(face: Face, _call: Call) -> Reply:
    """The part of the page that tells what the house used; asked for by itself, because a home may be slow to answer."""
    found = energy_used(face.desk.look)
    return Reply(_template("energy.html").render(energy=found, today=found.days[-1]).encode("utf-8", "replace"), media=HTML)


_ORDER = ("Failed", "Held", "Drifted", "Unknown", "Pending", "Suspended", "Synced")


def held(items: Iterable[StatusLine]) -> tuple[Held, ...]:
    """Rollouts that are held, each with its keys."""
    found: dict[str, list[StatusLine]] = {}
    for item in items:
        if item.sync == "Held" and item.rollout:
            found.setdefault(item.rollout, []).append(item)
    return tuple(Held(digest, tuple(lines)) for digest, lines in found.items())


def _html(status: int, about: dict[str, object]) -> Reply:
    return Reply(_template().render(about).encode("utf-8", "replace"), status, HTML)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
