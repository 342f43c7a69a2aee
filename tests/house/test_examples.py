"""The example estate and the small examples: they load without a finding, are applied, and leave nothing to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from controller.clients.memory import MemoryProvider, MemoryWorld
from controller.clients.vault import AgeVault
from controller.core.decision import Approval, Decision, Verdict
from controller.core.errors import SpecError
from controller.core.estate import Estate
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.kind import Heed
from controller.core.run import Outcome
from controller.core.state import Health
from controller.wire import load_kinds
from tests.support.clock import HandClock
from tests.support.house import House

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
EXAMPLES = sorted(folder for folder in (ROOT / "examples").iterdir() if folder.is_dir())
GIVEN = re.findall(r"^for ref in (.*); do$", (SPECS / "README.md").read_text(), re.MULTILINE)[0].split()
KINDS = load_kinds()


def written(folder: Path) -> dict[str, str]:
    """The files of a spec repository."""
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


WHO = {"public": (True, False), "vpn": (False, True), "private": (False, False)}
"""Who may come in: everybody, the VPN."""


class Home:
    """A spec repository as a person would have it, with a vault of its own, on the simulated world."""

    def __init__(self, files: Mapping[str, str], folder: Path, given: Sequence[str] = ()) -> None:
        self.files = dict(files)
        self.vault = AgeVault(folder)
        for ref in given:
            self.vault.set(ref, f"the value of {ref}")
        clock = HandClock()
        self.world = MemoryWorld(clock)
        self.house = House(world=self.world, clock=clock, kinds=KINDS, vault=self.vault)
        self.house.book.write(self.files)
        for connection in self.estate().homelab.connections:
            behind = {(name, connection): MemoryProvider(kind, self.world, connection) for name, kind in KINDS.items()}
            self.house.providers = {**self.house.providers, **behind}
        for key, resource in self.estate().resources.items():
            if KINDS[key.kind].heeds(resource.state) is Heed.REPORT:  # nobody makes it: it is there, as declared
                self.world.put(key.kind, resource.provider, resource.address, resource.state)

    def estate(self) -> Estate:
        head = self.house.book.head()
        return self.house.reconciler.linker.estate(head, self.house.book.read(head.id))

    def commit(self, path: str, old: str, new: str) -> None:
        """Change a text in a file."""
        assert old in self.files[path], path
        self.files[path] = self.files[path].replace(old, new)
        self.house.book.write(self.files)

    def apply(self) -> Outcome:
        """One pass; how its newest run ended."""
        self.house.reconcile()
        return self.house.store.runs()[0].outcome

    def decisions(self) -> dict[Key, Decision]:
        """What the rules say about every change of the plan."""
        found = self.house.reconciler.survey()
        return {key: found.decisions[rollout.digest] for rollout in found.plan.rollouts for key in rollout.keys}

    def running(self, connection: str = "local") -> dict[str, str]:
        """Image of every container behind a connection."""
        return {name: thing.state["image"] for name, thing in self.world.things("service", connection).items()}


@pytest.mark.parametrize(
    ("folder", "given"), [(SPECS, GIVEN), *((folder, ()) for folder in EXAMPLES)], ids=["specs", *(e.name for e in EXAMPLES)]
)
def test_it_loads_without_a_finding_is_applied_and_leaves_nothing_to_do(
    folder: Path, given: Sequence[str], tmp_path: Path
) -> None:
    home = Home(written(folder), tmp_path, given)
    estate = home.estate()
    assert estate.warnings == ()
    assert estate.resources
    assert {decision.verdict for decision in home.decisions().values()} == {Verdict.ALLOW}
    assert home.apply() is Outcome.APPLIED
    assert home.house.plan() == ""
    report = home.house.reconcile()
    assert {(item.sync, item.health) for item in report.statuses} == {(Sync.SYNCED, Health.HEALTHY)}
    assert {item.key for item in report.statuses} == set(estate.resources)


def test_the_estate_asks_for_exactly_the_secrets_that_its_readme_lists(tmp_path: Path) -> None:
    home = Home({}, tmp_path)
    home.house.book.write(written(SPECS))
    with pytest.raises(SpecError) as caught:
        home.estate()
    missing = {re.sub(r"secret '(.*)' does not exist", r"\1", item.message) for item in caught.value.diagnostics}
    assert missing == set(GIVEN)


def test_the_estate_holds_what_its_readme_says(tmp_path: Path) -> None:
    estate = Home(written(SPECS), tmp_path, GIVEN).estate()
    pattern = r"^\| (\S+) \| `(service/\S+)`.* \| (\d+) \| (\w+) \| "
    table = re.findall(pattern, (SPECS / "README.md").read_text(), re.MULTILINE)
    assert len(table) == 9
    for host, name, port, who in table:
        state = estate.resources[Key.parse(name)].state
        test = " ".join(state["healthcheck"]["test"])
        assert f":{port}/" in test or port in ("80", "5000"), name
        route = estate.resources[Key("route", host.replace(".", "-"))]
        places = [f"{state['networks'][network]['ipv4_address']}:{port}" for network in state["edge"]]
        assert sorted(route.state["target"]["upstreams"]) == sorted(places)
        assert (route.state["allow"] == "everybody", "10.8.0.0/24" in route.state["allow"]) == WHO[who], f"{host} is {who}"
        assert {need.kind for need in route.needs} == {"record", "service"}


def test_the_proxy_of_the_estate_is_where_its_connection_says(tmp_path: Path) -> None:
    estate = Home(written(SPECS), tmp_path, GIVEN).estate()
    caddy = estate.resources[Key("service", "caddy")].state
    admin = str(estate.homelab.connections["caddy"]["admin"]).removeprefix("unix://")
    (start,) = re.findall(r"content: '(.*)'", written(SPECS)["services/caddy.yaml"])
    assert json.loads(start) == {"admin": {"listen": f"unix/{admin}"}}
    (shared,) = caddy["volumes"]
    assert admin.startswith(f"{shared}/")
    exposed = estate.resources[Key("service", "n8n")].state["edge"]
    assert exposed.keys() <= caddy["networks"].keys(), "it is where the services are"


ALLOWED = {
    "device:/dev/dri": Key("service", "plex"),
    "host-path:/run/dbus": Key("service", "homeassistant"),
}


@pytest.mark.parametrize("concern", ALLOWED)
def test_the_estate_is_denied_what_its_policy_does_not_allow(concern: str, tmp_path: Path) -> None:
    files = written(SPECS)
    files["policy/hardware.yaml"] = files["policy/hardware.yaml"].replace(f'"{concern}"', '"nothing"')
    home = Home(files, tmp_path, GIVEN)
    denied = {key: item.rule for key, item in home.decisions().items() if item.verdict is Verdict.DENY}
    assert denied[ALLOWED[concern]] == concern
    assert set(denied.values()) == {concern}, "only what stands or falls with it is denied"


def test_the_policy_of_the_estate_allows_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    estate = Home(written(SPECS), tmp_path, GIVEN).estate()
    risky = {(key, risk.name) for key, resource in estate.resources.items() for risk in resource.risks}
    assert risky == {(key, name) for name, key in ALLOWED.items()}
    concerns = {concern for rule in estate.policy.rules for concern in rule.match.concerns}
    assert concerns == set(ALLOWED)


def test_a_commit_to_a_page_publishes_it(tmp_path: Path) -> None:
    home = Home(written(ROOT / "examples" / "one-service"), tmp_path)
    home.apply()
    before = home.world.things("service", "local")["notes"].state["volumes"]
    home.commit("pages/index.html", "Change me", "I was changed")
    assert "service/notes" in home.house.plan()
    assert home.apply() is Outcome.APPLIED
    after = home.world.things("service", "local")["notes"].state["volumes"]
    assert {path for path in before if before[path] != after[path]} == {"/usr/share/nginx/html"}


def test_no_value_of_a_secret_is_written_down(tmp_path: Path) -> None:
    home = Home(written(ROOT / "examples" / "one-service"), tmp_path)
    home.apply()
    (value,) = home.vault.export().values()
    store = home.house.store
    runs = store.runs()
    steps = [step for run in runs for step in store.entries(run.id)]
    assert steps
    said = (home.house.said, list(store.rows().values()), runs, steps, dict(home.world.things("service", "local")))
    assert "notes/session" in repr(said)
    assert value not in repr(said)


def test_a_new_version_of_a_stack_that_does_not_live_is_taken_back(tmp_path: Path) -> None:
    home = Home(written(ROOT / "examples" / "compose-stack"), tmp_path)
    home.apply()
    before = home.running()
    home.commit("blog/compose.yaml", "image: mysql:8.4", "image: mysql:bad")
    assert home.apply() is Outcome.ROLLED_BACK
    assert home.running() == before
    assert set(before) == {"blog-web", "blog-database"}, "the profile of `debug` is not active"
    failed = [item for item in home.house.reconcile().statuses if item.sync is Sync.FAILED]
    assert Key("service", "blog-database") in {item.key for item in failed}


def test_the_heating_waits_for_a_person(tmp_path: Path) -> None:
    home = Home(written(ROOT / "examples" / "house-rules"), tmp_path)
    home.apply()
    home.commit("services/heating.yaml", "4.1.1", "4.1.2")
    home.house.reconcile()
    assert home.running()["heating"].startswith("nodered/node-red:4.1.1")
    found = home.house.reconciler.survey()
    (rollout,) = found.plan.rollouts
    assert found.decisions[rollout.digest].rule == "somebody-is-at-home"
    home.house.store.approve(Approval(rollout.digest, True, "Ann", 0.0))
    assert home.apply() is Outcome.APPLIED
    assert home.running()["heating"].startswith("nodered/node-red:4.1.2")


def test_hardware_is_denied_without_its_rule(tmp_path: Path) -> None:
    home = Home(written(ROOT / "examples" / "house-rules"), tmp_path)
    home.commit("policy/house.yaml", "names: [jellyfin]", "names: [somebody-else]")
    denied = [key for key, decision in home.decisions().items() if decision.verdict is Verdict.DENY]
    assert denied == [Key("service", "jellyfin")]


def test_each_of_two_hosts_gets_its_own_and_one_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    home = Home(written(ROOT / "examples" / "two-hosts"), tmp_path)
    home.apply()
    assert set(home.running()) == {"dashboard"}
    assert set(home.running("nas")) == {"syncthing"}
    home.world.cut("nas")
    home.commit("dashboard.yaml", "v1.7.0", "v1.8.0")
    report = home.house.reconcile()
    assert "v1.8.0" in home.running()["dashboard"]
    assert {str(item.key): item.sync for item in report.statuses}["service/syncthing"] is Sync.UNKNOWN
    home.world.mend("nas")
    home.house.reconcile()
    assert set(home.running("nas")) == {"syncthing"}
