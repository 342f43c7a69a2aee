"""Proposals as verbs see them: the same questions and orders whether a controller runs or this process does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from controller.usecases.proposing_files import Change

Data = Mapping[str, Any]
Heard = Callable[[Data], None]


class ProposalDesk(Protocol):
    """What verbs ask and order about proposals. An order raises what its use case raises, or Answered with the same exit code."""

    def list(self, standing: str) -> Sequence[Data]:
        """`proposal_views.ProposalLine` of those that stand so (also `pending`, `all`)."""

    def show(self, id_: str) -> Data:
        """`proposal_views.ProposalView` of one, with all that it would do now."""

    def open(self, title: str, reason: str, change: Change) -> Data:
        """A new one; its view."""

    def revise(self, id_: str, reason: str, change: Change) -> Data:
        """A new commit on one; its view."""

    def approve(self, shown: Data, reason: str, heard: Heard | None) -> Data:
        """Merge one exactly as it was shown: `proposal`, `revision`, `digests`, and `done` (`passed.PassView`) of the pass that
        applies it, whose events are told to `heard` (None = later). Raises Answered with what to do by hand where only a person
        can merge."""

    def reject(self, id_: str, reason: str) -> Data:
        """Say no; its line."""

    def request_changes(self, id_: str, reason: str) -> Data:
        """Say what has to change first; its line."""
