"""The tender: whatever goes wrong while proposals are looked after, they are looked after again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event as Flag

import pytest

from controller.clients.clock import SystemClock
from controller.core.document import Revision
from controller.core.errors import SourceError
from controller.core.event import Report
from controller.loop.tender import Tender
from tests.support.space import wait_until

PASS = Report(1_795_000_000.0, Revision("r"), "r", ())


class Proposals:
    """Proposals with which everything `fails`; `looked` counts how often somebody looked after them."""

    def __init__(self) -> None:
        self.looked = 0
        self.fails: Exception | None = None
        self.kicked = Flag()

    def tend(self) -> bool:
        fails = self.fails  # read before it is counted: who waits for the count may change it then
        self.looked += 1
        if fails is not None:
            raise fails
        return True


def after_a_pass(tender: Tender, proposals: Proposals, happened: Callable[[], object]) -> None:
    looked = proposals.looked
    tender.passed(PASS)
    wait_until(lambda: proposals.looked > looked and happened(), "the tender to look")


@pytest.mark.parametrize("error", [RuntimeError("what nobody foresaw"), SourceError("no route to host")])
def test_whatever_fails_is_told_once_and_the_next_pass_is_followed(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "controller.loop.tender")

    def said() -> list[tuple[str, str, bool]]:
        return [(record.levelname, record.message, bool(record.exc_info)) for record in caplog.records]

    proposals = Proposals()
    tender = Tender(proposals.tend, proposals.kicked.set, lambda: True, SystemClock())
    broken = ("ERROR", "looking after proposals failed", isinstance(error, RuntimeError))
    tender.start()
    try:
        proposals.fails = error
        after_a_pass(tender, proposals, said)
        after_a_pass(tender, proposals, lambda: True)
        assert not proposals.kicked.is_set()
        proposals.fails = None
        after_a_pass(tender, proposals, lambda: len(said()) == 2)
        assert said() == [broken, ("INFO", "proposals are looked after again", False)]
        assert proposals.kicked.is_set()
        after_a_pass(tender, proposals, lambda: True)
    finally:
        tender.stop()
    assert len(said()) == 2
