"""What hangs on what: from the zone of a host to the volume of the service behind it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from controller.usecases.look import Look
from controller.usecases.topology import TopologyView, topology, topology_now
from tests.support.hosts import house_of_hosts
from tests.support.house import House


def look(house: House) -> Look:
    return Look(house.reconciler, house.book, house.store)


@pytest.fixture(scope="module")
def found() -> TopologyView:
    house = house_of_hosts()
    house.reconcile()
    view = topology(look(house))
    assert view is not None
    return view


def test_the_whole_way_of_a_host_is_there(found: TopologyView) -> None:
    edges = {(edge.source, edge.target): edge.word for edge in found.edges}
    way = [
        "zone/example.net",
        "record/wildcard-example-net-a",
        "certificate/web-example-net",
        "route/web-example-net",
        "service/web",
        "volume/kept",
    ]
    words = [edges[ends] for ends in pairwise(way)]
    assert words == ["holds", "is secured by", "secures", "leads to", "keeps data in"]
    assert edges["service/web", "volume/web_pictures"] == "keeps data in", "a volume without a document of its own"
    assert edges["service/web", "service/base"] == "needs"


def test_what_follows_from_others_is_left_out(found: TopologyView) -> None:
    ends = {(edge.source, edge.target) for edge in found.edges}
    assert ("record/wildcard-example-net-a", "route/web-example-net") not in ends, "the certificate is between"
    assert ("certificate/web-example-net", "service/web") not in ends, "the route is between"
    assert ("route/web-example-net", "service/base") not in ends, "the service is between"
    assert all(edge.source != edge.target for edge in found.edges)


def test_nodes_tell_how_they_stand(found: TopologyView) -> None:
    nodes = {node.id: node for node in found.nodes}
    assert {edge.source for edge in found.edges} | {edge.target for edge in found.edges} <= set(nodes)
    assert (nodes["service/web"].sync, nodes["service/web"].health) == ("Synced", "Healthy")
    assert nodes["record/wildcard-example-net-a"].name == "*.example.net A"
    assert nodes["record/wildcard-example-net-a"].part_of == "domain/example"
    assert nodes["certificate/web-example-net"].name == "web.example.net"
    assert (nodes["zone/example.net"].sync, nodes["zone/example.net"].key) == ("", "")
    assert (nodes["volume/web_pictures"].sync, nodes["volume/web_pictures"].key) == ("", "")
    assert nodes["volume/kept"].key == "volume/kept"
    assert [node.id for node in found.nodes] == sorted(nodes)


def test_before_the_first_pass_nothing_is_looked_at() -> None:
    house = house_of_hosts()
    assert topology(look(house)) is None
    assert {node.sync for node in topology_now(look(house)).nodes} == {"Pending", ""}


def test_needs_alone_make_a_graph_too() -> None:
    house = House()
    house.commit({"top": {"uses": ["box/middle", "box/low"]}, "middle": {"uses": ["box/low"]}, "low": {}, "alone": {}})
    house.reconcile()
    view = topology(look(house))
    assert view is not None
    assert [(edge.source, edge.word, edge.target) for edge in view.edges] == [
        ("box/middle", "needs", "box/low"),
        ("box/top", "needs", "box/middle"),
    ]
    assert "box/alone" in {node.id for node in view.nodes}


def test_an_empty_house_has_nothing() -> None:
    house = House()
    house.book.write({"homelab.yaml": "kind: Homelab\nname: home\nspec: {}\n"})
    house.reconcile()
    view = topology(look(house))
    assert view is not None
    assert (view.nodes, view.edges) == ((), ())
