"""The story that every provider tells, told by routes in real Caddys, of our own and beside a person's configuration."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.caddy_yard import caddy_yard
from tests.contract.narrative import Narrative
from tests.contract.test_provider_narrative import test_what_is_refused_leaves_the_world_as_it_was
from tests.contract.yard import Yard
from tests.support.caddy import Caddy

__all__ = ["test_what_is_refused_leaves_the_world_as_it_was"]


@pytest.fixture(params=["owned", "coexist"])
def yard(request: pytest.FixtureRequest, caddy: Caddy, tmp_path: Path) -> Iterator[Yard]:
    made = caddy_yard(caddy, request.param, tmp_path)
    theirs = copy.deepcopy(servers(caddy))
    yield made
    left = {name: [item for item in routes if item.get("@id") != "homelab-root"] for name, routes in servers(caddy).items()}
    assert {name: left[name] for name in theirs} == theirs, "what was there stayed as it was"


class TestNarrative(Narrative):
    """As it stands there."""


def servers(caddy: Caddy) -> dict[str, list[dict[str, Any]]]:
    """Routes by server, but for those that are ours alone."""
    found = (caddy.document().get("apps") or {}).get("http", {}).get("servers", {})
    return {name: server["routes"] for name, server in found.items() if not name.startswith("homelab")}
