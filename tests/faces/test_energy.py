"""What the house used, as the API answers and as a person reads it."""

from __future__ import annotations

from typing import Any

import pytest

from controller.cli.energy import energy_lines
from controller.cli.text import Paint
from controller.clients.memory import MemoryProvider, MeteredProvider
from controller.core.energy import Direction, Flow, Source
from controller.usecases.access import Scope
from tests.faces.test_web_openapi import check
from tests.faces.test_web_page import Seen
from tests.support.house import BOX
from tests.support.webhouse import WebHouse

PATH = "/api/v1/energy"


def metered(web: WebHouse, *connections: str) -> None:
    """Connections that measure, beside the boxes."""
    world = web.house.world
    web.house.providers = {
        ("box", "local"): MemoryProvider(BOX, world),
        **{("box", name): MeteredProvider(BOX, world, name) for name in connections},
    }


def ask(web: WebHouse, **query: Any) -> Any:
    return web.client(web.token(Scope.READ)).get(PATH, params=query)


def test_the_answer_holds_each_day_and_what_they_come_to(web: WebHouse) -> None:
    metered(web, "home")
    answer = ask(web, days=3)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["connection"], found["zone"], found["currency"]) == ("home", "UTC", "EUR")
    assert [day["hours"] for day in found["days"]][:2] == [24, 24]
    assert found["usual"] == "18:00"
    assert found["days"][0]["peak"]["hour"] == "18:00"
    assert found["kwh"] == pytest.approx(sum(day["kwh"] or 0 for day in found["days"]))
    assert found["cost"] == pytest.approx(sum(day["cost"] or 0 for day in found["days"]), abs=0.02)
    by_flow = {(flow["source"], flow["direction"]): flow for flow in found["flows"]}
    bought, sold, made = by_flow["grid", "in"], by_flow["grid", "out"], by_flow["solar", "in"]
    assert found["kwh"] == pytest.approx(bought["kwh"] + made["kwh"] - sold["kwh"], abs=0.01)
    assert found["cost"] == pytest.approx(bought["cost"] - sold["cost"], abs=0.02)
    assert made["cost"] is None
    assert len(ask(web).json()["days"]) == 7, "a week unless somebody asks otherwise"
    check(web.operator().get("/api/openapi.json").json(), "GET", PATH, answer)


@pytest.mark.parametrize(
    ("connections", "query", "status", "said", "reason"),
    [
        ((), {}, 409, "declare a connection of the type homeassistant", "nothing measures"),
        (("home",), {"via": "hone"}, 409, "did you mean", "a connection that is not there"),
        (("home", "barn"), {}, 409, "Which one? Say it with --via NAME", "two of them, and none is named"),
        (("home", "barn"), {"via": "barn"}, 200, '"connection":"barn"', "two of them, one is named"),
        (("home",), {"days": 0}, 422, "days", "no days"),
        (("home",), {"days": 367}, 422, "days", "more than a year"),
        (("home",), {"via": "a\nb"}, 422, "via", "a name that acts on a terminal"),
    ],
)
def test_what_cannot_be_answered_is_told(
    connections: tuple[str, ...], query: dict[str, Any], status: int, said: str, reason: str, web: WebHouse
) -> None:
    metered(web, *connections)
    answer = ask(web, **query)
    assert answer.status_code == status, reason
    assert said in answer.text


def test_a_house_that_does_not_answer_is_told(web: WebHouse) -> None:
    metered(web, "home")
    web.house.world.cut("home")
    answer = ask(web)
    assert (answer.status_code, answer.json()["code"]) == (503, "backend-unreachable")


def test_a_commit_that_is_not_valid_leaves_the_last_good_one_to_answer(web: WebHouse) -> None:
    metered(web, "home")
    web.house.commit({"a": {"size": 1}})
    web.reconcile()
    web.house.book.write({"a.yaml": "kind: Box\nname: a\nspec: {size: {}}\n"})
    web.reconcile()
    answer = ask(web)
    assert answer.status_code == 200, answer.text
    assert answer.json()["connection"] == "home"


def test_strangers_learn_nothing_of_who_is_at_home(web: WebHouse) -> None:
    metered(web, "home")
    assert web.client().get(PATH).status_code == 401


def test_the_page_shows_it_in_a_part_of_its_own(web: WebHouse) -> None:
    metered(web, "home")
    answer = web.browser().get("/page/energy")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    words = Seen(answer.text).words()
    assert "Energy" in words
    assert "7 days" in words
    assert "Peak hour 18:00" in words
    assert "EUR" in words
    whole = Seen(web.browser().get("/").text)
    place = next(about for _, about in whole.elements if about.get("id") == "energy")
    assert place["data-part"] == "/page/energy", "asked for by itself"
    assert "hidden" in place, "empty until a home has answered"
    web.house.world.cut("home")
    away = web.browser().get("/page/energy")
    assert away.status_code == 200
    assert "The home does not answer" in Seen(away.text).words()


def test_a_house_that_measures_nothing_has_no_such_part(web: WebHouse) -> None:
    assert web.browser().get("/page/energy").status_code == 204


def test_a_meter_cannot_become_markup(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    metered(web, "home")
    hostile = Flow(Source.GRID, Direction.IN, "<script>alert(1)</script>", {})
    monkeypatch.setattr(MeteredProvider, "flows", lambda *_: (hostile,))
    text = web.browser().get("/page/energy").text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "nothing recorded" in text
    assert "no price" in text


DAY = {"date": "2026-11-21", "hours": 24, "kwh": 9.5, "cost": 2.25, "peak": {"start": 0.0, "hour": "18:00", "kwh": 1.6}}
FOUND = {
    "connection": "home",
    "zone": "Europe/Berlin",
    "currency": "EUR",
    "until": 0.0,
    "days": [DAY, {"date": "2026-11-22", "hours": 0, "kwh": None, "cost": None, "peak": None}],
    "kwh": 9.5,
    "cost": 2.25,
    "peak": DAY["peak"],
    "usual": "18:00",
    "flows": [
        {"source": "grid", "direction": "in", "meter": "sensor.grid", "kwh": 8.0, "cost": 2.4},
        {"source": "grid", "direction": "out", "meter": "sensor.fed\x1b[2J", "kwh": 1.0, "cost": 0.15},
        {"source": "solar", "direction": "in", "meter": "sensor.panels", "kwh": 2.5, "cost": None},
    ],
    "notes": [],
}


def test_a_person_reads_today_first_and_then_each_day() -> None:
    assert list(energy_lines(FOUND, Paint(False))) == [
        "        used              cost      most",
        "today   nothing recorded",
        "2 days  9.50 kWh          2.25 EUR  2026-11-21 18:00 (1.60 kWh)",
        "most is usually used at 18:00 (Europe/Berlin)",
        "",
        "day         used              cost      most",
        "2026-11-21  9.50 kWh          2.25 EUR  18:00 (1.60 kWh)",
        "2026-11-22  nothing recorded",
        "",
        "source  way     meter            energy    cost",
        "grid    bought  sensor.grid      8.00 kWh  2.40 EUR",
        "grid    sold    sensor.fed\\e[2J  1.00 kWh  0.15 EUR",
        "solar   made    sensor.panels    2.50 kWh",
    ]
