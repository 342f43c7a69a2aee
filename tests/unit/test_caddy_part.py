"""The part of a configuration that is written comes to the same as writing all of it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.caddy.part import ROOT, part

_LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab/", max_size=2)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c d", "e/f"]), inner, max_size=3),
    max_leaves=20,
)


def caddy(document: Any, method: str, path: str, value: Any) -> Any:
    """What Caddy makes of a call (`unsyncedConfigAccess` in its admin.go)."""
    steps = [step for step in path.removeprefix(ROOT).split("/") if step]
    if not steps:
        assert method == "POST"
        return value
    document = deepcopy(document)
    owner = document
    for step in steps[:-1]:
        owner = owner[int(step)] if isinstance(owner, list) else owner[step]
    last = steps[-1]
    if isinstance(owner, list):
        assert method in ("PUT", "PATCH")
        assert 0 <= int(last) < len(owner)
        owner[int(last) : int(last) + (method == "PATCH")] = [value]
    elif method == "PUT":
        assert last not in owner
        owner[last] = value
    elif method == "PATCH":
        assert last in owner
        owner[last] = value
    else:
        assert isinstance(owner[last], list)
        owner[last].append(value)
    return document


@given(old=_TREES, new=_TREES)
@settings(derandomize=True, max_examples=400)
def test_any_configuration_becomes_any_other(old: Any, new: Any) -> None:
    call = part(old, new)
    assert caddy(old, call.method, call.path, call.value) == new


ROUTES = [{"@id": "homelab:a"}, {"@id": "homelab:c"}]


@pytest.mark.parametrize(
    ("routes", "method", "path", "reason"),
    [
        ([ROUTES[0], {"@id": "homelab:b"}, ROUTES[1]], "PUT", "/1", "a route between others"),
        ([*ROUTES, {"@id": "homelab:d"}], "POST", "", "a route at the end"),
        ([ROUTES[0], {"@id": "homelab:c", "terminal": True}], "PATCH", "/1", "a route that changes"),
        ([ROUTES[1]], "PATCH", "", "a route that goes: the list is written"),
        ([{"@id": "x"}, *ROUTES, {"@id": "y"}], "PATCH", "", "two routes more: the list is written"),
    ],
)
def test_one_route_is_written_alone(routes: list[Any], method: str, path: str, reason: str) -> None:
    def document(inner: list[Any]) -> Any:
        return {"admin": {}, "apps": {"http": {"servers": {"homelab": {"listen": [":443"], "routes": inner}}}}}

    found = part(document(ROUTES), document(routes))
    assert (found.method, found.path) == (method, f"/config/apps/http/servers/homelab/routes{path}"), reason
