"""The status page: what it shows, in each of its states, and that nothing in it can become markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from controller.core.errors import Diagnostic, Origin
from controller.core.event import Event, Report, Status, Sync
from controller.core.key import Key
from controller.core.limit import YES, Ask
from controller.core.run import Outcome, RolloutRun, Run
from controller.core.state import Health
from controller.web.page_files import address, contents
from tests.support.webhouse import WebHouse

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "</main><script src=//evil.example></script>",
    "<svg/onload=alert(1)>",
    "{{ 7*7 }}{% for x in y %}",
    "\u202egnp.exe\x00\ud800",
]


class Seen(HTMLParser):
    """Every element of a page and the text of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(" ".join(data.split()))

    def words(self) -> str:
        return " ".join(self.text)


def page(web: WebHouse) -> Seen:
    answer = web.browser().get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Seen(answer.text)


def test_the_page_shows_both_truths_and_the_world(web: WebHouse) -> None:
    shown = page(web).words()
    assert "SIMULATED" in shown
    assert "box/one Synced Healthy" in shown
    assert f"Git wants {web.house.book.tip[:10]}" in shown
    assert f"Reconciled {web.house.book.tip[:10]}" in shown
    assert "2 Synced" in shown
    assert "Applied" in shown
    assert "create box/one , create box/two" in shown or "create box/one, create box/two" in shown


def test_strangers_see_a_door_and_nothing_else(web: WebHouse) -> None:
    answer = web.client().get("/")
    assert answer.status_code == 401
    shown = Seen(answer.text)
    assert "homelab token url" in shown.words()
    assert not any(word in answer.text for word in ("box/", "Synced", web.desk.instance, web.house.book.tip[:10], "SIMULATED"))
    # What the door loads is open, and nothing of it is from elsewhere.
    for tag, about in shown.elements:
        for target in (about.get("src"), about.get("href") if tag == "link" else None):
            if target:
                assert target.startswith("/static/")
                assert web.client().get(target).status_code == 200
    assert not any(tag == "nav" for tag, _ in shown.elements)


def test_a_held_rollout_says_how_it_is_approved(web: WebHouse) -> None:
    rule = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [three]}, verdict: hold}]}\n"
    web.house.book.write(
        {
            **web.house.book.trees[web.house.book.tip].contents,
            "policy/house.yaml": rule,
            "three.yaml": "kind: Box\nname: three\nspec: {}\n",
        }
    )
    report = web.reconcile()
    digest = next(status.rollout for status in report.statuses if status.sync is Sync.HELD)
    shown = page(web).words()
    assert f"homelab approve {digest[:12]}" in shown
    assert "1 Held" in shown


def test_what_only_a_person_can_do_is_told_in_full_and_not_approved(web: WebHouse) -> None:
    text = "enter at the provider: three A 198.51.100.7\nbelow: DNS settings"
    web.house.world.limit = lambda change: Ask(text) if change.key.name == "three" else YES
    contents = web.house.book.trees[web.house.book.tip].contents
    web.house.book.write({**contents, "three.yaml": "kind: Box\nname: three\nspec: {}\n"})
    web.reconcile()
    shown = page(web).words()
    assert "enter at the provider: three A 198.51.100.7" in shown
    assert "below: DNS settings" in shown
    assert "Do this by hand" in shown
    assert "homelab approve" not in shown


@pytest.mark.parametrize(
    ("trouble", "words", "reason"),
    [
        ("backend", "local does not answer", "a backend is down"),
        ("spec", "Findings in the specification", "git holds what cannot be"),
        ("gate", "RolledBack", "the last run was undone"),
        ("empty", "Nothing is declared yet", "a new house"),
    ],
)
def test_every_trouble_is_told(web: WebHouse, trouble: str, words: str, reason: str) -> None:
    if trouble == "backend":
        web.house.world.cut("local")
    elif trouble == "spec":
        web.house.book.write({"one.yaml": "kind: Box\nname: one\nspec: {sise: 1}\n"})
    elif trouble == "gate":
        web.house.commit({"one": {"image": "box:bad"}, "two": {"size": 2}})
    else:
        web.store.drop(list(web.store.rows()))
        web.house.book.write({"homelab.yaml": "kind: Homelab\nname: home\nspec: {}\n"}, parent="")
    web.reconcile()
    assert words in page(web).words(), reason


