"""Pictures over time on the page: what they say, the table that says the same, and their states while nothing is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.core.run import Outcome, Run
from controller.core.uptime import HealthChange, Watch
from controller.usecases.history_days import DayRuns, HistoryDays
from controller.usecases.uptime import UptimeLine
from controller.web.views.charts import HIGH, Chart, runs_chart, span, took_chart, uptime_signs, uptime_strip
from tests.faces.test_web_page import Seen
from tests.support.hosts import house_of_hosts
from tests.support.webhouse import WebHouse

DAY = 86_400.0


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHouse]:
    """Two services, of which one was not always well; the controller was off for some days. Nobody changes it."""
    web = WebHouse(tmp_path_factory.mktemp("days"), house=house_of_hosts())
    web.reconcile()
    now = web.house.clock.now()
    for name, days in {"web.example.net": 30.5, "admin.example.net": 0.5, "direct.example.net": -1.5}.items():
        told = datetime.fromtimestamp(now + days * DAY, UTC).strftime("%Y-%m-%d %H:%M UTC")
        web.house.world.edit("certificate", "caddy", name, issued_by="Example CA", expires=told, renews_around=told)
    web.reconcile()
    changes = [HealthChange(key, now - 20 * DAY, "Healthy") for key in ("service/web", "service/base")]
    changes += [HealthChange("service/web", now - 4 * DAY, "Missing"), HealthChange("service/web", now - 3.9 * DAY, "Healthy")]
    changes += [HealthChange("service/fresh", now - 60, "Progressing")]
    web.store.health.note(Watch(now - 20 * DAY, now - 10 * DAY), changes)
    web.store.health.note(Watch(now - 5 * DAY, now))
    for number, outcome in enumerate((Outcome.APPLIED, Outcome.APPLIED, Outcome.ROLLED_BACK, Outcome.FAILED)):
        began = now - 2 * DAY + number
        web.store.save(Run(f"old-{number}", "f" * 40, "commit", "tester", began, began + 10 + number, outcome))
    web.start()
    yield web
    web.end()


def get(web: WebHouse, path: str) -> Seen:
    answer = web.browser().get(path)
    assert answer.status_code == 200, answer.text
    return Seen(answer.text)


def pictures(seen: Seen) -> list[str]:
    """What the pictures say to somebody who does not see them."""
    found = [about for tag, about in seen.elements if tag == "svg" and "chart" in str(about.get("class")).split()]
    assert all(about.get("role") == "img" or about.get("aria-hidden") == "true" for about in found)
    return [str(about["aria-label"]) for about in found if about.get("role") == "img"]


def test_a_resource_tells_its_uptime_in_a_picture_a_sentence_and_a_table(hosts: WebHouse) -> None:
    seen = get(hosts, "/resources/service/web")
    (says,) = pictures(seen)
    told = re.fullmatch(
        r"(99\.\d\d|98\.\d\d) % of the observed time in 90 days it was good; down on \d, not looked at on \d\d\.", says
    )
    assert told, says
    words = seen.words()
    assert f"{told[1]} % good, of the 15 d that were observed in 90 days" in words
    assert "Day by day as a table Day Stood Good Degraded Down Not looked at" in words
    assert words.count("not looked at") >= 70
    assert len([about for tag, about in seen.elements if tag == "rect" and about.get("class") == "down"]) >= 2, (
        "a day and the legend"
    )
    api = hosts.client(hosts.token()).get("/api/v1/uptime/service/web").json()
    assert f"{api['percent']:.2f}" == told[1]
    assert words.count(span(api["days"][-2]["good"])) > 0


def test_what_nobody_looked_at_yet_says_so(hosts: WebHouse) -> None:
    seen = get(hosts, "/resources/route/admin")
    assert "Nothing is recorded yet." in seen.words()
    assert pictures(seen) == []


def test_the_overview_has_the_worst_first_as_a_part_of_its_own(hosts: WebHouse) -> None:
    assert any(about.get("data-part") == "/page/uptime" for _, about in get(hosts, "/").elements)
    seen = get(hosts, "/page/uptime")
    words = seen.words()
    assert words.index("service/web") < words.index("service/base 100.00 %") < words.index("service/fresh new")
    assert [says.partition(" of")[0] for says in pictures(seen)][1] == "100.00 %"


def test_history_counts_its_runs_by_day(hosts: WebHouse) -> None:
    seen = get(hosts, "/history")
    ended, took = pictures(seen)
    counted = hosts.client(hosts.token()).get("/api/v1/history/days").json()["whole"]
    assert (counted["rolled_back"], counted["failed"], counted["applied"]) == (1, 1, counted["runs"] - 2)
    assert ended.startswith(f"{counted['runs']} runs: {counted['applied']} applied, 1 rolled back, 1 failed in 30 days; at most ")
    assert took == f"applying usually took {span(counted['median'])}, at most 11 s in 30 days."
    assert "Rolled back Failed Other Usually took Longest" in seen.words()
    assert "Day by day" not in get(hosts, "/history?cursor=1").words()


def test_a_certificate_has_a_bar_beside_its_number(hosts: WebHouse) -> None:
    seen = get(hosts, "/domains")
    bars = [
        (about["class"], about["width"])
        for tag, about in seen.elements
        if tag == "rect" and about["class"] not in ("track", "mark")
    ]
    assert sorted(bars) == [("degraded", "1"), ("down", "1"), ("good", "30")]
    assert set(re.findall(r"\d+ days? left|ended", seen.words())) == {"30 days left", "0 days left", "ended"}


@pytest.mark.parametrize(("path", "words"), [("/history", "Looking."), ("/page/uptime", "")])
def test_before_the_first_pass_no_day_is_told(tmp_path: Path, path: str, words: str) -> None:
    web = WebHouse(tmp_path)
    web.house.commit({"one": {}})
    web.start()
    try:
        answer = web.browser().get(path)
        assert answer.status_code == (200 if words else 204)
        assert words in answer.text
        assert web.client(web.token()).get("/api/v1/uptime").status_code == 503
        web.reconcile()
        assert web.browser().get("/page/uptime").status_code == 204, "nothing is recorded yet"
        assert "Nothing was done in 30 days" not in get(web, "/history").words()
    finally:
        web.end()


def line(*days: str, percent: float | None = 99.0) -> UptimeLine:
    return UptimeLine("service/web", percent, 1.0, 0.0, 0.0, 0.0, days)


def test_each_word_has_a_shape_of_its_own() -> None:
    shapes = [tuple((it.y, it.height) for it in sign.columns[0].pieces) for sign in uptime_signs().values()]
    assert len(set(shapes)) == 4
    chart = uptime_strip(line("good", "degraded", "down", "unseen"))
    assert [tuple((it.y, it.height) for it in column.pieces) for column in chart.columns] == shapes
    assert inside(chart)
    assert chart.says == "99.00 % of the observed time in 4 days it was good; down on 1, degraded on 1, not looked at on 1."
    assert uptime_strip(line("good", "good", percent=100.0)).says == "100.00 % of the observed time in 2 days it was good."
    assert uptime_strip(line("unseen", percent=None)).says == "Nobody looked at it in 1 days."


def inside(chart: Chart) -> bool:
    pieces = [it for column in chart.columns for it in column.pieces]
    return all(
        it.x >= 0 and it.y >= -1e-6 and it.x + it.width <= chart.width and it.y + it.height <= HIGH + 1e-6 and it.height > 0
        for it in pieces
    )


def runs(applied: int = 0, back: int = 0, failed: int = 0, other: int = 0, took: tuple[float, float] | None = None) -> DayRuns:
    return DayRuns("2026-11-23", applied + back + failed + other, applied, back, failed, other, *(took or (None, None)))


def test_however_many_runs_they_fit_and_the_few_are_seen() -> None:
    several = (runs(500, 1, 1, 1, (0.1, 9000.0)), runs(), runs(0, 0, 1), runs(1, took=(0.0, 0.0)))
    found = HistoryDays("", several, runs(501, 1, 2, 1, (0.1, 9000.0)))
    ended, took = runs_chart(found), took_chart(found)
    assert took is not None
    assert inside(ended)
    assert inside(took)
    kinds = [[it.kind for it in column.pieces] for column in ended.columns]
    assert kinds == [["failed", "back", "other", "applied"], [], ["failed"], ["applied"]]
    assert len({it.width for it in ended.columns[0].pieces}) == 3, "the hollow one has a border instead"
    assert ended.columns[1].says == "2026-11-23: 0 runs"
    assert [len(column.pieces) for column in took.columns] == [2, 0, 0, 2]
    assert took_chart(replace(found, whole=runs(0, 1))) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "–"), (0.4, "0.4 s"), (9.99, "10.0 s"), (10, "10 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")],
)
def test_spans_are_told_as_people_say_them(seconds: float, said: str) -> None:
    assert span(seconds) == said
