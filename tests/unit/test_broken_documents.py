"""Whatever stands in a document, a person gets findings to read: nothing that is wrong may end the judgement of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from controller.clients.memory import MemoryWorld
from controller.core.errors import SpecError
from controller.kinds import network, service, stack, volume
from controller.kinds.service.model import ServiceSpec
from tests.support.clock import HandClock
from tests.support.house import House

KINDS = {kind.KIND.name: kind.KIND for kind in (network, service, stack, volume)}
SANE = {"kind": "Service", "name": "sane", "spec": {"image": "App:1"}}

scraps: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", "x", "app:1", "80:80", "a:b:c", "${A}", "1g", "5s", "on-failure:3", "service:x", "./f:/f", "é", "-1"]),
    st.sampled_from([None, True, 0, -1, 7, 0.5]),
)
trees = st.recursive(
    scraps,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["source", "target", "type", "soft", "x", "ref", "test", "limits", "aliases", "host", "name", "file"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)
specs = st.dictionaries(st.sampled_from([*ServiceSpec.model_fields, "iamge", "prots"]), trees, max_size=4)


def findings(documents: list[Any]) -> list[str]:
    """What is said of documents, each in a file of its own."""
    clock = HandClock()
    house = House(clock=clock, world=MemoryWorld(clock), kinds=KINDS)
    house.book.write({f"{number}.yaml": json.dumps(document) for number, document in enumerate(documents)})
    with pytest.raises(SpecError) as caught:
        house.reconciler.linker.estate(house.book.head(), house.book.read(house.book.tip))
    assert all(item.message and item.origin.file for item in caught.value.diagnostics)
    return [item.message for item in caught.value.diagnostics]


@settings(derandomize=True, max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spec=specs)
@example(spec={"image": "app:1", "ulimits": {"core": 0}})
def test_a_service_of_scraps_hides_nothing_of_another(spec: dict[str, Any]) -> None:
    said = findings([{"kind": "Service", "name": "scraps", "spec": {"image": "app:1", **spec}}, SANE])
    assert "'App:1' is not an image reference: the repository name must be lower case" in said


@settings(derandomize=True, max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spec=specs, networks=trees, volumes=trees, configs=trees, secrets=trees)
def test_a_stack_of_scraps_hides_nothing_of_its_other_services(
    spec: dict[str, Any], networks: Any, volumes: Any, configs: Any, secrets: Any
) -> None:
    broken = {"image": "app:1", "networks": ["n"], "volumes": ["v:/v"], "configs": ["c"], "secrets": ["s"], **spec}
    services = {"scraps": broken, "sane": {"image": "App:1"}}
    sections = {
        "networks": {"n": networks}, "volumes": {"v": volumes}, "configs": {"c": configs}, "secrets": {"s": secrets}
    }  # fmt: skip
    said = findings([{"kind": "Stack", "name": "media", "spec": {"services": services, **sections}}])
    assert said
    if all("sane" not in line for line in said):
        assert "'App:1' is not an image reference: the repository name must be lower case" in said


@settings(derandomize=True, max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    envelope=st.dictionaries(st.sampled_from(["name", "spec", "needs", "mode", "protect", "labels", "sepc", "apiVersion"]), trees)
)
def test_an_envelope_of_scraps_hides_nothing_of_another(envelope: dict[str, Any]) -> None:
    said = findings([{"kind": "Service", **envelope}, SANE])
    assert "'App:1' is not an image reference: the repository name must be lower case" in said
