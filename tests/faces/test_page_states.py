"""Every view in every state that it can be in: nothing there, not looked yet, a backend away, git away, and old."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from controller.core.errors import SourceError
from tests.faces.page_house import VIEWS
from tests.faces.test_page_views import attributes
from tests.faces.test_web_page import Seen
from tests.support.webhouse import WebHouse

LOOKING = "The first look at git and at the backends is under way"
AWAY = "local does not answer"
LOST = "the remote is away"
STATES = ("empty", "loading", "partial", "error")


@dataclass(frozen=True)
class View:
    """What a view says in each state; what it does not say, and why it need not. `place` is where it stands; `live` = it follows
    the events and says when they are lost, else it shows what it found when it was opened."""

    says: Mapping[str, str] = field(default_factory=dict)
    never: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    live: bool = False
    status: Mapping[str, int] = field(default_factory=dict)


OWN = dict.fromkeys(("loading", "partial", "error"), "it tells what the store holds: no look, no backend and no git is in it")
FORM = {**OWN, "empty": "it is a form"}
GIT = {"loading": "git is read when it is opened", "partial": "no backend is in it"}
NOW = {"loading": "it looks when it is opened"}
_PROPOSAL = "one needs a proposal: its states are in test_page_proposals"
TABLE: dict[str, View] = {
    "/": View(
        {"empty": "Nothing is declared yet.", "loading": LOOKING, "partial": AWAY, "error": "Git cannot be read."}, live=True
    ),
    "/find": View(
        {"loading": "can be found after the first look"},
        {"empty": "the views are always there", "partial": "names only", "error": "names only"},
    ),
    "/page/energy": View(never={**OWN, "empty": "it is not shown where nothing measures"}),
    "/page/uptime": View(never={**OWN, "empty": "its own tests: it is a part of the overview"}),
    "/resources/{kind}/{name}": View(
        {"empty": "neither declared nor ours", "partial": "Unknown", "error": LOST},
        NOW,
        "/resources/box/one",
        live=True,
        status={"empty": 404, "error": 503},
    ),
    "/resources/{kind}/{name}/rollback": View(
        {"empty": "was never applied differently", "partial": "cannot be told now", "error": LOST},
        NOW,
        "/resources/box/one/rollback",
        status={"empty": 409, "partial": 409, "error": 503},
    ),
    "/settings": View(never=FORM),
    "/settings/api": View(never={**OWN, "empty": "the API is always there"}),
    "/settings/api/{subject}": View(never={**OWN, "empty": "the API is always there"}, place="/settings/api/status"),
    "/settings/account": View(never={**OWN, "empty": "whoever looks has an account"}),
    "/settings/people": View(never={**OWN, "empty": "its own tests: whoever looks is one of them"}),
    "/settings/people/{name}": View(never=FORM, place="/settings"),
    "/settings/people/{name}/end": View(never=FORM, place="/settings"),
    "/settings/tokens": View({"empty": "No program may come in."}, OWN),
    "/settings/tokens/{id}/revoke": View(never=FORM, place="/settings"),
    "/settings/notifications": View({"empty": "Nobody is told anything."}, OWN),
    "/plan": View(
        {"empty": "Looking at every backend.", "loading": "Looking at every backend."},
        {"partial": "the plan comes by itself: see /plan/now", "error": "the plan comes by itself: see /plan/now"},
    ),
    "/plan/now": View({"empty": "No changes. The world is as git wants it.", "partial": AWAY, "error": LOST}, NOW),
    "/page/plan": View({"empty": "No changes. The world is as git wants it.", "partial": AWAY, "error": LOST}, NOW),
    "/history": View(
        {"empty": "Nothing was done yet.", "loading": "Looking."},
        {"partial": "what was done is in the store", "error": "what was done is in the store; the commits come by themselves"},
        live=True,
    ),
    "/page/commits": View({"error": LOST}, {**GIT, "empty": "there is a commit before there is a page"}, status={"error": 503}),
    "/history/{id}": View({"empty": "there is no run"}, OWN, "/history/nothing", status={"empty": 404}),
    "/rollback": View(
        {"empty": "no earlier revision was applied", "partial": "cannot be told now", "error": LOST},
        NOW,
        status={"empty": 409, "partial": 409, "error": 503},
    ),
    "/compare": View(
        {"empty": "Both are the same.", "loading": "nothing is deployed yet", "error": LOST},
        {"partial": "two revisions of git are compared"},
        status={"loading": 409, "error": 503},
    ),
    "/domains": View({"empty": "No host is declared.", "loading": LOOKING, "partial": AWAY, "error": LOST}, live=True),
    "/topology": View({"empty": "Nothing hangs together.", "loading": LOOKING, "partial": AWAY, "error": LOST}, live=True),
    "/audit": View({"empty": "No rollout is held or denied.", "loading": LOOKING, "partial": AWAY, "error": LOST}, live=True),
    "/proposals": View({"empty": "No proposal waits."}, OWN, live=True),
    "/proposals/{id}": View(never=dict.fromkeys(STATES, _PROPOSAL), place="/proposals"),
    "/propose": View({"error": LOST}, {**GIT, "empty": "it is a form"}, status={"error": 503}),
    "/proposals/{id}/revise": View(never=dict.fromkeys(STATES, _PROPOSAL), place="/proposals"),
}


def away(*_: object) -> None:
    raise SourceError(LOST)


def changed(web: WebHouse) -> None:
    """Two boxes, one of which had another version before."""
    for size in (1, 2):
        web.house.commit({"one": {"size": size}, "two": {}})
        web.reconcile()


def house_in(web: WebHouse, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring it there."""
    if state == "empty":
        web.recipients.clear()
        web.house.commit({})
        web.reconcile()
    elif state == "loading":
        web.house.commit({"one": {}})
    else:
        changed(web)
        if state == "partial":
            web.house.world.cut("local")
        else:
            for name in ("head", "read", "revision", "log"):
                monkeypatch.setattr(web.house.book, name, away)
        web.reconcile()


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WebHouse]]:
    """A house in each state."""
    found: dict[str, WebHouse] = {}
    with pytest.MonkeyPatch.context() as patch:
        for state in STATES:
            found[state] = WebHouse(tmp_path_factory.mktemp(state))
            house_in(found[state], state, patch)
            found[state].start()
        yield found
        for web in found.values():
            web.end()


