"""What a kind sees of the other documents, and what stands behind a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from controller.clients.blobs import BlobStore
from controller.clients.memory import MemoryProvider, MemoryWorld
from controller.clients.vault import AgeVault
from controller.core.errors import SpecError
from controller.core.estate import Estate, HomelabSpec
from controller.core.kind import Desired, Kind, Surroundings
from controller.core.ports import Provider
from controller.settings import read_settings
from controller.wire import backends
from controller.wire.backends import Backend, Shut, connection_problems, real_connections
from controller.wire.kinds import Tools
from tests.support.clock import HandClock
from tests.support.house import BOX, BoxSpec, House, box


def _listing(name: str, spec: BoxSpec, around: Surroundings) -> Desired:
    """A box whose environment names every zone and its size."""
    zones = around.others("zone")
    assert BOX.resolve is not None
    found = BOX.resolve(name, spec, around)
    return replace(found, state={**found.state, "zones": {each: getattr(zones[each], "size", 0) for each in sorted(zones)}})


ZONE = Kind("zone", BoxSpec, "a document without an object")
LISTING = {"box": replace(BOX, resolve=_listing), "zone": ZONE}


class _Zone(BaseModel):
    zone: str


def zone(name: str, size: object = 1) -> str:
    return f"kind: Zone\nname: {name}\nspec: {{size: {size}}}\n"


def estate(files: Mapping[str, str], kinds: Mapping[str, Kind] = LISTING, **rest: Any) -> Estate:
    house = House(kinds=kinds)
    house.book.write(files)
    return replace(house.reconciler.linker, **rest).estate(house.book.head(), house.book.read(house.book.tip))


def test_a_kind_sees_the_written_documents_of_another_kind() -> None:
    found = estate({"a.yaml": box("web", {}), "b/c.yaml": zone("home", 3) + "---\n" + zone("away")})
    (web,) = found.resources.values()
    assert web.state["zones"] == {"away": 1, "home": 3}


def test_there_may_be_none() -> None:
    (web,) = estate({"a.yaml": box("web", {})}).resources.values()
    assert web.state["zones"] == {}


def test_a_document_that_is_wrong_makes_no_second_error_elsewhere() -> None:
    page = box("page", {"uses": ["box/web"]}).replace("Box", "Page")
    kinds = {**LISTING, "zone": replace(ZONE, model=_Zone), "page": replace(BOX, name="page")}
    with pytest.raises(SpecError) as caught:
        estate({"a.yaml": box("web", {}), "b.yaml": page, "z.yaml": "kind: Zone\nname: home\nspec: {}\n"}, kinds)
    assert [(item.origin.file, item.message) for item in caught.value.diagnostics] == [("z.yaml", "'zone' is missing")]


def house_file(connections: str) -> dict[str, str]:
    return {"homelab.yaml": f"kind: Homelab\nname: home\nspec:\n  connections:\n{connections}"}


@pytest.mark.parametrize(
    ("written", "line", "message", "hint", "reason"),
    [
        ("    nas: {type: dokcer}\n", 5, "connection 'nas' has an unknown type 'dokcer'; known: ", "did you mean `docker`?",
         "a slip is named with the word that was meant"),
        ("    nas: {url: x}\n    dns:\n      type: abacus\n", 7, "unknown type 'abacus'; known: ", "known types: ",
         "what is nothing like a type is answered with all of them"),
        ("    dns: {type: docker, key: {ref: dns/key}}\n", 5, "secret 'dns/key' does not exist",
         "set it with `homelab secret set dns/key`", "a connection without its secret cannot be opened"),
    ],
    ids=["slip", "no-such-type", "no-such-secret"],
)  # fmt: skip
def test_a_wrong_connection_is_an_error_where_it_is_written(
    written: str, line: int, message: str, hint: str, reason: str
) -> None:
    with pytest.raises(SpecError) as caught:
        estate(house_file(written), check=connection_problems)
    (found,) = caught.value.diagnostics
    assert (found.origin.file, found.origin.line) == ("homelab.yaml", line), reason
    assert message in found.message
    assert found.hint.startswith(hint)


def test_a_secret_of_a_connection_is_named_by_version_and_a_new_one_is_another_declaration(tmp_path: Path) -> None:
    vault = AgeVault(tmp_path)
    vault.set("dns/key", "first-value")
    files = house_file("    dns: {type: docker, keys: [{ref: dns/key}]}\n")
    first = estate(files, vault=vault).homelab
    assert first.connections["dns"]["keys"] == [dict(vault.current("dns/key").state())]
    assert "first-value" not in repr(first)
    vault.set("dns/key", "second-value")
    assert estate(files, vault=vault).homelab != first


class _Open(MemoryProvider):
    ended = False

    def close(self) -> None:
        self.ended = True


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    vault = AgeVault(tmp_path)
    return Tools(vault, BlobStore(tmp_path), HandClock(), "me", tmp_path, tmp_path, lambda _key, _words: None)


def connect(tools: Tools, tmp_path: Path, **declared: Any) -> tuple[Provider, Any]:
    """The provider behind a connection `far`, and the connections."""
    settings = read_settings(
        {"repo": str(tmp_path), "state": str(tmp_path / "state")}, {"PATH": "", "HOME": str(tmp_path)}, tmp_path
    )
    connections = real_connections(settings, tools)
    return connections.connect(HomelabSpec(connections={"far": {"type": "abacus", **declared}}))["box", "far"], connections


def test_a_backend_is_one_line_and_is_closed_with_its_connection(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def open_abacus(name: str, declared: Mapping[str, Any], given: Tools) -> Mapping[str, Provider]:
        told.append(given.secret(declared, "key")())
        return {"box": _Open(BOX, MemoryWorld(given.clock), name)}

    monkeypatch.setattr(backends, "BACKENDS", {"abacus": Backend(("box",), open_abacus)})
    vault = tools.vault
    assert isinstance(vault, AgeVault)
    version = vault.set("dns/key", "a-value")
    provider, connections = connect(tools, tmp_path, key=dict(version.state()))
    assert isinstance(provider, _Open)
    assert told == ["a-value"]
    assert list(connection_problems("far", {"type": "abacus"})) == []
    connections.close()
    assert provider.ended


def test_a_secret_in_plain_text_shuts_the_connection_and_is_not_repeated(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_abacus(_name: str, declared: Mapping[str, Any], given: Tools) -> Mapping[str, Provider]:
        given.secret(declared, "key")
        raise AssertionError("it was opened without its secret")

    monkeypatch.setattr(backends, "BACKENDS", {"abacus": Backend(("box",), open_abacus)})
    provider, _ = connect(tools, tmp_path, key="plain-value")
    assert isinstance(provider, Shut)
    look = provider.observe([])
    assert (look.complete, look.reason) == (False, "far: key must be a reference to a secret")


def test_a_state_that_follows_something_outside_is_adapted_anew_when_that_moves() -> None:
    clock = HandClock()
    world = MemoryWorld(clock)
    record = replace(BOX, name="record", resolve=_record)
    house = House(world=world, clock=clock, kinds={"record": record})
    house.book.write({"a.yaml": box("home", {}).replace("Box", "Record")})
    house.reconcile()
    assert world.at("record", "local", "home").state["values"] == ["198.51.100.7"]  # type: ignore[union-attr]
    for _ in range(3):
        house.reconcile()
    adapted = world.faults.calls["adapt"]
    house.reconcile()
    assert world.faults.calls["adapt"] == adapted, "nothing moved: nothing is asked"
    world.move("203.0.113.9")
    assert house.plan() == "replace record/home: changed: values [allow]"
    house.reconcile()
    assert world.at("record", "local", "home").state["values"] == ["203.0.113.9"]  # type: ignore[union-attr]
    assert house.plan() == ""


def _record(name: str, spec: BoxSpec, around: Surroundings) -> Desired:
    assert BOX.resolve is not None
    found = BOX.resolve(name, spec, around)
    return replace(found, state={"status": "running", "values": ["publicIP"]})
