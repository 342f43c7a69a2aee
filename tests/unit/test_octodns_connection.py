"""octoDNS connections: what is wrong is told where it is written, and what provider packages do is kept from doing harm."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from controller.clients.octodns.translating import passes
from controller.core.change import Action, Change
from controller.core.errors import Permanent, Problem, ProviderError, Rejected, Transient
from controller.core.key import Key
from controller.core.limit import YES, Never
from controller.core.ports import Adapts, Batches, Clock, Follows, Gates, Limits, Watches
from controller.core.state import ABSENT, Present, Receipt, State, Target
from controller.kinds.record import RecordProvider, octodns_problems, open_octodns
from tests.contract.yard import NO
from tests.support import octodns_cabinet
from tests.support.clock import HandClock
from tests.support.octodns_cabinet import Drawer

ZONE = "example.net"
IT = Key("record", "it")
GOOD = {
    "type": "octodns",
    "class": "octodns_powerdns.PowerDnsProvider",
    "options": {"host": "192.0.2.60", "api_key": {"ref": "dns/powerdns"}},
    "zones": [ZONE],
}


@dataclass
class Tools:
    """What a provider is given; every secret is "open"."""

    state: Path
    clock: Clock = field(default_factory=HandClock)

    def secret(self, declared: Mapping[str, Any], name: str) -> Callable[[], str]:
        if not isinstance(declared.get(name), Mapping):
            raise Rejected([Problem((name,), f"{name} must be a reference to a secret")])
        return lambda: "open"


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> Drawer:
    """An account with one zone, in which somebody keeps two records."""
    made = Drawer()
    made.put(ZONE, "", "NS", "ns1.example.org.", "ns2.example.org.", ttl=3600)
    made.put(ZONE, "theirs", "A", "192.0.2.99")
    monkeypatch.setattr(octodns_cabinet, "DRAWERS", {"home": made})
    monkeypatch.setitem(sys.modules, "octodns_cabinet", octodns_cabinet)
    return made


def opened(folder: Path, **options: Any) -> RecordProvider:
    declared = {
        "type": "octodns",
        "class": "octodns_cabinet.CabinetProvider",
        "options": {"drawer": "home", "token": {"ref": "dns/cabinet"}, **options},
        "zones": [ZONE],
        "servers": [],
    }
    provider = open_octodns("dns", declared, Tools(folder))["record"]
    assert isinstance(provider, RecordProvider)
    return provider


def state(name: str, *values: str, record_type: str = "A", ttl: int = 0) -> State:
    found = {"zone": ZONE, "name": f"{name}.{ZONE}", "type": record_type, "values": sorted(values)}
    return {**found, "ttl": ttl} if ttl else found


def change(before: State | None, after: State | None) -> Change:
    held = after or before or {}
    action = Action.DELETE if after is None else Action.CREATE if before is None else Action.UPDATE
    return Change(IT, "dns", f"{held['name']} {held['type']} in {ZONE}", action, before, after, "test")


def look(provider: RecordProvider, name: str) -> object:
    return provider.observe([Target(IT, f"{name}.{ZONE} A in {ZONE}")]).of(IT)


def test_a_good_connection_opens_without_connecting(tmp_path: Path) -> None:
    assert list(octodns_problems("dns", GOOD)) == []
    provider: object = open_octodns("dns", GOOD, Tools(tmp_path))["record"]
    for ability in (Adapts, Batches, Follows, Gates, Limits, Watches):
        assert isinstance(provider, ability)


@pytest.mark.parametrize(
    ("wrong", "path", "reason"),
    [
        ({"class": None}, ("class",), "which provider?"),
        ({"class": "subprocess.Popen"}, ("class",), "no code of this machine is run"),
        ({"class": "octodns.provider.yaml.YamlProvider"}, ("class",), "no provider package"),
        ({"class": "octodns_powerdns"}, ("class",), "a package is no class"),
        ({"class": "octodns_powerdns.NoSuchProvider"}, ("class",), "the package has no such class"),
        ({"class": "octodns_powerdns.HTTPError"}, ("class",), "a class of the package that is no provider"),
        ({"options": ["a"]}, ("options",), "a list is no map"),
        ({"options": {"host": "a", "api_key": "plain"}}, ("options", "api_key"), "a secret in plain text"),
        ({"options": {"host": "a", "application_key": "plain"}}, ("options", "application_key"), "and by another name"),
        ({"options": {"host": {"name": "a"}}}, ("options", "host"), "a map is no value"),
        ({"options": {"id": "x"}}, ("options", "id"), "set here"),
        ({"options": {"a b": "x"}}, ("options", "a b"), "no word"),
        ({"zones": None}, ("zones",), "which zones?"),
        ({"zones": []}, ("zones",), "none is no use"),
        ({"zones": [ZONE, "a..b"]}, ("zones", 1), "no name"),
        ({"host": "x"}, ("host",), "a field that nobody knows"),
        ({"propagation": 0}, ("propagation",), "the common fields are checked too"),
    ],
)
def test_what_is_wrong_is_told_where_it_is_written(
    wrong: Mapping[str, Any], path: tuple[str | int, ...], reason: str, tmp_path: Path
) -> None:
    declared = {word: value for word, value in {**GOOD, **wrong}.items() if value is not None}
    with pytest.raises(Rejected) as caught:
        open_octodns("dns", declared, Tools(tmp_path))
    assert [problem.path for problem in caught.value.problems] == [path], reason
    assert "plain" not in str(caught.value)


@pytest.mark.parametrize("missing", ["octodns", "octodns_powerdns"])
def test_a_missing_package_is_named_with_its_remedy(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == missing]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(Rejected) as caught:
        open_octodns("dns", GOOD, Tools(tmp_path))
    (problem,) = caught.value.problems
    assert "pip install 'homelabhub[octodns]' octodns-powerdns" in problem.message
    assert "\n" not in problem.message


def test_only_the_sets_that_change_are_in_the_plan(drawer: Drawer, tmp_path: Path) -> None:
    provider = opened(tmp_path)
    before = {place: dict(data) for place, data in drawer.zones[ZONE].items()}
    changes = [change(None, state("one", "192.0.2.1")), change(None, state("two", "192.0.2.2", ttl=60))]
    results = provider.apply_many(changes, NO)
    assert not [each for each in results if isinstance(each, ProviderError)]
    assert drawer.written == ["one A", "two A"]
    assert {place: data for place, data in drawer.zones[ZONE].items() if place[0] not in ("one", "two")} == before


def test_each_look_sees_what_somebody_changed(drawer: Drawer, tmp_path: Path) -> None:
    provider = opened(tmp_path)
    assert look(provider, "it") is ABSENT
    drawer.put(ZONE, "it", "A", "192.0.2.66")
    found = look(provider, "it")
    assert isinstance(found, Present)
    assert found.state["values"] == ["192.0.2.66"]


def test_a_write_that_breaks_halfway_is_finished_by_the_next(drawer: Drawer, tmp_path: Path) -> None:
    provider = opened(tmp_path)
    changes = [change(None, state(name, "192.0.2.1")) for name in ("one", "two", "three")]
    drawer.break_after = 1
    results = provider.apply_many(changes, NO)
    assert all(isinstance(each, Transient) for each in results), results
    assert len(drawer.written) == 1
    drawer.break_after = -1
    assert not [each for each in provider.apply_many(changes, NO) if isinstance(each, ProviderError)]
    assert sorted(drawer.written) == ["one A", "three A", "two A"], "what was done is not done again"


def test_a_ttl_that_the_provider_raises_is_refused(drawer: Drawer, tmp_path: Path) -> None:
    drawer.least_ttl = 120
    wanted = change(None, state("it", "192.0.2.7", ttl=60))
    telling, silent = opened(tmp_path), opened(tmp_path, says_least=False)
    for provider in (telling, silent):
        assert isinstance(provider, Limits)
    assert isinstance(said := telling.limit(wanted), Never)  # type: ignore[attr-defined]
    assert "120" in said.why
    assert telling.limit(change(None, state("it", "192.0.2.7"))) == YES  # type: ignore[attr-defined]
    assert silent.limit(wanted) == YES  # type: ignore[attr-defined]
    with pytest.raises(Permanent, match=r"TTL 120.*put back"):
        silent.apply(wanted, NO)
    assert look(silent, "it") is ABSENT


def test_what_cannot_be_held_does_not_hold_up_the_rest(drawer: Drawer, tmp_path: Path) -> None:
    drawer.least_ttl = 120
    provider = opened(tmp_path, says_least=False)
    changes = [change(None, state(name, "192.0.2.1", ttl=ttl)) for name, ttl in (("one", 300), ("two", 60), ("three", 600))]
    one, two, three = provider.apply_many(changes, NO)
    assert isinstance(two, Permanent)
    assert [each.state["ttl"] for each in (one, three) if isinstance(each, Receipt) and each.state] == [300, 600]
    assert sorted(name for name, _ in drawer.zones[ZONE]) == ["", "one", "theirs", "three"]


@pytest.mark.parametrize(
    ("after", "said", "reason"),
    [
        (state("it", "10 mx.example.org.", record_type="MX"), "A, AAAA, CNAME, NS, TXT", "not among SUPPORTS"),
        (state("it", '"a \\" quote"', record_type="TXT"), "quotes", "spelled in two ways"),
    ],
)
def test_what_the_provider_cannot_hold_is_never(after: State, said: str, reason: str, drawer: Drawer, tmp_path: Path) -> None:
    answer = opened(tmp_path).limit(change(None, after))  # type: ignore[attr-defined]
    assert isinstance(answer, Never), reason
    assert said in answer.why


def test_settings_of_the_provider_stay_and_are_never_deleted(drawer: Drawer, tmp_path: Path) -> None:
    own = {"cabinet": {"proxied": True}}
    drawer.put(ZONE, "it", "A", "192.0.2.7", octodns=own)
    provider = opened(tmp_path)
    found = look(provider, "it")
    assert isinstance(found, Present)
    gone = change(found.state, None)
    assert isinstance(provider.limit(gone), Never)  # type: ignore[attr-defined]
    with pytest.raises(Permanent, match="settings of its provider"):
        provider.apply(gone, NO)
    provider.apply(change(found.state, state("it", "192.0.2.8")), NO)
    held = drawer.zones[ZONE]["it", "A"]
    assert (held["value"], held["octodns"]) == ("192.0.2.8", own)


def test_a_provider_that_only_writes_whole_zones_is_refused(drawer: Drawer, tmp_path: Path) -> None:
    provider = opened(tmp_path, whole=True)
    found = provider.observe([Target(IT, f"it.{ZONE} A in {ZONE}")])
    assert not found.complete
    assert "as a whole" in found.reason
    with pytest.raises(Permanent, match="as a whole"):
        provider.apply(change(None, state("it", "192.0.2.7")), NO)
    assert drawer.written == []


@pytest.mark.parametrize(("known", "works"), [(True, True), (False, False)], ids=["empty", "none"])
def test_an_empty_zone_is_filled_and_none_is_made(known: bool, works: bool, drawer: Drawer, tmp_path: Path) -> None:
    drawer.zones = {ZONE: {}} if known else {}
    provider = opened(tmp_path)
    assert provider.observe([Target(IT, f"it.{ZONE} A in {ZONE}")]).complete is works
    if works:
        provider.apply(change(None, state("it", "192.0.2.7")), NO)
        assert drawer.written == ["it A"]
    else:
        with pytest.raises(Permanent, match="make the zone there first"):
            provider.apply(change(None, state("it", "192.0.2.7")), NO)


def test_a_secret_is_not_in_what_is_said(drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tools, "secret", lambda *_: lambda: "s3cr3t")
    found = opened(tmp_path).observe([Target(IT, f"it.{ZONE} A in {ZONE}")])
    assert not found.complete
    assert "s3cr3t" not in found.reason
    assert "does not open with ***" in found.reason


def test_a_secret_that_is_gone_makes_everything_unknown(drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise KeyError("dns/cabinet")

    monkeypatch.setattr(Tools, "secret", lambda *_: missing)
    provider = opened(tmp_path)
    assert not provider.observe([Target(IT, f"it.{ZONE} A in {ZONE}")]).complete
    with pytest.raises(Transient, match="not in the vault"):
        provider.apply(change(None, state("it", "192.0.2.7")), NO)


class _Answer:
    def __init__(self, status: int) -> None:
        self.status_code = status


class _Http(OSError):
    def __init__(self, status: int) -> None:
        self.response = _Answer(status)


class _Aws(Exception):
    def __init__(self, status: int) -> None:
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class _CloudRateLimitError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "later", "reason"),
    [
        (ConnectionRefusedError(), True, "nobody there"),
        (_Http(503), True, "the server is down"),
        (_Http(429), True, "too many questions"),
        (_Http(403), False, "not allowed"),
        (_Aws(500), True, "of the AWS library"),
        (_Aws(400), False, "of the AWS library, our fault"),
        (_CloudRateLimitError(), True, "by its name"),
        (ValueError("no such type"), False, "anything else"),
        (Exception("update failed: SERVFAIL"), True, "a DNS server that cannot now"),
    ],
)
def test_what_a_new_try_is_worth(error: Exception, later: bool, reason: str) -> None:
    assert passes(error) is later, reason
    wrapped = RuntimeError("the package wraps it")
    wrapped.__cause__ = error
    assert passes(wrapped) is later, reason
