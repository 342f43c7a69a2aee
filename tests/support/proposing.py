"""A small house on a real git repository, with everything that proposals need."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from controller.clients.clock import SystemClock
from controller.clients.yaml import splice
from controller.core.event import Report
from controller.core.ports import Clock
from controller.core.proposal import Author, AuthorKind, Edits
from controller.source import FolderSource, GitSource
from controller.usecases.proposal_shelf import Shelf
from controller.usecases.proposal_views import ProposalView
from controller.usecases.propose import Propose
from controller.usecases.proposing_files import Change
from controller.usecases.reverting import Reverting
from controller.usecases.review import Merged, Reviewing
from controller.usecases.sync import Sync
from tests.contract.source_repository import Repository
from tests.support.house import Book, House, box

ADA, BO = Author("Ada"), Author("Bo")
CI = Author("ci", AuthorKind.TOKEN)
JARVIS = Author("jarvis", AuthorKind.ASSISTANT)


class ProposingHouse(House):
    """`House` on a git repository. `work` is where people commit; `ids` names the proposals p1, p2, ..."""

    def __init__(self, work: Repository, source: GitSource | FolderSource | None = None, **rest: Any) -> None:
        self.work = work
        self.source = source or GitSource(str(work.folder))
        super().__init__(cast(Book, self.source), **rest)
        ids = (f"p{number}" for number in itertools.count(1))
        self.shelf = Shelf(self.source, self.store, self.clock)
        self.propose = Propose(self.reconciler, self.shelf, splice, lambda: None, lambda: next(ids))
        self.review = Reviewing(self.propose, lambda: None)
        self.reverting = Reverting(self.propose, self.review)
        self.sync = Sync(self.reconciler, self.source, self.store, self.clock, lambda cause, _by: self.reconcile(cause))

    def again(self) -> ProposingHouse:
        """A new controller on the same repository, world and store."""
        return ProposingHouse(self.work, self.source, world=self.world, store=self.store, clock=self.clock, kinds=self.kinds)

    def put(self, **boxes: Mapping[str, Any] | None) -> str:
        """A person's commit: one file per box, None removes it."""
        return self.work.commit(
            {f"{name}.yaml": None if spec is None else f"{box(name, spec)}\n" for name, spec in boxes.items()}
        )

    def open(
        self, edits: Edits | None = None, author: Author = BO, title: str = "Two", **boxes: Mapping[str, Any] | None
    ) -> ProposalView:
        """A proposal of whole files."""
        made = {f"{name}.yaml": None if spec is None else f"{box(name, spec)}\n".encode() for name, spec in boxes.items()}
        return self.propose.open(title, "Because", author, Change({**made, **(edits or {})}))

    def approve(
        self, shown: ProposalView, by: Author = ADA, digests: Sequence[str] | None = None, *, trusted: bool = False
    ) -> Merged:
        """Yes to what was shown; `trusted` = with the scope admin."""
        named = shown.digests if digests is None else digests
        return self.review.approve(shown.proposal.id, shown.proposal.tip, named, by, trusted=trusted)

    def follow(self) -> Report:
        """A pass, and what follows it in the controller."""
        report = self.reconcile()
        again = self.review.tend()
        self.reverting.tend()
        return self.reconcile() if again else report


class ShiftedClock(SystemClock):
    """The system's clock, some seconds ahead."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


def proposing(folder: Path, clock: Clock | None = None, **boxes: Mapping[str, Any]) -> ProposingHouse:
    """A house on a new repository in which these boxes are declared and applied."""
    work = Repository(folder / "home")
    work.commit({"README.md": "# Home\n"})
    house = ProposingHouse(work, clock=clock)
    house.put(**(boxes or {"web": {"image": "web:1"}}))
    house.reconcile()
    return house
