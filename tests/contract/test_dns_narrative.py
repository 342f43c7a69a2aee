"""The story that every provider tells, told by records on BIND, Knot and PowerDNS, and through packages of octoDNS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.dns_yard import BRIDGED, WORLDS, DnsHands, dns_yard
from tests.contract.test_provider_narrative import (
    test_a_backend_that_does_not_answer_is_unknown,
    test_a_look_tells_the_same_objects_while_nothing_moved,
    test_a_lost_reply_is_made_good_by_asking_again,
    test_a_swapped_change_puts_back_what_was,
    test_create_change_delete,
    test_what_exists_is_not_created_over,
    test_what_is_asked_twice_is_done_once,
    test_what_is_gone_is_not_changed,
    test_what_somebody_changed_meanwhile_is_left_alone,
)
from tests.contract.yard import Yard
from tests.support.dns import DnsServers

__all__ = [
    "test_a_backend_that_does_not_answer_is_unknown",
    "test_a_look_tells_the_same_objects_while_nothing_moved",
    "test_a_lost_reply_is_made_good_by_asking_again",
    "test_a_swapped_change_puts_back_what_was",
    "test_create_change_delete",
    "test_what_exists_is_not_created_over",
    "test_what_is_asked_twice_is_done_once",
    "test_what_is_gone_is_not_changed",
    "test_what_somebody_changed_meanwhile_is_left_alone",
]


@pytest.fixture(params=[*WORLDS, *BRIDGED])
def yard(request: pytest.FixtureRequest, name_servers: DnsServers, tmp_path: Path) -> Iterator[Yard]:
    made = dns_yard(request.param, name_servers, tmp_path)
    assert isinstance(made.hands, DnsHands)
    server, zone = made.hands.server, made.hands.zone
    before = server.dump(zone)
    yield made
    assert [line for line in server.dump(zone) if not line.startswith("it.")] == before, "nothing else in the zone moved"
    made.provider.close()  # type: ignore[attr-defined]
