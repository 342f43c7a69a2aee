"""Devices behind one Home Assistant: looked at without a call, told by the services of their domain, followed by its events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from threading import Event as Flag
from typing import Any

from controller.clients.homeassistant import Happening, Home, Shown
from controller.core.change import Change
from controller.core.errors import Conflict, Deferred, Permanent, ProviderError, Transient
from controller.core.key import Key
from controller.core.limit import YES, Limit, Never, Wait
from controller.core.ports import Clock, Vault
from controller.core.secret import secret_in
from controller.core.state import Observed, Present, Receipt, Snapshot, Target
from controller.core.suggest import did_you_mean
from controller.kinds.device.actuator import Actuator, differing, under_way
from controller.kinds.device.discover import FindsDevices
from controller.kinds.device.domain import STATE, Domain, Values
from controller.kinds.device.domains import domain_of
from controller.kinds.device.limits import Limiter, unable
from controller.kinds.device.openings import opens
from controller.kinds.device.resolve import attended
from controller.kinds.device.seen import Glimpse, Memory, grouped, lost

_CONFIRM = 30.0
_REST = {STATE: "off", "power": "off"}


class DeviceProvider(FindsDevices):
    """The entities of one Home Assistant. `vault` holds the codes of locks and alarm panels."""

    visible_within = 0.0
    settle = 0.005
    """Seconds in which the events of one happening are gathered: a state comes with all its attributes."""

    def __init__(self, home: Home, vault: Vault, clock: Clock) -> None:
        self._home = home
        self._vault = vault
        self._clock = clock
        self._memory = Memory(clock)
        self._limiter = Limiter(home, clock, self._memory)
        self._keys: dict[str, Key] = {}
        self._awaited: dict[Key, frozenset[str]] = {}
        self._told: dict[str, Observed] = {}
        self._looks: dict[str, tuple[Shown | None, Mapping[str, Any] | None, str, Observed]] = {}

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """Every target, from what Home Assistant told; the same objects as before while nothing moved."""
        try:
            states, entries, me = self._home.states(), self._home.entities(), self._home.me
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        items: dict[Key, Observed] = {}
        for target in targets:
            entity = target.address
            shown, entry = states.get(entity), entries.get(entity)
            known = self._looks.get(entity)
            if known is None or known[0] is not shown or known[1] is not entry or known[2] != me or grouped(shown):
                glimpse = self._memory.take(entity, shown, entry, states)
                known = self._looks[entity] = shown, entry, me, self._memory.named(entity, glimpse, me)
                self._told.setdefault(entity, glimpse.observed)
            items[target.key] = known[3]
            self._keys[entity] = target.key
        return Snapshot(items)

    def limit(self, change: Change) -> Limit:
        """Whether it may be written now."""
        rules: Mapping[str, Any] = (change.after or {}).get("rules", {})
        answer = self._limiter.limit(change)
        if answer is YES or not rules.get("conditions"):
            self._awaited.pop(change.key, None)
        else:
            self._awaited[change.key] = frozenset(each["entity"] for each in rules["conditions"])
        return answer

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Tell the entity what to be, and wait until it is. An undo brings back what we declared, and what the entity has no
        value for now; it opens nothing that was shut."""
        entity, domain = change.address, domain_of(change.address)
        if change.after is None:
            return Receipt(entity, None)
        glimpse = self._glimpse(entity)
        shown = glimpse.shown
        if shown is None:
            raise self._gone(change)
        if lost(shown):
            raise Transient(f"{entity} is {shown.state}: nothing is sent before it is back")
        live = glimpse.values or {}
        wanted = _wanted(change, domain, live) if domain is not None else {}
        missing = differing(domain, wanted, live) if domain is not None else {}
        if domain is not None and missing:
            _expect(change, domain, live, wanted, _guard(glimpse))
            if _forward(change) and missing != under_way(domain, missing, live):
                self._permitted(change, wanted, glimpse)
            contexts: list[str] = []
            self._actuator(change, domain, contexts).bring(wanted, shown, interrupt)
            glimpse = self._glimpse(entity)
            self._memory.done(contexts)
            self._looks.pop(entity, None)  # whose calls they were is known by now
        observed = glimpse.observed
        if not isinstance(observed, Present):
            raise Transient(f"{entity} went away after it had followed")
        return Receipt(observed.handle, observed.state)

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell the key of a device that shows something else than was last seen, and of one whose condition moved."""

        def heard(happening: Happening | None) -> None:
            if happening is None:
                self._looks.clear()
                self._told.clear()  # what was told before says nothing of what is new to the next look
                moved(None)
                return
            for key in self._moved(happening):
                moved(key)

        self._home.listen(heard, stop, ("state", "entity"))

    def audit(self) -> None:
        """Read everything anew with the next look."""
        self._home.audit()

    def _moved(self, happening: Happening) -> list[Key]:
        entity = happening.id
        found, key = [each for each, named in list(self._awaited.items()) if entity in named], self._keys.get(entity)
        if key is None:
            return found
        try:
            now = self._glimpse(entity, fresh=happening.kind == "entity").observed
        except ProviderError:
            return found  # that it cannot be looked at is told by itself
        before, self._told[entity] = self._told.get(entity), now
        return found if now == before else [key, *found]

    def _glimpse(self, entity: str, *, fresh: bool = False) -> Glimpse:
        """An entity now. Its entry in the registry is read only when it matters: reading it anew is one long answer."""
        states, known = self._home.states(), self._memory.of(entity)
        shown = states.get(entity)
        entry = known.entry if known is not None and shown is not None and not fresh else self._home.entities().get(entity)
        return self._memory.take(entity, shown, entry, states)

    def _permitted(self, change: Change, wanted: Values, glimpse: Glimpse) -> None:
        """The plan may be minutes old: what a person did since counts, a window that closed, and a new member of a group."""
        if glimpse.shown is not None and (why := unable(change.address, wanted, glimpse.shown)):
            raise Permanent(why)
        guard = _guard(glimpse)
        if guard and not attended(change.before, change.after):
            raise Transient(f"{guard}, which the plan did not know; it is made anew")
        allowed, kept = self._limiter.allows(change), self._limiter.kept(change)
        if isinstance(kept, Wait):  # part of what is expected here is somebody's wish: an undo must not touch it either
            raise Conflict(kept.why)
        if isinstance(allowed, Wait):
            raise Deferred(allowed.why, allowed.until)
        if isinstance(allowed, Never):
            raise Transient(allowed.why)

    def _gone(self, change: Change) -> ProviderError:
        hint = did_you_mean(change.address, {*self._home.states(), *self._home.entities()})
        return Conflict(f"Home Assistant has no {change.address}" + (f"; {hint}" if hint else ""))

    def _actuator(self, change: Change, domain: Domain, contexts: list[str]) -> Actuator:
        rules: Mapping[str, Any] = {**(change.before or {}).get("rules", {}), **(change.after or {}).get("rules", {})}
        version = secret_in(rules.get("code"))

        def reveal() -> str:
            assert version is not None  # noqa: S101 (it is called only when there is one)
            try:
                self._vault.keep([version])
                return self._vault.reveal(version)
            except KeyError as error:
                raise Permanent(f"the code of {change.address} is not in the vault: {version.ref}") from error

        def sent(context: str) -> None:
            self._memory.sent(context)
            contexts.append(context)

        seconds, code = float(rules.get("confirm", _CONFIRM)), reveal if version is not None else None
        return Actuator(self._home, self._clock, change.address, domain, seconds, code, sent)


def _forward(change: Change) -> bool:
    """False for an undo: it brings back what was seen, which has no rules."""
    return "rules" in (change.after or {}) or "rules" not in (change.before or {})


def _wanted(change: Change, domain: Domain, live: Values) -> dict[str, Any]:
    """The values to bring about."""
    after: Values = (change.after or {})["desired"]
    if _forward(change):
        return dict(after)
    declared: Values = (change.before or {})["desired"]
    resting = {word: value for word, value in after.items() if _REST.get(word) == value and domain.rest}
    if resting:
        return resting
    tied = {word for group in domain.apart if group & declared.keys() for word in group}
    return {word: value for word, value in after.items() if word in declared or word in tied or word not in live}


def _guard(glimpse: Glimpse) -> str:
    observed = glimpse.observed
    return str(observed.state["guard"]) if isinstance(observed, Present) else ""


def _expect(change: Change, domain: Domain, live: Values, wanted: Values, guard: str) -> None:
    """Law 1, over what is declared; and what no undo may do."""
    if change.before is None:
        raise Conflict(f"{change.address} is there already, and is not so")
    before, after = change.before["desired"], (change.after or {})["desired"]
    # A write that was cut short left some values as they were.
    moved = [
        word
        for word in (after if _forward(change) else before)
        if not any(_alike(domain, word, side.get(word), live.get(word)) for side in (before, after))
    ]
    if moved:
        raise Conflict(f"{change.address} moved meanwhile: {', '.join(moved)}")
    if not _forward(change) and opens(wanted) and (guard or attended(change.before, change.after)):
        raise Conflict(f"{change.address} stays shut: only a person opens it again")


def _alike(domain: Domain, word: str, before: Any, live: Any) -> bool:
    if before is None or live is None:
        return before is live
    return before == live or domain.near(word, before, live) or bool(under_way(domain, {word: before}, {word: live}))
