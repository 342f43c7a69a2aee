"""Certificates for a domain at ZoneEdit, which takes one text of a name in ten seconds and has no way to read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from threading import Event as Flag
from typing import cast

import pytest

from controller.core.ports import Provider
from controller.core.run import Outcome
from tests.contract.dns01_yard import Home, ShiftedClock
from tests.contract.zoneedit_site import TOKEN, Site
from tests.support.caddy import NEW, Caddies, upstream
from tests.support.clock import HandClock
from tests.support.dns import DnsServers
from tests.support.zoneedit import FakeZoneEdit, Published


class HurriedClock(ShiftedClock):
    """The real one, but for waits that are longer than a moment: they pass at once."""

    def wait(self, flag: Flag, seconds: float) -> bool:
        if seconds <= 1:
            return super().wait(flag, seconds)
        self.later += seconds
        return flag.is_set()


class AtZoneEdit(Home):
    """The home, with its domain at the fake, which publishes through BIND."""

    def fresh_zone(self) -> str:
        """A domain of the account."""
        self.clock = HurriedClock()
        published = Published(self.server)
        self.fake = FakeZoneEdit(published, self.clock, {published.zone: TOKEN})
        self.open = ExitStack()
        self.open.enter_context(self.fake.serving())
        return published.zone

    def open_records(self) -> Provider:
        """By ZoneEdit's own interface."""
        clock = cast(HandClock, self.clock)
        return Site(self.fake, self.state, self.fake.published.servers, clock, self.zone, settings={"timeout": 30.0}).provider

    def close(self) -> None:
        super().close()
        self.open.close()


@pytest.fixture
def home(caddies: Caddies, name_servers: DnsServers, tmp_path: Path) -> Iterator[AtZoneEdit]:
    with upstream() as server:
        made = AtZoneEdit(caddies.clean(NEW), name_servers.bind, tmp_path, server.url)
        yield made
        made.close()


def test_both_proofs_of_one_name_wait_for_the_limit_and_go_again(home: AtZoneEdit) -> None:
    name = f"_acme-challenge.{home.zone}"
    home.fake.published.put(name, "TXT", '"theirs"')
    spec = {"host": home.zone, "names": [f"*.{home.zone}"], "challenge": "dns"}
    more = [{"kind": "Certificate", "name": "whole-zone", "spec": spec}]
    assert home.commit({"one": {"host": home.name("one")}}, more) == [Outcome.APPLIED], home.reasons()
    assert sorted(home.served("one").names) == sorted([home.zone, f"*.{home.zone}"])
    assert home.fake.published.values(name, "TXT") == ['"theirs"']
    assert [request.said.split()[0] for request in home.fake.requests] == ["add", "add", "remove", "remove"]
    times = [request.at for request in home.fake.requests]
    assert all(later - earlier >= home.fake.txt_every for earlier, later in pairwise(times))
    assert not [request for request in home.fake.requests if "ERROR" in request.answer]
