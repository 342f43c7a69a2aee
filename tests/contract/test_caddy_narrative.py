"""The story that every provider tells, told by routes in real Caddys, of our own and beside a person's configuration."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.caddy_yard import caddy_yard
from tests.contract.test_provider_narrative import (
    test_a_backend_that_does_not_answer_is_unknown,
    test_a_look_tells_the_same_objects_while_nothing_moved,
    test_a_lost_reply_is_made_good_by_asking_again,
    test_a_swapped_change_puts_back_what_was,
    test_create_change_delete,
    test_what_exists_is_not_created_over,
    test_what_is_asked_twice_is_done_once,
    test_what_is_gone_is_not_changed,
    test_what_is_refused_leaves_the_world_as_it_was,
    test_what_somebody_changed_meanwhile_is_left_alone,
)
from tests.contract.yard import Yard
from tests.support.caddy import Caddy

__all__ = [
    "test_a_backend_that_does_not_answer_is_unknown",
    "test_a_look_tells_the_same_objects_while_nothing_moved",
    "test_a_lost_reply_is_made_good_by_asking_again",
    "test_a_swapped_change_puts_back_what_was",
    "test_create_change_delete",
    "test_what_exists_is_not_created_over",
    "test_what_is_asked_twice_is_done_once",
    "test_what_is_gone_is_not_changed",
    "test_what_is_refused_leaves_the_world_as_it_was",
    "test_what_somebody_changed_meanwhile_is_left_alone",
]


@pytest.fixture(params=["owned", "coexist"])
def yard(request: pytest.FixtureRequest, caddy: Caddy, tmp_path: Path) -> Iterator[Yard]:
    made = caddy_yard(caddy, request.param, tmp_path)
    theirs = copy.deepcopy(servers(caddy))
    yield made
    left = {name: [item for item in routes if item.get("@id") != "homelab-root"] for name, routes in servers(caddy).items()}
    assert {name: left[name] for name in theirs} == theirs, "what was there stayed as it was"


def servers(caddy: Caddy) -> dict[str, list[dict[str, Any]]]:
    """Routes by server, but for those that are ours alone."""
    found = (caddy.document().get("apps") or {}).get("http", {}).get("servers", {})
    return {name: server["routes"] for name, server in found.items() if not name.startswith("homelab")}
