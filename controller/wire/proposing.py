"""The use cases of proposals put together, and what follows every pass of the one who leads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from controller.clients.yaml import splice
from controller.core.errors import HomelabError
from controller.core.ports import Clock, Source, Store
from controller.engine.reconcile import Reconciler
from controller.usecases.proposal_shelf import Shelf
from controller.usecases.propose import Propose
from controller.usecases.reverting import Reverting
from controller.usecases.review import Reviewing

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Proposals:
    """Proposing, deciding, and the controller's own proposals."""

    propose: Propose
    review: Reviewing
    reverting: Reverting

    def tend(self) -> bool:
        """Write down what became of proposals, and propose what failed rollouts ask for. True = another pass is needed. Never
        raises: the next pass comes, and it with it."""
        try:
            again = self.review.tend()
            self.reverting.tend()
        except HomelabError as error:
            _log.warning("proposals were not looked after", extra={"error": str(error)})
            return False
        return again


def proposals(reconciler: Reconciler, source: Source, store: Store, clock: Clock, must_lead: Callable[[], None]) -> Proposals:
    """All of it over one shelf. `must_lead` raises LeaseHeld where another controller writes."""
    propose = Propose(reconciler, Shelf(source, store, clock), splice, must_lead)
    review = Reviewing(propose, must_lead)
    return Proposals(propose, review, Reverting(propose, review))