def test_the_table_names_every_view_and_every_state() -> None:
    assert set(TABLE) == set(VIEWS)
    for path, view in TABLE.items():
        assert {*view.says, *view.never} == set(STATES), path
        assert not set(view.says) & set(view.never), path


@pytest.mark.parametrize(("path", "state"), [(path, state) for path, view in TABLE.items() for state in view.says])
def test_a_view_says_how_it_stands(houses: dict[str, WebHouse], path: str, state: str) -> None:
    view = TABLE[path]
    answer = houses[state].browser().get(view.place or path)
    assert answer.status_code == view.status.get(state, 200), answer.text
    assert view.says[state] in Seen(answer.text).words()


@pytest.mark.parametrize("path", [path for path in TABLE if not path.startswith("/page/")])
def test_a_view_that_follows_the_events_says_when_they_are_lost(houses: dict[str, WebHouse], path: str) -> None:
    view = TABLE[path]
    if view.place.startswith("/history/"):
        run = houses["partial"].store.runs(1)[0]
        answer = houses["partial"].browser().get(f"/history/{run.id}")
    else:
        answer = houses["partial"].browser().get(view.place or path)
    assert answer.status_code == view.status.get("partial", 200)
    stale = [about for about in attributes(answer, "p") if about.get("id") == "stale"]
    follows = any("data-last" in about for about in attributes(answer, "main"))
    assert bool(stale) == follows, "who follows says so"
    if not view.place or view.live:
        assert follows == view.live
