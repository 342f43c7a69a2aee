"""Records at ZoneEdit, which has three writes and no read: what is there is what the authoritative servers say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event as Flag

from controller.clients.dns.authority import Agreed, Said, Untold, ask, folded
from controller.clients.dns.public_address import PublicAddress
from controller.clients.dns.servers import Servers
from controller.clients.zoneedit import Account
from controller.core.change import Change
from controller.core.dns import RecordPlace
from controller.core.errors import ProviderError, Transient
from controller.core.key import Key
from controller.core.limit import YES, Ask, Limit, Never, Wait
from controller.core.ports import Clock
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target, Unknown
from controller.kinds.record.following import Following
from controller.kinds.record.zoneedit_asks import asked
from controller.kinds.record.zoneedit_shows import at, book_name, in_vain, not_shown, seen, shown, texts, values_of, waiting
from controller.kinds.record.zoneedit_writes import PATIENCE, Result, Writes

LONGEST_TEXT = 255
_ZONES = 8


class ZoneEditRecords(Following):
    """Records behind one connection: see the laws of the port. What ZoneEdit accepted and the world does not show yet is Unknown
    until its time is over, so it is neither planned again nor taken for lost; after that it is told as Degraded. What has no
    request becomes an ask."""

    visible_within = 0.0
    """What may still show is Unknown by itself: the engine need not wait for it blindly."""
    gather = 2.0
    """Hosts of a zone that get the same address share one request, and ZoneEdit's limit."""

    def __init__(self, account: Account, servers: Servers, addresses: Mapping[int, PublicAddress], clock: Clock) -> None:
        super().__init__(addresses, clock)
        self._account = account
        self._servers = servers
        self._writes = Writes(account, self._look, clock)
        self._known: dict[Key, Present] = {}

    def adapt(self, state: State, applied: State | None) -> State:
        """With the public address in it, and without a TTL: ZoneEdit's cannot be set, so it is never compared."""
        followed = super().adapt(state, applied)
        return {name: value for name, value in followed.items() if name != "ttl"} if "ttl" in followed else followed

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """What the authoritative servers say about the targets. Records that nobody asks about cannot be found here."""
        places = {target: RecordPlace.parse(target.address) for target in targets}
        said = self._look(places.values())
        try:
            items: dict[Key, Observed] = {
                target.key: self._observed(target, place, said[place]) for target, place in places.items()
            }
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        untold = next((each for each in said.values() if isinstance(each, Untold)), None)
        if untold is not None and all(isinstance(each, Untold) for each in said.values()):
            return Snapshot({}, complete=False, reason=untold.why)
        return Snapshot(items)

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Make the change; see the laws of the port."""
        (result,) = self._writes.make([change], interrupt)
        if isinstance(result, ProviderError):
            raise result
        return result

    def apply_many(self, changes: Sequence[Change], interrupt: Flag) -> Sequence[Result]:
        """Each change on its own, but for hosts of one zone that get the same address."""
        return self._writes.make(changes, interrupt)

    def health(self, target: Target) -> tuple[Health, str]:
        """Healthy when every authoritative server that answers says the same and shows what was sent."""
        place = RecordPlace.parse(target.address)
        said = self._look([place])[place]
        observed = self._observed(target, place, said)
        if isinstance(observed, Present):
            return observed.health, observed.why
        if isinstance(observed, Unknown):
            return Health.UNKNOWN if isinstance(said, Untold) else Health.PROGRESSING, observed.reason
        return Health.MISSING, "there is no such record"

    def limit(self, change: Change) -> Limit:
        """What ZoneEdit's interface can do, and when."""
        if not change.action.writes:
            return YES
        try:
            return self._limit(change, RecordPlace.parse(change.address))
        except ProviderError:
            return YES  # the file that remembers cannot be read: `apply` says so

    def _limit(self, change: Change, place: RecordPlace) -> Limit:
        connection = self._account.connection
        token = connection.tokens.get(place.zone)
        if token is None:
            return Ask(asked(change, f"connection {connection.name!r} has no token for {place.zone}"))
        why = self._only_by_hand(change, place)
        if why:
            return Ask(asked(change, why))
        refusal = self._account.refusal(place.zone)
        if refusal:
            return Never(f"{refusal}; put the right one with `homelab secret set {token.ref}`")
        until = self._account.closed_until(place.zone, place.name, place.type)
        if until is not None and (place.type == "A" or until - self._clock.now() > PATIENCE):
            every = connection.dynamic_every if place.type == "A" else connection.txt_every
            return Wait(until, f"ZoneEdit takes one request in {every:.0f} s for {place.name}: not before {at(until)}")
        return YES

    def _only_by_hand(self, change: Change, place: RecordPlace) -> str:
        """Why this change has no request, "" = it has."""
        before, after = values_of(change.before), values_of(change.after)
        if place.type == "TXT":
            return _text_by_hand(change, texts(before), texts(after))
        if place.type != "A":
            return f"ZoneEdit's interface cannot write {place.type} records"
        if len(before) != 1 or len(after) != 1:
            return "ZoneEdit's interface can only change the one address of a host that is a DYN record already"
        known = self._account.book(book_name(place)).asked
        if known is not None and known.before == before:
            return f"{place.name} is not a DYN record there ({known.why})"
        return ""

    def _look(self, places: Iterable[RecordPlace]) -> dict[RecordPlace, Said]:
        zones: dict[str, list[RecordPlace]] = {}
        for place in places:
            zones.setdefault(place.zone, []).append(place)
        if len(zones) <= 1:
            return {place: said for zone in zones for place, said in self._look_at(zone, zones[zone]).items()}
        with ThreadPoolExecutor(max_workers=min(_ZONES, len(zones)), thread_name_prefix="zone") as pool:
            looks = pool.map(lambda zone: self._look_at(zone, zones[zone]), zones)
            return {place: said for found in looks for place, said in found.items()}

    def _look_at(self, zone: str, places: Sequence[RecordPlace]) -> dict[RecordPlace, Said]:
        try:
            answers = ask(self._servers.of(zone), [(place.name, place.type) for place in places])
        except Transient as error:
            return dict.fromkeys(places, Untold(str(error)))
        return {place: folded(answers[place.name, place.type]) for place in places}

    def _observed(self, target: Target, place: RecordPlace, said: Said) -> Observed:
        if not isinstance(said, Agreed):
            return Unknown(said.why if isinstance(said, Untold) else f"the authoritative servers disagree: {said.why}")
        book, now = self._account.book(book_name(place)), self._clock.now()
        live = sorted(said.values)
        unseen = waiting(book, live, now)
        if unseen:
            return Unknown(f"{place.name}: {not_shown(unseen[-1])}")
        with suppress(ProviderError):  # it is only forgotten later
            self._account.mark(book_name(place), seen(book, live, now))
        if not live:
            return ABSENT
        vain = in_vain(book, live, now)
        health, why = Health.HEALTHY, "; ".join(said.trouble)
        if vain:
            sent = vain[-1]
            health = Health.DEGRADED
            why = f"ZoneEdit accepted {sent.verb} {sent.value} at {at(sent.shows.start)} and it never showed"
        present = Present(shown(place, live), target.address, Owner.FOREIGN, health, why)
        known = self._known.setdefault(target.key, present)
        if known != present:
            known = self._known[target.key] = present
        return known


def _text_by_hand(change: Change, before: set[bytes], after: set[bytes]) -> str:
    strange = [value for value in before ^ after if not _plain(value)]
    if strange:
        return (
            f"a text of more than {LONGEST_TEXT} bytes, or with quotes, backslashes or letters beyond ASCII, is not known to "
            "come through ZoneEdit's interface unchanged"
        )
    if change.drift and before - after:
        return "somebody added a value, which is not removed without a person: declare it, or remove it"
    return ""


def _plain(value: bytes) -> bool:
    return 0 < len(value) <= LONGEST_TEXT and all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in value)
