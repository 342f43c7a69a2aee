"""Metrics: what Prometheus reads, by its own parser and the rules of its linter, and what the guide says of them."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from controller.clients.tally import OTHER, PROVIDERS, TALLY, Ended, Tally, answered, asking
from controller.core.decision import Quarantine
from controller.core.errors import JournalError
from controller.usecases.look import Look
from controller.web.feed import Feed
from controller.web.metrics import Meter
from tests.support.hosts import house_of_hosts
from tests.support.house import House

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "metrics.md"


class Streams:
    """Two listen, three were let go."""

    dropped = 3

    def listeners(self) -> int:
        return 2


def meter(house: House, counts: dict[tuple[str, str], int] | None = None) -> Meter:
    made = Meter(Look(house.reconciler, house.book, house.store), "memory (simulated)", lambda: counts or {})
    made.follow(Streams())
    return made


def families(made: Meter) -> dict[str, Metric]:
    """Everything that is told, by name as it is exposed."""
    return {each.name: each for each in text_string_to_metric_families(made.text().decode())}


def values(made: Meter) -> dict[tuple[str, str], float]:
    """Samples by name and labels."""
    found = [sample for each in families(made).values() for sample in each.samples]
    return {(sample.name, ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value for sample in found}


def test_the_house_in_numbers() -> None:
    house = house_of_hosts()
    made = meter(house, {("docker", "200"): 7, ("zoneedit", "429"): 1})
    assert values(made)["homelab_store_up", ""] == 1
    assert not [name for name, _ in values(made) if "certificate" in name], "nothing was seen yet"
    house.reconcile()
    until = datetime(2027, 3, 1, 12, 30, tzinfo=UTC)
    house.world.edit("certificate", "caddy", "web.example.net", expires=until.strftime("%Y-%m-%d %H:%M UTC"))
    house.reconcile()
    house.store.quarantine(Quarantine("f" * 64, {"box/web": "f" * 64}, "box/web", "it failed", "0" * 40, 1.0))
    found = values(made)
    assert found["homelab_certificate_expiry_timestamp_seconds", "host=web.example.net"] == until.timestamp()
    assert found["homelab_provider_requests_total", "code=200,provider=docker"] == 7
    assert found["homelab_provider_requests_total", "code=429,provider=zoneedit"] == 1
    assert found["homelab_open_quarantines", ""] == 1
    assert found["homelab_pending_proposals", ""] == 0
    assert (found["homelab_event_listeners", ""], found["homelab_event_listeners_dropped_total", ""]) == (2, 3)


def test_a_feed_is_what_is_followed() -> None:
    assert {"listeners", "dropped"} <= {*dir(Feed), *Feed.__init__.__code__.co_names}


def test_a_store_that_does_not_answer_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    house = house_of_hosts()
    house.reconcile()
    made = meter(house)

    def broken() -> Any:
        raise JournalError("the disk is full")

    monkeypatch.setattr(house.store, "quarantined", broken)
    found = values(made)
    assert found["homelab_store_up", ""] == 0
    assert ("homelab_pending_proposals", "") not in found
    assert any(name == "homelab_resources" for name, _ in found), "the rest is still told"


def test_names_are_as_promtool_wants_them() -> None:
    """The rules of `promtool check metrics` (prometheus/prometheus, promlint)."""
    house = house_of_hosts()
    house.reconcile()
    made = meter(house, {("docker", "200"): 7})
    made.passed(house.reconciler.last, 0.1)
    units = ("milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent", "celsius_degrees")
    found = families(made)
    assert len(found) >= 14
    for name, family in found.items():
        assert family.documentation, f"{name}: no help text"
        assert re.fullmatch(r"homelab_[a-z]+(_[a-z]+)*", name), f"{name}: not snake case"
        assert not name.endswith(units), f"{name}: no base unit"
        assert not re.search(r"gauge|counter|histogram|summary", name), f"{name}: its type in its name"
        if family.type != "counter":
            assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_info")) or name == "homelab_build_info", name
        for sample in family.samples:
            assert (sample.name.endswith("_total")) is (family.type == "counter"), sample.name
            assert all(re.fullmatch(r"[a-z]+", label) for label in sample.labels), sample
            assert family.type == "histogram" or not {"le", "quantile"} & set(sample.labels), sample


def test_the_guide_knows_every_metric_and_no_other() -> None:
    house = house_of_hosts()
    house.reconcile()
    made = meter(house, {("docker", "200"): 7})
    text = GUIDE.read_text()
    exposed = {f"{name}_total" if family.type == "counter" else name for name, family in families(made).items()}
    assert set(re.findall(r"^\| `(homelab_\w+)`", text, re.MULTILINE)) == exposed
    blocks = [
        yaml.safe_load(re.sub(r"^   ", "", block, flags=re.MULTILINE))
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    ]
    rules = [rule for block in blocks for group in block.get("groups", ()) for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 4
    assert {name for rule in rules for name in re.findall(r"homelab_\w+", rule["expr"])} <= exposed
    assert set(re.findall(r"\w+", text.partition("`provider` (")[2].partition(")")[0])) == PROVIDERS


def test_codes_are_few_whatever_a_server_answers() -> None:
    tally = Tally()
    for status in (200, 404, 599, 999, 0, -1, 10**9):
        tally.count("caddy", status)
    assert dict(tally.counts()) == {("caddy", "200"): 1, ("caddy", "404"): 1, ("caddy", OTHER): 5}
    for provider, code in (("my own words", 200), ("caddy", "a text of the server")):
        with pytest.raises(ValueError, match="not counted"):
            tally.count(provider, code)


def _garbage(ended: Ended) -> None:
    """An answer came, and made no sense."""
    ended(200)
    b"\xff".decode()


def test_a_request_counts_once_however_it_ends() -> None:
    before = TALLY.counts()

    def more() -> dict[str, int]:
        return {
            code: n - before.get((p, code), 0)
            for (p, code), n in TALLY.counts().items()
            if p == "oidc" and n > before.get((p, code), 0)
        }

    with asking("oidc"):
        pass
    with asking("oidc") as ended:
        ended(503)
    with pytest.raises(OSError, match="reset"), asking("oidc"):
        raise OSError("reset")
    with pytest.raises(UnicodeDecodeError), asking("oidc") as ended:
        _garbage(ended)
    reply = requests.Response()
    reply.status_code = 418
    answered("oidc")(reply, timeout=3)
    assert more() == {"ok": 1, "503": 1, "error": 1, "200": 1, "418": 1}


def test_every_door_counts() -> None:
    """Whoever is in the list is counted somewhere, and every module that opens a session of its own counts."""
    counted: set[str] = set()
    for file in (ROOT / "controller" / "clients").rglob("*.py"):
        tree = ast.parse(file.read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        named = {ast.unparse(call.func) for call in calls}
        here = {
            str(call.args[0].value)
            for call in calls
            if ast.unparse(call.func) in ("asking", "answered", "TALLY.count") and isinstance(call.args[0], ast.Constant)
        }
        counted |= here
        opens = {
            "requests.Session",
            "HTTPConnection",
            "dns.query.tcp",
            "dns.query.inbound_xfr",
            "client.ClientNetwork",
            "OAuth2Session",
            "docker.APIClient",
        }
        visitor = file.name == "probe.py"  # it comes as a visitor does: that is no request to a provider
        assert here or visitor or not opens & named, f"{file.name} asks somebody and counts nothing"
    assert counted == PROVIDERS
