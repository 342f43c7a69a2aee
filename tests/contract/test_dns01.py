"""Certificates that the controller orders with proofs in a real zone and hands to real Caddys, as a commit asks for them."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from controller.core.change import Action
from controller.core.codec import to_data
from controller.core.errors import Deferred, Interrupted, Permanent
from controller.core.run import Outcome
from controller.core.state import Target
from controller.kinds.certificate.by_dns import by_dns
from tests.contract.dns01_yard import Home
from tests.support.caddy import NEW, Caddies, Caddy, upstream
from tests.support.dns import DnsServers

CADDYS_USER = 4711
YEAR = 365 * 86_400.0
DONE = [Outcome.APPLIED]


@pytest.fixture(params=["owned", "coexist"])
def home(request: pytest.FixtureRequest, caddy: Caddy, name_servers: DnsServers, tmp_path: Path) -> Iterator[Home]:
    """With each Caddy, in each mode."""
    with upstream() as server:
        made = Home(caddy, name_servers.bind, tmp_path, server.url, request.param)
        yield made
        made.close()


@pytest.fixture
def plain(caddies: Caddies, name_servers: DnsServers, tmp_path: Path) -> Iterator[Home]:
    """For what does not depend on Caddy."""
    with upstream() as server:
        made = Home(caddies.clean(NEW), name_servers.bind, tmp_path, server.url)
        yield made
        made.close()


@pytest.fixture
def doubted(caddies: Caddies, name_servers: DnsServers, tmp_path: Path) -> Iterator[Home]:
    """The authority asks a name server that does not know the zone, as it is with a domain that is delegated elsewhere."""
    with upstream() as server:
        made = Home(caddies.clean(NEW), name_servers.bind, tmp_path, server.url, known=name_servers.powerdns)
        yield made
        made.close()


def wildcard(home: Home) -> dict[str, Mapping[str, Any]]:
    return {"all": {"host": f"*.{home.zone}"}}


def test_a_wildcard_gets_its_certificate(home: Home) -> None:
    assert home.commit(wildcard(home)) == DONE, home.reasons()
    assert home.trusted("anything")
    assert home.caddy.get(home.name("anything"))[0] == 200
    assert home.cleared()
    assert home.look_again() == [], "a second plan is empty"
    home.certificates.audit()
    assert home.look_again() == [], "and so is one after asking Caddy again"
    assert home.orders() == 1
    served = home.caddy.document()
    home.caddy.kill()
    home.caddy.start(served)
    assert home.trusted("anything"), "a Caddy that starts again reads the file"


def test_what_is_due_is_renewed_with_one_change_and_can_be_taken_back(home: Home) -> None:
    assert home.commit(wildcard(home)) == DONE, home.reasons()
    first = home.served("a").serial
    home.clock.later = 4 * YEAR  # the authority's are good for five
    assert home.look_again() == DONE, home.reasons()
    renewal = home.last
    assert renewal is not None
    home.clock.later = 0.0
    assert [cause.partition(": ")[2] for cause in home.causes()] == ["drift: renewal"]
    second = home.served("a").serial
    assert second != first
    assert home.look_again() == []
    (entry,) = home.house.store.entries(renewal.id)
    home.certificates.apply(entry.change.inverse(), Flag())
    assert home.served("a").serial == first, "an undo serves the one before"
    assert home.look_again() == [], "it is not due"
    assert home.orders() == 2


def test_a_host_moves_from_one_kind_of_certificate_to_another(home: Home) -> None:
    spec = {"host": home.name("moves")}
    assert home.commit({"it": {**spec, "tls": "internal"}}) == DONE, home.reasons()
    assert not home.trusted("moves")
    assert home.commit({"it": spec}) == DONE, home.reasons()
    assert home.trusted("moves")
    assert home.look_again() == []
    assert home.commit({"it": {**spec, "tls": "internal"}}) == DONE, home.reasons()
    assert not home.trusted("moves")
    assert home.look_again() == []
    assert home.commit({"it": spec}) == DONE, home.reasons()
    assert home.trusted("moves")
    assert home.orders() == 1, "what was ordered is used again"


def test_proofs_stand_beside_those_of_others_and_one_certificate_has_both_names(plain: Home) -> None:
    zone, theirs = plain.zone, f'_acme-challenge.{plain.zone}. 3600 TXT "theirs"'
    plain.server.edit(zone, f"_acme-challenge.{zone}", "TXT", '"theirs"')
    before = plain.server.dump(zone)
    spec = {"host": zone, "names": [f"*.{zone}"], "challenge": "dns"}
    more = [{"kind": "Certificate", "name": "whole-zone", "spec": spec}]
    routes = {"top": {"host": zone}, "one": {"host": plain.name("one")}}
    assert plain.commit(routes, more) == DONE, plain.reasons()
    assert sorted(plain.served("one").names) == sorted([zone, f"*.{zone}"])
    assert plain.served("").serial == plain.served("one").serial
    assert plain.orders() == 1
    assert theirs in before
    assert plain.server.dump(zone) == before, "what was there is there, to the last second of its TTL"
    assert plain.commit({"top": {"hosts": [zone, f"*.{zone}"]}}) == DONE, plain.reasons()
    assert plain.trusted("two")
    assert plain.server.dump(zone) == before


def test_two_certificates_for_one_name_do_not_quarrel(plain: Home) -> None:
    one, two = plain.name("one"), plain.name("two")
    more = [
        {"kind": "Certificate", "name": "first", "spec": {"host": one, "challenge": "dns"}},
        {"kind": "Certificate", "name": "second", "spec": {"host": two, "names": [one], "challenge": "dns"}},
    ]
    assert set(plain.commit({"one": {"host": one}, "two": {"host": two}}, more)) == {Outcome.APPLIED}, plain.reasons()
    plain.certificates.audit()
    assert plain.look_again() == []
    assert plain.orders() == 2


def test_what_the_authority_does_not_believe_is_not_served_and_leaves_nothing(doubted: Home) -> None:
    fine = {"fine": {"host": doubted.name("fine"), "tls": "internal"}}
    assert doubted.commit(fine) == DONE, doubted.reasons()
    assert doubted.commit({**fine, "bad": {"host": doubted.name("bad")}}) == [Outcome.ROLLED_BACK]
    assert f"does not believe that {doubted.name('bad')} is ours" in doubted.reasons()
    assert "_acme-challenge" in doubted.reasons(), "its own words"
    assert doubted.cleared()
    assert "homelab:bad" not in json.dumps(doubted.caddy.document()), "the route was never written"
    assert doubted.caddy.get(doubted.name("fine"))[0] == 200


def test_a_proof_that_would_stand_elsewhere_is_refused_with_a_word(plain: Home) -> None:
    plain.server.edit(plain.zone, f"_acme-challenge.{plain.zone}", "CNAME", "proofs.example.org.")
    assert plain.commit(wildcard(plain)) == [Outcome.ROLLED_BACK]
    assert f"_acme-challenge.{plain.zone} is an alias of proofs.example.org." in plain.reasons()
    assert plain.orders() == 0


def test_a_route_that_fails_takes_its_certificate_along_and_the_next_try_orders_nothing(plain: Home) -> None:
    with upstream(502) as broken:
        assert plain.commit({"all": {"host": f"*.{plain.zone}", "to": broken.url}}) == [Outcome.ROLLED_BACK]
    assert list(plain.handed.iterdir()) == []
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    assert plain.trusted("x")
    assert plain.orders() == 1


def test_what_happens_to_the_file_is_mended_without_an_order(plain: Home) -> None:
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    (file,) = plain.handed.iterdir()
    good, first = file.read_bytes(), plain.served("a").serial
    for damage in (None, b"nonsense", good.partition(b"-----BEGIN CERT")[0]):
        file.unlink() if damage is None else file.write_bytes(damage)
        assert plain.look_again() == DONE, plain.reasons()
        assert file.read_bytes() == good
        assert plain.served("a").serial == first
    assert plain.orders() == 1
    plain.restart()
    assert plain.look_again() == []


def test_one_that_caddy_does_not_serve_yet_is_a_difference_with_a_name(plain: Home) -> None:
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    (file,) = plain.handed.iterdir()
    first = file.read_bytes()
    plain.clock.later = 4 * YEAR
    assert plain.look_again() == DONE, plain.reasons()
    plain.clock.later = 0.0
    second = plain.served("a").serial
    new = file.read_bytes()
    file.write_bytes(first)
    plain.caddy.door.reload(plain.caddy.door.config())
    file.write_bytes(new)  # as after a crash between the file and Caddy
    plain.certificates.audit()
    assert plain.look_again() == DONE, plain.reasons()
    assert [cause.partition(": ")[2] for cause in plain.causes()] == ["drift: served"]
    assert plain.served("a").serial == second
    assert plain.orders() == 2


def test_a_repair_that_is_refused_waits_longer_each_time_and_the_old_one_is_served(plain: Home) -> None:
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    assert plain.last is not None
    made = next(each.change for each in plain.house.store.entries(plain.last.id) if each.change.key.kind == "certificate")
    repair = replace(made, action=Action.UPDATE, before=made.after, drift=True)
    serial = plain.served("a").serial
    plain.authority.forget()  # else it may still believe what was proved before
    plain.clock.later = 4 * YEAR
    plain.server.edit(plain.zone, f"_acme-challenge.{plain.zone}", "CNAME", "proofs.example.org.")
    waits: list[float] = []
    for _ in range(3):
        with pytest.raises(Permanent):
            plain.certificates.apply(repair, Flag())
        with pytest.raises(Deferred) as deferred:
            plain.certificates.apply(repair, Flag())
        waits.append(deferred.value.not_before - plain.clock.now())
        plain.clock.later += waits[-1]
    assert [round(wait / 600) for wait in waits] == [1, 2, 4]
    assert plain.served("a").serial == serial
    plain.server.edit(plain.zone, f"_acme-challenge.{plain.zone}", "CNAME")
    plain.certificates.apply(repair, Flag())
    assert plain.served("a").serial != serial


def test_a_person_may_have_it_renewed_at_any_time(plain: Home) -> None:
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    ((key, _),) = [place for place in plain.house.store.rows() if place[0].kind == "certificate"]
    target = Target(key, by_dns(f"*.{plain.zone}"), f"*.{plain.zone}")
    first = plain.served("a").serial
    plain.restart()
    renewal = plain.certificates.renew(target, plain.house.reconciler.survey().estate.resources[key].state, Flag())
    second = plain.served("a").serial
    assert (renewal.before, renewal.after, renewal.issuer) == (first, second, plain.served("a").issuer)
    assert first != second
    assert plain.look_again() == []
    assert plain.orders() == 2


def test_an_order_that_is_called_off_leaves_nothing(plain: Home) -> None:
    spec = {"host": plain.name("it"), "challenge": "dns"}
    plain.house.book.write(plain.files({}, [{"kind": "Certificate", "name": "it", "spec": spec}]))
    ((change,),) = [rollout.changes for rollout in plain.house.reconciler.survey().plan.rollouts]
    called_off = Flag()
    called_off.set()
    with pytest.raises(Interrupted):
        plain.certificates.apply(change, called_off)
    assert (plain.cleared(), plain.orders(), list(plain.handed.iterdir())) == (True, 0, [])
    plain.certificates.apply(change, Flag())
    assert (plain.cleared(), plain.orders(), len(list(plain.handed.iterdir()))) == (True, 1, 1)


def test_a_caddy_that_is_away_costs_no_order(plain: Home) -> None:
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    served = plain.caddy.document()
    plain.caddy.kill()
    plain.certificates.audit()
    assert plain.look_again() == []
    plain.caddy.start(served)
    assert plain.look_again() == []
    assert plain.orders() == 1


@pytest.mark.parametrize("world", ["knot", "powerdns"])
def test_other_name_servers_hold_the_proof_as_well(
    world: str, caddies: Caddies, name_servers: DnsServers, tmp_path: Path
) -> None:
    with upstream() as server, closing(Home(caddies.clean(NEW), getattr(name_servers, world), tmp_path, server.url)) as home:
        before = home.server.dump(home.zone)
        assert home.commit(wildcard(home)) == DONE, home.reasons()
        assert home.trusted("x")
        assert home.server.dump(home.zone) == before


def test_an_authority_that_has_forgotten_the_account_gets_a_new_one(plain: Home) -> None:
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    plain.authority.forget()
    assert plain.commit({**wildcard(plain), "more": {"host": plain.name("more.deep")}}) == DONE, plain.reasons()
    assert plain.trusted("more.deep")


def test_private_keys_are_nowhere_but_in_their_files(plain: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    if os.geteuid() == 0:
        os.chown(plain.handed, CADDYS_USER, CADDYS_USER)
    assert plain.commit(wildcard(plain)) == DONE, plain.reasons()
    secrets = plain.secrets()
    assert len(secrets) == 4, "two files with two lines each"
    files = [path for folder in (plain.state, plain.handed) for path in folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {path.stat().st_uid for path in plain.handed.iterdir()} == {plain.handed.stat().st_uid}, "only Caddy reads it"
    store = plain.house.store
    rows = [row for _, row in sorted(store.rows().items())]
    plan = plain.house.reconciler.survey().plan
    told = [to_data(each) for run in store.runs() for each in (run, *store.entries(run.id), *store.events(), *rows, plan)]
    everything = json.dumps([plain.caddy.document(), told], default=str) + caplog.text + plain.caddy.log()
    assert "_acme-challenge" in everything
    assert [secret for secret in secrets if secret in everything] == []
