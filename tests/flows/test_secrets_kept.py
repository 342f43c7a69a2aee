"""Values of secrets are kept as long as somebody may need them, and no longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.core.secret import SecretVersion, secrets_in
from controller.wire.house import HISTORY_SECONDS
from tests.flows.home import Home, Inside, service

DAY = 86_400.0
REFS: dict[str, Any] = {"environment": {"KEY": {"ref": "app/key"}, "DB_PASSWORD": "a-literal-in-git"}}


def hours(inside: Inside, count: int) -> None:
    """Some upkeeps, an hour apart."""
    for _ in range(count):
        inside.house.clock.advance(3600.0)  # type: ignore[attr-defined]
        inside.house.keep_up()


def used(inside: Inside) -> SecretVersion:
    """The version of the key that the service runs with."""
    state = inside.world()["service/app"]["state"]
    return next(version for version in secrets_in(state) if version.ref == "app/key")


def test_a_value_stays_while_an_undo_may_bring_it_back(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.commit({"app.yaml": service("app", **REFS)})
    with home.open() as inside:
        vault = inside.house.vault
        first = vault.set("app/key", "the-first-value")
        inside.apply()
        second = vault.set("app/key", "the-second-value")
        home.commit({"app.yaml": service("app", image="web:crash", **REFS)})
        inside.house.reconciler.forget()
        inside.apply()
        assert used(inside) == first, "the rollout with the new value was undone"
        hours(inside, 30)
        assert (vault.reveal(first), vault.reveal(second)) == ("the-first-value", "the-second-value")
        home.commit({"app.yaml": service("app", image="web:2", **REFS)})
        inside.apply()
        assert used(inside) == second
        hours(inside, 30)
        assert vault.reveal(first) == "the-first-value", "the journal names it"


def test_a_value_goes_with_the_last_record_that_names_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.commit({"app.yaml": service("app", **REFS)})
    with home.open() as inside:
        vault = inside.house.vault
        first = vault.set("app/key", "the-first-value")
        inside.apply()
        second = vault.set("app/key", "the-second-value")
        inside.house.reconciler.forget()
        inside.apply()
        literal = next(iter(secrets_in(inside.world()["service/app"]["state"]["environment"]["DB_PASSWORD"])))
        home.commit({"app.yaml": service("app", environment={"KEY": {"ref": "app/key"}})})
        inside.apply()
        home.clock.advance(HISTORY_SECONDS - DAY)
        hours(inside, 2)
        assert vault.reveal(literal) == "a-literal-in-git"
        home.clock.advance(2 * DAY)
        hours(inside, 1)
        assert vault.reveal(first) == "the-first-value", "what is kept is named a moment later: it gets an hour"
        hours(inside, 1)
        for gone in (first, literal):
            with pytest.raises(KeyError):
                vault.reveal(gone)
        assert vault.reveal(second) == "the-second-value", "the ledger names it, and it is the newest"
        assert inside.apply().reason == ""
        assert inside.lines() == []
        home.commit({"app.yaml": service("app", **REFS)})
        inside.apply()
        again = next(iter(secrets_in(inside.world()["service/app"]["state"]["environment"]["DB_PASSWORD"])))
        assert (again.fingerprint, again.version) == (literal.fingerprint, literal.version + 1)
        assert vault.reveal(again) == "a-literal-in-git"


def test_what_is_kept_for_a_plan_that_waits_is_not_taken_away(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.commit({"app.yaml": service("app", **REFS)})
    with home.open() as inside:
        vault = inside.house.vault
        waiting = vault.literal("kept-and-not-named-yet")
        hours(inside, 3)
        vault.keep([waiting])
        hours(inside, 1)
        assert vault.reveal(waiting) == "kept-and-not-named-yet"
        vault.set("app/key", "a-value")
        inside.apply()
        assert inside.lines() == []
