"""Zones behind a provider package of octoDNS: read as a whole, changed only where an edit says so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.clients.dns.primary import Edit, RecordSet
from controller.clients.dns.values import same_values
from controller.clients.octodns.spelling import data_of, held, label, objection, unclear
from controller.clients.octodns.surface import Change, Plan, Provider, Record, Zone, narrowed, new_record, new_zone
from controller.clients.octodns.translating import Translated
from controller.clients.tally import asking
from controller.core.errors import Conflict, Permanent, ProviderError, Transient


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a provider can hold: record types, and the smallest TTL in seconds (0 = not told)."""

    types: frozenset[str]
    least_ttl: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A set of records as a provider holds it. `peculiar` says what of it only the provider understands, "" = nothing;
    `unwritable` why it must be left as it is, "" = it may be changed."""

    records: RecordSet
    peculiar: str = ""
    unwritable: str = ""


class Octodns:
    """One provider. `options` are the words of its class, `secrets` those that are revealed each time they are needed. Every look
    and every write is done by a new provider: many keep what they read for as long as they live. Every method raises Transient
    or Permanent."""

    def __init__(
        self, made: Callable[..., Provider], options: Mapping[str, Any], secrets: Mapping[str, Callable[[], str]]
    ) -> None:
        self._made = made
        self._options = options
        self._secrets = secrets
        self._abilities: Abilities | None = None

    def abilities(self) -> Abilities:
        """What it can hold. Asks nobody."""
        return self._abilities or _abilities(self._new()[0])

    def zone(self, zone: str) -> Mapping[tuple[str, str], Standing]:
        """Every set of records of a zone that the provider can tell, by full name and type. Permanent when there is no such
        zone."""
        with Translated(f"{zone} cannot be read"):
            return {place: _standing(record) for place, record in _by_place(self._populated(zone, *self._new())).items()}

    def change(self, zone: str, edits: Sequence[Edit]) -> None:
        """Make all edits. Conflict when one set is not what its edit expects, Permanent when one cannot be held; then nothing was
        done. What the provider stored otherwise than it should is put back, and Permanent."""
        self._write(zone, edits)
        found = self.zone(zone)
        wrong = [edit for edit in edits if not _stands(found, edit)]
        if not wrong:
            return
        said = "; ".join(f"{edit.name} {edit.type} as {_told(found, edit)}" for edit in wrong)
        back = [_back(edit, _live(found, edit)) for edit in wrong]
        try:
            self._write(zone, back)
        except ProviderError as error:
            raise Permanent(f"the provider stores {said}, and it could not be put back: {error}") from error
        raise Permanent(f"the provider stores {said}; it was put back as it was")

    def _write(self, zone: str, edits: Sequence[Edit]) -> None:
        provider, secrets = self._new()
        existing = self._populated(zone, provider, secrets)
        places = _by_place(existing)
        for edit in edits:
            _expect(places.get((edit.name, edit.type)), edit)
        desired = existing.copy()
        for edit in edits:
            _put(desired, zone, edit, places.get((edit.name, edit.type)))
        _alone(desired, edits)
        if not provider.SUPPORTS_ROOT_NS and (zone, "NS") in places:
            desired.remove_record(places[zone, "NS"])
        with Translated(f"{zone} cannot be changed", secrets):
            plan = provider.plan(desired)
            ours = self._ours(plan, edits)
            if plan is not None:
                with asking("octodns"):
                    provider.apply(narrowed(plan, ours))

    @staticmethod
    def _ours(plan: Plan | None, edits: Sequence[Edit]) -> Sequence[Change]:
        """The changes of a plan that the edits ask for: one each, from what they expect. Raises Permanent, Conflict."""
        changes = {_place(change.record): change for change in (plan.changes if plan is not None else ())}
        for edit in edits:
            change = changes.get((edit.name, edit.type))
            if change is None:
                raise Permanent(
                    f"{edit.name} {edit.type}: the provider sees nothing to change; it may not keep such a TTL or value"
                )
            _expect(change.existing, edit)
        return [changes[edit.name, edit.type] for edit in edits]

    def _new(self) -> tuple[Provider, Sequence[str]]:
        revealed: dict[str, str] = {}
        for word, secret in self._secrets.items():
            try:
                revealed[word] = secret()
            except KeyError as error:
                raise Transient(f"the secret of the option {word!r} is not in the vault") from error
        secrets = tuple(revealed.values())
        with Translated("the provider does not take its options", secrets):
            provider = self._made("homelab", **self._options, **revealed)
        provider.log.setLevel(logging.CRITICAL)  # what it has to say is told once, by the errors
        self._abilities = _abilities(provider)
        return provider, secrets

    def _populated(self, zone: str, provider: Provider, secrets: Sequence[str]) -> Zone:
        found = new_zone(zone)
        with Translated(f"{zone} cannot be read", secrets), asking("octodns"):
            if provider.populate(found, target=True, lenient=True) is False:
                self._doubt(zone, provider)
        return found

    def _doubt(self, zone: str, provider: Provider) -> None:
        """There is no such zone, it is empty, or this is a provider that writes zones anew and therefore reads none."""
        names: Callable[[], Collection[str]] | None = getattr(provider, "list_zones", None)
        if names is None or f"{zone}." not in {str(name) for name in names()}:
            raise Permanent(f"the provider has no zone {zone}; make the zone there first")
        whole = new_zone(zone)
        self._new()[0].populate(whole, lenient=True)
        if whole.records:
            raise Permanent("this provider only writes zones as a whole: what is not declared here would be lost")


def _abilities(provider: Provider) -> Abilities:
    least = getattr(provider, "min_ttl", 0)
    return Abilities(frozenset(provider.SUPPORTS), least if isinstance(least, int) else 0)


def _place(record: Record) -> tuple[str, str]:
    return record.fqdn.removesuffix(".").lower(), record._type


def _by_place(zone: Zone) -> dict[tuple[str, str], Record]:
    return {_place(record): record for record in zone.records}


def _standing(record: Record) -> Standing:
    records = held(record)
    rules = [word for word in ("dynamic", "geo") if getattr(record, word, None)]
    why = f"it has rules ({', '.join(rules)}) that only its provider understands" if rules else ""
    own = ", ".join(sorted(record.octodns))
    peculiar = f"it has settings of its provider ({own})" if own else ""
    return Standing(records, peculiar, why or unclear(record._type, records.values))


def _expect(live: Record | None, edit: Edit) -> None:
    """Raises Conflict for what is not as expected, Permanent for what could not be put back."""
    standing = _standing(live) if live is not None else None
    if not _shows(standing.records if standing else None, edit.before):
        what = f"holds {', '.join(standing.records.values)}" if standing else "is gone"
        raise Conflict(f"{edit.name} {edit.type} is not what the change expects: it {what}")
    if standing is not None:
        why = standing.unwritable or (standing.peculiar if edit.after is None else "")
        if why:
            raise Permanent(f"{edit.name} {edit.type}: {why}; change it at the provider")


def _put(desired: Zone, zone: str, edit: Edit, live: Record | None) -> None:
    if edit.after is None:
        if live is not None:
            desired.remove_record(live)
        return
    why = objection(zone, edit.name, edit.type, edit.after.values, edit.ttl)
    if why:
        raise Permanent(f"{edit.name} {edit.type}: {why}")
    data = data_of(edit.type, edit.after.values, edit.ttl)
    own = {"octodns": live.octodns} if live is not None and live.octodns else {}
    desired.add_record(new_record(desired, label(edit.name, zone), {**data, **own}), replace=True, lenient=True)


def _alone(desired: Zone, edits: Sequence[Edit]) -> None:
    """An alias stands beside nothing. Raises Conflict."""
    types: dict[str, set[str]] = {}
    for name, kind in _by_place(desired):
        types.setdefault(name, set()).add(kind)
    for edit in edits:
        found = types.get(edit.name, set())
        if edit.after is not None and "CNAME" in found and len(found) > 1:
            raise Conflict(f"{edit.name} {edit.type}: an alias cannot stand beside other records ({', '.join(sorted(found))})")


def _back(edit: Edit, live: RecordSet | None) -> Edit:
    return Edit(edit.name, edit.type, live, edit.before, edit.before.ttl if edit.before is not None else 0)


def _live(found: Mapping[tuple[str, str], Standing], edit: Edit) -> RecordSet | None:
    standing = found.get((edit.name, edit.type))
    return standing.records if standing is not None else None


def _told(found: Mapping[tuple[str, str], Standing], edit: Edit) -> str:
    live = _live(found, edit)
    return f"{', '.join(live.values)} (TTL {live.ttl})" if live is not None else "nothing"


def _stands(found: Mapping[tuple[str, str], Standing], edit: Edit) -> bool:
    """True when an edit shows, or does not show yet."""
    live = _live(found, edit)
    return _shows(live, edit.after) or _shows(live, edit.before)


def _shows(live: RecordSet | None, wanted: RecordSet | None) -> bool:
    if live is None or wanted is None:
        return live is wanted
    return wanted.ttl in (0, live.ttl) and same_values(live.values, wanted.values)
