"""Credentials: what is kept, how long they work, and what trying wrong ones leads to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.clients.passwords import Argon2
from controller.clients.vault import AgeVault
from controller.core.errors import Refused
from controller.store.memory import MemoryStore
from controller.usecases.access import TRIES, WINDOW, Access, Denied, Scope, Throttled
from tests.support.webhouse import ShiftedClock


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def store(clock: ShiftedClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def access(store: MemoryStore, clock: ShiftedClock, tmp_path: Path) -> Access:
    return Access(store, clock, AgeVault(tmp_path), Argon2())


def test_an_invitation_works_once(access: Access) -> None:
    link = access.invite("anna", [Scope.READ])
    secret, actor = access.enter(link, "192.0.2.1")
    assert (actor.name, actor.scopes, actor.door) == ("anna", frozenset({Scope.READ}), "session")
    assert access.session(secret) == actor
    with pytest.raises(Denied):
        access.enter(link, "192.0.2.1")


def test_the_first_invitation_is_offered_until_somebody_entered(access: Access) -> None:
    first = access.first_invitation()
    again = access.first_invitation()
    assert first is not None
    assert again not in (None, first)
    access.enter(str(again), "")
    assert access.first_invitation() is None


@pytest.mark.parametrize(
    ("what", "seconds", "reason"),
    [
        ("link", 15 * 60 + 1, "a link lies around in a terminal"),
        ("session", 30 * 86_400 + 1, "a forgotten browser"),
        ("token", 86_400 + 1, "a token for one day"),
    ],
)
def test_everything_ends(access: Access, clock: ShiftedClock, what: str, seconds: float, reason: str) -> None:
    link = access.invite()
    secret, _ = access.enter(access.invite(), "")
    token, _ = access.issue("day", [Scope.READ], 1, "tester")
    clock.ahead = seconds
    if what == "session":
        assert access.session(secret) is None, reason
        return
    with pytest.raises(Denied):
        access.enter(link, "") if what == "link" else access.bearer(token, "")


def test_leaving_ends_only_this_session(access: Access) -> None:
    one, actor = access.enter(access.invite(), "")
    other, _ = access.enter(access.invite(), "")
    access.leave(actor.id)
    assert access.session(one) is None
    assert access.session(other) is not None


def test_nothing_that_is_kept_opens_anything(access: Access, store: MemoryStore) -> None:
    link = access.invite()
    secret, _ = access.enter(access.invite(), "")
    token, _ = access.issue("t", [Scope.ADMIN], None, "tester")
    kept = json.dumps([store.fact(f"access.{name}") for name in ("invitations", "sessions", "tokens", "used")])
    kept += json.dumps([event.message for event in store.events()])
    for credential in (link, secret, token, token.split("_", 2)[2]):
        assert credential not in kept


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "nothing"),
        ("hlc_", "only the mark"),
        ("hlc_00000000_x", "an id that nobody has"),
        ("xxx_{id}_{secret}", "another mark"),
        ("hlc_{id}_", "the id alone"),
        ("hlc_{id}_{secret}x", "one character too many"),
        ("hlc_{id}_\udcff", "not even text"),
    ],
)
def test_a_wrong_token_is_denied(access: Access, token: str, reason: str) -> None:
    text, about = access.issue("t", [Scope.READ], None, "tester")
    wrong = token.format(id=about.id, secret=text.split("_", 2)[2])
    with pytest.raises(Denied):
        access.bearer(wrong, "192.0.2.1")


def test_wrong_links_are_throttled_across_a_restart_until_the_window_ends(
    access: Access, store: MemoryStore, clock: ShiftedClock, tmp_path: Path
) -> None:
    for _ in range(TRIES):
        with pytest.raises(Denied):
            access.enter("hlo_wrong", "192.0.2.1")
    restarted = Access(store, clock, AgeVault(tmp_path), Argon2())
    link = restarted.invite()
    with pytest.raises(Throttled) as refused:
        restarted.enter(link, "192.0.2.1")
    assert 0 < refused.value.retry_after <= WINDOW
    clock.ahead = WINDOW + 1
    assert restarted.enter(restarted.invite(), "192.0.2.1")


@pytest.mark.parametrize(
    ("peer", "throttled", "reason"),
    [
        ("192.0.2.2", False, "a neighbour is not to blame"),
        ("::ffff:192.0.2.1", True, "the same address, written otherwise"),
        ("2001:db8:0:1::7", False, "another family"),
        ("", False, "the operator's socket"),
    ],
)
def test_only_the_one_who_tries_waits(access: Access, peer: str, throttled: bool, reason: str) -> None:
    for _ in range(TRIES):
        with pytest.raises(Denied):
            access.enter("hlo_wrong", "192.0.2.1")
    with pytest.raises(Throttled if throttled else Denied):
        access.enter("hlo_wrong", peer)


def test_one_customer_of_ipv6_has_one_count(access: Access) -> None:
    for number in range(TRIES):
        with pytest.raises(Denied):
            access.enter("hlo_wrong", f"2001:db8::{number:x}")
    with pytest.raises(Throttled):
        access.enter("hlo_wrong", "2001:db8::ffff")


def test_a_right_token_passes_from_a_throttled_address(access: Access) -> None:
    token, _ = access.issue("t", [Scope.READ], None, "tester")
    for _ in range(TRIES):
        with pytest.raises(Denied):
            access.bearer("hlc_0_0", "192.0.2.1")
    with pytest.raises(Throttled):
        access.bearer("hlc_0_0", "192.0.2.1")
    assert access.bearer(token, "192.0.2.1").name == "t"


def test_a_flood_from_many_addresses_is_kept_small(access: Access, store: MemoryStore) -> None:
    for number in range(600):
        with pytest.raises(Denied):
            access.bearer("hlc_0_0", f"10.0.{number // 250}.{number % 250}")
    assert len(store.fact("access.failures")) <= 256


def test_a_token_says_when_it_was_used(access: Access, clock: ShiftedClock) -> None:
    token, about = access.issue("t", [Scope.READ], None, "tester")
    assert access.tokens()[0].used == 0
    access.bearer(token, "")
    first = access.tokens()[0].used
    clock.ahead = 3600
    access.bearer(token, "")
    assert first > 0
    assert access.tokens()[0].used >= first + 3600
    access.revoke(about.id, "tester")
    assert access.tokens() == ()


@pytest.mark.parametrize(
    ("name", "scopes", "reason"),
    [
        ("", [Scope.READ], "no name"),
        ("a\x1b[31m", [Scope.READ], "acts on a terminal"),
        ("x" * 65, [Scope.READ], "too long"),
        ("fine", [], "allowed nothing"),
    ],
)
def test_a_credential_that_makes_no_sense_is_refused(access: Access, name: str, scopes: list[Scope], reason: str) -> None:
    with pytest.raises(Refused):
        access.issue(name, scopes, None, "tester")
    with pytest.raises(Refused):
        access.invite(name, scopes)


def test_the_webhooks_secret_is_made_only_when_asked_for(access: Access, tmp_path: Path) -> None:
    assert access.webhook_secret() is None
    made = access.webhook_secret(make=True)
    assert made
    assert len(made) == 48
    assert access.webhook_secret() == made
