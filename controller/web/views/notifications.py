"""Who is told what happens, and whether a test message arrives."""

from __future__ import annotations

from dataclasses import replace

from controller.usecases.access import Scope
from controller.usecases.notices import Arrival
from controller.web import notices, page
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane

PATH = "/settings/notifications"


def show(face: Face, call: Call) -> Reply:
    """The view."""
    return _shown(face, call, ())


def test(face: Face, call: Call) -> Reply:
    """Send a message to every target, and tell which arrived."""
    return _shown(face, call, notices.test(face, replace(call, body=notices.Test())).content.results)


def _shown(face: Face, call: Call, results: tuple[Arrival, ...]) -> Reply:
    about = {"targets": notices.targets(face, call).content.targets, "results": results}
    crumbs = (("Settings", "/settings"),)
    return page.render(face, call, "notifications.html", about, title="Notifications", view="settings", crumbs=crumbs, live=False)


ROUTES: Routes = {
    PATH: {
        "GET": page.looks(show, "Who is told what happens.", lane=Lane.SLOW),
        "POST": page.acts(test, "Send a test message.", Scope.APPLY, lane=Lane.WAITING),
    }
}
