"""Proposals behind a running controller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from controller.cli.controller_socket import ControllerSocket
from controller.cli.proposal_desk import Data, Heard
from controller.core.edit import RemoveDocument, RemoveValue, SetValue
from controller.core.errors import Refused

if TYPE_CHECKING:
    from controller.usecases.proposing_files import Change


class RunningProposals:
    """`proposal_desk.ProposalDesk` over the controller's socket."""

    def __init__(self, socket: ControllerSocket, listening: Callable[[str, Data, Heard], Data]) -> None:
        """`listening` gives an order that makes a pass, and tells its events meanwhile."""
        self._socket, self._listening = socket, listening

    def list(self, standing: str) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("proposals", standing=standing)["proposals"]
        return found

    def show(self, id_: str) -> Data:
        found: Data = self._socket.get(f"proposals/{id_}")
        return found

    def open(self, title: str, reason: str, change: Change) -> Data:
        found: Data = self._socket.post("proposals", {"title": title, "reason": reason, **_asked(change)}, patient=True)
        return found

    def revise(self, id_: str, reason: str, change: Change) -> Data:
        found: Data = self._socket.post(f"proposals/{id_}/revisions", {"reason": reason, **_asked(change)}, patient=True)
        return found

    def approve(self, shown: Data, reason: str, heard: Heard | None) -> Data:
        body = {"tip": shown["proposal"]["tip"], "digests": list(shown["digests"]), "reason": reason}
        where = f"proposals/{shown['proposal']['id']}/approval"
        if heard is not None:
            return self._listening(where, body, heard)
        found: Data = self._socket.post(where, body, patient=True)
        return found

    def reject(self, id_: str, reason: str) -> Data:
        found: Data = self._socket.post(f"proposals/{id_}/rejection", {"reason": reason}, patient=True)
        return found

    def request_changes(self, id_: str, reason: str) -> Data:
        found: Data = self._socket.post(f"proposals/{id_}/change-requests", {"reason": reason}, patient=True)
        return found


def _asked(change: Change) -> dict[str, Any]:
    """A change as the API takes it. Raises Refused for what no JSON text can hold."""
    if change.files is None:
        return {"edits": [_edit(item) for item in change.edits]}
    try:
        return {"files": {path: None if content is None else content.decode() for path, content in change.files.items()}}
    except UnicodeDecodeError as error:
        raise Refused("a file of it is not text, which a running controller does not take: push a branch instead") from error


def _edit(item: object) -> dict[str, Any]:
    if isinstance(item, SetValue):
        return {"op": "set", "key": str(item.target), "path": list(item.path), "value": item.value}
    if isinstance(item, RemoveValue):
        return {"op": "unset", "key": str(item.target), "path": list(item.path)}
    assert isinstance(item, RemoveDocument)  # noqa: S101 (no verb makes another one)
    return {"op": "remove", "key": str(item.target)}
