"""The page: how every view of it is rendered. Every text in it is hostile and is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel

from controller.core.errors import HomelabError
from controller.core.key import Key
from controller.usecases.access import Actor, Scope
from controller.web import page_files
from controller.web.call import HTML, Call, Face, Handler, Operation, Reply
from controller.web.lanes import Lane
from controller.web.problem import Problem
from controller.web.views.near import near
from controller.web.views.table import VIEWS, View

THEMES = ("dark", "light", "contrast")
THEME_COOKIE, KEYS_COOKIE = "homelab-theme", "homelab-keys"
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
Crumbs = Sequence[tuple[str, str]]
"""The way to a page that is not a view itself: titles and addresses, without the page's own."""


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed into a form and what is wrong with it, by field; "" = with all of it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def first(self) -> str | None:
        """The field that gets the focus; None where nothing is wrong."""
        return next(iter(self.wrong), None)


@dataclass(frozen=True)
class Shell:
    """What is around every view. `last` is the number of the newest event that the page knows (None = it is not kept live);
    `pace` is how many seconds lie between two refreshes at least."""

    title: str
    view: str
    crumbs: Crumbs
    actor: Actor | None
    nav: tuple[View, ...]
    simulated: bool
    leads: bool
    theme: str
    keys: bool
    last: int | None
    pace: float
    version: str


class Told(Problem):
    """A problem that a view tells itself: its page with what is wrong on it. For the audit trail it is what it is."""

    def __init__(self, found: Problem, reply: Reply) -> None:
        super().__init__(found.status, found.code, found.detail)
        self.reply = reply


def looks(
    handle: Handler,
    summary: str,
    scope: Scope | None = Scope.READ,
    *,
    query: type[BaseModel] | None = None,
    lane: Lane = Lane.QUICK,
) -> Operation:
    """A page that is read. `lane` is SLOW where it looks at backends. Whoever may not see it gets a page that says so."""
    return Operation(handle, summary, scope, media=HTML, query=query, lane=lane)


def acts(handle: Handler, summary: str, scope: Scope, body: type[BaseModel] | None = None, lane: Lane = Lane.SLOW) -> Operation:
    """What a form of the page does (fields as `body`); answer with `went`. Only our own page can send it, as all that a session
    writes."""
    return Operation(handle, summary, scope, status=303, media=HTML, body=body, lane=lane, form=True)


def went(path: str, **headers: str) -> Reply:
    """After a form: look at this page of ours. `path` is written by us, never by who asks."""
    return Reply(b"", 303, HTML, {"Location": path, **headers})


def render(
    face: Face,
    call: Call,
    template: str,
    about: Mapping[str, Any] | None = None,
    *,
    title: str,
    view: str = "",
    crumbs: Crumbs = (),
    status: int = 200,
    live: bool = True,
    pace: float = 1.0,
) -> Reply:
    """A page. `view` is the name of the entry in the navigation that it belongs to; `live` = it follows the events."""
    last = face.desk.look.last_event() if live and call.actor else None
    shell = _shell(face, call, title, view, crumbs, last, pace)

    def may(scope: str) -> bool:
        return call.actor is not None and call.actor.may(Scope(scope))

    def link(path: str, **parts: str) -> str:
        """The address of a page, or "" where this controller has no such page."""
        return path.format(**{name: quote(part, safe="") for name, part in parts.items()}) if path in face.paths else ""

    context = {**(about or {}), "shell": shell, "may": may, "link": link, "steers": face.desk.sync is not None}
    return _html(template, context, status)


def part(template: str, about: Mapping[str, Any]) -> Reply:
    """A piece of a page, which its script asks for by itself."""
    return _html(template, about, 200)


def problem(face: Face, call: Call, found: Problem, path: str = "") -> Reply:
    """A problem as a page: the door for whoever is not signed in, else what is wrong, with the code that the API has. `path` is
    where they went, to offer what they may have meant."""
    if isinstance(found, Told):
        return found.reply
    if found.status == 401:
        return door(face, call)
    about = {
        "status": found.status,
        "phrase": HTTPStatus(found.status).phrase,
        "code": found.code,
        "detail": found.detail,
        "diagnostics": found.more.get("diagnostics", ()),
        "by_hand": found.more.get("by_hand", ()),
        "near": near(face, call, path or "/".join(call.path.values())) if found.status == 404 else (),
    }
    title = "Not allowed" if found.status == 403 else HTTPStatus(found.status).phrase
    reply = render(face, call, "error.html", about, title=title, status=found.status, live=False)
    headers = {name: text for name, text in found.headers.items() if name in ("Retry-After", "Allow", "Connection")}
    return Reply(reply.content, reply.status, reply.media, headers)


def door(face: Face, call: Call, form: Form | None = None, status: int = 401) -> Reply:
    """What somebody sees who is not signed in, with a `form` as it was sent."""
    provider = face.sign_in.offered if face.sign_in is not None else ""
    about = {"provider": provider, "form": form or Form()}
    return render(face, replace(call, actor=None), "door.html", about, title="Sign in", status=status, live=False)


def views(face: Face, call: Call) -> tuple[View, ...]:
    """The views that this controller has and that whoever asks may see."""
    return tuple(each for each in VIEWS if each.path in face.paths and call.actor is not None and call.actor.may(each.scope))


def cookie(call: Call, name: str) -> str:
    """A cookie that is no secret ("" = none). Whoever serves another port of this host can set it."""
    try:
        found = SimpleCookie(call.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _shell(face: Face, call: Call, title: str, view: str, crumbs: Crumbs, last: int | None, pace: float) -> Shell:
    theme = cookie(call, THEME_COOKIE)
    return Shell(
        title=title,
        view=view,
        crumbs=crumbs,
        actor=call.actor,
        nav=views(face, call),
        simulated=face.desk.world.startswith("memory"),
        leads=face.desk.sync is not None,
        theme=theme if theme in THEMES else "",
        keys=cookie(call, KEYS_COOKIE) != "off",
        last=last,
        pace=pace,
        version=version("homelabhub"),
    )


def _html(template: str, context: Mapping[str, Any], status: int) -> Reply:
    text = _environment().get_template(template).render(context)
    return Reply(text.encode("utf-8", "replace"), status, HTML)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("controller.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    found.filters.update(clock=clock, took=took, href=_href, kwh=_kwh, money=_money, data=_data)
    found.globals.update(static=page_files.address, sheets=page_files.sheets, themes=THEMES)
    found.globals["icon"] = vars(found.get_template("icons.html").make_module())["icon"]
    return found


def _shown(value: Any) -> Any:
    """What is printed: characters that hide, reorder or act are written as escapes."""
    if type(value) is not str:
        return value
    return _HIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", value)


def clock(at: float) -> str:
    """A moment as it stands where nobody counts its age."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def took(seconds: float) -> str:
    """A span of time."""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _href(key: str) -> str:
    """The address of a resource's page, "" for what is no key."""
    try:
        found = Key.parse(key)
    except (ValueError, HomelabError):
        return ""
    return f"/resources/{quote(found.kind, safe='')}/{quote(found.name, safe='')}"


def _data(value: Any) -> str:
    """A value of a state on one line."""
    import json

    return value if isinstance(value, str) else "not set" if value is None else json.dumps(value, ensure_ascii=False)


def _kwh(kwh: float | None) -> str:
    return "nothing recorded" if kwh is None else f"{kwh:.1f} kWh"


def _money(cost: float | None) -> str:
    return "no price" if cost is None else f"{cost:.2f}"
