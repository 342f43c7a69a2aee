"""Settings: who I am here, how the page looks, the way to everything else that can be set; and the way out."""

from __future__ import annotations

from typing import Literal

from controller.usecases.access import Scope
from controller.web import doors, page
from controller.web.bodies import Body, Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane

_YEAR = 365 * 86_400


class DoneQuery(Query):
    """What a form of this page has just done."""

    done: Literal["", "theme", "keys"] = ""


class Theme(Body):
    """How the page looks; `system` = as the system does."""

    theme: Literal["system", "dark", "light", "contrast"]


class Keys(Body):
    """Whether single keys do something."""

    keys: Literal["on", "off"]


def show(face: Face, call: Call) -> Reply:
    """The view."""
    about = {
        "instance": face.desk.instance,
        "world": face.desk.world,
        "done": call.query.done,
    }
    return page.render(face, call, "settings.html", about, title="Settings", view="settings", live=False)


def theme(_face: Face, call: Call) -> Reply:
    """Remember how the page looks in this browser."""
    chosen = call.body.theme
    return page.went("/settings?done=theme", **_remember(call, page.THEME_COOKIE, "" if chosen == "system" else chosen))


def keys(_face: Face, call: Call) -> Reply:
    """Remember whether single keys do something in this browser."""
    return page.went("/settings?done=keys", **_remember(call, page.KEYS_COOKIE, "off" if call.body.keys == "off" else ""))


def leave(face: Face, call: Call) -> Reply:
    """Sign out; what the browser kept of the page goes too."""
    ended = doors.leave(face, call)
    return page.went("/", **{**ended.headers, "Clear-Site-Data": '"cache", "storage"'})


def _remember(call: Call, name: str, value: str) -> dict[str, str]:
    secure = "; Secure" if call.https else ""
    return {"Set-Cookie": f"{name}={value}; Path=/; Max-Age={_YEAR if value else 0}; SameSite=Lax{secure}"}


ROUTES: Routes = {
    "/settings": {"GET": page.looks(show, "Who I am here, and how the page looks.", query=DoneQuery)},
    "/settings/theme": {"POST": page.acts(theme, "Remember the theme.", Scope.READ, Theme, Lane.QUICK)},
    "/settings/keys": {"POST": page.acts(keys, "Remember the keys.", Scope.READ, Keys, Lane.QUICK)},
    "/leave": {"POST": page.acts(leave, "Sign out.", Scope.READ, lane=Lane.QUICK)},
}
