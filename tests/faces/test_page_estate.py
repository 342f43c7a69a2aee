"""Domains and topology on the page: every state of them, filters, the drawing and the table that says the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.usecases.access import Scope
from controller.usecases.topology import EdgeView, NodeView
from controller.web.views.layout import HIGH, WIDE, laid_out
from tests.faces.test_web_page import HOSTILE, Seen
from tests.support.hosts import house_of_hosts
from tests.support.webhouse import WebHouse


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHouse]:
    """Hosts, all as wanted but for what tests change and put back."""
    web = WebHouse(tmp_path_factory.mktemp("hosts"), house=house_of_hosts())
    web.reconcile()
    web.start()
    yield web
    web.end()


def get(web: WebHouse, path: str) -> Seen:
    answer = web.browser().get(path)
    assert answer.status_code == 200, answer.text
    return Seen(answer.text)


def test_every_host_is_in_the_table(hosts: WebHouse) -> None:
    words = get(hosts, "/domains").words()
    for expected in (
        "web.example.net public",
        "admin.example.net vpn",
        "direct.example.net private",
        "198.51.100.7",
        "from acme",
        "route/web-example-net",
        "service/web",
        "redirects to https://web.example.net",
        "3 records on zone",
        "TXT",
        "Renew the certificate of web.example.net",
    ):
        assert expected in words, expected


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("?q=admin", "admin.example.net", "direct.example.net"),
        ("?q=service/web", "web.example.net", "admin.example.net"),
        ("?exposure=vpn", "admin.example.net", "direct.example.net"),
        ("?exposure=none", "*.example.net", "admin.example.net"),
        ("?trouble=yes", "Nothing like that.", "admin.example.net"),
    ],
)
def test_the_table_is_filtered(hosts: WebHouse, query: str, shown: str, hidden: str) -> None:
    rows = get(hosts, f"/domains{query}").words().partition("Leads to")[2] or get(hosts, f"/domains{query}").words()
    assert shown in rows
    assert f"{hidden} " not in rows.partition("Other records")[0]


@pytest.mark.parametrize("path", ["/domains", "/topology"])
def test_before_the_first_pass_it_is_told(tmp_path: Path, path: str) -> None:
    web = WebHouse(tmp_path, house=house_of_hosts())
    web.start()
    try:
        assert "The first look at git and at the backends is under way." in get(web, path).words()
        assert web.client(web.token()).get(f"/api/v1{path}").json()["code"] == "not-ready"
    finally:
        web.end()


@pytest.mark.parametrize(("path", "words"), [("/domains", "No host is declared."), ("/topology", "Nothing hangs together.")])
def test_a_house_without_hosts_says_so(web: WebHouse, path: str, words: str) -> None:
    assert words in get(web, path).words()


@pytest.mark.parametrize("path", ["/domains", "/topology"])
def test_a_backend_that_does_not_answer_is_told_and_the_rest_shown(hosts: WebHouse, path: str) -> None:
    hosts.house.world.cut("zone")
    try:
        hosts.reconcile()
        words = get(hosts, path).words()
        assert "zone does not answer: zone: simulated: cut off" in words
        assert "Unknown" in words
        assert "service/web" in words
    finally:
        hosts.house.world.mend("zone")
        hosts.reconcile()


def test_only_a_real_caddy_renews(hosts: WebHouse) -> None:
    answer = hosts.browser().post("/domains/renew", data={"key": "certificate/web-example-net"})
    assert answer.status_code == 409
    assert "only certificates of a real Caddy can" in Seen(answer.text).words()
    looks = hosts.client(hosts.token(Scope.READ))
    assert "Renew" not in Seen(looks.get("/domains").text).words()
    assert looks.post("/domains/renew", data={"key": "certificate/web-example-net"}).status_code == 403


def test_the_drawing_and_the_table_say_the_same(hosts: WebHouse) -> None:
    seen = get(hosts, "/topology")
    drawn = [
        str(about["aria-label"]) for tag, about in seen.elements if tag == "a" and str(about.get("class")).startswith("node")
    ]
    assert "service/web: Synced, Healthy" in drawn
    assert "zone/example.net: not looked at by itself" in drawn
    words = seen.words().partition("The same as a table")[2]
    for label in drawn:
        assert label.partition(":")[0] in words
    assert "keeps data in volume/kept" in words
    assert "part of domain/example" in words
    edges = hosts.client(hosts.token()).get("/api/v1/topology").json()["edges"]
    assert sum(1 for tag, about in seen.elements if tag == "path" and about.get("class") == "edge") == len(edges)


def test_a_part_of_it_can_be_looked_at_alone(hosts: WebHouse) -> None:
    words = get(hosts, "/topology?around=service/web").words()
    assert "zone/example.net" in words
    assert "volume/kept" in words
    assert "route/old" not in words
    assert "Nothing like that." in get(hosts, "/topology?around=box/nothing").words()


def test_the_estate_can_be_revalidated(hosts: WebHouse) -> None:
    client = hosts.client(hosts.token())
    for name in ("domains", "topology"):
        answer = client.get(f"/api/v1/{name}")
        assert client.get(f"/api/v1/{name}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("text", HOSTILE)
def test_a19_nothing_in_the_estate_becomes_markup(hosts: WebHouse, text: str) -> None:
    reconciler = hosts.house.reconciler
    before = reconciler.shown
    assert before is not None

    def shapes(note: str) -> list[list[tuple[str, list[str]]]]:
        statuses = tuple(replace(item, why=note) for item in before.report.statuses)
        report = replace(before.report, statuses=statuses, reason=note, live=note, backends={note: note})
        resources = {key: replace(item, address=note) for key, item in before.estate.resources.items()}
        reconciler.shown = replace(before, estate=replace(before.estate, resources=resources), folded=lambda: report)
        found = []
        for path in ("/domains", "/topology"):
            elements = [(tag, sorted(about)) for tag, about in get(hosts, path).elements]
            found.append(elements)
        return found

    try:
        assert shapes(text) == shapes("calm")
    finally:
        reconciler.shown = before


def test_a21_no_secret_is_on_any_page(tmp_path: Path) -> None:
    web = WebHouse(tmp_path, house=house_of_hosts())
    web.reconcile()
    book = web.house.book
    old = book.tip
    environment = "{DB_PASSWORD: hunter2-hunter2, URL: 'postgres://me:hunter2-hunter2@db/x', TZ: UTC}"
    base = f"kind: Service\nname: base\nspec:\n  image: base:1\n  environment: {environment}\n"
    book.write({**book.trees[old].contents, "base.yaml": base})
    web.start()
    try:
        browser = web.browser()
        paths = ("/plan/now", "/page/plan", f"/compare?from={old}", f"/api/v1/compare?from={old}")
        texts = [browser.get(path).text for path in (*paths, f"/api/v1/compare/patch?from={old}", "/api/v1/plan?full=true")]
    finally:
        web.end()
    assert all("DB_PASSWORD" in text for text in texts), "that it differs is told"
    assert not any("hunter2" in text for text in texts)


def node(name: str) -> NodeView:
    kind, _, short = name.partition("/")
    return NodeView(name, kind, short, sync="Synced", health="Healthy")


def test_nothing_stands_on_anything_else_and_ways_go_to_the_right() -> None:
    names = [
        "zone/z",
        *(f"record/r{at}" for at in range(4)),
        *(f"route/x{at}" for at in range(4)),
        "service/a",
        "service/b",
        "volume/v",
    ]
    edges = [
        *(EdgeView("zone/z", f"record/r{at}", "holds") for at in range(4)),
        *(EdgeView(f"record/r{at}", f"route/x{at}", "answers") for at in range(4)),
        *(EdgeView(f"route/x{at}", "service/a", "leads to") for at in range(4)),
        EdgeView("service/a", "service/b", "needs"),
        EdgeView("service/b", "volume/v", "keeps data in"),
    ]
    drawing = laid_out([node(name) for name in names], edges)
    boxes = {box.node.id: box for box in drawing.boxes}
    assert len(boxes) == len(names)
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(names)
    assert all(boxes[edge.source].x < boxes[edge.target].x for edge in edges)
    assert max(box.x + WIDE for box in drawing.boxes) <= drawing.width
    assert max(box.y + HIGH for box in drawing.boxes) <= drawing.height
    assert laid_out([node(name) for name in names], edges) == drawing


def test_what_goes_in_a_circle_is_drawn_too() -> None:
    names = ["service/a", "service/b", "service/c"]
    edges = [EdgeView(one, other, "needs") for one, other in zip(names, [*names[1:], names[0]], strict=True)]
    drawing = laid_out([node(name) for name in names], edges)
    assert len(drawing.boxes) == len(drawing.curves) == 3
    assert len({(box.x, box.y) for box in drawing.boxes}) == 3
