"""Badges, the summary and notifications over the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from controller.core.document import Revision
from controller.core.errors import Diagnostic, Origin
from controller.core.event import Report, Status, Sync
from controller.core.key import Key
from controller.core.state import Health
from controller.usecases.access import Scope
from controller.usecases.summary import Summary, summary
from controller.web.badges import drawn
from tests.support.post import recipient
from tests.support.webhouse import WebHouse

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHouse]:
    """A house with a box that is well, one that a person must approve and one that failed."""
    found = WebHouse(tmp_path_factory.mktemp("badges"))
    rule = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [held]}, verdict: hold}]}\n"
    boxes = {f"{name}.yaml": f"kind: Box\nname: {name}\nspec: {{}}\n" for name in ("well", "held")}
    bad = "kind: Box\nname: bad\nspec: {image: 'box:bad'}\n"
    found.house.book.write({**boxes, "bad.yaml": bad, "policy/house.yaml": rule})
    found.reconcile()
    found.start()
    try:
        yield found
    finally:
        found.end()


def texts(svg: str) -> list[str]:
    return [item.text or "" for item in ElementTree.fromstring(svg).iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize(("name", "word"), [("well", "Synced"), ("held", "Held"), ("bad", "Failed")])
def test_a_badge_says_how_a_key_stands(web: WebHouse, name: str, word: str) -> None:
    client = web.client(web.token(Scope.READ))
    answer = client.get(f"/badge/box/{name}.svg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert texts(answer.text) == [f"box/{name}", word]
    assert client.get(f"/badge/box/{name}.svg", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_a_badge_tells_strangers_nothing_and_takes_no_token_from_an_address(web: WebHouse) -> None:
    token = web.token(Scope.READ)
    assert web.client().get("/badge/box/well.svg").status_code == 401
    assert web.client().get(f"/badge/box/well.svg?token={token}").status_code == 401
    known = web.client(token)
    assert [known.get(f"/badge/{path}.svg").status_code for path in ("box/nothing", "box/<x>", "BOX/well")] == [404] * 3


def test_a_badge_is_sound_whatever_stands_in_it() -> None:
    svg = drawn("a\"<script>&'" + "x" * 100, "]]><b>", "#000")
    assert texts(svg)[0].startswith("a\"<script>&'")
    assert len(texts(svg)[0]) == 60
    assert texts(svg)[1] == "]]><b>"
    assert "<script>" not in svg


def test_dashboards_are_told_of_fields_that_there_are() -> None:
    """Homepage's `customapi` maps fields, Uptime Kuma's Json Query asks for one: both of the summary."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "notifications.md").read_text()
    block = next(each for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "customapi" in each)
    widget = yaml.safe_load(block.replace("{{", "").replace("}}", ""))[0]["HomeLabHub"]["widget"]
    assert isinstance(widget["headers"], dict)
    asked = {each["field"] for each in widget["mappings"]}
    for row in re.findall(r"^\| .* \| HTTP\(s\) - Json Query \| (.*) \|$", text, re.MULTILINE):
        asked.add(re.findall(r"`(\w+)`, expected value", row)[0])
    assert {"sync", "backends_down"} < asked <= {each.name for each in fields(Summary)}


def test_the_summary_is_flat_and_can_be_revalidated(web: WebHouse) -> None:
    client = web.client(web.token(Scope.READ))
    answer = client.get("/api/v1/summary")
    found = answer.json()
    assert not [name for name, value in found.items() if isinstance(value, dict | list)]
    numbers = {name: found[name] for name in ("resources", "synced", "held", "failed", "pending_approvals", "backends_down")}
    assert numbers == {"resources": 3, "synced": 1, "held": 1, "failed": 1, "pending_approvals": 1, "backends_down": 0}
    assert (found["sync"], found["world"]) == ("Failed", "memory (simulated)")
    assert client.get("/api/v1/summary", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    for standing, waiting in (("open", 1), ("changes-requested", 1), ("merged", 0)):
        web.store.proposals.put("p1", 1.0, standing, "{}")
        assert client.get("/api/v1/summary").json()["pending_proposals"] == waiting
    assert web.client().get("/api/v1/summary").status_code == 401


@pytest.mark.parametrize(
    ("syncs", "refused", "word"),
    [
        ([], False, "Synced"),
        ([Sync.SYNCED, Sync.SUSPENDED], False, "Suspended"),
        ([Sync.DRIFTED, Sync.UNKNOWN, Sync.HELD], False, "Held"),
        ([Sync.SYNCED], True, "Failed"),
    ],
)
def test_the_worst_word_counts(syncs: list[Sync], refused: bool, word: str) -> None:
    lines = tuple(Status(Key("box", f"b{index}"), sync, Health.HEALTHY) for index, sync in enumerate(syncs))
    wrong = (Diagnostic("no", Origin("a.yaml")),) if refused else ()
    found = summary(Report(0.0, Revision("r"), "r", lines, wrong, {"nas": "away", "local": ""}))
    assert (found.sync, found.refused, found.backends_up, found.backends_down) == (word, refused, 1, 1)


def test_who_is_told_is_shown_without_any_address_and_a_test_reaches_them(web: WebHouse) -> None:
    web.recipients[:] = [recipient("phone"), recipient("mail")]
    client = web.client(web.token(Scope.READ, Scope.APPLY))
    targets = client.get("/api/v1/notifications").json()["targets"]
    assert [(item["name"], item["ref"], item["sent"], item["error"]) for item in targets] == [
        ("phone", "notify/phone", 0.0, ""),
        ("mail", "notify/mail", 0.0, ""),
    ]
    web.post.sent.clear()
    assert client.post("/api/v1/notifications/test", json={"name": "mail"}).json()["results"] == [
        {"name": "mail", "arrived": True, "error": ""}
    ]
    assert [url for url, _ in web.post.sent] == ["notify/mail"]
    web.post.refuses = "its service answers with HTTP 500"
    try:
        results = client.post("/api/v1/notifications/test", json={}).json()["results"]
    finally:
        web.post.refuses = ""
    assert [(item["name"], item["arrived"], item["error"]) for item in results] == [
        ("phone", False, "its service answers with HTTP 500"),
        ("mail", False, "its service answers with HTTP 500"),
    ]
    wrong = client.post("/api/v1/notifications/test", json={"name": "phne"})
    assert (wrong.status_code, "did you mean `phone`?" in wrong.json()["detail"]) == (409, True)
