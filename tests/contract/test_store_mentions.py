"""Which secrets a store's records name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.run import Entry, Step
from controller.core.secret import SecretVersion
from controller.store.sql import SqlStore
from tests.contract.stores import World, change, entry, in_postgres, in_sqlite, row


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = in_sqlite(tmp_path) if request.param == "sqlite" else in_postgres(request.getfixturevalue("postgres"))
    yield made
    made.close()


def secret(number: int) -> SecretVersion:
    return SecretVersion("app/key", number, f"{number:032x}")


def with_secrets(found: Entry, before: int, after: int) -> Entry:
    states = [{"environment": {"KEY": secret(number).state(), "PLAIN": "x"}} for number in (before, after)]
    return replace(found, change=replace(found.change, before=states[0], after=states[1]))


def test_ledger_and_journal_are_searched_whole(world: World) -> None:
    store = world.leading()
    assert isinstance(store, SqlStore)
    assert store.secrets_named() == set()
    store.put([row("plex"), row("plain")])
    store.put([replace(row(f"s{number}"), shown={"files": [{"content": secret(number).state()}]}) for number in range(300)])
    for number in range(300, 320):
        store.record(with_secrets(entry(number, step=Step.PASSED), number, number + 20))
    former = replace(row(), applied={"secrets": {"/run/secrets/k": {"content": secret(400).state()}}})
    store.record(replace(entry(1), change=change(), row=former))
    assert store.secrets_named() == {secret(number) for number in (*range(340), 400)}
