"""Credentials of two controllers on one store: none is lost, none comes back, none works twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from controller.clients.passwords import Argon2
from controller.clients.vault import AgeVault
from controller.usecases.access import TRIES, Access, Denied, Scope, Throttled
from tests.contract.stores import in_postgres, in_sqlite

T = TypeVar("T")
TOGETHER = 4


@pytest.fixture(params=["sqlite", "postgres"])
def several(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Access]]:
    """The access of several processes."""
    world = in_sqlite(tmp_path) if request.param == "sqlite" else in_postgres(request.getfixturevalue("postgres"))
    vault = AgeVault(tmp_path / "vault")
    yield [Access(world.open(), world.clock, vault, Argon2()) for _ in range(TOGETHER)]
    world.close()


def at_once(several: list[Access], work: Callable[[Access], T]) -> list[T]:
    """What the same work by all of them at the same time gives, in order."""
    start = Barrier(len(several))

    def begin(access: Access) -> T:
        start.wait()
        return work(access)

    with ThreadPoolExecutor(len(several)) as pool:
        return list(pool.map(begin, several))


def issue_five(access: Access) -> list[str]:
    return [access.issue("program", [Scope.READ], None, "tester")[1].id for _ in range(5)]


def test_every_token_stays_and_a_revoked_one_stays_away(several: list[Access]) -> None:
    old = [access.issue("old", [Scope.READ], None, "tester")[1].id for access in several]
    waiting = iter(old)

    def replace_one(access: Access) -> list[str]:
        access.revoke(next(waiting), "tester")
        return issue_five(access)

    made = {id_ for ids in at_once(several, replace_one) for id_ in ids}
    assert len(made) == 5 * TOGETHER
    assert {view.id for view in several[0].tokens()} == made


def test_an_invitation_lets_one_in(several: list[Access]) -> None:
    for _ in range(5):
        link = several[0].invite("anna", [Scope.READ])

        def enter(access: Access, link: str = link) -> str | None:
            try:
                return access.enter(link, "")[0]
            except Denied:
                return None

        sessions = [secret for secret in at_once(several, enter) if secret is not None]
        assert len(sessions) == 1
        assert several[1].session(sessions[0]) is not None


def test_no_try_goes_uncounted(several: list[Access]) -> None:
    def guess(access: Access) -> int:
        denied = 0
        for _ in range(TRIES):
            try:
                access.enter("hlo_wrong", "192.0.2.1")
            except Denied:
                denied += 1
            except Throttled:
                break
        return denied

    assert sum(at_once(several, guess)) == TRIES