def hostile(text: str, last: Report) -> Report:
    """A report in which everything that somebody else wrote is this text."""
    status = Status(Key("box", "one"), Sync.HELD, Health.DEGRADED, text, text, text, text, text, text)
    found = Diagnostic(text, Origin(text, 1, 2, text), text, text)
    return replace(
        last,
        revision=replace(last.revision, id=text, author=text, message=text),
        live=text,
        statuses=(status,),
        diagnostics=(found,),
        backends={text: text},
        reason=text,
        world=text,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a19_nothing_that_somebody_wrote_becomes_markup(web: WebHouse, text: str) -> None:
    calm = [(tag, sorted(about)) for tag, about in page_with(web, "calm words").elements]
    seen = page_with(web, text)
    assert [(tag, sorted(about)) for tag, about in seen.elements] == calm
    for tag, about in seen.elements:
        assert not any(name.startswith("on") or name == "style" for name in about)
        if tag in ("script", "link"):
            assert str(about.get("src") or about.get("href")).startswith("/static/")
    answer = web.browser().get("/api/v1/status")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content.isascii()


def page_with(web: WebHouse, text: str) -> Seen:
    last = web.house.reconciler.last
    assert last is not None
    web.house.reconciler.last = hostile(text, last)
    clean = text.encode("utf-8", "replace").decode()
    # As many as are shown: what happens meanwhile, such as this browser's signing in, moves one out.
    web.store.append([Event(1.0, clean, clean, key=clean)] * 30)
    rollouts = (RolloutRun(clean, Outcome.FAILED, clean, ((clean, clean, clean),)),)
    web.store.save(Run("hostile", clean, clean, clean, 1.0, 2.0, Outcome.FAILED, clean, rollouts))
    return page(web)


def test_the_page_runs_nothing_that_is_written_in_it(web: WebHouse) -> None:
    for tag, about in page(web).elements:
        assert tag != "style"
        assert tag != "script" or (about["src"] == address("js/page.js") and about["type"] == "module")
    scripts = [content.decode() for name, content in contents().items() if name.endswith(".js")]
    assert len(scripts) > 5
    for script in scripts:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|localStorage", script)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("--text", "what is read"),
        ("--quiet", "what is read second"),
        ("--accent", "what is pressed"),
        ("--good", "a good state"),
        ("--warn", "a warning"),
        ("--bad", "a failure"),
        ("--busy", "something under way"),
        ("--odd", "something unusual"),
    ],
)
@pytest.mark.parametrize("ground", ["--space", "--panel", "--well"])
def test_every_colour_is_readable_on_every_ground(text: str, ground: str, reason: str) -> None:
    for theme, named in themes().items():
        lighter, darker = sorted((_light(named[text]), _light(named[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (theme, reason)


def themes() -> dict[str, dict[str, str]]:
    """The colours of each theme by name."""
    style = contents()["css/tokens.css"].decode()
    pairs = re.findall(r"(--[a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", style)
    contrast = re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", style)
    return {
        "light": {name: light for name, light, _ in pairs},
        "dark": {name: dark for name, _, dark in pairs},
        "contrast": dict(contrast),
    }


def _light(colour: str) -> float:
    """Relative luminance, as WCAG counts it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_what_is_suspended_says_by_whom_and_why(web: WebHouse) -> None:
    answer = web.client(web.token()).post("/api/v1/suspensions", json={"key": "box/one", "reason": "the disk is being replaced"})
    assert answer.status_code == 201
    web.reconcile()
    page = web.browser().get("/").text
    badge = '<span class="badge suspended"{}>Suspended</span>'
    assert page.count(badge.format("")) == 2, "the counts of sync and of health"
    assert page.count(badge.format(' title="Sync"')) == page.count(badge.format(' title="Health"')) == 1
    assert "suspended by tester: the disk is being replaced" in page
