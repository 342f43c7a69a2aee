"""The use cases of proposals put together, and what follows every pass of the one who leads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from controller.clients.forge import RestForge
from controller.clients.yaml import splice
from controller.core.errors import HomelabError
from controller.core.forge import ForgeSpec
from controller.core.ports import Clock, Source, Store
from controller.engine.reconcile import Reconciler
from controller.source import GitSource
from controller.usecases.proposal_shelf import Shelf
from controller.usecases.propose import Propose
from controller.usecases.pulls import Pulls, Rounds
from controller.usecases.reverting import Reverting
from controller.usecases.review import Reviewing

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Proposals:
    """Proposing, deciding, and the controller's own proposals."""

    propose: Propose
    review: Reviewing
    reverting: Reverting
    pulls: Rounds

    def tend(self) -> bool:
        """Write down what became of proposals, and propose what failed rollouts ask for. True = another pass is needed. Never
        raises: the next pass comes, and it with it."""
        try:
            again = self.review.tend()
            self.reverting.tend()
            again |= self.pulls()
        except HomelabError as error:
            _log.warning("proposals were not looked after", extra={"error": str(error)})
            return False
        return again


def proposals(reconciler: Reconciler, source: Source, store: Store, clock: Clock, must_lead: Callable[[], None]) -> Proposals:
    """All of it over one shelf. `must_lead` raises LeaseHeld where another controller writes."""
    shelf = Shelf(source, store, clock)
    propose = Propose(reconciler, shelf, splice, must_lead)
    review = Reviewing(propose, must_lead)
    pulls = Pulls(shelf, reconciler, Forges(reconciler), lambda: source.branch if isinstance(source, GitSource) else "")
    return Proposals(propose, review, Reverting(propose, review), Rounds(pulls.keep, shelf.tell))


class Forges:
    """The forge that the reconciled revision declares; the same object as long as the declaration is."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler
        self._known: tuple[ForgeSpec, RestForge] | None = None

    def __call__(self) -> RestForge | None:
        """It, or None where none is declared."""
        shown, vault = self._reconciler.shown, self._reconciler.bench.vault
        spec = shown.estate.homelab.forge if shown is not None else None
        if self._known is not None and self._known[0] != spec:
            self._known[1].close_connections()
            self._known = None
        if self._known is None and spec is not None:
            ref = spec.token.ref
            door = RestForge(spec.type, spec.url, spec.repository, lambda: vault.reveal(vault.current(ref)))
            self._known = spec, door
        return self._known[1] if self._known is not None else None
