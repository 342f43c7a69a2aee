"""Notices: who is told what happens, what they were told, and a test whether messages arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from controller.core.errors import HomelabError, Refused, Severity
from controller.core.event import Event, Report
from controller.core.notice import Message, Recipient, Sender, Topic, Undelivered
from controller.core.ports import Clock, Store, Vault
from controller.core.run import Run
from controller.core.suggest import did_you_mean
from controller.usecases.notify import Parcel, data_of, decide, memory_of, quiet
from controller.usecases.notify_scene import RUN_ENDS, scene

FACT = "notices"
_PAGE = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0
"""Seconds until a target that failed is tried again, twice as long after each further failure."""


@dataclass(frozen=True, slots=True)
class TargetView:
    """A target as people see it, never its address. Times in seconds since the epoch, 0 = never; `error` "" = the last message
    arrived, or there was none; `waiting` are messages that are still to be sent."""

    name: str
    ref: str
    events: tuple[str, ...]
    quiet: str
    repeat: float
    sent: float
    error: str
    failing: float
    waiting: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whether a test message arrived at a target; `error` says why not."""

    name: str
    arrived: bool
    error: str = ""


class Notices:
    """The use cases of notifications. `recipients` are those of the specification that counts; `tell` takes an event; `house`
    stands in front of every message. What was told is a fact of the store, so that the next leader goes on where this one ended.
    For many threads."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        sender: Sender,
        recipients: Callable[[], Sequence[Recipient]],
        tell: Callable[[Event], None],
        house: str,
    ) -> None:
        self._store, self._clock, self._vault, self._sender = store, clock, vault, sender
        self._recipients, self._tell, self._house = recipients, tell, house
        self._lock = Lock()
        self._under_way: dict[str, int] = {}

    def targets(self) -> tuple[TargetView, ...]:
        """Every declared target. Raises SpecError, SourceError while nothing valid is known."""
        known = (self._store.fact(FACT) or {}).get("targets", {})
        return tuple(_view(recipient, known.get(recipient.name) or {}) for recipient in self._recipients())

    def test(self, name: str = "") -> tuple[Arrival, ...]:
        """Send a test message now, to one target or to all, also in a quiet time. Raises Refused for an unknown name and where
        there is no target."""
        recipients = {recipient.name: recipient for recipient in self._recipients()}
        if not recipients:
            raise Refused("no notification target is declared; add one under `notifications` in homelab.yaml")
        if name and name not in recipients:
            hint = did_you_mean(name, recipients) or f"known: {', '.join(recipients)}"
            raise Refused(f"there is no notification target {name!r}; {hint}")
        message = Message(Topic.RECOVERED, f"{self._house}: test", "This is a test. What happens at home will be told here.")
        asked = [recipients[name]] if name else list(recipients.values())
        return tuple(self._tested(recipient, message) for recipient in asked)

    def take_in(self, report: Report | None) -> tuple[str, ...]:
        """Decide what everybody is to be told of a pass and of the events since the last one; names of the targets that have
        something to be sent. `report` None = the pass failed. Needs the lease."""
        recipients = report.recipients if report is not None else self._known()
        if not recipients:
            if report is not None and report.live:
                self._forget()
            return ()
        with self._lock:
            state = self._store.fact(FACT) or {"cursor": self._store.last_event(), "opened": {}, "targets": {}}
            events, cursor = self._events(state["cursor"])
            seen = scene(report, events, self._runs(events), state["opened"], self._vault.conceal)
            now, targets = self._clock.now(), {}
            for recipient in recipients:
                known = state["targets"].get(recipient.name) or {}
                memory = decide(recipient, memory_of(known), seen, now, self._under_way.get(recipient.name, 0))
                targets[recipient.name] = {**known, **data_of(memory)}
            made = {"cursor": cursor, "opened": dict(seen.opened), "targets": targets}
            if made != state:
                self._store.remember(FACT, made)
        return tuple(recipient.name for recipient in recipients if self._ready(recipient, targets[recipient.name], now))

    def deliver(self, name: str) -> None:
        """Send what waits for a target, one message after the other, until nothing does or one does not arrive. Nothing when
        somebody is at it already."""
        recipient = next((each for each in self._recipients() if each.name == name), None)
        while recipient is not None and (parcel := self._take(name)):
            try:
                error = self._brought(recipient, parcel)
                self._ended(name, parcel.number, error)
            finally:
                with self._lock:
                    del self._under_way[name]
            if error:
                return

    def _known(self) -> Sequence[Recipient]:
        try:
            return self._recipients()
        except HomelabError:
            return ()

    def _tested(self, recipient: Recipient, message: Message) -> Arrival:
        try:
            self._send(recipient, message)
        except Undelivered as error:
            return Arrival(recipient.name, False, str(error))
        return Arrival(recipient.name, True)

    def _brought(self, recipient: Recipient, parcel: Parcel) -> str:
        """Send a parcel; "" = it arrived, else why not."""
        try:
            self._send(recipient, parcel.message(self._clock.now(), recipient.zone, self._house))
        except Undelivered as failure:
            return str(failure)
        except Exception as failure:  # noqa: BLE001 (what nobody foresaw must not lose the message either)
            return f"{type(failure).__name__} while it was sent"
        return ""

    def _send(self, recipient: Recipient, message: Message) -> None:
        try:
            self._vault.keep([recipient.url])  # a value from outside the vault may have been swept up since
            url = self._vault.reveal(recipient.url)
        except (KeyError, HomelabError):
            ref = recipient.url.ref
            raise Undelivered(f"its address {ref!r} is not in the vault; set it: `homelab secret set {ref}`") from None
        self._sender.send(url, message)

    def _ready(self, recipient: Recipient, known: Mapping[str, Any], now: float) -> bool:
        return bool(known["parcels"]) and not quiet(recipient, now) and known.get("again", 0.0) <= now

    def _take(self, name: str) -> Parcel | None:
        """The parcel that is sent next, marked as under way until whoever takes it says otherwise; None = nothing waits, or
        somebody sends one now."""
        with self._lock:
            memory = memory_of((self._store.fact(FACT) or {}).get("targets", {}).get(name))
            if name in self._under_way or not memory.parcels:
                return None
            self._under_way[name] = memory.parcels[0].number
            return memory.parcels[0]

    def _ended(self, name: str, number: int, error: str) -> None:
        """Write down how a parcel fared; a target that fails is told of once, and once when it works again."""
        now, before = self._clock.now(), list[str]()

        def with_it(state: Any) -> Any:
            known = ((state or {}).get("targets") or {}).get(name)
            if known is None:
                return state
            before.append(known.get("error", ""))
            return {**state, "targets": {**state["targets"], name: {**known, **_fared(known, number, error, now)}}}

        with self._lock:
            self._store.revise(FACT, with_it)
        if error and before == [""]:
            said = f"notification target {name}: {error}"
            self._tell(Event(now, "NotifyFailed", said, Severity.WARNING))
        elif before and before[0] and not error:
            self._tell(Event(now, "NotifyWorks", f"notification target {name} takes messages again"))

    def _events(self, cursor: int) -> tuple[list[Event], int]:
        found: list[Event] = []
        while page := self._store.events(cursor, _PAGE):
            found += page
            cursor = page[-1].number
        return found, cursor

    def _runs(self, events: Sequence[Event]) -> Mapping[str, Run]:
        named = {event.run for event in events if event.reason in RUN_ENDS and event.run}
        return {name: run for name in named if (run := self._store.run(name)) is not None}

    def _forget(self) -> None:
        """Nobody wants to hear anything: who is declared later is not told of what was before."""
        with self._lock:
            if self._store.fact(FACT) is not None:
                self._store.remember(FACT, None)


def failing(store: Store) -> Mapping[str, str]:
    """Targets whose last message did not arrive, with why."""
    known = (store.fact(FACT) or {}).get("targets", {})
    return {name: item["error"] for name, item in known.items() if item.get("error")}


def _fared(known: Mapping[str, Any], number: int, error: str, now: float) -> Mapping[str, Any]:
    if error:
        pause = min(2 * known.get("pause", _FIRST_PAUSE / 2), _LONGEST_PAUSE)
        return {"error": error, "failing": known.get("failing") or now, "pause": pause, "again": now + pause}
    sent = data_of(memory_of(known).without(number))
    return {**sent, "sent": now, "error": "", "failing": 0.0, "pause": _FIRST_PAUSE / 2, "again": 0.0}


def _view(recipient: Recipient, known: Mapping[str, Any]) -> TargetView:
    window = recipient.quiet
    return TargetView(
        name=recipient.name,
        ref=recipient.url.ref,
        events=tuple(topic.value for topic in Topic if topic in recipient.topics),
        quiet=f"{' '.join(window.days)} {window.start}-{window.end}".strip() if window is not None else "",
        repeat=recipient.repeat,
        sent=known.get("sent", 0.0),
        error=known.get("error", ""),
        failing=known.get("failing", 0.0),
        waiting=len(known.get("parcels", ())),
    )
