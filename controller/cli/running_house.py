"""The house behind a running controller."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from threading import Condition, Thread
from typing import TYPE_CHECKING

from controller.cli.controller_socket import ControllerSocket
from controller.cli.exits import Answered
from controller.cli.house import Data, Heard
from controller.cli.proposal_desk import ProposalDesk
from controller.cli.running_proposals import RunningProposals

if TYPE_CHECKING:
    from controller.cli.people_desk import PeopleDesk


class RunningHouse:
    """`house.House` over the controller's socket."""

    running = True

    def __init__(self, socket: ControllerSocket) -> None:
        self._socket = socket
        self.proposals: ProposalDesk = RunningProposals(socket, self._listening)

    @cached_property
    def people(self) -> PeopleDesk:
        # Few verbs need it, and all that it loads would slow down the others.
        from controller.cli.people_desk import RunningPeople

        return RunningPeople(self._socket)

    def now(self) -> float:
        return self._socket.now

    def status(self) -> Data:
        found: Data = self._socket.get("status")
        return found

    def plan(self, *, worktree: bool = False) -> Data:
        found: Data = self._socket.get("plan", worktree=worktree)
        return found

    def history(self, limit: int) -> Sequence[Data]:
        return self._socket.pages("history", "runs", limit, 200)

    def run(self, name: str) -> Data:
        found: Data = self._socket.get(f"runs/{name}")
        return found

    def resource(self, key: str) -> Data:
        found: Data = self._socket.get(f"resources/{key}")
        return found

    def events(self, after: int, limit: int, key: str) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("events", after=after, limit=limit, key=key or None)["events"]
        return found

    def energy(self, days: int, via: str) -> Data:
        found: Data = self._socket.get("energy", days=days, via=via or None)
        return found

    def history_days(self, days: int) -> Data:
        found: Data = self._socket.get("history/days", days=days)
        return found

    def uptime(self, key: str, days: int) -> Data:
        found: Data = self._socket.get(f"uptime/{key}", days=days)
        return found

    def uptimes(self, days: int) -> Data:
        found: Data = self._socket.get("uptime", days=days)
        return found

    def domains(self) -> Data:
        found: Data = self._socket.get("domains")
        return found

    def topology(self) -> Data:
        found: Data = self._socket.get("topology")
        return found

    def commits(self, limit: int) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("revisions", limit=limit)["commits"]
        return found

    def compare(self, old: str, new: str) -> Data:
        found: Data = self._socket.get("compare", **{"from": old, "to": new})
        return found

    def patch(self, old: str, new: str) -> str:
        return "".join(self._socket.text("compare/patch", **{"from": old, "to": new}))

    def decisions(self) -> Data:
        found: Data = self._socket.get("decisions")
        return found

    def log(self, key: str, lines: int, back: float) -> str:
        return "".join(self._socket.text(f"logs/{key}", lines=lines, back=back))

    def follow_log(self, key: str, lines: int, back: float) -> Iterator[str]:
        return self._socket.text(f"logs/{key}", lines=lines, back=back, follow=True)

    def follow(self, after: int) -> Iterator[Data]:
        while True:
            for event in self._socket.events(after):
                after = event["number"]
                yield event

    def make_pass(self, cause: str, heard: Heard) -> Data:  # noqa: ARG002 (the controller knows the cause)
        done: Data = self._listening("sync", None, heard)["done"]
        return done

    def _listening(self, name: str, body: Data | None, heard: Heard) -> Data:
        """An order that makes a pass, waited for; `heard` is told of every event meanwhile."""
        ear = _Ear(self._socket, heard)
        answer: Data = self._socket.post(name, body, patient=True, wait=True)
        ear.hear_out({run["id"] for run in answer["done"]["runs"]})
        return answer

    def kick(self) -> None:
        self._socket.post("sync")

    def decide(self, approve: bool, digests: Sequence[str], reason: str) -> Sequence[str]:
        name = "approvals" if approve else "rejections"
        found: Sequence[str] = self._socket.post(name, {"digests": list(digests), "reason": reason})["digests"]
        return found

    def retry(self, target: str) -> Sequence[str]:
        found: Sequence[str] = self._socket.post("retry", {"target": target})["digests"]
        return found

    def renew(self, key: str) -> Data:
        found: Data = self._socket.post("renewals", {"key": key}, patient=True)
        return found

    def suspend(self, key: str, reason: str) -> None:
        self._socket.post("suspensions", {"key": key, "reason": reason})

    def resume(self, key: str) -> None:
        self._socket.delete(f"suspensions/{key}")

    def detach(self, keys: Sequence[str] | None) -> Data:
        found: Data = self._socket.post("detach", {"all": True} if keys is None else {"keys": list(keys)})
        return found

    def adopt(self, objects: Sequence[Data]) -> Data:
        found: Data = self._socket.post("adoptions", {"objects": list(objects)})
        return found

    def way_back(self, target: str) -> Data:
        found: Data = self._socket.get("rollback", target=target)
        return found

    def go_back(self, target: str, way: Data, heard: Heard) -> Data:
        return self._listening("rollback", {"target": target, "plan": way["plan"]["digest"]}, heard)

    def secrets(self) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("secrets")["secrets"]
        return found

    def set_secret(self, ref: str, value: str) -> Data:
        found: Data = self._socket.post("secrets", {"ref": ref, "value": value})
        return found

    def rotate_secret(self, ref: str, length: int | None) -> Data:
        found: Data = self._socket.post("secrets/rotations", {"ref": ref, "length": length})
        return found

    def export_secrets(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._socket.post("secrets/exports")["secrets"]
        return found

    def notifications(self) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("notifications")["targets"]
        return found

    def test_notifications(self, name: str) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.post("notifications/test", {"name": name}, patient=True)["results"]
        return found

    def invite(self) -> Data:
        found: Data = self._socket.post("invitations", {})
        return found

    def tokens(self) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("tokens")["tokens"]
        return found

    def issue(self, name: str, scopes: Sequence[str], days: float | None, *, assistant: bool = False) -> Data:
        found: Data = self._socket.post("tokens", {"name": name, "scopes": list(scopes), "days": days, "assistant": assistant})
        return found

    def revoke(self, name: str) -> None:
        self._socket.delete(f"tokens/{name}")

    def webhook(self, *, make: bool) -> str | None:
        answer = self._socket.post("webhook") if make else self._socket.get("webhook")
        found: str | None = answer["secret"]
        return found


class _Ear:
    """Listens to the controller's events on a thread of its own, from its making on."""

    _SECONDS = 2.0

    def __init__(self, socket: ControllerSocket, heard: Heard) -> None:
        self._socket = socket
        self._heard = heard
        self._news = Condition()
        self._listens = False
        self._finished: set[str] = set()
        Thread(target=self._listen, name="ear", daemon=True).start()
        with self._news:
            self._news.wait_for(lambda: self._listens, self._SECONDS)

    def hear_out(self, runs: Collection[str]) -> None:
        """Wait until the end of these runs was heard, but not for long: what they did is known already."""
        with self._news:
            self._news.wait_for(lambda: self._finished.issuperset(runs), self._SECONDS)

    def _listen(self) -> None:
        # The pass itself tells what goes wrong with the controller.
        with suppress(Answered):
            for event in self._socket.events(None, self._begun):
                self._heard(event)
                with self._news:
                    if event["reason"] == "RunFinished":
                        self._finished.add(event["run"])
                    self._news.notify_all()

    def _begun(self) -> None:
        with self._news:
            self._listens = True
            self._news.notify_all()
