"""A renewal that a person asks for: who may, what the answer is, and what is told of it."""

from __future__ import annotations

from threading import Event as Flag

import pytest

from controller.cli.renew import renewal_lines
from controller.cli.text import Paint
from controller.clients.memory import MemoryProvider
from controller.core.errors import Permanent, ProviderError, Transient
from controller.core.renewal import Renewal
from controller.core.state import State, Target
from controller.usecases.access import Scope
from tests.support.house import BOX
from tests.support.webhouse import WebHouse

PATH = "/api/v1/renewals"


class Renewing(MemoryProvider):
    """Boxes that can be had anew: each time with the next serial number."""

    serial = 10
    trouble: ProviderError | None = None

    def renew(self, target: Target, state: State, interrupt: Flag) -> Renewal:
        assert state["size"] == 1
        assert not interrupt.is_set()
        if self.trouble is not None:
            raise self.trouble
        self.serial += 1
        return Renewal(f"{target.address}.home.test", f"{self.serial - 1}", f"{self.serial}", "Lab", 1_900_000_000.0)


@pytest.fixture
def renewing(web: WebHouse) -> Renewing:
    """The boxes of the house."""
    made = Renewing(BOX, web.house.world)
    web.house.providers = {("box", "local"): made}
    return made


def told(web: WebHouse) -> list[tuple[str, str]]:
    return [(event.reason, event.key) for event in web.store.events() if event.reason.startswith(("Renew", "renew"))]


def test_the_answer_says_what_took_the_place_of_what(web: WebHouse, renewing: Renewing) -> None:
    answer = web.client(web.token(Scope.APPLY)).post(PATH, json={"key": "box/one"})
    assert answer.status_code == 200, answer.text
    done = {"key": "box/one", "host": "one.home.test", "before": "10", "after": "11", "issuer": "Lab", "until": 1_900_000_000.0}
    assert answer.json() == done
    assert renewing.serial == 11
    assert told(web) == [("Renewing", "box/one"), ("Renewed", "box/one")]


def test_what_a_person_reads() -> None:
    item = {
        "key": "certificate/app",
        "host": "app.home.test",
        "before": "4f",
        "after": "77",
        "issuer": "Lab\x1b[2J",
        "until": 0.0,
    }
    lines = renewal_lines(item, Paint(False))
    assert lines[:2] == ["renewed certificate/app: app.home.test", "  serial  4f → 77"]
    assert lines[2].startswith("  issuer  Lab")
    assert "\x1b" not in "".join(lines), "no text from outside acts on a terminal"


FAILURES = (
    pytest.param(Permanent("the authority says no"), 409, "failed", id="refused"),
    pytest.param(Transient("Caddy does not answer"), 503, "backend-unreachable", id="away"),
)
"""What went wrong, and the answer; reason: whether to come again is in the code."""


@pytest.mark.parametrize(("error", "status", "code"), FAILURES)
def test_why_there_is_none_is_told(web: WebHouse, renewing: Renewing, error: ProviderError, status: int, code: str) -> None:
    renewing.trouble = error
    answer = web.client(web.token(Scope.APPLY)).post(PATH, json={"key": "box/one"})
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (status, code, str(error))
    assert told(web) == [("Renewing", "box/one"), ("RenewalFailed", "box/one")]


def test_what_cannot_be_renewed_is_refused(web: WebHouse) -> None:
    program = web.client(web.token(Scope.APPLY))
    assert "cannot be renewed" in program.post(PATH, json={"key": "box/one"}).json()["detail"]
    assert "neither declared nor ours" in program.post(PATH, json={"key": "box/nine"}).json()["detail"]
    assert told(web) == []


def test_what_is_suspended_is_left_alone(web: WebHouse, renewing: Renewing) -> None:
    program = web.client(web.token(Scope.APPLY))
    program.post("/api/v1/suspensions", json={"key": "box/one"})
    assert program.post(PATH, json={"key": "box/one"}).json()["code"] == "refused"
    assert renewing.serial == 10
